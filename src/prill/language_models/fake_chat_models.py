"""Chat models that answer from a list, for tests and examples."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

from prill.callbacks.run import Run
from prill.errors import EmptyResponseError
from prill.language_models.built_in_hooks import ChatAnswerHooks, ChatHooks, ChatStreamHooks
from prill.language_models.chat_models import BaseChatModel, SimpleChatModel
from prill.messages import AIMessage, AIMessageChunk, BaseMessage, BaseMessageChunk, ai_chunk, text_chunk
from prill.messages.tool_calls import as_chunks
from prill.outputs import ChatGeneration, ChatResult


class FakeListChatModelError(Exception):
    """Raised by a fake whose ``error_on_chunk_number`` was reached."""


class _Fake(BaseChatModel):
    """A fake whose answers come from ``_next``."""

    _cache_ignores = BaseChatModel._cache_ignores | {"i", "sleep"}

    @property
    def _llm_type(self) -> str:
        return "fake-chat"

    def _next(self, messages: list[BaseMessage]) -> BaseMessage:
        raise NotImplementedError

    async def _answer(self, messages: list[BaseMessage], run: Run, **kwargs: Any) -> ChatResult:
        if sleep := self.__dict__.get("sleep"):  # a field of some; a missing attribute of a pydantic model is slow
            await run.io.sleep(sleep)
        return ChatResult(generations=[ChatGeneration(message=self._next(messages))])


class FakeMessagesListChatModel(ChatAnswerHooks, _Fake):
    """Answers with the messages of ``responses`` one after the other, and again from the start.

    ``sleep`` is how many seconds an answer takes.
    """

    responses: list[BaseMessage]
    sleep: float | None = None
    i: int = 0

    def _next(self, messages: list[BaseMessage]) -> BaseMessage:
        message = self.responses[self.i]
        self.i = (self.i + 1) % len(self.responses)
        return message.model_copy()


class FakeListChatModel(ChatStreamHooks, _Fake, SimpleChatModel):
    """Answers with the texts of ``responses`` one after the other, and again from the start.

    It streams character by character. ``sleep`` is how many seconds an answer, or in a stream each chunk, takes;
    ``error_on_chunk_number`` makes it fail instead of giving that chunk (the first is number 0).
    """

    responses: list[str]
    sleep: float | None = None
    i: int = 0
    error_on_chunk_number: int | None = None

    _cache_ignores = _Fake._cache_ignores | {"error_on_chunk_number"}

    @property
    def _llm_type(self) -> str:
        return "fake-list-chat-model"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"responses": self.responses}

    def _text(self) -> str:
        text = self.responses[self.i]
        self.i = (self.i + 1) % len(self.responses)
        return text

    def _next(self, messages: list[BaseMessage]) -> BaseMessage:
        return AIMessage(content=self._text())

    _answer = _Fake._answer  # it stands in for this ``_call``, but not for that of a subclass

    def _call(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> str:
        return self._text()

    async def _chunks(self, messages: list[BaseMessage], run: Run, **kwargs: Any) -> AsyncIterator[BaseMessageChunk]:
        text = self._text()
        for number, character in enumerate(text):
            if self.sleep:
                await run.io.sleep(self.sleep)
            if number == self.error_on_chunk_number:
                raise FakeListChatModelError
            chunk = text_chunk(character)
            if number == len(text) - 1:
                chunk.__dict__["chunk_position"] = "last"
            yield chunk


class FakeChatModel(SimpleChatModel):
    """Answers ``fake response`` to everything."""

    @property
    def _llm_type(self) -> str:
        return "fake-chat-model"

    def _call(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> str:
        return "fake response"

    async def _answer(self, messages: list[BaseMessage], run: Run, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content="fake response"))])


class ParrotFakeChatModel(ChatAnswerHooks, _Fake):
    """Answers with the last message it was given."""

    @property
    def _llm_type(self) -> str:
        return "parrot-fake-chat-model"

    def _next(self, messages: list[BaseMessage]) -> BaseMessage:
        if not messages:
            raise EmptyResponseError("ParrotFakeChatModel repeats the last message, but the list of messages is empty")
        return messages[-1].model_copy()


class GenericFakeChatModel(ChatHooks, _Fake):
    """Answers with what ``messages``, an iterator of messages or texts, gives next.

    It streams word by word (the white space between words is a chunk too), then the tool calls and other fields.
    """

    messages: Iterator[AIMessage | str]

    @property
    def _llm_type(self) -> str:
        return "generic-fake-chat-model"

    def _next(self, messages: list[BaseMessage]) -> AIMessage:
        message = next(self.messages, None)
        if message is None:
            raise EmptyResponseError(
                "GenericFakeChatModel has given all its messages: give it more, or itertools.cycle"
            )
        return AIMessage(content=message) if isinstance(message, str) else message.model_copy()

    async def _chunks(self, messages: list[BaseMessage], run: Run, **kwargs: Any) -> AsyncIterator[BaseMessageChunk]:
        message = self._next(messages)
        id, rest = message.id, _beside_content(message)
        last = None
        # One chunk is held back, because the last one is marked as the last.
        for piece in _pieces(message.content):
            if last is not None:
                yield last
            last = text_chunk(piece, id) if isinstance(piece, str) else ai_chunk([piece], id=id)
        if rest is not None:
            if last is not None:
                yield last
            last = rest
        if last is not None:
            last.__dict__["chunk_position"] = "last"
            yield last


def _pieces(content: Any) -> Iterator[Any]:
    for part in [content] if isinstance(content, str) else content:
        if isinstance(part, str):
            yield from (piece for piece in re.split(r"(\s)", part) if piece)
        else:
            yield part


def _beside_content(message: AIMessage) -> AIMessageChunk | None:
    if not (message.tool_calls or message.additional_kwargs or message.response_metadata or message.usage_metadata):
        return None
    return ai_chunk(
        "",
        id=message.id,
        tool_call_chunks=as_chunks(message.tool_calls) or None,
        usage_metadata=message.usage_metadata,
        response_metadata=dict(message.response_metadata),
        additional_kwargs=dict(message.additional_kwargs),
    )
