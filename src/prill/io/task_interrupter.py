"""Interrupting a task of an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable
from typing import Any

# Called for every chunk; in Python 3.11 ``asyncio.current_task`` is not in C yet, and takes three times as long.
_current_task: Callable[[asyncio.AbstractEventLoop], asyncio.Task[Any] | None] = (
    asyncio.current_task if sys.version_info >= (3, 12) else asyncio.tasks._current_tasks.get  # type: ignore[attr-defined]
)


class TaskInterrupter:
    """Cancels the task that waits."""

    __slots__ = ("_before", "_cancelled", "_loop", "_task", "_undone", "stopped")

    def __init__(self) -> None:
        self.stopped = False
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[Any] | None = None
        self._cancelled = False
        self._undone = False
        self._before = 0

    def enter(self) -> None:
        self._task = task = _current_task(self._loop)
        if task is not None:
            self._before = task.cancelling()

    def leave(self, entered: None = None, /) -> None:
        if self._cancelled and not self._undone and self._task is not None:
            self._undone = True
            self._task.uncancel()  # the code that ran has swallowed it
        self._task = None

    def stop(self) -> None:
        self.stopped = True
        with contextlib.suppress(RuntimeError):  # the loop is closed, and nothing runs there
            self._loop.call_soon_threadsafe(self._cancel_task)

    def expire(self) -> None:
        self.stopped = True
        # A task that waits; one that runs would be cancelled at its next ``await``, whatever that is.
        self._cancel_task()

    def _cancel_task(self) -> None:
        if self._task is not None and not self._cancelled:
            self._cancelled = True
            self._task.cancel()

    def close(self) -> None:
        self.leave()

    def caused(self, error: BaseException) -> bool:
        if not self._cancelled or not isinstance(error, asyncio.CancelledError):
            return self.stopped and isinstance(error, Exception)
        # As ``asyncio.timeout`` does: this cancellation is undone; one by other code may remain.
        task = asyncio.current_task()
        if task is None or self._undone:
            return False
        self._undone = True
        return task.uncancel() <= self._before

    def call_at(self, deadline: float, function: Callable[[], None]) -> Callable[[], None]:
        return self._loop.call_later(deadline - time.monotonic(), function).cancel
