"""The blocking colour: leaves block, several at once are threads."""

from __future__ import annotations

import contextlib
import functools
import queue
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

from runlet.errors import Cancelled
from runlet.io.alarm import Alarm
from runlet.io.colour import Colour, Condition, Put, Thunk
from runlet.io.drive import closing, drive, drive_stream
from runlet.io.portal import wait_on_loop
from runlet.io.scope import Scope, current_scope, scoped
from runlet.io.stopper import BlockingStopper, Stopper

T = TypeVar("T")

POOL_THREADS = 64
"""The most assistants that all blocking ``gather`` calls of a process share."""

DEFAULT_WIDTH = 32
"""How many bodies a blocking ``gather`` runs at once where no ``max_concurrency`` is set."""

_END: Any = object()


class BlockingCondition:
    """A ``threading.Condition`` with the shape that bodies use."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self.notify_all = self._condition.notify_all

    async def __aenter__(self) -> None:
        self._condition.acquire()

    async def __aexit__(self, *error: object) -> None:
        self._condition.release()

    async def wait(self) -> None:
        # The wait is short so that a cancelled scope is noticed even where nobody notifies.
        self._condition.wait(0.05)
        scope = current_scope()
        if scope is not None and scope.cancelled:
            raise Cancelled("the run was stopped while it waited for another branch")


class Blocking:
    """The colour of plain code: leaves block, several at once are threads."""

    blocking = True

    async def call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        return function(*args, **kwargs)

    async def pull(self, make: Callable[[], Iterator[T]]) -> AsyncGenerator[T, None]:
        iterator = make()
        try:
            for item in iterator:
                yield item
        finally:
            if hasattr(iterator, "close"):
                iterator.close()

    async def gather(self, thunks: Sequence[Thunk[T]], width: int | None = None) -> list[T]:
        width = min(width or DEFAULT_WIDTH, len(thunks))
        if width <= 1:
            return [_drive_apart(thunk) for thunk in thunks]
        return _Crew(thunks).run(width - 1)

    async def merge(self, streams: Sequence[AsyncIterator[T]]) -> AsyncGenerator[tuple[int, T], None]:
        if len(streams) == 1:
            async with closing(streams[0]) as only:
                async for chunk in only:
                    yield 0, chunk
            return
        pumps = _Pumps(streams)
        try:
            while pumps.running:
                index, chunk = pumps.take()
                if chunk is not _END:
                    yield index, chunk
                    pumps.resume(index)
        finally:
            pumps.stop()

    def iterate(self, stream: AsyncIterator[T]) -> Iterator[T]:
        return drive_stream(stream)

    def condition(self) -> Condition:
        return BlockingCondition()

    async def sleep(self, seconds: float) -> None:
        scope = current_scope()
        if scope is None:
            time.sleep(seconds)  # noqa: ASYNC251 - this colour blocks
        else:
            scope.sleep(seconds)

    def stopper(self) -> Stopper:
        return BlockingStopper()

    async def settle(self, waiting: Awaitable[T]) -> T:
        return wait_on_loop(waiting)

    async def background(self, work: Callable[[Put], Awaitable[Any]], limit: int) -> AsyncGenerator[Any, None]:
        hatch = _Hatch(work, limit)
        try:
            while True:
                for item in hatch.take():
                    if item is _END:
                        hatch.raise_error()
                        return
                    yield item
        finally:
            hatch.stop()

    async def before(self, deadline: float, thunk: Thunk[T], way_out: Callable[[], None]) -> T:
        alarm = Alarm(deadline, way_out)
        try:
            result = await thunk()
        except Exception as error:
            if alarm.rang:
                raise TimeoutError from error
            raise
        finally:
            alarm.stop()
        if alarm.rang:
            raise TimeoutError
        return result

    async def shield(self, thunk: Thunk[T]) -> T:
        return await thunk()


def _drive_apart(thunk: Thunk[T]) -> T:
    """Run a body; what it sets in the context is its own, though one thread may run several."""
    return copy_context().run(drive, thunk())


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(POOL_THREADS, thread_name_prefix="runlet")


class _Crew:
    """Bodies worked off by the calling thread and its assistants."""

    def __init__(self, thunks: Sequence[Thunk[Any]]) -> None:
        self._lock = threading.Lock()
        self._left: Iterator[tuple[int, Thunk[Any] | None]] = iter(enumerate(thunks))
        self._results: list[Any] = [None] * len(thunks)
        self._error: BaseException | None = None
        self._scope = Scope(current_scope())

    def run(self, assistants: int) -> list[Any]:
        futures = [_pool().submit(copy_context().run, self._work) for _ in range(assistants)]
        try:
            scoped(self._work_here, self._scope)
        except BaseException:  # an interrupt between two bodies
            self._scope.cancel()
            raise
        finally:
            # Ended or interrupted: no assistant takes a new body; those that have not begun never do.
            self._left = iter(())
            for future in futures:
                if not future.cancel():
                    _wait(future)
            self._scope.leave()
        if self._error is not None:
            raise self._error
        return self._results

    def _work(self) -> None:
        scoped(self._work_here, self._scope)

    def _work_here(self) -> None:
        while self._error is None:
            with self._lock:
                index, thunk = next(self._left, (-1, None))
            if thunk is None:
                return
            try:
                self._results[index] = _drive_apart(thunk)
            except BaseException as error:
                self._fail(error)

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            if self._error is not None:
                return  # a sibling that was cancelled because of the first error
            self._error = error
        self._scope.cancel()


def _wait(future: Future[None]) -> None:
    while not future.done():
        with contextlib.suppress(TimeoutError):
            future.exception(timeout=0.5)


class _Pumps:
    """One thread a stream; each pulls its next chunk only when the last one has been used."""

    def __init__(self, streams: Sequence[AsyncIterator[Any]]) -> None:
        self.running = len(streams)
        self._arrived: queue.SimpleQueue[tuple[int, Any, BaseException | None]] = queue.SimpleQueue()
        self._gates = [threading.Semaphore(0) for _ in streams]
        self._scope = Scope(current_scope())
        self._threads = [
            threading.Thread(
                target=copy_context().run, args=(self._enter, index, stream), name="runlet-branch", daemon=True
            )
            for index, stream in enumerate(streams)
        ]
        for thread in self._threads:
            thread.start()

    def take(self) -> tuple[int, Any]:
        index, chunk, error = self._arrived.get()
        if error is not None:
            raise error
        if chunk is _END:
            self.running -= 1
        return index, chunk

    def resume(self, index: int) -> None:
        self._gates[index].release()

    def stop(self) -> None:
        self._scope.cancel()
        for gate in self._gates:
            gate.release()
        for thread in self._threads:
            thread.join()
        self._scope.leave()

    def _enter(self, index: int, stream: AsyncIterator[Any]) -> None:
        scoped(functools.partial(self._pump, index, stream), self._scope)

    def _pump(self, index: int, stream: AsyncIterator[Any]) -> None:
        error: BaseException | None = None
        try:
            with contextlib.closing(drive_stream(stream)) as chunks:  # type: ignore[type-var]  # it is a generator
                for chunk in chunks:
                    self._arrived.put((index, chunk, None))
                    self._gates[index].acquire()
                    if self._scope.cancelled:
                        return
        except BaseException as raised:
            error = raised
        self._arrived.put((index, _END, error))


class _Hatch:
    """A body in a thread of its own, and the items that it has put and nobody has taken."""

    def __init__(self, work: Callable[[Put], Awaitable[Any]], limit: int) -> None:
        self._limit = max(1, limit // 2)  # while half is used up, the other half may be filled
        self._items: list[Any] = []
        self._changed = threading.Condition()
        self._scope = Scope(current_scope())
        self._error: BaseException | None = None
        enter_scope = functools.partial(scoped, functools.partial(self._run, work), self._scope)
        self._thread = threading.Thread(target=copy_context().run, args=(enter_scope,), daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[Put], Awaitable[Any]]) -> None:
        try:
            drive(work(self._put))
        except BaseException as error:
            self._error = error
        with self._changed:
            self._items.append(_END)
            self._changed.notify_all()

    def _put(self, item: Any) -> None:
        with self._changed:
            self._items.append(item)
            self._changed.notify_all()
            while len(self._items) >= self._limit:
                if self._scope.cancelled:
                    raise Cancelled("the consumer has left")
                self._changed.wait(0.05)
        if self._scope.cancelled:
            raise Cancelled("the consumer has left")

    def take(self) -> list[Any]:
        with self._changed:
            while not self._items:
                self._changed.wait()
            items, self._items = self._items, []
            self._changed.notify_all()
        return items

    def raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        self._scope.cancel()
        with self._changed:
            self._changed.notify_all()
        self._thread.join()
        self._scope.leave()


BLOCKING: Colour = Blocking()
