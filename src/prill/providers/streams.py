"""A provider's streaming answers: bytes in, chunks out, and a typed error wherever they end too early."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

from prill.callbacks.run import Run
from prill.errors import (
    EmptyResponseError,
    MalformedResponseError,
    ModelError,
    StreamInterrupted,
    StreamTimeout,
)
from prill.messages.ai import as_interrupted
from prill.providers.http.answers import WholeAnswer
from prill.providers.http.body import Body
from prill.providers.http.error_bodies import QUOTED, is_error_body
from prill.providers.http.failures import find_request_id, map_error_event
from prill.providers.http.message import Answer, TransportError
from prill.providers.reading import ProviderError, Reading, StreamDecoder, WrongShape, checked
from prill.providers.settings import ProviderSettings
from prill.runnables.engine.accumulator import Accumulator
from prill.transducers.event_json import read_json

Chunk = TypeVar("Chunk")


class ProviderStreams(ProviderSettings):
    """Reads a provider's answers, streamed or whole."""

    model: str

    async def _read_stream(
        self,
        run: Run,
        opening: Callable[[], Awaitable[Answer | None]],
        decoder_of: Callable[[Any], StreamDecoder[Chunk]],
        look: Callable[[Sequence[Chunk]], None] = lambda batch: None,
    ) -> AsyncIterator[Chunk]:
        """The chunks of the answer that ``opening`` asks for, if any; an error carries those before it, merged.

        ``look`` is shown each batch of them first.
        """
        clients = self._clients  # noqa: F841 - held: they stay open if the model is given others meanwhile
        answer = await opening()
        if answer is None:
            return
        received, reading = Accumulator(), Reading(decoder_of(answer))
        failure: Exception | None = None
        try:
            body = Body(
                answer,
                first_timeout=self.first_chunk_timeout,
                idle_timeout=self.stream_idle_timeout,
                limit=self.max_answer_bytes,
            )
            # The only loop between the bytes and the model's consumer: here every chunk pays for what is done.
            while data := await body.read():
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
            self._check_end(reading, received.count, answer)
        except Exception as error:
            data = b""  # tracebacks may show it, and servers may repeat a key
            failure = self._stream_failure(_error_in_place(reading, error), answer)
            if isinstance(failure, ModelError | StreamTimeout):
                failure.partial = as_interrupted(received.value())
            if isinstance(failure, ModelError):
                usage = getattr(reading.decoder, "usage", None)
                failure.usage = usage or getattr(failure.partial, "usage_metadata", None)
            if failure is error:
                raise
        finally:
            await answer.aclose()
        if failure is not None:
            raise failure

    def _check_end(self, reading: Reading[Any], batches: int, answer: Answer) -> None:
        """Refuse a stream that was none, or is not whole."""
        if not reading.seen:
            raise self._not_a_stream(reading.start, answer)
        if not reading.decoder.ended:
            raise self._interrupted(reading.seen, answer)
        if not batches:
            raise self._empty("a chunk")

    def _empty(self, lacking: str) -> EmptyResponseError:
        return EmptyResponseError(
            f"{self.provider} ended the stream without {lacking}", provider=self.provider, model=self.model
        )

    def _interrupted(self, seen: int, answer: Answer) -> StreamInterrupted:
        return StreamInterrupted(
            f"{self.provider}'s stream stopped before its end, after {seen} events; the answer so far is in "
            "partial and must not be taken for a whole one",
            provider=self.provider,
            model=self.model,
            request_id=self._request_id(answer),
        )

    def _stream_failure(self, error: Exception, answer: Answer) -> Exception:
        """``error`` as one of Prill's, if it is the provider's; it refers to nothing that holds a secret."""
        if isinstance(error, ProviderError):
            return self._error_sent(error.payload, answer, "inside the stream")
        if isinstance(error, TransportError):
            failure = self._transport_failure(error, answer.request, in_stream=answer.request.stream)
            failure.request_id = self._request_id(answer)
            return failure
        if isinstance(error, WrongShape):
            return self._not_in_protocol(str(error), answer, error)
        return error

    def _error_sent(self, payload: Any, answer: Answer, place: str) -> ModelError:
        request_id = self._request_id(answer)
        failure = map_error_event(payload, provider=self.provider, model=self.model, request_id=request_id, place=place)
        self._redactor(answer.request).redact_error(failure)
        return failure

    def _whole(self, answer: WholeAnswer, read: Callable[[Any], Chunk]) -> Chunk:
        """What ``read`` makes of the JSON of an answer in one piece."""
        try:
            payload = read_json(answer.content)
        except ValueError:
            payload, failure = None, self._not_in_protocol(_start(answer.content), answer)
        else:
            try:
                return next(checked(lambda: (read(payload),)))
            except (ProviderError, WrongShape) as error:
                failure = self._refuse(payload, error, answer)
        raise failure

    def _refuse(self, payload: Any, error: ProviderError | WrongShape, answer: WholeAnswer) -> Exception:
        """The failure for JSON that is not an answer: the provider's error, if it reports one."""
        if isinstance(error, ProviderError) or is_error_body(payload):
            sent = error.payload if isinstance(error, ProviderError) else payload
            return self._error_sent(sent, answer, "in place of an answer")
        return self._not_in_protocol(f"{error}: {_start(answer.content)}", answer, error)

    def _not_a_stream(self, start: bytes, answer: Answer) -> Exception:
        if not start.strip():
            return self._empty("an event")
        if "event-stream" in answer.headers.get("content-type", ""):
            return self._interrupted(0, answer)
        try:
            payload = read_json(start)
        except ValueError:
            return self._not_in_protocol(_start(start), answer)
        if is_error_body(payload):
            return ProviderError(payload)
        return self._not_in_protocol(_start(start), answer)

    def _not_in_protocol(self, text: str, answer: Answer, cause: Exception | None = None) -> Exception:
        kind = answer.headers.get("content-type", "no content type")
        url = answer.request.shown_url
        failure = MalformedResponseError(
            f"the answer with status {answer.status} from {url} is not a valid {self.provider} response ({kind}): "
            f"{text!r}. Check base_url and any proxy in between.",
            provider=self.provider,
            model=self.model,
            status=answer.status,
        )
        failure.__cause__ = cause
        self._redactor(answer.request).redact_error(failure)
        return failure

    def _request_id(self, answer: Answer) -> str | None:
        return find_request_id(answer.headers)


def _error_in_place(reading: Reading[Any], error: Exception) -> Exception:
    """The provider's error, if it came as JSON where a stream of another form was expected; else ``error``."""
    if isinstance(error, WrongShape) and not reading.seen:
        with contextlib.suppress(ValueError):
            payload = read_json(reading.start)
            if is_error_body(payload):
                return ProviderError(payload)
    return error


def _start(body: bytes) -> str:
    return body[:QUOTED].decode("utf-8", "replace")
