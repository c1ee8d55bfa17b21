"""The asyncio colour: leaves are awaited, several at once are tasks, blocking functions go to threads."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Generic, TypeVar

from runlet.errors import Cancelled
from runlet.io.colour import Colour, Condition, Put, Thunk
from runlet.io.context import InContext
from runlet.io.drive import closing
from runlet.io.portal import HOME
from runlet.io.scope import Scope, enter, interruptible
from runlet.io.stopper import Stopper

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
        bound = functools.partial(function, *args, **kwargs)
        try:
            return await asyncio.get_running_loop().run_in_executor(None, _guard_stop, context, bound)
        except asyncio.CancelledError:
            scope.cancel()
            raise

    async def pull(self, make: Callable[[], Iterator[T]]) -> AsyncGenerator[T, None]:
        context, scope = copy_context(), Scope()
        context.run(enter, scope)
        context.run(HOME.set, (asyncio.get_running_loop(), threading.get_ident()))
        # A thread of its own: it may wait for another generator, and threads of one pool that wait for each other
        # would use the pool up.
        thread = ThreadPoolExecutor(1, thread_name_prefix="runlet-generator")
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

    async def gather(self, thunks: Sequence[Thunk[T]], width: int | None = None) -> list[T]:
        if len(thunks) < 2:
            return [await thunk() for thunk in thunks]
        if width is not None and width < len(thunks):
            return await self._gather_some(thunks, width)
        return await _all([_start(thunk()) for thunk in thunks])

    async def _gather_some(self, thunks: Sequence[Thunk[T]], width: int) -> list[T]:
        results: list[Any] = [None] * len(thunks)
        left = iter(enumerate(thunks))

        async def work() -> None:
            for index, thunk in left:
                results[index] = await InContext(copy_context(), thunk())

        await _all([_start(work()) for _ in range(width)])
        return results

    async def merge(self, streams: Sequence[AsyncIterator[T]]) -> AsyncGenerator[tuple[int, T], None]:
        if len(streams) == 1:
            async with closing(streams[0]) as only:
                async for chunk in only:
                    yield 0, chunk
            return
        arrived: deque[tuple[int, Any]] = deque()
        news = asyncio.Event()
        gates = [asyncio.Event() for _ in streams]

        async def pump(index: int, stream: AsyncIterator[T]) -> None:
            try:
                async with closing(stream):
                    async for chunk in stream:
                        arrived.append((index, chunk))
                        news.set()
                        await gates[index].wait()
                        gates[index].clear()
            finally:
                arrived.append((index, _END))
                news.set()

        tasks = [_start(pump(index, stream)) for index, stream in enumerate(streams)]
        running = len(tasks)
        try:
            while running:
                while arrived:
                    index, chunk = arrived.popleft()
                    if chunk is _END:
                        running -= 1
                        await tasks[index]
                    else:
                        yield index, chunk
                        gates[index].set()
                if running:
                    news.clear()
                    await news.wait()
        finally:
            await finish(tasks, cancel=True)

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
        loop, thread = asyncio.get_running_loop(), threading.get_ident()
        limit = max(1, limit // 2)  # while half is used up, the other half may be filled

        def put(item: Any) -> Awaitable[None] | None:
            if threading.get_ident() != thread:  # a worker thread of the same run
                asyncio.run_coroutine_threadsafe(put_here(item), loop).result()
                return None
            items.append(item)
            news.set()
            if len(items) < limit:
                return None
            room.clear()
            return wait_for_room()

        async def put_here(item: Any) -> None:
            if (full := put(item)) is not None:
                await full

        async def wait_for_room() -> None:
            await room.wait()

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
            await finish([task], cancel=True)

    async def before(self, deadline: float, thunk: Thunk[T], way_out: Callable[[], None]) -> T:
        async with asyncio.timeout(deadline - time.monotonic()):
            return await thunk()

    async def shield(self, thunk: Thunk[T]) -> T:
        task = _start(thunk())
        await finish([task])
        return task.result()


class AsyncioStopper:
    """Cancels the task that waits."""

    def __init__(self) -> None:
        self.stopped = False
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[Any] | None = None
        self._cancelled = False

    def enter(self) -> None:
        self._task = asyncio.current_task()

    def leave(self) -> None:
        self._task = None

    def stop(self) -> None:
        self.stopped = True
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it all that could be stopped
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._task is not None and not self._cancelled:
            self._cancelled = True
            self._task.cancel()

    def close(self) -> None:
        self._task = None

    def caused(self, error: BaseException) -> bool:
        if not self._cancelled or not isinstance(error, asyncio.CancelledError):
            return self.stopped and isinstance(error, Exception)
        # As ``asyncio.timeout`` does: this cancellation is taken back; somebody else's may remain.
        task = asyncio.current_task()
        return task is not None and task.uncancel() == 0

    def call_at(self, deadline: float, function: Callable[[], None]) -> Callable[[], None]:
        return self._loop.call_later(deadline - time.monotonic(), function).cancel


def _guard_stop(context: Any, function: Callable[[], T]) -> T:
    # A future cannot carry StopIteration.
    try:
        return context.run(function)  # type: ignore[no-any-return]  # Context.run is untyped here
    except StopIteration as stop:
        raise RuntimeError("a function raised StopIteration") from stop


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
        return await anext(self._stream, _END)

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
