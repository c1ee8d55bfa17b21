"""Stopping from outside what runs, at a deadline or on somebody's word."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from prill.io.alarm import Alarm
from prill.io.scope import Scope, current_scope, entering, restore


class Stopper(Protocol):
    """Stops what runs between ``enter`` and ``leave``; a stream enters for each chunk it waits for.

    ``leave`` is given what ``enter`` returned. ``stop`` may be called from any thread, at any time, and more than
    once.
    """

    stopped: bool

    def enter(self) -> Any: ...
    def leave(self, entered: Any, /) -> None: ...
    def stop(self) -> None: ...
    def expire(self) -> None:
        """Stop what is waited for; only for a function that ``call_at`` calls."""

    def close(self) -> None:
        """There will be nothing more to stop."""

    def caused(self, error: BaseException) -> bool:
        """Whether ``error``, which came out between ``enter`` and ``leave``, is there because of ``stop`` alone."""

    def call_at(self, deadline: float, function: Callable[[], None]) -> Callable[[], None]:
        """Call a function at a time (``time.monotonic``), wherever; returns what prevents it."""


class BlockingStopper:
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
        return Alarm(deadline, function).stop


class Watchdog:
    """Stops what takes too long, with one timer for a whole stream.

    All that a chunk costs is to write its deadline down; the timer looks at it when it runs out, and is set anew if it
    has moved. ``deadline`` (``time.monotonic``) may be written as it is as long as it is not before ``due``, when the
    timer looks; ``until`` is for any. ``None`` stands for a pause, in which nothing is waited for.
    """

    __slots__ = ("_cancel", "_stopper", "deadline", "due")

    def __init__(self, stopper: Stopper) -> None:
        self._stopper = stopper
        self.deadline: float | None = None
        self.due = float("inf")
        self._cancel: Callable[[], None] | None = None

    def until(self, deadline: float) -> None:
        """Stop what runs at ``deadline``."""
        self.deadline = deadline
        if deadline < self.due:
            self._set(deadline)

    def close(self) -> None:
        self.deadline = None
        cancel, self._cancel = self._cancel, None
        if cancel is not None:
            cancel()

    def _set(self, due: float) -> None:
        if self._cancel is not None:
            self._cancel()
        self.due = due
        self._cancel = self._stopper.call_at(due, self._look)

    def _look(self) -> None:
        # In this order: ``until``, in another thread, writes and looks the other way round, so one of the two sets it.
        self.due = float("inf")
        deadline = self.deadline
        now = time.monotonic()
        if deadline is None:
            # The consumer has the last chunk; ``until`` sets the timer again.
            self._cancel = None
        elif deadline > now:
            self._set(deadline)
        else:
            self._stopper.expire()
