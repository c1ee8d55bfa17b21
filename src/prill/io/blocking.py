"""The blocking colour: leaves block, several at once are threads."""

from __future__ import annotations

import contextlib
import functools
import queue
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from contextvars import copy_context
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from prill.errors import Cancelled
from prill.io.alarm import Alarm
from prill.io.colour import Colour, Condition, Put, Thunk
from prill.io.drive import close, closing, drive, drive_stream
from prill.io.limit import Limit
from prill.io.portal import loop_runs_here, pause, wait_on_loop
from prill.io.scope import Scope, current_scope, interruptible, scoped
from prill.io.stopper import BlockingStopper, Stopper

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

T = TypeVar("T")

POOL_THREADS = 64
"""The most assistants that all blocking ``gather`` calls of a process share."""

DEFAULT_WIDTH = 32
"""How many bodies a blocking ``gather`` runs at once where no ``max_concurrency`` is set."""

_PATIENCE = 0.001
"""Seconds without a body's end after which waiting bodies get another assistant."""

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

    async def gather(self, thunks: Sequence[Thunk[T]], limit: Limit | None = None) -> list[T]:
        if len(thunks) < 2:
            return [await thunk() for thunk in thunks]
        if limit is not None and limit.width == 1:
            return [_drive_apart(thunk) for thunk in thunks]
        return _Crew(thunks).run(limit or Limit(DEFAULT_WIDTH))

    async def merge(
        self, streams: Sequence[AsyncIterator[T]], limit: Limit | None = None
    ) -> AsyncGenerator[tuple[int, T], None]:
        if len(streams) == 1:
            async with closing(streams[0]) as only:
                async for chunk in only:
                    yield 0, chunk
            return
        pumps = _Pumps(streams, limit or Limit(len(streams)))
        try:
            while pumps.running:
                index, chunk = pumps.take()
                if chunk is not _END:
                    yield index, chunk
                    pumps.resume(index)
        finally:
            pumps.stop()

    async def apart(self, stream: AsyncIterator[T]) -> AsyncGenerator[T, None]:
        pumps = _Pumps([stream], Limit(1))
        try:
            while pumps.running:
                with interruptible(pumps.cancel):  # what waits here may be stopped by another than at its begin
                    _, chunk = pumps.take()
                if chunk is not _END:
                    yield chunk
                    pumps.resume(0)
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
    futures = import_module("concurrent.futures")  # it brings logging and more, and few chains need it
    return futures.ThreadPoolExecutor(POOL_THREADS, thread_name_prefix="prill")  # type: ignore[no-any-return]  # it is


