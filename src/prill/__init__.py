"""Prill composes LLM programs out of streams: ``prompt | model | parser``, blocking or asyncio, watched or not.

The names here are the ones most programs need; each room (``prill.runnables``, ``prill.messages`` …) has more. They
are loaded when they are first used, so ``import prill`` costs almost nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names
from prill.version import __version__ as __version__

if TYPE_CHECKING:
    from prill.agents import create_agent as create_agent
    from prill.anthropic import ChatAnthropic as ChatAnthropic
    from prill.chat_models import init_chat_model as init_chat_model
    from prill.documents import Document as Document
    from prill.errors import PrillError as PrillError
    from prill.messages import (
        AIMessage as AIMessage,
        AIMessageChunk as AIMessageChunk,
        BaseMessage as BaseMessage,
        HumanMessage as HumanMessage,
        SystemMessage as SystemMessage,
        ToolMessage as ToolMessage,
        trim_messages as trim_messages,
    )
    from prill.openai import ChatOpenAI as ChatOpenAI
    from prill.output_parsers import (
        CommaSeparatedListOutputParser as CommaSeparatedListOutputParser,
        JsonOutputParser as JsonOutputParser,
        PydanticOutputParser as PydanticOutputParser,
        StrOutputParser as StrOutputParser,
        XMLOutputParser as XMLOutputParser,
    )
    from prill.prompts import (
        ChatPromptTemplate as ChatPromptTemplate,
        MessagesPlaceholder as MessagesPlaceholder,
        PromptTemplate as PromptTemplate,
    )
    from prill.runnables import (
        Runnable as Runnable,
        RunnableBranch as RunnableBranch,
        RunnableConfig as RunnableConfig,
        RunnableGenerator as RunnableGenerator,
        RunnableLambda as RunnableLambda,
        RunnableParallel as RunnableParallel,
        RunnablePassthrough as RunnablePassthrough,
        RunnableSequence as RunnableSequence,
        RunnableWithMessageHistory as RunnableWithMessageHistory,
        chain as chain,
    )
    from prill.tools import tool as tool
    from prill.tracers.recording import record as record
    from prill.tracers.trace import trace as trace
else:  # a type checker would believe that every name exists
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "agents": "create_agent",
            "anthropic": "ChatAnthropic",
            "chat_models": "init_chat_model",
            "documents": "Document",
            "errors": "PrillError",
            "messages": "AIMessage AIMessageChunk BaseMessage HumanMessage SystemMessage ToolMessage trim_messages",
            "openai": "ChatOpenAI",
            "output_parsers": (
                "CommaSeparatedListOutputParser JsonOutputParser PydanticOutputParser StrOutputParser XMLOutputParser"
            ),
            "prompts": "ChatPromptTemplate MessagesPlaceholder PromptTemplate",
            "runnables": (
                "Runnable RunnableBranch RunnableConfig RunnableGenerator RunnableLambda RunnableParallel "
                "RunnablePassthrough RunnableSequence RunnableWithMessageHistory chain"
            ),
            "tools": "tool",
            "tracers.recording": "record",
            "tracers.trace": "trace",
        },
        also=["__version__"],
    )
