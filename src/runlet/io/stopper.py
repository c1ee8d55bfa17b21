"""Stopping from outside what runs, at a deadline or on somebody's word."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import Token
from typing import Protocol

from runlet.io.alarm import Alarm
from runlet.io.scope import Scope, current_scope, enter, restore


class Stopper(Protocol):
    """Stops what runs between ``enter`` and ``leave``; a stream enters for each chunk it waits for.

    ``stop`` may be called from any thread, at any time, and more than once.
    """

    stopped: bool

    def enter(self) -> None: ...
    def leave(self) -> None: ...
    def stop(self) -> None: ...
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
        self._token: Token[Scope | None] | None = None

    def enter(self) -> None:
        self._token = enter(self._scope)

    def leave(self) -> None:
        if self._token is not None:
            restore(self._token)
            self._token = None

    def stop(self) -> None:
        self.stopped = True
        self._scope.cancel()

    def close(self) -> None:
        self._scope.leave()

    def caused(self, error: BaseException) -> bool:
        return self.stopped and isinstance(error, Exception)

    def call_at(self, deadline: float, function: Callable[[], None]) -> Callable[[], None]:
        return Alarm(deadline, function).stop


class Watchdog:
    """Stops what takes too long, with one timer for a whole stream.

    All that a chunk costs is to move the deadline; the timer looks at it when it runs out, and is set anew if it has
    moved.
    """

    def __init__(self, stopper: Stopper) -> None:
        self._stopper = stopper
        self._deadline: float | None = None
        self._due = float("inf")
        self._cancel: Callable[[], None] | None = None
        self._pause = 1.0

    def until(self, deadline: float) -> None:
        """Stop what runs at ``deadline``."""
        self._deadline = deadline
        if deadline < self._due:
            self._set(deadline)

    def pause(self) -> None:
        """Nothing is waited for now."""
        self._deadline = None

    def close(self) -> None:
        self._deadline = None
        cancel, self._cancel = self._cancel, None
        if cancel is not None:
            cancel()

    def _set(self, due: float) -> None:
        if self._cancel is not None:
            self._cancel()
        self._due = due
        self._cancel = self._stopper.call_at(due, self._look)

    def _look(self) -> None:
        # In this order: ``until``, in another thread, writes and looks the other way round, so one of the two sets it.
        self._due = float("inf")
        deadline = self._deadline
        now = time.monotonic()
        if deadline is None:
            # The consumer has the last chunk; ``until`` sets the timer again.
            self._cancel = None
        elif deadline > now:
            self._set(deadline)
        else:
            self._stopper.stop()
