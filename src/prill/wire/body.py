"""The bytes of a streaming response, in either colour."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx2

from prill.errors import Cancelled, StreamTimeout
from prill.io import Colour, interruptible
from prill.wire.interrupt import Interrupted, InterruptibleStream, shut_down

_END: Any = object()

_TURNS = 16
"""Turns of the event loop in which httpx's own generators are closed, which would otherwise outlive the stream."""

_END_TIMEOUT = 0.25
"""Seconds that a server is given to end a response whose content is whole, so that its connection can be reused."""


class Body:
    """A response's bytes as they arrive; closing it closes the connection, in time and whatever happens.

    ``first_timeout`` and ``idle_timeout`` are seconds to the first chunk of content and between such chunks: what reads
    the body says with ``chunks_came`` what the chunks add up to, so that a server's pings and greetings do not count.
    ``None`` means no limit.
    """

    def __init__(
        self,
        response: httpx2.Response,
        io: Colour,
        *,
        first_timeout: float | None = None,
        idle_timeout: float | None = None,
    ) -> None:
        self._response = response
        self._io = io
        self._idle_timeout = idle_timeout
        first = first_timeout if first_timeout is not None else idle_timeout
        self._limit = first
        self._deadline = None if first is None else time.monotonic() + first
        self.chunks = 0
        self._begun = False
        self._whole = False
        self._source: Any = None

    def expect_end(self) -> None:
        """The content is whole; what is left is the end of the response."""
        self._whole = True
        self._deadline = time.monotonic() + _END_TIMEOUT

    def chunks_came(self, count: int, total: Any) -> None:
        """Chunks were read and passed on; if they brought content, the time to the next one begins."""
        self.chunks += count
        if self._limit is None or not _brings_content(total):
            return
        self._begun = True
        self._limit = self._idle_timeout
        self._deadline = None if self._idle_timeout is None else time.monotonic() + self._idle_timeout

    async def pieces(self) -> AsyncIterator[bytes]:
        blocking = self._io.blocking
        source: Any = self._response.iter_bytes() if blocking else self._response.aiter_bytes()
        self._source = source
        following = partial(_next_plain, source, self._way_out) if blocking else partial(anext, source, _END)
        try:
            while True:
                if self._deadline is None:
                    piece = await following()
                else:
                    piece = await self._before(following)
                if piece is _END:
                    return
                yield piece
        finally:
            await self.aclose()

    async def _before(self, following: Any) -> Any:
        deadline = self._deadline
        assert deadline is not None
        try:
            stream = self._response.extensions.get("network_stream")
            if self._io.blocking and isinstance(stream, InterruptibleStream):
                return await _read_before(deadline, stream, following)
            return await self._io.before(deadline, following, self._way_out)
        except TimeoutError as error:
            if self._whole:
                return _END
            if time.monotonic() < deadline:
                raise
            what = f"no chunk after the first {self.chunks}" if self._begun else "no first chunk of content"
            raise StreamTimeout(
                f"the stream stalled: {what} within {self._limit:g} s. The server may be overloaded; "
                "raise first_chunk_timeout or stream_idle_timeout if it is only slow",
                chunks_received=self.chunks,
            ) from error

    def _way_out(self) -> None:
        stream = self._response.extensions.get("network_stream")
        if stream is not None:
            shut_down(stream)

    async def aclose(self) -> None:
        if self._response.is_closed:
            return
        if self._io.blocking:
            self._response.close()
        else:
            # In a task of its own: an ``await`` here would be cancelled again under anyio's cancel scopes.
            await self._io.shield(self._close_in_loop)

    async def _close_in_loop(self) -> None:
        await self._response.aclose()
        source, self._source = self._source, None
        if source is not None:
            await source.aclose()
            # httpx nests generators without closing the inner ones: the loop closes them, one level in a turn or two.
            for _ in range(_TURNS):
                await self._io.sleep(0)


def _brings_content(chunk: Any) -> bool:
    """Whether a chunk, of a message or of text, brings a part of the answer, not only facts about it."""
    content = getattr(chunk, "content", None)
    if content is None:
        return bool(chunk.text)
    return bool(content or chunk.tool_call_chunks or chunk.additional_kwargs)


async def _read_before(deadline: float, stream: InterruptibleStream, following: Any) -> Any:
    """The same as ``before`` of the blocking colour, without the thread that this needs."""
    stream.deadline = deadline
    try:
        return await following()
    except httpx2.ReadTimeout as error:
        if time.monotonic() < deadline:
            raise
        raise TimeoutError from error
    finally:
        stream.deadline = None


async def _next_plain(source: Any, way_out: Any) -> Any:
    try:
        with interruptible(way_out):
            return next(source, _END)
    except Interrupted:
        raise Cancelled("the run was stopped while it waited for the next chunk of a stream") from None
