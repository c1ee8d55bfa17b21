"""Tasks that are waited for, whatever happens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextvars import copy_context
from typing import Any, TypeVar

from prill.io.limit import Limit

T = TypeVar("T")


def start(body: Awaitable[T]) -> asyncio.Task[T]:
    """Run a body as a task."""
    return asyncio.get_running_loop().create_task(_as_coroutine(body) if not hasattr(body, "send") else body)  # type: ignore[arg-type]


async def _as_coroutine(body: Awaitable[T]) -> T:
    return await body


async def wait_for_all(tasks: Sequence[asyncio.Task[T]]) -> list[T]:
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
    """Wait until all have ended, even while this task is being cancelled; their errors count as retrieved."""
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


class TaskGroup:
    """Tasks that start as a limit allows; leaving it ends them all.

    ``make`` returns the body of one more task, or ``None`` if there is nothing left to do.
    """

    def __init__(self, limit: Limit, make: Callable[[], Coroutine[Any, Any, None] | None], most: int) -> None:
        self._limit = limit
        self._make = make
        self._max_tasks = most
        self._tasks: list[asyncio.Task[None]] = []
        self._context = copy_context()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._failure: asyncio.Future[BaseException] = self._loop.create_future()
        self._is_open = True

    async def __aenter__(self) -> TaskGroup:
        self._requests = [self._limit.ask(self._start_worker) for _ in range(self._max_tasks)]
        return self

    def start(self, body: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a body as one of the tasks, whatever the limit."""
        task = self._loop.create_task(body, context=self._context.copy())
        task.add_done_callback(self._record_failure)
        self._tasks.append(task)
        return task

    def _start_worker(self) -> bool:
        if threading.get_ident() != self._thread:  # a worker in another thread has freed the place
            try:
                self._loop.call_soon_threadsafe(self._start_worker_or_release)
            except RuntimeError:  # the loop is closed, and nothing waits there
                return False
            return True
        body = self._make() if self._is_open else None
        if body is None:
            return False
        self.start(body).add_done_callback(lambda _: self._limit.release())
        return True

    def _start_worker_or_release(self) -> None:
        if not self._start_worker():
            self._limit.release()

    async def run_beside(self, body: Coroutine[Any, Any, None]) -> None:
        """Run ``body`` beside the other tasks until all have ended; the first error of any is raised at once."""
        self.start(body)
        while pending := [task for task in self._tasks if not task.done()]:
            awaited: list[asyncio.Future[Any]] = [*pending, self._failure]
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            if self._failure.done():
                break
        if self._failure.done():
            raise self._failure.result()

    def _record_failure(self, task: asyncio.Task[None]) -> None:
        # A body that cancels itself must not be taken for one that has ended.
        cancelled = asyncio.CancelledError() if self._is_open else None
        error = cancelled if task.cancelled() else task.exception()
        if error is not None and not self._failure.done():
            self._failure.set_result(error)

    async def __aexit__(self, *error: object) -> None:
        self._is_open = False
        for withdraw in self._requests:
            withdraw()
        await finish(self._tasks, cancel=True)
