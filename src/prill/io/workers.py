"""Worker threads of an event loop, for plain functions that asyncio runs must not wait for.

``loop.run_in_executor`` wakes the loop once for every call, and every wake-up is a write to a pipe. Here results that
are ready at once wake it once, which makes many short calls several times as cheap.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from contextvars import Context
from queue import SimpleQueue
from typing import Any, NamedTuple

WORKERS = 64
"""The most threads that one loop has for plain functions."""

_PATIENCE = 0.001
"""Seconds without a result after which waiting functions get another thread."""


class _Job(NamedTuple):
    future: asyncio.Future[Any]
    context: Context
    function: Callable[[], Any]


class Workers:
    """Threads until the loop ends: one more whenever functions wait and none of the threads gets on.

    Short functions are best off with few threads, which need not take turns; blocking ones get one each.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads = 0
        self._stalled = True  # nothing has been done since the last thread began
        self._watching = False
        self._done: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._woken = False

    def submit(self, context: Context, function: Callable[[], Any]) -> asyncio.Future[Any]:
        """Call a function in a thread, in ``context``."""
        future = self._loop.create_future()
        self._jobs.put(_Job(future, context, function))
        if not self._threads:
            self._begin_thread()
        if not self._watching:
            self._watching = True
            self._loop.call_later(_PATIENCE, self._watch)
        return future

    def _watch(self) -> None:
        self._watching = not self._jobs.empty()
        if self._watching:
            if self._stalled:
                self._begin_thread()
            self._stalled = True
            self._loop.call_later(_PATIENCE, self._watch)

    def _begin_thread(self) -> None:
        with self._lock:
            if self._threads >= WORKERS:
                return
            self._threads += 1
            self._stalled = True
        threading.Thread(target=self._work, name="prill-worker", daemon=True).start()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if self._stalled and not self._jobs.empty():
                self._begin_thread()
            result: Any = None
            error: BaseException | None = None
            try:
                result = job.context.run(job.function)
            except StopIteration as stop:  # a future cannot carry it
                error = RuntimeError("a function raised StopIteration")
                error.__cause__ = stop
            except BaseException as raised:
                error = raised
            self._hand_over(job.future, result, error)
            del job, result, error  # an idle thread keeps nothing alive

    def _hand_over(self, future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
        with self._lock:
            self._stalled = False
            self._done.append((future, result, error))
            wake, self._woken = not self._woken, True
        if wake:
            with contextlib.suppress(RuntimeError):  # the loop has ended; nobody waits any more
                self._loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        with self._lock:
            done, self._done = self._done, deque()
            self._woken = False
        for future, result, error in done:
            if future.done():
                continue  # cancelled while the function ran
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

    async def aclose(self) -> None:
        """Let the threads end."""
        with self._lock:
            threads, self._threads = self._threads, WORKERS
        for _ in range(threads):
            self._jobs.put(None)
