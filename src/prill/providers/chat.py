"""A chat model behind a provider's HTTP API: everything but how the vendor's requests and events look."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from typing import Any

from pydantic import AliasChoices, Field

from prill.callbacks.run import Run
from prill.errors import ConfigError, ModelError
from prill.language_models.base import answer_id, set_id
from prill.language_models.built_in_hooks import ChatHooks
from prill.language_models.chat_models import BaseChatModel, StructuredModel, as_messages
from prill.language_models.stream_notifications import notify_chunks
from prill.messages import AIMessageChunk, BaseMessage, merge_chunks, message_chunk_to_message
from prill.messages.ai import as_interrupted
from prill.outputs import ChatGeneration, ChatResult
from prill.providers.calls import Call
from prill.providers.http.answers import WholeAnswer
from prill.providers.http.message import Answer
from prill.providers.reading import ProviderError, Reading, StreamDecoder
from prill.providers.streams import ProviderStreams
from prill.runnables.engine.accumulator import Accumulator
from prill.runnables.engine.streams import EMPTY, Stream, collect
from prill.runnables.sequence import RunnableSequence

__all__ = ["ProviderChatModel", "ProviderError", "StreamDecoder"]


class ProviderChatModel(ChatHooks, ProviderStreams, BaseChatModel):
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

    _cache_ignores = BaseChatModel._cache_ignores | ProviderStreams.not_in_cache_key | {"stream_usage", "streaming"}

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

    async def _answer(self, messages: list[BaseMessage], run: Run, **kwargs: Any) -> ChatResult:
        if self.streaming:
            return await self._answer_by_streaming(messages, run, kwargs)
        answer = await self._send(run, self._to_call(self._request(messages, False, kwargs)))
        if answer.content.lstrip()[:6] in (b"data: ", b"data:{", b"event:"):
            return self._result_of_events(answer)  # some servers stream though they were not asked to
        return self._whole(answer, lambda payload: self._result(payload, answer))

    def _result_of_events(self, answer: WholeAnswer) -> ChatResult:
        """Read a stream that has arrived as a whole."""
        received, reading = Accumulator(), Reading(self._decoder(answer))
        try:
            for batches in (reading.feed(answer.content), reading.finish()):
                for _, total in batches:
                    received.add(total)
            self._check_end(reading, received.count, answer)
        except Exception as error:
            failure = self._stream_failure(error, answer)
            if isinstance(failure, ModelError):
                failure.partial = as_interrupted(received.value())
            raise failure from error
        return ChatResult(generations=[ChatGeneration(message=message_chunk_to_message(received.value()))])

    async def _answer_by_streaming(self, messages: list[BaseMessage], run: Run, kwargs: dict[str, Any]) -> ChatResult:
        chunks = [chunk async for chunk in notify_chunks(run, self._stream_chunks(messages, run, kwargs))]
        message = message_chunk_to_message(merge_chunks(chunks))
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        if self._streams_by_hooks or self._has_cache_or_limiter() or self._streaming_is_disabled(kwargs):
            return super()._flow(inputs, run, **kwargs)

        # The same without a layer of its own around every chunk.
        async def opening() -> Answer | None:
            input = await collect(inputs)
            return None if input is EMPTY else await self._open(as_messages(input), run, kwargs)

        return self._read_stream(run, opening, self._decoder, _Naming(run))

    def _chunks(self, messages: list[BaseMessage], run: Run, **kwargs: Any) -> AsyncIterator[AIMessageChunk]:
        return self._read_stream(run, lambda: self._open(messages, run, kwargs), self._decoder)

    async def _open(self, messages: list[BaseMessage], run: Run, kwargs: dict[str, Any]) -> Answer:
        """Ask for a stream."""
        return await self._open_call(run, self._to_call(self._request(messages, True, kwargs)))


class _Naming:
    """Gives the chunks of an answer, where the provider gives it no id, the one that it has as a run's."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._id: str | None = None

    def __call__(self, batch: Sequence[AIMessageChunk]) -> None:
        if batch[0].id is None:  # the chunks of a batch have one id
            self._id = self._id or answer_id(self._run)
            for chunk in batch:
                set_id(chunk, self._id)


_METHODS = ("function_calling", "json_schema", "json_mode")


def structured_output(
    model: Any, schema: Any, method: str, include_raw: bool, strict: bool | None, kwargs: dict[str, Any]
) -> RunnableSequence[Any, Any]:
    """The chain of a model and a parser. See ``BaseChatModel.with_structured_output``."""
    from prill.output_parsers.output_schema import OutputSchema  # noqa: PLC0415 - plain calls of models do not need it
    from prill.output_parsers.structured import RawAndParsed, StructuredParser  # noqa: PLC0415 - plain calls of models do not need it
    from prill.tools.function_schema import convert_to_openai_function  # noqa: PLC0415 - plain calls of models do not need it

    if method not in _METHODS:
        raise ConfigError(f"method={method!r} is none of {', '.join(_METHODS)}")
    if schema is None:
        raise ConfigError("with_structured_output is given a schema: a pydantic class, a TypedDict, a JSON schema …")
    target = OutputSchema(schema)
    form = convert_to_openai_function(target.described)
    form.setdefault("parameters", {"type": "object", "properties": {}})
    asked = model._bind_output_schema(form, method, strict, **kwargs)
    parser: StructuredParser[Any] = StructuredParser(
        target, tool=form["name"] if method == "function_calling" else None
    )
    if include_raw:
        return RunnableSequence(asked, RawAndParsed(parser))
    return StructuredModel(asked, parser)
