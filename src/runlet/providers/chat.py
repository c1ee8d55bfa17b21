"""A chat model behind a provider's HTTP API: everything but how the vendor's requests and events look."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Protocol

import httpx2
from pydantic import AliasChoices, Field
from pydantic_core import from_json

from runlet.callbacks.run import Run
from runlet.errors import (
    EmptyResponseError,
    MalformedResponseError,
    ModelError,
    RunletError,
    StreamInterrupted,
    StreamTimeout,
)
from runlet.io import closing
from runlet.language_models import BaseChatModel
from runlet.messages import AIMessageChunk, BaseMessage, merge_chunks, message_chunk_to_message
from runlet.outputs import ChatGeneration, ChatResult
from runlet.providers.received import Received
from runlet.providers.settings import ProviderSettings
from runlet.providers.told import told
from runlet.transducers.sse import ServerSentEvent, SSEDecoder
from runlet.wire.body import Body
from runlet.wire.failures import failure_of_event

_START = 20_000
"""How many bytes of a body that holds no event are kept, to say what it is instead."""


class StreamDecoder(Protocol):
    """A vendor's stream as a transducer: events in, message chunks out."""

    ended: bool
    """Whether the vendor's sign that the answer is whole has come."""

    def feed(self, event: ServerSentEvent) -> Iterable[AIMessageChunk]:
        """The chunks of one event; raises ``ProviderError`` for an error that the vendor sent."""

    def finish(self) -> Iterable[AIMessageChunk]:
        """The chunks that only the stream's end tells."""


class ProviderError(Exception):
    """An error that a vendor sent inside a stream; ``payload`` is its JSON."""

    def __init__(self, payload: Any) -> None:
        super().__init__("an error inside the stream")
        self.payload = payload


