"""The body of an answer as it arrives: decompressed, bounded in size and in time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from prill.errors import StreamTimeout
from prill.providers.http.compression import find_decompressor
from prill.providers.http.message import Answer, AnswerTooLate, BadBody

_UNKNOWN: Any = object()

_END_TIMEOUT = 0.25
"""Seconds that a server is given to end a response whose content is whole, so that its connection can be reused."""

ERROR_BYTES = 1024 * 1024
"""How much of the body of an error is read."""


class Body:
    """An answer's bytes as they arrive; closing it closes the connection, or gives it back.

    ``first_timeout`` and ``idle_timeout`` are seconds from sending the request to the first chunk of content, and
    between such chunks: what reads the body reports with ``chunks_came`` what the chunks add up to, so that a server's
    pings and greetings do not count. ``None`` means no limit. ``limit`` is how many bytes are read at most.
    """

    def __init__(
        self,
        answer: Answer,
        *,
        first_timeout: float | None = None,
        idle_timeout: float | None = None,
        limit: int | None = None,
    ) -> None:
        self._answer = answer
        self._idle_timeout = idle_timeout
        self._read_timeout = answer.request.timeout.read
        self._most = limit
        self._size = 0
        if first_timeout is not None:
            self._limit: float | None = first_timeout
            self._deadline: float | None = answer.sent_at + first_timeout
        else:
            self._limit = idle_timeout
            self._deadline = None if idle_timeout is None else time.monotonic() + idle_timeout
        self.chunks = 0
        self._begun = False
        self._whole = False
        self._decompressor: Any = _UNKNOWN
        self._decompressed: Iterator[bytes] = iter(())

    def expect_end(self) -> None:
        """The content is whole; what is left is the end of the response."""
        self._whole = True
        self._deadline = time.monotonic() + _END_TIMEOUT

    def chunks_came(self, count: int, total: Any) -> None:
        """Chunks were read and passed on; if they brought content, the time to the next one starts."""
        self.chunks += count
        if (self._limit is None and self._idle_timeout is None) or not _brings_content(total):
            return
        self._begun = True
        self._limit = self._idle_timeout
        self._deadline = None if self._idle_timeout is None else time.monotonic() + self._idle_timeout

    async def read(self) -> bytes:
        """The next bytes; ``b""`` at the end.

        Raises:
            StreamTimeout: no content came in time.
            TransportError: the connection broke, or the body is damaged or too large.
        """
        if self._decompressor is _UNKNOWN:  # not before: who reads also closes, whatever the headers say
            self._decompressor = find_decompressor(self._answer.headers)
        if self._decompressor is None:
            data = await self._read()
        else:
            data = await self._read_compressed(self._decompressor)
        self._size += len(data)
        if self._most is not None and self._size > self._most:
            raise BadBody(f"the answer is larger than {self._most} bytes; max_answer_bytes allows more")
        return data

    async def _read_compressed(self, decompressor: Any) -> bytes:
        while True:
            for piece in self._decompressed:
                return piece
            data = await self._read()
            if not data:
                if not self._whole:
                    decompressor.finish()
                return b""
            self._decompressed = decompressor.feed(data)

    async def _read(self) -> bytes:
        now = time.monotonic()
        deadline, timeout = self._deadline, self._read_timeout
        if timeout is not None and (deadline is None or now + timeout < deadline):
            deadline = now + timeout
        try:
            return await self._answer.read(deadline)
        except TimeoutError:
            pass
        if self._whole:
            return b""
        if self._deadline is None or time.monotonic() < self._deadline:
            raise AnswerTooLate("the answer stopped in the middle", waited_for="an answer")
        failure = stalled(self.chunks if self._begun else None, self._limit)
        failure.chunks_received = self.chunks
        raise failure

    async def read_all(self, most: int | None = None) -> bytes:
        """The whole body, or its first ``most`` bytes; the connection is given back or closed."""
        pieces, size = [], 0
        try:
            while data := await self.read():
                pieces.append(data)
                size += len(data)
                if most is not None and size >= most:
                    break
        finally:
            await self.aclose()
        return b"".join(pieces)[:most]

    async def aclose(self) -> None:
        await self._answer.aclose()


def stalled(chunks: int | None, limit: float | None) -> StreamTimeout:
    """The error of a stream that does not go on; ``chunks`` is ``None`` where no content came at all."""
    what = f"no chunk after the first {chunks}" if chunks is not None else "no first chunk of content"
    return StreamTimeout(
        f"the stream stalled: {what} within {limit:g} s. The server may be overloaded; "
        "raise first_chunk_timeout or stream_idle_timeout if it is only slow",
        chunks_received=chunks or 0,
    )


def _brings_content(chunk: Any) -> bool:
    """Whether a chunk, of a message or of text, brings a part of the answer, not only facts about it."""
    content = getattr(chunk, "content", None)
    if content is None:
        return bool(chunk.text)
    return bool(content or chunk.tool_call_chunks or chunk.additional_kwargs)
