"""The documented hooks of Prill's own models, made of their bodies.

A subclass that writes ``_generate`` or ``_stream`` may call the built-in one with ``super()``. Prill itself runs the
bodies ``_answer`` and ``_chunks``, and calls hooks only where a subclass wrote them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar

from prill.callbacks.run import Run
from prill.io import BLOCKING, ExecutionMode, closing, drive, drive_stream, get_asyncio_mode
from prill.messages import BaseMessage
from prill.outputs import ChatGenerationChunk, ChatResult, GenerationChunk, LLMResult


class ChatAnswerHooks:
    """``_generate`` and ``_agenerate`` of a chat model that has ``_answer``."""

    _has_built_in_hooks: ClassVar[bool] = True
    _answer: Any

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        result: ChatResult = drive(self._answer(messages, _run(run_manager, BLOCKING), stop=stop, **kwargs))
        return result

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        result: ChatResult = await self._answer(messages, _run(run_manager, get_asyncio_mode()), stop=stop, **kwargs)
        return result


class ChatStreamHooks:
    """``_stream`` and ``_astream`` of a chat model that has ``_chunks``."""

    _has_built_in_hooks: ClassVar[bool] = True
    _chunks: Any

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in drive_stream(self._chunks(messages, _run(run_manager, BLOCKING), stop=stop, **kwargs)):
            yield ChatGenerationChunk(message=chunk)

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        stream = self._chunks(messages, _run(run_manager, get_asyncio_mode()), stop=stop, **kwargs)
        async with closing(stream) as chunks:
            async for chunk in chunks:
                yield ChatGenerationChunk(message=chunk)


class ChatHooks(ChatAnswerHooks, ChatStreamHooks):
    """The four hooks of a chat model that has ``_answer`` and ``_chunks``."""


class TextAnswerHooks:
    """``_generate`` and ``_agenerate`` of a text model that has ``_answer``."""

    _has_built_in_hooks: ClassVar[bool] = True
    _answer: Any

    def _generate(
        self, prompts: list[str], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> LLMResult:
        result: LLMResult = drive(self._answer(prompts, _run(run_manager, BLOCKING), stop=stop, **kwargs))
        return result

    async def _agenerate(
        self, prompts: list[str], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> LLMResult:
        result: LLMResult = await self._answer(prompts, _run(run_manager, get_asyncio_mode()), stop=stop, **kwargs)
        return result


class TextStreamHooks:
    """``_stream`` and ``_astream`` of a text model that has ``_chunks``."""

    _has_built_in_hooks: ClassVar[bool] = True
    _chunks: Any

    def _stream(
        self, prompt: str, stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[GenerationChunk]:
        yield from drive_stream(self._chunks(prompt, _run(run_manager, BLOCKING), stop=stop, **kwargs))

    async def _astream(
        self, prompt: str, stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[GenerationChunk]:
        async with closing(self._chunks(prompt, _run(run_manager, get_asyncio_mode()), stop=stop, **kwargs)) as chunks:
            async for chunk in chunks:
                yield chunk


class TextHooks(TextAnswerHooks, TextStreamHooks):
    """The four hooks of a text model that has ``_answer`` and ``_chunks``."""


def _run(run_manager: Any, io: ExecutionMode) -> Run:
    """The run that an override is part of, for the colour of the hook that it calls."""
    run: Run | None = getattr(run_manager, "run", None)
    if run is None:
        return Run(io, {})
    return run if run.io is io else run.with_io(io)
