"""Threads of an event loop, for plain functions that may block."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from contextvars import Context
from functools import partial
from typing import Any

from prill.io.process import make_lock
from prill.io.threads import ThreadPool

LOOP_THREADS = 64
"""The most threads that one loop has for plain functions."""


class LoopThreads:
    """Calls plain functions in at most ``size`` threads, and delivers their results to the running loop.

    All results that are ready are delivered at once. ``loop.run_in_executor`` wakes the loop for each: 1000 short
    functions take it 170 ms of CPU, and this 50 to 75 ms (``python -m bench.threads``).
    """

    def __init__(self, size: int = LOOP_THREADS, name: str = "prill-worker") -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = make_lock()
        self._pool = ThreadPool(size, name)
        self._done: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._woken = False

    def submit(self, context: Context, function: Callable[[], Any]) -> asyncio.Future[Any]:
        """Call a function in a thread, in ``context``."""
        future = self._loop.create_future()
        self._pool.submit(partial(self._run_in_thread, future, context, function))
        return future

    def start(self, context: Context, function: Callable[[], Any]) -> asyncio.Future[Any]:
        """Call a function in a new thread, for a caller that a thread of the pool waits for."""
        future = self._loop.create_future()
        run = partial(self._run_in_thread, future, context, function)
        threading.Thread(target=run, name="prill-worker", daemon=True).start()
        return future

    async def aclose(self) -> None:
        """Let the threads end."""
        self._pool.close()

    def _run_in_thread(self, future: asyncio.Future[Any], context: Context, function: Callable[[], Any]) -> None:
        result: Any = None
        error: BaseException | None = None
        try:
            result = context.run(function)
        except StopIteration as stop:  # a future cannot carry it
            error = RuntimeError("a function raised StopIteration")
            error.__cause__ = stop
        except BaseException as raised:
            error = raised
        with self._lock:
            self._done.append((future, result, error))
            wake, self._woken = not self._woken, True
        if wake:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and nothing waits there
                self._loop.call_soon_threadsafe(self._deliver_result)

    def _deliver_result(self) -> None:
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