class _Crew:
    """Bodies worked off by the calling thread and its assistants.

    One assistant is asked for at once, another whenever nobody gets on while bodies wait: short bodies are best off
    with few threads, which need not take turns, and bodies that block soon have one each.
    """

    def __init__(self, thunks: Sequence[Thunk[Any]]) -> None:
        self._lock = threading.RLock()
        self._left: Iterator[tuple[int, Thunk[Any] | None]] = iter(enumerate(thunks))
        self._waiting = len(thunks)
        self._results: list[Any] = [None] * len(thunks)
        self._error: BaseException | None = None
        self._scope = Scope(current_scope())
        self._context = copy_context()
        self._assistants: list[Future[None]] = []
        self._requests: list[Callable[[], object]] = []
        self._stalled = True
        self._alarm: Alarm | None = None

    def run(self, limit: Limit) -> list[Any]:
        self._limit = limit
        self._ask()
        try:
            scoped(self._work_here, self._scope)
        except BaseException:  # an interrupt between two bodies
            self._scope.cancel()
            raise
        finally:
            # Ended or interrupted: no assistant takes a new body; those that have not begun never do.
            with self._lock:
                self._left, self._waiting = iter(()), 0
                if self._alarm is not None:
                    self._alarm.stop()
            for withdraw in self._requests:
                withdraw()
            for assistant in self._assistants:
                if assistant.cancel():
                    limit.release()
                else:
                    _wait(assistant)
            self._scope.leave()
        if self._error is not None:
            raise self._error
        return self._results

    def _ask(self) -> None:
        with self._lock:
            if self._waiting and len(self._requests) < POOL_THREADS:
                self._stalled = True
                self._requests.append(self._limit.ask(self._hire))

    def _hire(self) -> bool:
        with self._lock:
            if not self._waiting or self._error is not None:
                return False
            self._assistants.append(_pool().submit(self._context.copy().run, self._assist))
        return True

    def _assist(self) -> None:
        if self._stalled:
            self._ask()
        self._watch()
        try:
            scoped(self._work_here, self._scope)
        finally:
            self._limit.release()

    def _watch(self) -> None:
        """Look again soon whether anybody gets on, as long as bodies wait."""
        with self._lock:
            if not self._waiting or (self._alarm is not None and not self._alarm.rang):
                return
            if self._alarm is not None and self._stalled:
                self._ask()
            self._stalled = True
            self._alarm = Alarm(time.monotonic() + _PATIENCE, self._watch)

    def _work_here(self) -> None:
        while self._error is None:
            with self._lock:
                index, thunk = next(self._left, (-1, None))
                self._waiting -= thunk is not None
            if thunk is None:
                return
            try:
                self._results[index] = _drive_apart(thunk)
            except BaseException as error:
                self._fail(error)
            self._stalled = False

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
    """One thread a stream; each pulls its next chunk only when the last one has been used.

    The first begins in the place of the thread that called, which only waits; the others when the limit allows.
    """

    def __init__(self, streams: Sequence[AsyncIterator[Any]], limit: Limit) -> None:
        self.running = len(streams)
        self._limit = limit
        self._lock = threading.Lock()
        self._arrived: queue.SimpleQueue[tuple[int, Any, BaseException | None]] = queue.SimpleQueue()
        self._gates = [threading.Semaphore(0) for _ in streams]
        self._scope = Scope(current_scope())
        self._context = copy_context()
        self._threads: list[threading.Thread] = []
        self._left = deque(enumerate(streams))
        self._begin(False)
        self._requests = [limit.ask(functools.partial(self._begin, True)) for _ in range(len(streams) - 1)]

    def _begin(self, helper: bool) -> bool:
        with self._lock:
            if not self._left or self._scope.cancelled:
                return False
            index, stream = self._left.popleft()
            pump = functools.partial(self._enter, index, stream, helper)
            thread = threading.Thread(target=self._context.copy().run, args=(pump,), name="prill-branch", daemon=True)
            self._threads.append(thread)
        thread.start()
        return True

    def take(self) -> tuple[int, Any]:
        index, chunk, error = self._arrived.get()
        if error is not None:
            raise error
        if chunk is _END:
            self.running -= 1
        return index, chunk

    def resume(self, index: int) -> None:
        self._gates[index].release()

    def cancel(self) -> None:
        self._scope.cancel()

    def stop(self) -> None:
        self.cancel()
        for withdraw in self._requests:
            withdraw()
        with self._lock:
            left, self._left = self._left, deque()
        for gate in self._gates:
            gate.release()
        for thread in self._threads:
            thread.join()
        for _, stream in left:
            drive(close(stream))
        self._scope.leave()

    def _enter(self, index: int, stream: AsyncIterator[Any], helper: bool) -> None:
        scoped(functools.partial(self._pump, index, stream), self._scope)
        if helper:
            self._limit.release()
        else:
            self._begin(False)

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

    def _put(self, item: Any) -> Awaitable[None] | None:
        with self._changed:
            self._items.append(item)
            self._changed.notify_all()
            if len(self._items) >= self._limit and loop_runs_here():
                # Others need this thread's loop, the consumer perhaps: it must not be blocked.
                return self
            while len(self._items) >= self._limit:
                self._check()
                self._changed.wait(0.05)
        self._check()
        return None

    def __await__(self) -> Generator[Any, None, None]:
        """Wait for room on an event loop, in a part of the run that is asyncio's."""
        while len(self._items) >= self._limit:
            self._check()
            yield from pause(0.005).__await__()

    def _check(self) -> None:
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
