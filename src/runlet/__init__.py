"""Runlet composes LLM programs out of streams: ``prompt | model | parser``, blocking or asyncio, watched or not.

The names here are the ones most programs need; each room (``runlet.runnables``, ``runlet.messages`` …) has more. They
are loaded when they are first used, so ``import runlet`` costs almost nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runlet.lazy import lazy_names
from runlet.version import __version__

if TYPE_CHECKING:
    from runlet.chat_models import init_chat_model
    from runlet.documents import Document
    from runlet.errors import RunletError
    from runlet.messages import (
        AIMessage,
        AIMessageChunk,
        BaseMessage,
        HumanMessage,
        SystemMessage,
        ToolMessage,
    )
    from runlet.output_parsers import (
        CommaSeparatedListOutputParser,
        JsonOutputParser,
        PydanticOutputParser,
        StrOutputParser,
        XMLOutputParser,
    )
    from runlet.prompts import ChatPromptTemplate, MessagesPlaceholder, PromptTemplate
    from runlet.runnables import (
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
    from runlet.tools import tool
    from runlet.tracers.trace import trace

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
    "PromptTemplate",
    "PydanticOutputParser",
    "RunletError",
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
    "AIMessage": "runlet.messages",
    "AIMessageChunk": "runlet.messages",
    "BaseMessage": "runlet.messages",
    "ChatPromptTemplate": "runlet.prompts",
    "CommaSeparatedListOutputParser": "runlet.output_parsers",
    "Document": "runlet.documents",
    "HumanMessage": "runlet.messages",
    "JsonOutputParser": "runlet.output_parsers",
    "MessagesPlaceholder": "runlet.prompts",
    "PromptTemplate": "runlet.prompts",
    "PydanticOutputParser": "runlet.output_parsers",
    "Runnable": "runlet.runnables",
    "RunnableBranch": "runlet.runnables",
    "RunnableConfig": "runlet.runnables",
    "RunnableGenerator": "runlet.runnables",
    "RunnableLambda": "runlet.runnables",
    "RunnableParallel": "runlet.runnables",
    "RunnablePassthrough": "runlet.runnables",
    "RunnableSequence": "runlet.runnables",
    "RunletError": "runlet.errors",
    "StrOutputParser": "runlet.output_parsers",
    "SystemMessage": "runlet.messages",
    "ToolMessage": "runlet.messages",
    "XMLOutputParser": "runlet.output_parsers",
    "chain": "runlet.runnables",
    "init_chat_model": "runlet.chat_models",
    "tool": "runlet.tools",
    "trace": "runlet.tracers.trace",
}

if not TYPE_CHECKING:  # a type checker would believe that every name exists
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
