"""Asyncio execution: leaves are awaited, several bodies at once are tasks, blocking functions go to threads."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from contextvars import Context, copy_context
from typing import Any, TypeVar

from prill.errors import Cancelled
from prill.io.context import InContext
from prill.io.cross_thread import pull_across_threads
from prill.io.drive import close, closing
from prill.io.execution_mode import Condition, Emit, ExecutionMode, Thunk
from prill.io.interrupter import Interrupter
from prill.io.limit import Limit
from prill.io.loop_threads import LoopThreads
from prill.io.per_loop import PerLoop
from prill.io.portal import HOME_LOOP, run_on
from prill.io.scope import Scope, enter
from prill.io.task_interrupter import TaskInterrupter
from prill.io.tasks import TaskGroup, finish, start, wait_for_all

T = TypeVar("T")

_END: Any = object()


class Asyncio:
    """Leaves are awaited, several bodies at once are tasks, blocking functions go to threads."""

    blocking = False

    async def call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        context, scope = _context_of_thread()
        threads = await _THREADS.get(LoopThreads)
        # A thread of the pool may be waiting for this call; were they all, the call would never get one of them.
        submit = threads.submit if HOME_LOOP.get() is None else threads.start
        try:
            answer: T = await submit(context, functools.partial(function, *args, **kwargs))
            return answer
        except asyncio.CancelledError:
            scope.cancel()
            raise

    async def pull(self, make: Callable[[], Iterator[T]]) -> AsyncGenerator[T, None]:
        context, scope = _context_of_thread()
        # A thread of its own: it may wait for another generator, and threads of one pool that wait for each other
        # would use the pool up.
        thread = LoopThreads(1, "prill-generator")
        iterator: Any = None
        waiting = thread.submit(context, make)
        try:
            iterator = await asyncio.shield(waiting)
            pull_next = functools.partial(next, iterator, _END)
            while True:
                waiting = thread.submit(context, pull_next)
                item = await asyncio.shield(waiting)
                if item is _END:
                    return
                yield item
        finally:
            if not waiting.done():
                scope.cancel()
            # The one thread works in order: this closes the iterator after the call that it is busy with.
            closed = [thread.submit(context, iterator.close)] if hasattr(iterator, "close") else []
            await thread.aclose()
            await finish([waiting, *closed])
            for closing_it in closed:
                closing_it.result()  # raises the error of its ``finally``

    async def gather(self, thunks: Sequence[Thunk[T]], limit: Limit | None = None) -> list[T]:
        if len(thunks) < 2:
            return [await thunk() for thunk in thunks]
        if limit is None:
            return await wait_for_all([start(thunk()) for thunk in thunks])
        return await self._gather_within(thunks, limit)

    async def _gather_within(self, thunks: Sequence[Thunk[T]], limit: Limit) -> list[T]:
        results: list[Any] = [None] * len(thunks)
        left = deque(enumerate(thunks))

        async def work() -> None:
            while left:
                index, thunk = left.popleft()
                results[index] = await InContext(copy_context(), thunk())

        async with TaskGroup(limit, lambda: work() if left else None, len(thunks) - 1) as tasks:
            await tasks.run_beside(work())
        return results

    def merge(
        self, streams: Sequence[AsyncIterator[T]], limit: Limit | None = None
    ) -> AsyncGenerator[tuple[int, T], None]:
        return (
            self._forward_stream(streams[0])
            if len(streams) == 1
            else self._merge_streams(streams, limit or Limit(len(streams)))
        )

    async def _forward_stream(self, stream: AsyncIterator[T]) -> AsyncGenerator[tuple[int, T], None]:
        async with closing(stream):
            async for chunk in stream:
                yield 0, chunk

    async def run_on_new_stack(self, stream: AsyncIterator[T]) -> AsyncGenerator[T, None]:
        async with closing(self._merge_streams([stream], Limit(1))) as merged:
            async for _, chunk in merged:
                yield chunk

    async def _merge_streams(
        self, streams: Sequence[AsyncIterator[T]], limit: Limit
    ) -> AsyncGenerator[tuple[int, T], None]:
        arrived: deque[tuple[int, Any]] = deque()
        news = asyncio.Event()
        gates = [asyncio.Event() for _ in streams]
        left = deque(enumerate(streams))

        async def pull() -> None:
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
                ended = _StreamError(error)
                if not isinstance(error, Exception):
                    raise
            finally:
                arrived.append((index, ended))
                news.set()

        async def pull_in_turn() -> None:
            while left:
                await pull()

        # The first stream is pulled in place of the calling task, which only waits.
        running = len(streams)
        try:
            async with TaskGroup(limit, lambda: pull() if left else None, running - 1) as tasks:
                tasks.start(pull_in_turn())
                while running:
                    while arrived:
                        index, chunk = arrived.popleft()
                        if chunk is _END:
                            running -= 1
                        elif type(chunk) is _StreamError:
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
        return pull_across_threads(stream, asyncio.get_running_loop())

    def condition(self) -> Condition:
        return asyncio.Condition()  # type: ignore[return-value]  # its __aexit__ names its arguments

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def make_interrupter(self) -> Interrupter:
        return TaskInterrupter()

    async def await_on_loop(self, waiting: Awaitable[T]) -> T:
        return await waiting

    async def background(self, work: Callable[[Emit], Awaitable[Any]], limit: int) -> AsyncGenerator[Any, None]:
        items: list[Any] = []
        news, room = asyncio.Event(), asyncio.Event()
        loop, here, thread = asyncio.get_running_loop(), threading.get_ident, threading.get_ident()
        limit = max(1, limit // 2)  # while the consumer uses one half, the other may be filled
        consumer_left = False

        def put(item: Any) -> Awaitable[None] | None:
            if here() != thread:  # a worker thread of the same run
                if consumer_left or loop.is_closed():
                    raise Cancelled("the consumer has left the stream")
                run_on(loop, put_here(item))
                return None
            if consumer_left:
                return None
            if not items:
                news.set()  # the consumer takes all items at once, so it is woken once
            items.append(item)
            if len(items) < limit:
                return None
            room.clear()
            return _Backpressure(room, loop)

        async def put_here(item: Any) -> None:
            if (full := put(item)) is not None:
                await full

        async def run() -> None:
            try:
                await work(put)
            finally:
                items.append(_END)
                news.set()

        task = start(run())
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
            room.set()  # for worker threads, which are not waited for
            await finish([task], cancel=True)

    async def run_before(self, deadline: float, thunk: Thunk[T], unblock: Callable[[], None]) -> T:
        async with asyncio.timeout(deadline - time.monotonic()):
            return await thunk()

    async def shield(self, thunk: Thunk[T]) -> T:
        task = start(thunk())
        await finish([task])
        return task.result()


class _StreamError:
    """The error that ended a stream, on its way to the consumer of the merged streams."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class _Backpressure:
    """Waits until there is room. Not a coroutine, since plain code, which cannot await, drops it."""

    __slots__ = ("_has_room", "_loop")

    def __init__(self, room: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
        self._has_room = room
        self._loop = loop

    def __await__(self) -> Generator[Any, None, None]:
        # On another loop there is plain code of this one that waits for it, and so keeps it from making room.
        if asyncio.get_running_loop() is self._loop:
            yield from self._has_room.wait().__await__()


def _context_of_thread() -> tuple[Context, Scope]:
    """The context for a plain function in a worker thread, and the scope that unblocks it."""
    context, scope = copy_context(), Scope()
    context.run(enter, scope)
    context.run(HOME_LOOP.set, asyncio.get_running_loop())
    return context, scope


_THREADS: PerLoop[LoopThreads] = PerLoop(LoopThreads.aclose)

ASYNCIO: ExecutionMode = Asyncio()
