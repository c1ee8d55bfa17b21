"""Prill composes LLM programs out of streams: ``prompt | model | parser``, blocking or asyncio, watched or not.

The names here are the ones most programs need; each room (``prill.runnables``, ``prill.messages`` …) has more. They
are loaded when they are first used, so ``import prill`` costs almost nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names
from prill.version import __version__

if TYPE_CHECKING:
    from prill.chat_models import init_chat_model
    from prill.documents import Document
    from prill.errors import PrillError
    from prill.messages import (
        AIMessage,
        AIMessageChunk,
        BaseMessage,
        HumanMessage,
        SystemMessage,
        ToolMessage,
    )
    from prill.output_parsers import (
        CommaSeparatedListOutputParser,
        JsonOutputParser,
        PydanticOutputParser,
        StrOutputParser,
        XMLOutputParser,
    )
    from prill.prompts import ChatPromptTemplate, MessagesPlaceholder, PromptTemplate
    from prill.runnables import (
        Runnable,
        RunnableBranch,
        RunnableConfig,
        RunnableGenerator,
        RunnableLambda,
        RunnableParallel,
        RunnablePassthrough,
        RunnableSequence,
        chain,
    )
    from prill.tools import tool
    from prill.tracers.trace import trace

__all__ = [
    "AIMessage",
    "AIMessageChunk",
    "BaseMessage",
    "ChatPromptTemplate",
    "CommaSeparatedListOutputParser",
    "Document",
    "HumanMessage",
    "JsonOutputParser",
    "MessagesPlaceholder",
    "PrillError",
    "PromptTemplate",
    "PydanticOutputParser",
    "Runnable",
    "RunnableBranch",
    "RunnableConfig",
    "RunnableGenerator",
    "RunnableLambda",
    "RunnableParallel",
    "RunnablePassthrough",
    "RunnableSequence",
    "StrOutputParser",
    "SystemMessage",
    "ToolMessage",
    "XMLOutputParser",
    "__version__",
    "chain",
    "init_chat_model",
    "tool",
    "trace",
]

_HOMES = {
    "AIMessage": "prill.messages",
    "AIMessageChunk": "prill.messages",
    "BaseMessage": "prill.messages",
    "ChatPromptTemplate": "prill.prompts",
    "CommaSeparatedListOutputParser": "prill.output_parsers",
    "Document": "prill.documents",
    "HumanMessage": "prill.messages",
    "JsonOutputParser": "prill.output_parsers",
    "MessagesPlaceholder": "prill.prompts",
    "PromptTemplate": "prill.prompts",
    "PydanticOutputParser": "prill.output_parsers",
    "Runnable": "prill.runnables",
    "RunnableBranch": "prill.runnables",
    "RunnableConfig": "prill.runnables",
    "RunnableGenerator": "prill.runnables",
    "RunnableLambda": "prill.runnables",
    "RunnableParallel": "prill.runnables",
    "RunnablePassthrough": "prill.runnables",
    "RunnableSequence": "prill.runnables",
    "PrillError": "prill.errors",
    "StrOutputParser": "prill.output_parsers",
    "SystemMessage": "prill.messages",
    "ToolMessage": "prill.messages",
    "XMLOutputParser": "prill.output_parsers",
    "chain": "prill.runnables",
    "init_chat_model": "prill.chat_models",
    "tool": "prill.tools",
    "trace": "prill.tracers.trace",
}

if not TYPE_CHECKING:  # a type checker would believe that every name exists
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
