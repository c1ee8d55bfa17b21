"""One stream, several readers."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextvars import copy_context
from types import FrameType
from typing import Any

from prill.errors import Cancelled
from prill.io.context import InContext
from prill.io.drive import close
from prill.io.execution_mode import ExecutionMode
from prill.io.scope import current_scope, enter

TEE_LIMIT = 64
"""The default number of chunks that the fastest reader of a ``Tee`` may be ahead of the slowest."""


class StreamEnded(BaseException):
    """Ends all readers of a stream alike. Not an ``Exception``, so that user code between them does not catch it."""


class Tee:
    """Shares one stream among several readers, none more than ``limit`` chunks ahead of another that still reads.

    A reader whose buffer is empty pulls the next chunk for all. Readers run in different tasks or threads, so the
    source runs in a context of its own.
    """

    def __init__(
        self, source: AsyncIterator[Any], readers: int, colour: ExecutionMode, limit: int | None = TEE_LIMIT
    ) -> None:
        self._source = source
        self._limit = sys.maxsize if limit is None else limit
        self._changed = colour.condition()
        self._buffers: list[deque[Any] | None] = [deque() for _ in range(readers)]
        self._context = copy_context()
        self._pulling = False
        self._ended = False
        self.error: BaseException | None = None

    def readers(self) -> list[AsyncIterator[Any]]:
        return [_TeeReader(self, index) for index in range(len(self._buffers))]

    async def read(self, index: int) -> AsyncGenerator[Any, None]:
        buffer = self._buffers[index]
        assert buffer is not None
        try:
            while True:
                if await self._wait_for_turn_to_pull(buffer):
                    await self._pull_source()
                if buffer:
                    chunk = buffer.popleft()
                    if len(buffer) == self._limit - 1:
                        await self._wake_readers()
                    yield chunk
                elif self._ended:
                    if self.error is not None:
                        raise self.error
                    return
        finally:
            await self.leave(index)

    async def leave(self, index: int) -> None:
        """Stop waiting for this reader; the last to leave closes the source."""
        async with self._changed:  # of two that leave at once, in two threads, one is the last
            if self._buffers[index] is None:
                return
            self._buffers[index] = None
            is_last = all(buffer is None for buffer in self._buffers)
            self._changed.notify_all()
        if is_last:
            await InContext(self._context, close(self._source))

    async def _wait_for_turn_to_pull(self, buffer: deque[Any]) -> bool:
        """Wait for a chunk, for the end, or until this reader is to pull."""
        async with self._changed:
            while not buffer and not self._ended:
                if not self._pulling and all(len(b) < self._limit for b in self._buffers if b is not None):
                    self._pulling = True
                    return True
                await self._changed.wait()
        return False

    async def _pull_source(self) -> None:
        self._context.run(enter, current_scope())
        try:
            chunk = await InContext(self._context, self._source.__anext__())
        except StopAsyncIteration:
            self._ended = True
        except (Exception, StreamEnded) as error:
            self._ended, self.error = True, error
        except BaseException:
            self._ended = True
            self.error = Cancelled("another reader of this stream was cancelled while it waited for the next chunk")
            raise
        else:
            for buffer in self._buffers:
                if buffer is not None:
                    buffer.append(chunk)
        finally:
            self._pulling = False
            await self._wake_readers()

    async def _wake_readers(self) -> None:
        async with self._changed:
            self._changed.notify_all()


class _TeeReader:
    """One reader's stream. An object, because closing a generator that was never started runs none of its code."""

    __slots__ = ("_index", "_stream", "_tee")

    def __init__(self, tee: Tee, index: int) -> None:
        self._tee = tee
        self._index = index
        self._stream = tee.read(index)

    @property
    def ag_frame(self) -> FrameType | None:
        return self._stream.ag_frame  # type: ignore[attr-defined,no-any-return]  # it is an async generator

    @property
    def error(self) -> BaseException | None:
        """The error that the shared source ended with."""
        return self._tee.error

    def __aiter__(self) -> _TeeReader:
        return self

    def __anext__(self) -> Any:
        return self._stream.__anext__()

    async def aclose(self) -> None:
        await self._stream.aclose()
        await self._tee.leave(self._index)
