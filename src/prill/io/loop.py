"""The asyncio colour: leaves are awaited, several at once are tasks, blocking functions go to threads."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sys
import threading
import time
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
    Sequence,
)
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Generic, TypeVar

from prill.errors import Cancelled
from prill.io.colour import Colour, Condition, Put, Thunk
from prill.io.context import InContext
from prill.io.drive import close, closing
from prill.io.limit import Limit
from prill.io.per_loop import PerLoop
from prill.io.portal import HOME
from prill.io.scope import Scope, enter, interruptible
from prill.io.stopper import Stopper
from prill.io.workers import Workers

T = TypeVar("T")

_END: Any = object()


class Asyncio:
    """The colour of asyncio: leaves are awaited, several at once are tasks, blocking functions go to threads."""

    blocking = False

    async def call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        scope = Scope()
        context = copy_context()
        context.run(enter, scope)
        context.run(HOME.set, (asyncio.get_running_loop(), threading.get_ident()))
        workers = await _WORKERS.get(Workers)
        try:
            answer: T = await workers.submit(context, functools.partial(function, *args, **kwargs))
            return answer
        except asyncio.CancelledError:
            scope.cancel()
            raise

    async def pull(self, make: Callable[[], Iterator[T]]) -> AsyncGenerator[T, None]:
        context, scope = copy_context(), Scope()
        context.run(enter, scope)
        context.run(HOME.set, (asyncio.get_running_loop(), threading.get_ident()))
        # A thread of its own: it may wait for another generator, and threads of one pool that wait for each other
        # would use the pool up.
        thread = ThreadPoolExecutor(1, thread_name_prefix="prill-generator")
        run_in: Callable[..., asyncio.Future[Any]] = asyncio.get_running_loop().run_in_executor
        in_thread = functools.partial(run_in, thread, context.run)
        iterator: Any = None
        waiting = in_thread(make)
        try:
            iterator = await asyncio.shield(waiting)
            while True:
                waiting = in_thread(next, iterator, _END)
                item = await asyncio.shield(waiting)
                if item is _END:
                    return
                yield item
        finally:
            if not waiting.done():
                scope.cancel()
            # The one thread works in order: this closes after what it is busy with.
            closed = [in_thread(iterator.close)] if hasattr(iterator, "close") else []
            thread.shutdown(wait=False)
            await finish([waiting, *closed])
            for closing_it in closed:
                closing_it.result()  # what its ``finally`` raised

    async def gather(self, thunks: Sequence[Thunk[T]], limit: Limit | None = None) -> list[T]:
        if len(thunks) < 2:
            return [await thunk() for thunk in thunks]
        if limit is None:
            return await _all([_start(thunk()) for thunk in thunks])
        return await self._gather_within(thunks, limit)

    async def _gather_within(self, thunks: Sequence[Thunk[T]], limit: Limit) -> list[T]:
        results: list[Any] = [None] * len(thunks)
        left = deque(enumerate(thunks))

        async def work() -> None:
            while left:
                index, thunk = left.popleft()
                results[index] = await InContext(copy_context(), thunk())

        async with _Helpers(limit, lambda: work() if left else None, len(thunks) - 1) as helpers:
            await helpers.beside(work())
        return results

    def merge(
        self, streams: Sequence[AsyncIterator[T]], limit: Limit | None = None
    ) -> AsyncGenerator[tuple[int, T], None]:
        return self._only(streams[0]) if len(streams) == 1 else self._merge(streams, limit or Limit(len(streams)))

    async def _only(self, stream: AsyncIterator[T]) -> AsyncGenerator[tuple[int, T], None]:
        async with closing(stream):
            async for chunk in stream:
                yield 0, chunk

    async def apart(self, stream: AsyncIterator[T]) -> AsyncGenerator[T, None]:
        async with closing(self._merge([stream], Limit(1))) as merged:
            async for _, chunk in merged:
                yield chunk

    async def _merge(self, streams: Sequence[AsyncIterator[T]], limit: Limit) -> AsyncGenerator[tuple[int, T], None]:
        arrived: deque[tuple[int, Any]] = deque()
        news = asyncio.Event()
        gates = [asyncio.Event() for _ in streams]
        left = deque(enumerate(streams))

        async def pump() -> None:
            index, stream = left.popleft()
            ended: Any = _END
            try:
                async with closing(stream):
                    async for chunk in stream:
                        arrived.append((index, chunk))
                        news.set()
                        await gates[index].wait()
                        gates[index].clear()
            except BaseException as error:
                ended = _Failed(error)
                if not isinstance(error, Exception):
                    raise
            finally:
                arrived.append((index, ended))
                news.set()

        async def pump_in_turn() -> None:
            while left:
                await pump()

        # The first pump runs in the place of the task that called, which only waits.
        running = len(streams)
        try:
            async with _Helpers(limit, lambda: pump() if left else None, running - 1) as helpers:
                helpers.start(pump_in_turn())
                while running:
                    while arrived:
                        index, chunk = arrived.popleft()
                        if chunk is _END:
                            running -= 1
                        elif type(chunk) is _Failed:
                            raise chunk.error
                        else:
                            yield index, chunk
                            gates[index].set()
                    if running:
                        news.clear()
                        await news.wait()
        finally:
            for _, stream in left:
                await close(stream)

    def iterate(self, stream: AsyncIterator[T]) -> Iterator[T]:
        return _pull_across(stream, asyncio.get_running_loop())

    def condition(self) -> Condition:
        return asyncio.Condition()  # type: ignore[return-value]  # its __aexit__ names its arguments

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def stopper(self) -> Stopper:
        return AsyncioStopper()

    async def settle(self, waiting: Awaitable[T]) -> T:
        return await waiting

    async def background(self, work: Callable[[Put], Awaitable[Any]], limit: int) -> AsyncGenerator[Any, None]:
        items: list[Any] = []
        news, room = asyncio.Event(), asyncio.Event()
        loop, here, thread = asyncio.get_running_loop(), threading.get_ident, threading.get_ident()
        limit = max(1, limit // 2)  # while half is used up, the other half may be filled
        consumer_left = False

        def put(item: Any) -> Awaitable[None] | None:
            if here() != thread:  # a worker thread of the same run
                if consumer_left or loop.is_closed():
                    raise Cancelled("the consumer has left")
                asyncio.run_coroutine_threadsafe(put_here(item), loop).result()
                return None
            if consumer_left:
                return None
            if not items:
                news.set()  # the consumer takes all there are at once, so one notice is enough
            items.append(item)
            if len(items) < limit:
                return None
            room.clear()
            return _Room(room, loop)

        async def put_here(item: Any) -> None:
            if (full := put(item)) is not None:
                await full

        async def run() -> None:
            try:
                await work(put)
            finally:
                items.append(_END)
                news.set()

        task = _start(run())
        try:
            while True:
                await news.wait()
                news.clear()
                taken, items[:] = items[:], []
                for item in taken:
                    if item is _END:
                        await task
                        return
                    yield item
                room.set()
        finally:
            consumer_left = True
            room.set()  # for worker threads: nobody waits for them, and they for nobody
            await finish([task], cancel=True)

    async def before(self, deadline: float, thunk: Thunk[T], way_out: Callable[[], None]) -> T:
        async with asyncio.timeout(deadline - time.monotonic()):
            return await thunk()

    async def shield(self, thunk: Thunk[T]) -> T:
        task = _start(thunk())
        await finish([task])
        return task.result()


class _Failed:
    """What ended a stream, on its way to whoever reads the streams together."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class _Helpers:
    """Tasks that a limit allows, one by one as it does; leaving ends them all."""

    def __init__(self, limit: Limit, make: Callable[[], Coroutine[Any, Any, None] | None], most: int) -> None:
        self._limit = limit
        self._make = make
        self._most = most
        self._tasks: list[asyncio.Task[None]] = []
        self._context = copy_context()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._failure: asyncio.Future[BaseException] = self._loop.create_future()
        self._open = True

    async def __aenter__(self) -> _Helpers:
        self._requests = [self._limit.ask(self._hire) for _ in range(self._most)]
        return self

    def start(self, body: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(body, context=self._context.copy())
        task.add_done_callback(self._note)
        self._tasks.append(task)
        return task

    def _hire(self) -> bool:
        if threading.get_ident() != self._thread:  # released by a helper of another colour
            try:
                self._loop.call_soon_threadsafe(self._hire_or_release)
            except RuntimeError:  # the loop has ended, and what asked with it
                return False
            return True
        body = self._make() if self._open else None
        if body is None:
            return False
        self.start(body).add_done_callback(lambda _: self._limit.release())
        return True

    def _hire_or_release(self) -> None:
        if not self._hire():
            self._limit.release()

    async def beside(self, body: Coroutine[Any, Any, None]) -> None:
        """Work here while the helpers do; the first error of any is raised at once."""
        self.start(body)
        while pending := [task for task in self._tasks if not task.done()]:
            awaited: list[asyncio.Future[Any]] = [*pending, self._failure]
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            if self._failure.done():
                break
        if self._failure.done():
            raise self._failure.result()

    def _note(self, task: asyncio.Task[None]) -> None:
        # A body that cancels itself is not to be taken for one that has ended.
        cancelled = asyncio.CancelledError() if self._open else None
        error = cancelled if task.cancelled() else task.exception()
        if error is not None and not self._failure.done():
            self._failure.set_result(error)

    async def __aexit__(self, *error: object) -> None:
        self._open = False
        for withdraw in self._requests:
            withdraw()
        await finish(self._tasks, cancel=True)


class AsyncioStopper:
    """Cancels the task that waits."""

    __slots__ = ("_before", "_cancelled", "_loop", "_taken_back", "_task", "stopped")

    def __init__(self) -> None:
        self.stopped = False
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[Any] | None = None
        self._cancelled = False
        self._taken_back = False
        self._before = 0

    def enter(self) -> None:
        self._task = task = _current_task(self._loop)
        if task is not None:
            self._before = task.cancelling()

    def leave(self, entered: None = None, /) -> None:
        if self._cancelled and not self._taken_back and self._task is not None:
            self._taken_back = True
            self._task.uncancel()  # what ran has swallowed it
        self._task = None

    def stop(self) -> None:
        self.stopped = True
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it all that could be stopped
            self._loop.call_soon_threadsafe(self._cancel)

    def expire(self) -> None:
        self.stopped = True
        self._cancel()  # a task that waits; one that runs would be cancelled at its next ``await``, whatever that is

    def _cancel(self) -> None:
        if self._task is not None and not self._cancelled:
            self._cancelled = True
            self._task.cancel()

    def close(self) -> None:
        self.leave()

    def caused(self, error: BaseException) -> bool:
        if not self._cancelled or not isinstance(error, asyncio.CancelledError):
            return self.stopped and isinstance(error, Exception)
        # As ``asyncio.timeout`` does: this cancellation is taken back; somebody else's may remain.
        task = asyncio.current_task()
        if task is None or self._taken_back:
            return False
        self._taken_back = True
        return task.uncancel() <= self._before

    def call_at(self, deadline: float, function: Callable[[], None]) -> Callable[[], None]:
        return self._loop.call_later(deadline - time.monotonic(), function).cancel


# Asked for every chunk; in Python 3.11 ``asyncio.current_task`` is not in C yet, and takes three times as long.
_current_task: Callable[[asyncio.AbstractEventLoop], asyncio.Task[Any] | None] = (
    asyncio.current_task if sys.version_info >= (3, 12) else asyncio.tasks._current_tasks.get  # type: ignore[attr-defined]
)


class _Room:
    """Waits until there is room. No coroutine, since plain code, which cannot wait, drops it."""

    __slots__ = ("_loop", "_room")

    def __init__(self, room: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
        self._room = room
        self._loop = loop

    def __await__(self) -> Generator[Any, None, None]:
        # On another loop, plain code of this one waits, and so keeps it from making room.
        if asyncio.get_running_loop() is self._loop:
            yield from self._room.wait().__await__()


_WORKERS: PerLoop[Workers] = PerLoop(Workers.aclose)


def _pull_across(stream: AsyncIterator[T], loop: asyncio.AbstractEventLoop) -> Iterator[T]:
    """Iterate, from a worker thread, a stream that lives on ``loop``."""

    while True:
        crossing: _Crossing[T] = _Crossing(stream, loop)
        with interruptible(crossing.stop):
            item = crossing.answer.result()
        if item is _END:
            return
        yield item


class _Crossing(Generic[T]):
    """The next chunk of a stream, waited for in another thread until the stream is idle again, cancelled or not."""

    def __init__(self, stream: AsyncIterator[T], loop: asyncio.AbstractEventLoop) -> None:
        self.answer: Future[T] = Future()
        self._stream = stream
        self._loop = loop
        loop.call_soon_threadsafe(self._begin)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(lambda: self._task.cancel())

    def _begin(self) -> None:
        self._task = self._loop.create_task(self._next())
        self._task.add_done_callback(self._hand_over)

    async def _next(self) -> T:
        try:
            return await self._stream.__anext__()
        except StopAsyncIteration:
            return _END  # type: ignore[no-any-return]  # as above

    def _hand_over(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            self.answer.set_exception(Cancelled("the stream was left while this generator waited for its next chunk"))
        elif (error := task.exception()) is not None:
            self.answer.set_exception(error)
        else:
            self.answer.set_result(task.result())


def _start(body: Awaitable[T]) -> asyncio.Task[T]:
    return asyncio.get_running_loop().create_task(_as_coroutine(body) if not hasattr(body, "send") else body)  # type: ignore[arg-type]


async def _as_coroutine(body: Awaitable[T]) -> T:
    return await body


async def _all(tasks: Sequence[asyncio.Task[T]]) -> list[T]:
    """The results of all tasks; the first error cancels the others and is raised when they have ended."""
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in tasks:
            if task in done and not task.cancelled() and task.exception() is not None:
                raise task.exception()  # type: ignore[misc]  # checked on the line above
        return [task.result() for task in tasks]
    finally:
        await finish(tasks, cancel=True)


async def finish(waiting: Iterable[asyncio.Future[Any]], *, cancel: bool = False) -> None:
    """Wait until all have ended, even while this task is being cancelled; their errors are taken note of."""
    everything = list(waiting)
    pending = {future for future in everything if not future.done()}
    if cancel:
        for future in pending:
            future.cancel()
    interrupted: asyncio.CancelledError | None = None
    while pending:
        try:
            _, pending = await asyncio.wait(pending)
        except asyncio.CancelledError as error:
            interrupted = error
            pending = {future for future in pending if not future.done()}
    for future in everything:
        if not future.cancelled():
            future.exception()
    if interrupted is not None:
        raise interrupted


ASYNCIO: Colour = Asyncio()
