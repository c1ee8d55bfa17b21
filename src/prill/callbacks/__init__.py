"""Watching runs: handlers, managers, and what is there to be watched.

Names are loaded when they are first used: every chain imports this room, and few are watched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.callbacks.base import (
        AsyncCallbackHandler as AsyncCallbackHandler,
        BaseCallbackHandler as BaseCallbackHandler,
        CallbackManagerMixin as CallbackManagerMixin,
        Callbacks as Callbacks,
        ChainManagerMixin as ChainManagerMixin,
        LLMManagerMixin as LLMManagerMixin,
        RetrieverManagerMixin as RetrieverManagerMixin,
        RunManagerMixin as RunManagerMixin,
        ToolManagerMixin as ToolManagerMixin,
    )
    from prill.callbacks.groups import (
        AsyncCallbackManagerForChainGroup as AsyncCallbackManagerForChainGroup,
        CallbackManagerForChainGroup as CallbackManagerForChainGroup,
        atrace_as_chain_group as atrace_as_chain_group,
        trace_as_chain_group as trace_as_chain_group,
    )
    from prill.callbacks.manager import (
        AsyncCallbackManager as AsyncCallbackManager,
        AsyncCallbackManagerForChainRun as AsyncCallbackManagerForChainRun,
        AsyncCallbackManagerForLLMRun as AsyncCallbackManagerForLLMRun,
        AsyncCallbackManagerForRetrieverRun as AsyncCallbackManagerForRetrieverRun,
        AsyncCallbackManagerForToolRun as AsyncCallbackManagerForToolRun,
        AsyncParentRunManager as AsyncParentRunManager,
        AsyncRunManager as AsyncRunManager,
        BaseCallbackManager as BaseCallbackManager,
        BaseRunManager as BaseRunManager,
        CallbackManager as CallbackManager,
        CallbackManagerForChainRun as CallbackManagerForChainRun,
        CallbackManagerForLLMRun as CallbackManagerForLLMRun,
        CallbackManagerForRetrieverRun as CallbackManagerForRetrieverRun,
        CallbackManagerForToolRun as CallbackManagerForToolRun,
        ParentRunManager as ParentRunManager,
        RunManager as RunManager,
        adispatch_custom_event as adispatch_custom_event,
        dispatch_custom_event as dispatch_custom_event,
    )
    from prill.callbacks.run import (
        Observer as Observer,
        Run as Run,
    )
    from prill.callbacks.stdout import (
        FileCallbackHandler as FileCallbackHandler,
        StdOutCallbackHandler as StdOutCallbackHandler,
        StreamingStdOutCallbackHandler as StreamingStdOutCallbackHandler,
    )
    from prill.callbacks.usage import (
        UsageMetadataCallbackHandler as UsageMetadataCallbackHandler,
        get_usage_metadata_callback as get_usage_metadata_callback,
    )
else:  # a type checker would believe that every name exists
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "base": (
                "AsyncCallbackHandler BaseCallbackHandler CallbackManagerMixin Callbacks ChainManagerMixin "
                "LLMManagerMixin RetrieverManagerMixin RunManagerMixin ToolManagerMixin"
            ),
            "groups": (
                "AsyncCallbackManagerForChainGroup CallbackManagerForChainGroup atrace_as_chain_group "
                "trace_as_chain_group"
            ),
            "manager": (
                "AsyncCallbackManager AsyncCallbackManagerForChainRun "
                "AsyncCallbackManagerForLLMRun AsyncCallbackManagerForRetrieverRun "
                "AsyncCallbackManagerForToolRun AsyncParentRunManager AsyncRunManager BaseCallbackManager "
                "BaseRunManager CallbackManager CallbackManagerForChainRun "
                "CallbackManagerForLLMRun CallbackManagerForRetrieverRun CallbackManagerForToolRun "
                "ParentRunManager RunManager adispatch_custom_event dispatch_custom_event"
            ),
            "run": "Observer Run",
            "stdout": "FileCallbackHandler StdOutCallbackHandler StreamingStdOutCallbackHandler",
            "usage": "UsageMetadataCallbackHandler get_usage_metadata_callback",
        },
    )
