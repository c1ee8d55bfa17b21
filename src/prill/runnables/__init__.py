"""Runnables: units of work, and how they are put together, run and streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.io import CancelToken as CancelToken
    from prill.runnables.base import (
        Runnable as Runnable,
        coerce_to_runnable as coerce_to_runnable,
    )
    from prill.runnables.binding import RunnableBinding as RunnableBinding
    from prill.runnables.branch import RunnableBranch as RunnableBranch
    from prill.runnables.config import (
        RunnableConfig as RunnableConfig,
        ensure_config as ensure_config,
        get_config_list as get_config_list,
        merge_configs as merge_configs,
        patch_config as patch_config,
        run_in_executor as run_in_executor,
    )
    from prill.runnables.config_fields import (
        ConfigurableField as ConfigurableField,
        ConfigurableFieldMultiOption as ConfigurableFieldMultiOption,
        ConfigurableFieldSingleOption as ConfigurableFieldSingleOption,
        ConfigurableFieldSpec as ConfigurableFieldSpec,
    )
    from prill.runnables.each import RunnableEach as RunnableEach
    from prill.runnables.engine.chunks import (
        AddableDict as AddableDict,
        StreamRestart as StreamRestart,
        aadd as aadd,
        add as add,
    )
    from prill.runnables.fallbacks import RunnableWithFallbacks as RunnableWithFallbacks
    from prill.runnables.function import (
        RunnableLambda as RunnableLambda,
        chain as chain,
    )
    from prill.runnables.generator import RunnableGenerator as RunnableGenerator
    from prill.runnables.history import RunnableWithMessageHistory as RunnableWithMessageHistory
    from prill.runnables.parallel import (
        RunnableMap as RunnableMap,
        RunnableParallel as RunnableParallel,
    )
    from prill.runnables.passthrough import (
        RunnableAssign as RunnableAssign,
        RunnablePassthrough as RunnablePassthrough,
        RunnablePick as RunnablePick,
    )
    from prill.runnables.router import (
        RouterInput as RouterInput,
        RouterRunnable as RouterRunnable,
    )
    from prill.runnables.sequence import RunnableSequence as RunnableSequence
    from prill.runnables.serializable import RunnableSerializable as RunnableSerializable
else:  # a type checker would believe that every name exists
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "prill.io": "CancelToken",
            "base": "Runnable coerce_to_runnable",
            "binding": "RunnableBinding",
            "branch": "RunnableBranch",
            "config": "RunnableConfig ensure_config get_config_list merge_configs patch_config run_in_executor",
            "config_fields": (
                "ConfigurableField ConfigurableFieldMultiOption ConfigurableFieldSingleOption ConfigurableFieldSpec"
            ),
            "each": "RunnableEach",
            "engine.chunks": "AddableDict StreamRestart aadd add",
            "fallbacks": "RunnableWithFallbacks",
            "function": "RunnableLambda chain",
            "generator": "RunnableGenerator",
            "history": "RunnableWithMessageHistory",
            "parallel": "RunnableMap RunnableParallel",
            "passthrough": "RunnableAssign RunnablePassthrough RunnablePick",
            "router": "RouterInput RouterRunnable",
            "sequence": "RunnableSequence",
            "serializable": "RunnableSerializable",
        },
    )
