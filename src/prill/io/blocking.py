"""Blocking execution: leaves block, several bodies at once are threads."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any, TypeVar

from prill.io.background import BackgroundBody
from prill.io.condition import BlockingCondition
from prill.io.drive import closing, drive_stream
from prill.io.execution_mode import Condition, Emit, ExecutionMode, Thunk
from prill.io.interrupter import BlockingInterrupter, Interrupter
from prill.io.limit import Limit
from prill.io.portal import wait_on_loop
from prill.io.scope import current_scope
from prill.io.stream_threads import END, StreamThreads
from prill.io.timer import Timer
from prill.io.worker_group import WorkerGroup, run_in_copied_context

T = TypeVar("T")

DEFAULT_WIDTH = 32
"""How many bodies a blocking ``gather`` runs at once where no ``max_concurrency`` is set."""


class Blocking:
    """Leaves block, several bodies at once are threads."""

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
            return [run_in_copied_context(thunk) for thunk in thunks]
        return WorkerGroup(thunks, limit or Limit(DEFAULT_WIDTH)).run()

    async def merge(
        self, streams: Sequence[AsyncIterator[T]], limit: Limit | None = None
    ) -> AsyncGenerator[tuple[int, T], None]:
        if len(streams) == 1:
            async with closing(streams[0]) as only:
                async for chunk in only:
                    yield 0, chunk
            return
        threads = StreamThreads(streams, limit or Limit(len(streams)))
        try:
            while threads.running:
                index, chunk = threads.take()
                if chunk is not END:
                    yield index, chunk
                    threads.resume(index)
        finally:
            threads.stop()

    async def run_on_new_stack(self, stream: AsyncIterator[T]) -> AsyncGenerator[T, None]:
        threads = StreamThreads([stream], Limit(1))
        try:
            while threads.running:
                _, chunk = threads.take()
                if chunk is not END:
                    yield chunk
                    threads.resume(0)
        finally:
            threads.stop()

    def iterate(self, stream: AsyncIterator[T]) -> Iterator[T]:
        return drive_stream(stream)

    def condition(self) -> Condition:
        return BlockingCondition()

    async def sleep(self, seconds: float) -> None:
        scope = current_scope()
        if scope is None:
            time.sleep(seconds)  # noqa: ASYNC251 - here leaves block
        else:
            scope.sleep(seconds)

    def make_interrupter(self) -> Interrupter:
        return BlockingInterrupter()

    async def await_on_loop(self, waiting: Awaitable[T]) -> T:
        return wait_on_loop(waiting)

    async def background(self, work: Callable[[Emit], Awaitable[Any]], limit: int) -> AsyncGenerator[Any, None]:
        body = BackgroundBody(work, limit)
        try:
            while True:
                for item in body.take():
                    if item is END:
                        body.raise_error()
                        return
                    yield item
        finally:
            body.stop()

    async def run_before(self, deadline: float, thunk: Thunk[T], unblock: Callable[[], None]) -> T:
        timer = Timer(deadline, unblock)
        try:
            result = await thunk()
        except Exception as error:
            if timer.fired:
                raise TimeoutError from error
            raise
        finally:
            timer.stop()
        if timer.fired:
            raise TimeoutError
        return result

    async def shield(self, thunk: Thunk[T]) -> T:
        return await thunk()


BLOCKING: ExecutionMode = Blocking()
