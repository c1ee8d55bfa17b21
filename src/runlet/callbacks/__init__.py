"""Watching runs: handlers, managers, and what is there to be watched.

Names are loaded when they are first used: every chain imports this room, and few are watched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runlet.lazy import lazy_names

if TYPE_CHECKING:
    from runlet.callbacks.base import (
        AsyncCallbackHandler,
        BaseCallbackHandler,
        CallbackManagerMixin,
        Callbacks,
        ChainManagerMixin,
        LLMManagerMixin,
        RetrieverManagerMixin,
        RunManagerMixin,
        ToolManagerMixin,
    )
    from runlet.callbacks.manager import (
        AsyncCallbackManager,
        AsyncCallbackManagerForChainGroup,
        AsyncCallbackManagerForChainRun,
        AsyncCallbackManagerForLLMRun,
        AsyncCallbackManagerForRetrieverRun,
        AsyncCallbackManagerForToolRun,
        AsyncParentRunManager,
        AsyncRunManager,
        BaseCallbackManager,
        BaseRunManager,
        CallbackManager,
        CallbackManagerForChainGroup,
        CallbackManagerForChainRun,
        CallbackManagerForLLMRun,
        CallbackManagerForRetrieverRun,
        CallbackManagerForToolRun,
        ParentRunManager,
        RunManager,
        adispatch_custom_event,
        atrace_as_chain_group,
        dispatch_custom_event,
        trace_as_chain_group,
    )
    from runlet.callbacks.run import Observer, Run
    from runlet.callbacks.stdout import FileCallbackHandler, StdOutCallbackHandler, StreamingStdOutCallbackHandler
    from runlet.callbacks.usage import UsageMetadataCallbackHandler, get_usage_metadata_callback

__all__ = [
    "AsyncCallbackHandler",
    "AsyncCallbackManager",
    "AsyncCallbackManagerForChainGroup",
    "AsyncCallbackManagerForChainRun",
    "AsyncCallbackManagerForLLMRun",
    "AsyncCallbackManagerForRetrieverRun",
    "AsyncCallbackManagerForToolRun",
    "AsyncParentRunManager",
    "AsyncRunManager",
    "BaseCallbackHandler",
    "BaseCallbackManager",
    "BaseRunManager",
    "CallbackManager",
    "CallbackManagerForChainGroup",
    "CallbackManagerForChainRun",
    "CallbackManagerForLLMRun",
    "CallbackManagerForRetrieverRun",
    "CallbackManagerForToolRun",
    "CallbackManagerMixin",
    "Callbacks",
    "ChainManagerMixin",
    "FileCallbackHandler",
    "LLMManagerMixin",
    "Observer",
    "ParentRunManager",
    "RetrieverManagerMixin",
    "Run",
    "RunManager",
    "RunManagerMixin",
    "StdOutCallbackHandler",
    "StreamingStdOutCallbackHandler",
    "ToolManagerMixin",
    "UsageMetadataCallbackHandler",
    "adispatch_custom_event",
    "atrace_as_chain_group",
    "dispatch_custom_event",
    "get_usage_metadata_callback",
    "trace_as_chain_group",
]

if not TYPE_CHECKING:  # a type checker would believe that every name exists
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "AsyncCallbackHandler": "runlet.callbacks.base",
            "AsyncCallbackManager": "runlet.callbacks.manager",
            "AsyncCallbackManagerForChainGroup": "runlet.callbacks.manager",
            "AsyncCallbackManagerForChainRun": "runlet.callbacks.manager",
            "AsyncCallbackManagerForLLMRun": "runlet.callbacks.manager",
            "AsyncCallbackManagerForRetrieverRun": "runlet.callbacks.manager",
            "AsyncCallbackManagerForToolRun": "runlet.callbacks.manager",
            "AsyncParentRunManager": "runlet.callbacks.manager",
            "AsyncRunManager": "runlet.callbacks.manager",
            "BaseCallbackHandler": "runlet.callbacks.base",
            "BaseCallbackManager": "runlet.callbacks.manager",
            "BaseRunManager": "runlet.callbacks.manager",
            "CallbackManager": "runlet.callbacks.manager",
            "CallbackManagerForChainGroup": "runlet.callbacks.manager",
            "CallbackManagerForChainRun": "runlet.callbacks.manager",
            "CallbackManagerForLLMRun": "runlet.callbacks.manager",
            "CallbackManagerForRetrieverRun": "runlet.callbacks.manager",
            "CallbackManagerForToolRun": "runlet.callbacks.manager",
            "CallbackManagerMixin": "runlet.callbacks.base",
            "Callbacks": "runlet.callbacks.base",
            "ChainManagerMixin": "runlet.callbacks.base",
            "FileCallbackHandler": "runlet.callbacks.stdout",
            "LLMManagerMixin": "runlet.callbacks.base",
            "Observer": "runlet.callbacks.run",
            "ParentRunManager": "runlet.callbacks.manager",
            "RetrieverManagerMixin": "runlet.callbacks.base",
            "Run": "runlet.callbacks.run",
            "RunManager": "runlet.callbacks.manager",
            "RunManagerMixin": "runlet.callbacks.base",
            "StdOutCallbackHandler": "runlet.callbacks.stdout",
            "StreamingStdOutCallbackHandler": "runlet.callbacks.stdout",
            "ToolManagerMixin": "runlet.callbacks.base",
            "UsageMetadataCallbackHandler": "runlet.callbacks.usage",
            "adispatch_custom_event": "runlet.callbacks.manager",
            "atrace_as_chain_group": "runlet.callbacks.manager",
            "dispatch_custom_event": "runlet.callbacks.manager",
            "get_usage_metadata_callback": "runlet.callbacks.usage",
            "trace_as_chain_group": "runlet.callbacks.manager",
        },
    )
