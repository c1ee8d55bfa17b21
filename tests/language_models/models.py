from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

from prill.language_models import LLM, BaseChatModel, BaseLLM, SimpleChatModel
from prill.messages import AIMessage, AIMessageChunk, BaseMessage
from prill.outputs import (
    ChatGeneration,
    ChatGenerationChunk,
    ChatResult,
    Generation,
    GenerationChunk,
    LLMResult,
)


class Answering(BaseChatModel):
    """A user's model that answers in one piece and remembers what it was given."""

    seen: list[Any] = []

    @property
    def _llm_type(self) -> str:
        return "answering"

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        self.seen.append((messages, stop, kwargs))
        text = messages[-1].text.upper()
        output = {"token_usage": {"total_tokens": len(messages)}}
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=text))], llm_output=output)


class Streaming(Answering):
    """A user's model that streams character by character, in blocking code."""

    def _stream(  # type: ignore[override]  # the base says None
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        for character in messages[-1].text.upper():
            yield ChatGenerationChunk(message=AIMessageChunk(content=character))


class BothColours(Streaming):
    """A user's model that has asyncio forms of all it does."""

    async def _agenerate(  # type: ignore[override]  # the base says None
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        await asyncio.sleep(0)
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content="async"))])

    async def _astream(  # type: ignore[override]  # the base says None
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        for character in "async":
            await asyncio.sleep(0)
            yield ChatGenerationChunk(message=AIMessageChunk(content=character))


class Shout(SimpleChatModel):
    @property
    def _llm_type(self) -> str:
        return "shout"

    def _call(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> str:
        return messages[-1].text + "!"


class Echo(LLM):
    @property
    def _llm_type(self) -> str:
        return "echo"

    def _call(self, prompt: str, stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any) -> str:
        return f"{prompt}|{stop}"


class Pieces(BaseLLM):
    @property
    def _llm_type(self) -> str:
        return "pieces"

    def _generate(
        self, prompts: list[str], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> LLMResult:
        return LLMResult(generations=[[Generation(text=prompt)] for prompt in prompts])

    def _stream(  # type: ignore[override]  # the base says None
        self, prompt: str, stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[GenerationChunk]:
        for character in prompt:
            yield GenerationChunk(text=character)
