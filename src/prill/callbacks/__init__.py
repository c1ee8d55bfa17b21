"""Watching runs: handlers, managers, and what is there to be watched.

Names are loaded when they are first used: every chain imports this room, and few are watched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.callbacks.base import (
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
    from prill.callbacks.manager import (
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
    from prill.callbacks.run import Observer, Run
    from prill.callbacks.stdout import FileCallbackHandler, StdOutCallbackHandler, StreamingStdOutCallbackHandler
    from prill.callbacks.usage import UsageMetadataCallbackHandler, get_usage_metadata_callback

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
            "AsyncCallbackHandler": "prill.callbacks.base",
            "AsyncCallbackManager": "prill.callbacks.manager",
            "AsyncCallbackManagerForChainGroup": "prill.callbacks.manager",
            "AsyncCallbackManagerForChainRun": "prill.callbacks.manager",
            "AsyncCallbackManagerForLLMRun": "prill.callbacks.manager",
            "AsyncCallbackManagerForRetrieverRun": "prill.callbacks.manager",
            "AsyncCallbackManagerForToolRun": "prill.callbacks.manager",
            "AsyncParentRunManager": "prill.callbacks.manager",
            "AsyncRunManager": "prill.callbacks.manager",
            "BaseCallbackHandler": "prill.callbacks.base",
            "BaseCallbackManager": "prill.callbacks.manager",
            "BaseRunManager": "prill.callbacks.manager",
            "CallbackManager": "prill.callbacks.manager",
            "CallbackManagerForChainGroup": "prill.callbacks.manager",
            "CallbackManagerForChainRun": "prill.callbacks.manager",
            "CallbackManagerForLLMRun": "prill.callbacks.manager",
            "CallbackManagerForRetrieverRun": "prill.callbacks.manager",
            "CallbackManagerForToolRun": "prill.callbacks.manager",
            "CallbackManagerMixin": "prill.callbacks.base",
            "Callbacks": "prill.callbacks.base",
            "ChainManagerMixin": "prill.callbacks.base",
            "FileCallbackHandler": "prill.callbacks.stdout",
            "LLMManagerMixin": "prill.callbacks.base",
            "Observer": "prill.callbacks.run",
            "ParentRunManager": "prill.callbacks.manager",
            "RetrieverManagerMixin": "prill.callbacks.base",
            "Run": "prill.callbacks.run",
            "RunManager": "prill.callbacks.manager",
            "RunManagerMixin": "prill.callbacks.base",
            "StdOutCallbackHandler": "prill.callbacks.stdout",
            "StreamingStdOutCallbackHandler": "prill.callbacks.stdout",
            "ToolManagerMixin": "prill.callbacks.base",
            "UsageMetadataCallbackHandler": "prill.callbacks.usage",
            "adispatch_custom_event": "prill.callbacks.manager",
            "atrace_as_chain_group": "prill.callbacks.manager",
            "dispatch_custom_event": "prill.callbacks.manager",
            "get_usage_metadata_callback": "prill.callbacks.usage",
            "trace_as_chain_group": "prill.callbacks.manager",
        },
    )
