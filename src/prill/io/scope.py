"""Ways out of a blocked thread."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar, Token, copy_context
from functools import partial
from typing import TypeVar

from prill.errors import Cancelled

T = TypeVar("T")


class Scope:
    """What may be blocked in one thread or in several, and how to get it out.

    ``cancel`` may be called from any thread, once or often. Scopes nest: cancelling one cancels those opened inside.
    """

    def __init__(self, outer: Scope | None = None) -> None:
        self._lock = threading.Lock()
        self._exits: set[Callable[[], None]] = set()
        self._ended = False
        self._woken: threading.Event | None = None  # made when somebody sleeps: it costs more than all the rest
        self._outer = outer
        if outer is not None:
            outer.add(self.cancel)

    @property
    def cancelled(self) -> bool:
        return self._ended

    def add(self, way_out: Callable[[], None]) -> None:
        with self._lock:
            if not self._ended:
                self._exits.add(way_out)
                return
        way_out()

    def discard(self, way_out: Callable[[], None]) -> None:
        with self._lock:
            self._exits.discard(way_out)

    def cancel(self) -> None:
        with self._lock:
            self._ended = True
            woken = self._woken
            exits, self._exits = self._exits, set()
        if woken is not None:
            woken.set()
        for way_out in exits:
            # What has just ended of itself may refuse; the other ways out are to be taken all the same.
            with contextlib.suppress(Exception):
                way_out()

    def leave(self) -> None:
        """Forget this scope in the one around it."""
        if self._outer is not None:
            self._outer.discard(self.cancel)

    def sleep(self, seconds: float) -> None:
        with self._lock:
            woken = self._woken = self._woken or threading.Event()
            if self._ended:
                woken.set()
        if woken.wait(seconds):
            raise Cancelled("the run was stopped while it slept")


_SCOPE: ContextVar[Scope | None] = ContextVar("prill_scope", default=None)


@contextlib.contextmanager
def interruptible(way_out: Callable[[], None]) -> Iterator[None]:
    """While the body blocks, let the current scope call ``way_out`` from another thread."""
    scope = _SCOPE.get()
    if scope is None:
        yield
        return
    scope.add(way_out)
    try:
        yield
    finally:
        scope.discard(way_out)


def current_scope() -> Scope | None:
    return _SCOPE.get()


def enter(scope: Scope | None) -> Token[Scope | None]:
    return _SCOPE.set(scope)


# The functions themselves: both are called for every chunk of a stream that may be stopped.
restore: Callable[[Token[Scope | None]], None] = _SCOPE.reset


def entering(scope: Scope) -> Callable[[], Token[Scope | None]]:
    """What makes ``scope`` the current one, and returns what ``restore`` takes back."""
    return partial(_SCOPE.set, scope)


def scoped(function: Callable[[], T], scope: Scope) -> T:
    """Call ``function`` inside ``scope``, in a copy of the caller's context."""
    context = copy_context()
    context.run(enter, scope)
    return context.run(function)
