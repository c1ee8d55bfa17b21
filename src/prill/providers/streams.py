"""A provider's streaming answers: bytes in, chunks out, and a typed error wherever they end too early."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

import httpx2
from pydantic_core import from_json

from prill.callbacks.run import Run
from prill.errors import (
    EmptyResponseError,
    MalformedResponseError,
    ModelError,
    StreamInterrupted,
    StreamTimeout,
)
from prill.io import closing
from prill.messages.ai import as_interrupted
from prill.providers.reading import ProviderError, Reading, StreamDecoder, WrongShape, checked
from prill.providers.settings import ProviderSettings
from prill.runnables.engine.accumulator import Accumulator
from prill.wire.body import Body
from prill.wire.failures import failure_of_event

Chunk = TypeVar("Chunk")


class ProviderStreams(ProviderSettings):
    """What reads a provider's answers, streamed or whole."""

    model: str

    async def _read_stream(
        self,
        run: Run,
        opening: Callable[[], Awaitable[httpx2.Response | None]],
        decoder_of: Callable[[httpx2.Response], StreamDecoder[Chunk]],
        look: Callable[[Sequence[Chunk]], None] = lambda batch: None,
    ) -> AsyncIterator[Chunk]:
        """The chunks of the response that ``opening`` asks for, if any; an error carries those before it, merged.

        ``look`` is shown each batch of them first.
        """
        clients = self._clients  # noqa: F841 - held: they stay open if the model is given others meanwhile
        response = await opening()
        if response is None:
            return
        received, reading = Accumulator(), Reading(decoder_of(response))
        body = Body(response, run.io, first_timeout=self.first_chunk_timeout, idle_timeout=self.stream_idle_timeout)
        async with closing(body.pieces()) as pieces:
            try:
                # The only loop between the bytes and the model's consumer: here every chunk pays for what is done.
                async for data in pieces:
                    for chunks, total in reading.feed(data):
                        look(chunks)
                        received.add(total)
                        for chunk in chunks:
                            yield chunk
                        body.chunks_came(len(chunks), total)
                    if reading.decoder.ended:
                        body.expect_end()
                for chunks, total in reading.finish():
                    look(chunks)
                    received.add(total)
                    for chunk in chunks:
                        yield chunk
                self._check_end(reading, received.count, response)
            except Exception as error:
                failure = self._stream_failure(error, response)
                if isinstance(failure, ModelError | StreamTimeout):
                    failure.partial = as_interrupted(received.value())
                if isinstance(failure, ModelError):
                    usage = getattr(reading.decoder, "usage", None)
                    failure.usage = usage or getattr(failure.partial, "usage_metadata", None)
                if failure is error:
                    raise
                raise failure from error

    def _check_end(self, reading: Reading[Any], batches: int, response: httpx2.Response) -> None:
        """Refuse a stream that was none, or is not whole."""
        if not reading.seen:
            raise self._not_a_stream(reading.start, response)
        if not reading.decoder.ended:
            raise self._interrupted(reading.seen, response)
        if not batches:
            raise self._empty("a chunk")

    def _empty(self, lacking: str) -> EmptyResponseError:
        return EmptyResponseError(
            f"{self.provider} ended the stream without {lacking}", provider=self.provider, model=self.model
        )

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
        if isinstance(error, WrongShape):
            return self._not_in_protocol(str(error), response)
        return self._failure(error)

    def _whole(self, response: httpx2.Response, read: Callable[[Any], Chunk]) -> Chunk:
        """What ``read`` makes of the JSON of an answer in one piece."""
        payload = self._json(response)
        try:
            return next(checked(lambda: (read(payload),)))
        except Exception as error:
            raise self._stream_failure(error, response) from error

    def _json(self, response: httpx2.Response) -> Any:
        try:
            return from_json(response.content)
        except ValueError as error:
            raise self._not_in_protocol(response.text[:200], response) from error

    def _not_a_stream(self, start: bytes, response: httpx2.Response) -> Exception:
        if not start.strip():
            return self._empty("an event")
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
