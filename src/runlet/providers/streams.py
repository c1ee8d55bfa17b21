"""A provider's streaming answers: bytes in, chunks out, and a typed error wherever they end too early."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, Protocol, TypeVar

import httpx2
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
from runlet.providers.settings import ProviderSettings
from runlet.runnables.chunks import SoFar
from runlet.transducers.sse import ServerSentEvent, SSEDecoder
from runlet.wire.body import Body
from runlet.wire.failures import failure_of_event

Chunk = TypeVar("Chunk")
Made = TypeVar("Made", covariant=True)

_START = 20_000
"""How many bytes of a body that holds no event are kept, to say what it is instead."""


class StreamDecoder(Protocol[Made]):
    """A vendor's stream as a transducer: events in, chunks out.

    A decoder that keeps the usage for the last chunk says it in an attribute ``usage``, for answers that break off.
    """

    ended: bool
    """Whether the vendor's sign that the answer is whole has come."""

    def feed(self, event: ServerSentEvent) -> Iterable[Made]:
        """The chunks of one event; raises ``ProviderError`` for an error that the vendor sent."""

    def finish(self) -> Iterable[Made]:
        """The chunks that only the stream's end tells."""


class ProviderError(Exception):
    """An error that a vendor sent inside a stream; ``payload`` is its JSON."""

    def __init__(self, payload: Any) -> None:
        super().__init__("an error inside the stream")
        self.payload = payload


class ProviderStreams(ProviderSettings):
    """What reads a provider's answers, streamed or whole."""

    model: str

    async def _read_stream(
        self,
        run: Run,
        opening: Callable[[], Awaitable[httpx2.Response]],
        decoder_of: Callable[[httpx2.Response], StreamDecoder[Chunk]],
    ) -> AsyncIterator[Chunk]:
        """The chunks of the response that ``opening`` asks for; an error carries those before it, merged."""
        clients = self._clients  # noqa: F841 - held: they stay open if the model is given others meanwhile
        response = await opening()
        received, decoder = SoFar(), decoder_of(response)
        body = Body(response, run.io, first_timeout=self.first_chunk_timeout, idle_timeout=self.stream_idle_timeout)
        async with closing(self._decoded(body, response, decoder)) as chunks:
            try:
                async for chunk in chunks:
                    received.add(chunk)
                    yield chunk
            except Exception as error:
                failure = self._stream_failure(error, response)
                if isinstance(failure, ModelError | StreamTimeout):
                    failure.partial = received.value()
                if isinstance(failure, ModelError):
                    usage = getattr(decoder, "usage", None)
                    failure.usage = usage or getattr(failure.partial, "usage_metadata", None)
                if failure is error:
                    raise
                raise failure from error

    async def _decoded(
        self, body: Body, response: httpx2.Response, decoder: StreamDecoder[Chunk]
    ) -> AsyncIterator[Chunk]:
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
                        body.chunk_came(chunk)
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
            raise self._interrupted(seen, response)

    def _interrupted(self, seen: int, response: httpx2.Response) -> StreamInterrupted:
        return StreamInterrupted(
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
            return self._without_key(failure)
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

    def _whole(self, response: httpx2.Response, read: Callable[[Any], Chunk]) -> Chunk:
        """What ``read`` makes of the JSON of an answer in one piece."""
        payload = self._json(response)
        try:
            return read(payload)
        except Exception as error:
            raise self._stream_failure(error, response) from error

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
        if "event-stream" in response.headers.get("content-type", ""):
            return self._interrupted(0, response)
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


def _fed_last(decoder: StreamDecoder[Chunk], event: ServerSentEvent) -> Iterable[Chunk]:
    """The chunks of an event that lacks its end: one that is no whole JSON is the rest of a cut stream, no nonsense."""
    try:
        return list(decoder.feed(event))
    except ValueError as error:
        if isinstance(error, RunletError):
            raise
        return ()