class ProviderChatModel(ProviderSettings, BaseChatModel):
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
    def _post(self, request: dict[str, Any]) -> Callable[[Any], Any]:
        """How a client of the SDK sends ``request`` and returns the raw response."""

    @abstractmethod
    def _decoder(self, response: httpx2.Response) -> StreamDecoder:
        """What reads the events of ``response``."""

    @abstractmethod
    def _result(self, payload: Any, response: httpx2.Response) -> ChatResult:
        """What an answer in one piece says."""

    # The bodies

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        return self.generate([messages], stop=stop, **kwargs).generations[0]  # type: ignore[return-value]

    async def _answer(self, messages: list[BaseMessage], run: Run, **kwargs: Any) -> ChatResult:
        if self.streaming:
            return await self._answer_by_streaming(messages, run, kwargs)
        response = await self._send(run, self._post(self._request(messages, False, kwargs)))
        payload = self._json(response)
        try:
            return self._result(payload, response)
        except Exception as error:
            raise self._stream_failure(error, response) from error

    async def _answer_by_streaming(self, messages: list[BaseMessage], run: Run, kwargs: dict[str, Any]) -> ChatResult:
        chunks = [chunk async for chunk in told(run, self._chunks(messages, run, **kwargs))]
        if not chunks:
            raise EmptyResponseError(f"{self.provider} ended the stream without a chunk", provider=self.provider)
        message = message_chunk_to_message(merge_chunks(chunks))
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _chunks(self, messages: list[BaseMessage], run: Run, **kwargs: Any) -> AsyncIterator[AIMessageChunk]:
        response = await self._open(messages, run, kwargs)
        received, decoder = Received(), self._decoder(response)
        body = Body(response, run.io, first_timeout=self.first_chunk_timeout, idle_timeout=self.stream_idle_timeout)
        async with closing(self._decoded(body, response, decoder)) as chunks:
            try:
                async for chunk in chunks:
                    received.add(chunk)
                    yield chunk
            except Exception as error:
                failure = self._stream_failure(error, response)
                if isinstance(failure, ModelError | StreamTimeout):
                    failure.partial = received.message()
                if isinstance(failure, ModelError):
                    # A decoder that keeps the usage for the last chunk says it in its ``usage``.
                    told = getattr(failure.partial, "usage_metadata", None)
                    failure.usage = getattr(decoder, "usage", None) or told
                if failure is error:
                    raise
                raise failure from error

    async def _open(self, messages: list[BaseMessage], run: Run, kwargs: dict[str, Any]) -> httpx2.Response:
        """Ask for a stream."""
        return await self._send(run, self._post(self._request(messages, True, kwargs)))

    async def _decoded(
        self, body: Body, response: httpx2.Response, decoder: StreamDecoder
    ) -> AsyncIterator[AIMessageChunk]:
        """The chunks of a response; it is the only loop over bytes, so that a chunk passes few layers."""
        sse = SSEDecoder()
        start = b""
        seen = 0
        async with closing(body.pieces()) as pieces:
            async for piece in pieces:
                if not seen:
                    start += piece[: _START - len(start)]
                for event in sse.feed(piece):
                    seen += 1
                    for chunk in decoder.feed(event):
                        body.content_came()
                        yield chunk
                if decoder.ended:
                    body.expect_end()
        if not decoder.ended:
            for event in sse.finish():
                seen += 1
                for chunk in _fed_last(decoder, event):
                    yield chunk
        if not seen:
            raise self._not_a_stream(start, response)
        for chunk in decoder.finish():
            yield chunk
        if not decoder.ended:
            raise StreamInterrupted(
                f"{self.provider}'s stream stopped before its end, after {seen} events; the answer so far is in "
                "partial and must not be taken for a whole one",
                provider=self.provider,
                model=self.model,
                request_id=self._request_id(response),
            )

    def _stream_failure(self, error: Exception, response: httpx2.Response) -> Exception:
        if isinstance(error, ProviderError):
            failure = failure_of_event(
                error.payload, provider=self.provider, model=self.model, request_id=self._request_id(response)
            )
            failure.message = self._redacted(failure.message)
            return failure
        if isinstance(error, httpx2.TransportError | httpx2.StreamError) and not isinstance(
            error, httpx2.TimeoutException
        ):
            return StreamInterrupted(
                f"the connection to {self.provider} broke in the middle of the stream ({type(error).__name__}: "
                f"{error}); the answer so far is in partial and must not be taken for a whole one",
                provider=self.provider,
                model=self.model,
                request_id=self._request_id(response),
            )
        if isinstance(error, _WRONG_SHAPE) and not isinstance(error, RunletError):
            return self._not_in_protocol(f"{type(error).__name__}: {error}", response)
        return self._failure(error)

    def _json(self, response: httpx2.Response) -> Any:
        try:
            return from_json(response.content)
        except ValueError as error:
            raise self._not_in_protocol(response.text[:200], response) from error

    def _not_a_stream(self, start: bytes, response: httpx2.Response) -> Exception:
        if not start.strip():
            return EmptyResponseError(
                f"{self.provider} ended the stream without an event", provider=self.provider, model=self.model
            )
        try:
            payload = from_json(start)
        except ValueError:
            return self._not_in_protocol(start[:200].decode("utf-8", "replace"), response)
        if isinstance(payload, dict) and "error" in payload:
            return ProviderError(payload)
        return self._not_in_protocol(start[:200].decode("utf-8", "replace"), response)

    def _not_in_protocol(self, text: str, response: httpx2.Response) -> Exception:
        kind = response.headers.get("content-type", "no content type")
        return MalformedResponseError(
            f"what answered with status {response.status_code} at {response.url.copy_with(query=None)} does not speak "
            f"{self.provider}'s protocol ({kind}): {self._redacted(text)!r}. Check base_url, and what stands between.",
            provider=self.provider,
            model=self.model,
            status=response.status_code,
        )

    def _request_id(self, response: httpx2.Response) -> str | None:
        return response.headers.get("x-request-id") or response.headers.get("request-id")


_WRONG_SHAPE = (ValueError, KeyError, TypeError, AttributeError)
"""What reading JSON of another shape than the protocol's raises."""


def _fed_last(decoder: StreamDecoder, event: ServerSentEvent) -> Iterable[AIMessageChunk]:
    """The chunks of an event that lacks its end: one that is no whole JSON is the rest of a cut stream, no nonsense."""
    try:
        return list(decoder.feed(event))
    except ValueError as error:
        if isinstance(error, RunletError):
            raise
        return ()
