"""A chat model behind a provider's HTTP API: everything but how the vendor's requests and events look."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from typing import Any

from pydantic import AliasChoices, Field

from prill.callbacks.run import Run
from prill.language_models.base import answer_id
from prill.language_models.chat_models import BaseChatModel, as_messages
from prill.language_models.told import told
from prill.messages import AIMessage, AIMessageChunk, BaseMessage, merge_chunks, message_chunk_to_message
from prill.messages.ai import ai_chunk
from prill.messages.tool import tool_call_chunk
from prill.messages.tool_calls import as_chunks
from prill.outputs import ChatGeneration, ChatResult
from prill.providers.calls import Call
from prill.providers.http.message import Answer
from prill.providers.reading import ProviderError, StreamDecoder
from prill.providers.streams import ProviderStreams
from prill.runnables.streams import NOTHING, collect

__all__ = ["ProviderChatModel", "ProviderError", "StreamDecoder"]


class ProviderChatModel(ProviderStreams, BaseChatModel):
    """A chat model behind a provider's HTTP API.

    ``streaming=True`` makes ``invoke`` and ``generate`` stream too, for handlers that want tokens. ``stream_usage``
    asks the provider to count the tokens of streams.
    """

    model: str = Field(validation_alias=AliasChoices("model", "model_name"))
    temperature: float | None = None
    max_tokens: int | None = Field(default=None, gt=0)
    stop: list[str] | str | None = Field(default=None, validation_alias=AliasChoices("stop", "stop_sequences"))
    streaming: bool = Field(default=False, repr=False)
    stream_usage: bool = Field(default=True, repr=False)

    # What a vendor's room writes

    @abstractmethod
    def _request(self, messages: list[BaseMessage], streaming: bool, kwargs: dict[str, Any]) -> dict[str, Any]:
        """The request's JSON."""

    @abstractmethod
    def _to_call(self, request: dict[str, Any]) -> Call:
        """The call of the API that sends ``request``."""

    @abstractmethod
    def _decoder(self, answer: Answer) -> StreamDecoder[AIMessageChunk]:
        """The decoder for the events of ``answer``."""

    @abstractmethod
    def _result(self, payload: Any, answer: Answer) -> ChatResult:
        """The result of an answer in one piece."""

    # The bodies

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        return self.generate([messages], stop=stop, **kwargs).generations[0]  # type: ignore[return-value]

    async def _answer(self, messages: list[BaseMessage], run: Run, **kwargs: Any) -> ChatResult:
        if self.streaming:
            return await self._answer_by_streaming(messages, run, kwargs)
        answer = await self._send(run, self._to_call(self._request(messages, False, kwargs)))
        return self._whole(answer, lambda payload: self._result(payload, answer))

    async def _answer_by_streaming(self, messages: list[BaseMessage], run: Run, kwargs: dict[str, Any]) -> ChatResult:
        chunks = [chunk async for chunk in told(run, self._chunks(messages, run, **kwargs))]
        message = message_chunk_to_message(merge_chunks(chunks))
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _flow(self, inputs: AsyncIterator[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        if self._is_guarded() or self._must_wait(kwargs):
            return super()._flow(inputs, run, **kwargs)

        # The same without a layer of its own around every chunk.
        async def opening() -> Answer | None:
            input = await collect(inputs)
            return None if input is NOTHING else await self._open(as_messages(input), run, kwargs)

        return self._read_stream(run, opening, self._decoder, _Naming(run))

    def _chunk_of_whole(self, payload: Any, answer: Answer) -> AIMessageChunk:
        return _as_chunk(self._result(payload, answer).generations[0].message)  # type: ignore[arg-type]  # an answer

    def _chunks(self, messages: list[BaseMessage], run: Run, **kwargs: Any) -> AsyncIterator[AIMessageChunk]:
        return self._read_stream(run, lambda: self._open(messages, run, kwargs), self._decoder)

    async def _open(self, messages: list[BaseMessage], run: Run, kwargs: dict[str, Any]) -> Answer:
        """Ask for a stream."""
        return await self._open_call(run, self._to_call(self._request(messages, True, kwargs)))


def _as_chunk(message: AIMessage) -> AIMessageChunk:
    """A whole message as the only chunk of a stream."""
    pieces = as_chunks(message.tool_calls)
    for call in message.invalid_tool_calls:
        pieces.append(tool_call_chunk(name=call["name"], args=call["args"], id=call["id"]))
    for index, piece in enumerate(pieces):
        piece["index"] = index
    return ai_chunk(
        message.content,
        id=message.id,
        tool_call_chunks=pieces or None,
        usage_metadata=message.usage_metadata,
        response_metadata=message.response_metadata,
        additional_kwargs=message.additional_kwargs,
        chunk_position="last",
        name=message.name,
    )


class _Naming:
    """Gives the chunks of an answer, where the provider gives it no id, the one that it has as a run's."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._id: str | None = None

    def __call__(self, batch: Sequence[AIMessageChunk]) -> None:
        if batch[0].id is None:  # the chunks of a batch have one id
            self._id = self._id or answer_id(self._run)
            for chunk in batch:
                chunk.__dict__["id"] = self._id  # a pydantic assignment costs ten times as much
