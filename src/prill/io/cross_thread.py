"""Iterating, from a worker thread, a stream that lives on an event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import CancelledError, Future, InvalidStateError
from typing import Any, Generic, TypeVar

from prill.errors import Cancelled
from prill.io.scope import interruptible

T = TypeVar("T")

_END: Any = object()
_CHECK_SECONDS = 1.0


def pull_across_threads(stream: AsyncIterator[T], loop: asyncio.AbstractEventLoop) -> Iterator[T]:
    """Iterate a stream of ``loop`` in another thread."""
    while True:
        crossing: _CrossThreadNext[T] = _CrossThreadNext(stream, loop)
        with interruptible(crossing.cancel):
            item = crossing.wait()
        if item is _END:
            return
        yield item


class _CrossThreadNext(Generic[T]):
    """The next chunk of a stream, waited for in another thread until the stream is idle again, cancelled or not."""

    def __init__(self, stream: AsyncIterator[T], loop: asyncio.AbstractEventLoop) -> None:
        self._answer: Future[T] = Future()
        self._stream = stream
        self._loop = loop
        loop.call_soon_threadsafe(self._start_on_loop)

    def wait(self) -> T:
        while True:
            try:
                return self._answer.result(_CHECK_SECONDS)
            except TimeoutError:
                if self._answer.done():  # with an error of its own, or just now
                    return self._answer.result()
                if self._loop.is_closed():
                    self._answer.cancel()
            except CancelledError:
                raise Cancelled("the event loop was closed while this generator waited for its next chunk") from None

    def cancel(self) -> None:
        self._loop.call_soon_threadsafe(lambda: self._task.cancel())

    def _start_on_loop(self) -> None:
        self._task = self._loop.create_task(self._get_next_item())
        self._task.add_done_callback(self._deliver)

    async def _get_next_item(self) -> T:
        try:
            return await self._stream.__anext__()
        except StopAsyncIteration:
            return _END  # type: ignore[no-any-return]  # it stands for the end

    def _deliver(self, task: asyncio.Task[T]) -> None:
        with contextlib.suppress(InvalidStateError):  # no thread waits any more
            if task.cancelled():
                error = Cancelled("the stream was left while this generator waited for its next chunk")
                self._answer.set_exception(error)
            elif (raised := task.exception()) is not None:
                self._answer.set_exception(raised)
            else:
                self._answer.set_result(task.result())
