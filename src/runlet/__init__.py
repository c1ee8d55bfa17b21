"""Runlet composes LLM programs out of streams: ``prompt | model | parser``, blocking or asyncio, watched or not.

The names here are the ones most programs need; each room (``runlet.runnables``, ``runlet.messages`` …) has more. They
are loaded when they are first used, so ``import runlet`` costs almost nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
    "AIMessage": "messages",
    "AIMessageChunk": "messages",
    "BaseMessage": "messages",
    "ChatPromptTemplate": "prompts",
    "CommaSeparatedListOutputParser": "output_parsers",
    "Document": "documents",
    "HumanMessage": "messages",
    "JsonOutputParser": "output_parsers",
    "MessagesPlaceholder": "prompts",
    "PromptTemplate": "prompts",
    "PydanticOutputParser": "output_parsers",
    "Runnable": "runnables",
    "RunnableBranch": "runnables",
    "RunnableConfig": "runnables",
    "RunnableGenerator": "runnables",
    "RunnableLambda": "runnables",
    "RunnableParallel": "runnables",
    "RunnablePassthrough": "runnables",
    "RunnableSequence": "runnables",
    "RunletError": "errors",
    "StrOutputParser": "output_parsers",
    "SystemMessage": "messages",
    "ToolMessage": "messages",
    "XMLOutputParser": "output_parsers",
    "chain": "runnables",
    "init_chat_model": "chat_models",
    "tool": "tools",
    "trace": "tracers.trace",
}


if not TYPE_CHECKING:  # a type checker would believe that every name exists

    def __getattr__(name: str) -> Any:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{home}"), name)
        globals()[name] = value  # the next look needs no call
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
