"""Runnables: units of work, and how they are put together, run and streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.io import CancelToken
    from prill.runnables.base import Runnable, coerce_to_runnable
    from prill.runnables.binding import RunnableBinding
    from prill.runnables.branch import RunnableBranch
    from prill.runnables.config import (
        RunnableConfig,
        ensure_config,
        get_config_list,
        merge_configs,
        patch_config,
        run_in_executor,
    )
    from prill.runnables.config_fields import (
        ConfigurableField,
        ConfigurableFieldMultiOption,
        ConfigurableFieldSingleOption,
        ConfigurableFieldSpec,
    )
    from prill.runnables.each import RunnableEach
    from prill.runnables.engine.chunks import AddableDict, StreamRestart, aadd, add
    from prill.runnables.fallbacks import RunnableWithFallbacks
    from prill.runnables.function import RunnableLambda, chain
    from prill.runnables.generator import RunnableGenerator
    from prill.runnables.history import RunnableWithMessageHistory
    from prill.runnables.parallel import RunnableMap, RunnableParallel
    from prill.runnables.passthrough import RunnableAssign, RunnablePassthrough, RunnablePick
    from prill.runnables.router import RouterInput, RouterRunnable
    from prill.runnables.sequence import RunnableSequence
    from prill.runnables.serializable import RunnableSerializable

__all__ = [
    "AddableDict",
    "CancelToken",
    "ConfigurableField",
    "ConfigurableFieldMultiOption",
    "ConfigurableFieldSingleOption",
    "ConfigurableFieldSpec",
    "RouterInput",
    "RouterRunnable",
    "Runnable",
    "RunnableAssign",
    "RunnableBinding",
    "RunnableBranch",
    "RunnableConfig",
    "RunnableEach",
    "RunnableGenerator",
    "RunnableLambda",
    "RunnableMap",
    "RunnableParallel",
    "RunnablePassthrough",
    "RunnablePick",
    "RunnableSequence",
    "RunnableSerializable",
    "RunnableWithFallbacks",
    "RunnableWithMessageHistory",
    "StreamRestart",
    "aadd",
    "add",
    "chain",
    "coerce_to_runnable",
    "ensure_config",
    "get_config_list",
    "merge_configs",
    "patch_config",
    "run_in_executor",
]

if not TYPE_CHECKING:  # a type checker would believe that every name exists
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "AddableDict": "prill.runnables.engine.chunks",
            "CancelToken": "prill.io",
            "ConfigurableField": "prill.runnables.config_fields",
            "ConfigurableFieldMultiOption": "prill.runnables.config_fields",
            "ConfigurableFieldSingleOption": "prill.runnables.config_fields",
            "ConfigurableFieldSpec": "prill.runnables.config_fields",
            "RouterInput": "prill.runnables.router",
            "RouterRunnable": "prill.runnables.router",
            "Runnable": "prill.runnables.base",
            "RunnableAssign": "prill.runnables.passthrough",
            "RunnableBinding": "prill.runnables.binding",
            "RunnableBranch": "prill.runnables.branch",
            "RunnableConfig": "prill.runnables.config",
            "RunnableEach": "prill.runnables.each",
            "RunnableGenerator": "prill.runnables.generator",
            "RunnableLambda": "prill.runnables.function",
            "RunnableMap": "prill.runnables.parallel",
            "RunnableParallel": "prill.runnables.parallel",
            "RunnablePassthrough": "prill.runnables.passthrough",
            "RunnablePick": "prill.runnables.passthrough",
            "RunnableSequence": "prill.runnables.sequence",
            "RunnableSerializable": "prill.runnables.serializable",
            "RunnableWithFallbacks": "prill.runnables.fallbacks",
            "RunnableWithMessageHistory": "prill.runnables.history",
            "StreamRestart": "prill.runnables.engine.chunks",
            "aadd": "prill.runnables.engine.chunks",
            "add": "prill.runnables.engine.chunks",
            "chain": "prill.runnables.function",
            "coerce_to_runnable": "prill.runnables.base",
            "ensure_config": "prill.runnables.config",
            "get_config_list": "prill.runnables.config",
            "merge_configs": "prill.runnables.config",
            "patch_config": "prill.runnables.config",
            "run_in_executor": "prill.runnables.config",
        },
    )
