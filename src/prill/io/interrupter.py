"""Interrupting running work from outside, at a deadline or when it is cancelled."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from prill.io.scope import Scope, current_scope, entering, restore
from prill.io.timer import Timer


class Interrupter(Protocol):
    """Interrupts the code that runs between ``enter`` and ``leave``; a stream enters for each chunk it waits for.

    ``leave`` takes the value that ``enter`` returned. ``stop`` may be called from any thread, at any time, and more
    than once.
    """

    stopped: bool

    def enter(self) -> Any: ...
    def leave(self, entered: Any, /) -> None: ...
    def stop(self) -> None: ...
    def expire(self) -> None:
        """Interrupt a call that waits; only for a function that was given to ``call_at``."""

    def close(self) -> None:
        """Release it: nothing more will be interrupted."""

    def caused(self, error: BaseException) -> bool:
        """Whether ``error``, raised between ``enter`` and ``leave``, is there because of ``stop`` alone."""

    def call_at(self, deadline: float, function: Callable[[], None]) -> Callable[[], None]:
        """Call a function at a time (``time.monotonic``), in any thread; returns a function that prevents it."""


class BlockingInterrupter:
    """Cancels the scope in which a thread may be blocked."""

    def __init__(self) -> None:
        self.stopped = False
        self._scope = Scope(current_scope())
        self.enter = entering(self._scope)
        self.leave = restore

    def stop(self) -> None:
        self.stopped = True
        self._scope.cancel()

    def expire(self) -> None:
        self.stop()

    def close(self) -> None:
        self._scope.leave()

    def caused(self, error: BaseException) -> bool:
        return self.stopped and isinstance(error, Exception)

    def call_at(self, deadline: float, function: Callable[[], None]) -> Callable[[], None]:
        return Timer(deadline, function).stop


class Watchdog:
    """Interrupts work that takes too long, with one timer for a whole stream.

    A chunk costs one assignment of its deadline; the timer compares it when it fires, and is set again if the deadline
    has moved. ``deadline`` (``time.monotonic``) may be assigned directly as long as it is not before ``due``, when the
    timer fires next; ``until`` takes any. ``None`` is a pause, in which nothing is waited for.
    """

    __slots__ = ("_cancel", "_stopper", "deadline", "due")

    def __init__(self, stopper: Interrupter) -> None:
        self._stopper = stopper
        self.deadline: float | None = None
        self.due = float("inf")
        self._cancel: Callable[[], None] | None = None

    def until(self, deadline: float) -> None:
        """Interrupt the work at ``deadline``."""
        self.deadline = deadline
        if deadline < self.due:
            self._set_deadline(deadline)

    def close(self) -> None:
        """Stop watching."""
        self.deadline = None
        cancel, self._cancel = self._cancel, None
        if cancel is not None:
            cancel()

    def _set_deadline(self, due: float) -> None:
        if self._cancel is not None:
            self._cancel()
        self.due = due
        self._cancel = self._stopper.call_at(due, self._raise_if_interrupted)

    def _raise_if_interrupted(self) -> None:
        # In this order: ``until``, in another thread, writes and reads the other way round, so one of the two sets it.
        self.due = float("inf")
        deadline = self.deadline
        now = time.monotonic()
        if deadline is None:
            # The consumer has the last chunk; ``until`` sets the timer again.
            self._cancel = None
        elif deadline > now:
            self._set_deadline(deadline)
        else:
            self._stopper.expire()
