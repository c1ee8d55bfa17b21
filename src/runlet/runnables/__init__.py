"""Runnables: units of work, and how they are put together, run and streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runlet.lazy import lazy_names

if TYPE_CHECKING:
    from runlet.io import CancelToken
    from runlet.runnables.base import Runnable
    from runlet.runnables.binding import RunnableBinding
    from runlet.runnables.branch import RunnableBranch
    from runlet.runnables.chunks import AddableDict, StreamRestart, aadd, add
    from runlet.runnables.coerce import coerce_to_runnable
    from runlet.runnables.config import (
        RunnableConfig,
        ensure_config,
        get_config_list,
        merge_configs,
        patch_config,
        run_in_executor,
    )
    from runlet.runnables.config_fields import (
        ConfigurableField,
        ConfigurableFieldMultiOption,
        ConfigurableFieldSingleOption,
        ConfigurableFieldSpec,
    )
    from runlet.runnables.each import RunnableEach
    from runlet.runnables.fallbacks import RunnableWithFallbacks
    from runlet.runnables.function import RunnableLambda, chain
    from runlet.runnables.generator import RunnableGenerator
    from runlet.runnables.history import RunnableWithMessageHistory
    from runlet.runnables.parallel import RunnableMap, RunnableParallel
    from runlet.runnables.passthrough import RunnableAssign, RunnablePassthrough, RunnablePick
    from runlet.runnables.router import RouterInput, RouterRunnable
    from runlet.runnables.sequence import RunnableSequence
    from runlet.runnables.serializable import RunnableSerializable

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
            "AddableDict": "runlet.runnables.chunks",
            "CancelToken": "runlet.io",
            "ConfigurableField": "runlet.runnables.config_fields",
            "ConfigurableFieldMultiOption": "runlet.runnables.config_fields",
            "ConfigurableFieldSingleOption": "runlet.runnables.config_fields",
            "ConfigurableFieldSpec": "runlet.runnables.config_fields",
            "RouterInput": "runlet.runnables.router",
            "RouterRunnable": "runlet.runnables.router",
            "Runnable": "runlet.runnables.base",
            "RunnableAssign": "runlet.runnables.passthrough",
            "RunnableBinding": "runlet.runnables.binding",
            "RunnableBranch": "runlet.runnables.branch",
            "RunnableConfig": "runlet.runnables.config",
            "RunnableEach": "runlet.runnables.each",
            "RunnableGenerator": "runlet.runnables.generator",
            "RunnableLambda": "runlet.runnables.function",
            "RunnableMap": "runlet.runnables.parallel",
            "RunnableParallel": "runlet.runnables.parallel",
            "RunnablePassthrough": "runlet.runnables.passthrough",
            "RunnablePick": "runlet.runnables.passthrough",
            "RunnableSequence": "runlet.runnables.sequence",
            "RunnableSerializable": "runlet.runnables.serializable",
            "RunnableWithFallbacks": "runlet.runnables.fallbacks",
            "RunnableWithMessageHistory": "runlet.runnables.history",
            "StreamRestart": "runlet.runnables.chunks",
            "aadd": "runlet.runnables.chunks",
            "add": "runlet.runnables.chunks",
            "chain": "runlet.runnables.function",
            "coerce_to_runnable": "runlet.runnables.coerce",
            "ensure_config": "runlet.runnables.config",
            "get_config_list": "runlet.runnables.config",
            "merge_configs": "runlet.runnables.config",
            "patch_config": "runlet.runnables.config",
            "run_in_executor": "runlet.runnables.config",
        },
    )
