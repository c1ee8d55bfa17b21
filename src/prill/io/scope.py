"""Unblocking threads from outside."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar, Token, copy_context
from functools import partial
from queue import Empty, SimpleQueue
from typing import TypeVar

from prill.errors import Cancelled
from prill.io.process import process_number
from prill.io.threads import get_item

T = TypeVar("T")


class Scope:
    """The calls in which one or several threads may be blocked, and how to unblock them.

    ``cancel`` may be called from any thread and more than once. Scopes nest: cancelling one cancels those inside.

    There is one for each plain function that an asyncio run calls, so it has no lock, which would cost more than
    everything else. A function is added before the flag is read, and the flag is set before the functions are read,
    so one side or both see the function; it belongs to the side that takes it out of the dictionary, which is atomic.
    """

    __slots__ = ("__weakref__", "_cancelled", "_outer", "_unblockers")

    def __init__(self, outer: Scope | None = None) -> None:
        self._unblockers: dict[Callable[[], object], int] = {}  # with the process that each belongs to
        self._cancelled = False
        self._outer = outer
        if outer is not None:
            outer.add(self.cancel)

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def add(self, unblock: Callable[[], object]) -> None:
        """Call ``unblock`` when the scope is cancelled; at once, if it is. It may be called in any thread.

        ``unblock`` must not block: the thread of all timers may wait for it.
        """
        self._unblockers[unblock] = process_number()
        if self._cancelled and self._unblockers.pop(unblock, None) is not None:
            unblock()

    def discard(self, unblock: Callable[[], object]) -> None:
        """Forget ``unblock``."""
        self._unblockers.pop(unblock, None)

    def cancel(self) -> None:
        """Unblock every thread that is blocked in this scope, and each that is about to block in it."""
        self._cancelled = True
        for unblock in list(self._unblockers):
            if self._unblockers.pop(unblock, None) != process_number():
                continue  # taken by another thread; or a thread of the parent process, on a socket of the parent
            # A call that has just ended may refuse; the others are to be unblocked all the same.
            with contextlib.suppress(Exception):
                unblock()

    def leave(self) -> None:
        """Remove this scope from the one around it."""
        if self._outer is not None:
            self._outer.discard(self.cancel)

    def sleep(self, seconds: float) -> None:
        """Sleep; raises ``Cancelled`` as soon as the scope is cancelled."""
        woken: SimpleQueue[None] = SimpleQueue()  # not an Event, whose ``set`` may not interrupt its ``wait``
        wake = partial(woken.put, None)
        self.add(wake)
        try:
            get_item(woken, max(seconds, 0))
        except Empty:
            return
        finally:
            self.discard(wake)
        raise Cancelled("the run was cancelled while it slept")


_SCOPE: ContextVar[Scope | None] = ContextVar("prill_scope", default=None)


@contextlib.contextmanager
def interruptible(unblock: Callable[[], object]) -> Iterator[None]:
    """While the body blocks, let the current scope call ``unblock`` from another thread.

    ``unblock`` must end the blocked call, and must not block itself.
    """
    scope = _SCOPE.get()
    if scope is None:
        yield
        return
    scope.add(unblock)
    try:
        yield
    finally:
        scope.discard(unblock)


def current_scope() -> Scope | None:
    """The scope that this code runs in."""
    return _SCOPE.get()


def enter(scope: Scope | None) -> Token[Scope | None]:
    """Make ``scope`` the current one, until ``restore`` is called with the token."""
    return _SCOPE.set(scope)


# The functions themselves: both are called for every chunk of a stream that may be stopped.
restore: Callable[[Token[Scope | None]], None] = _SCOPE.reset


def entering(scope: Scope) -> Callable[[], Token[Scope | None]]:
    """A function that makes ``scope`` the current one and returns the token for ``restore``."""
    return partial(_SCOPE.set, scope)


def scoped(function: Callable[[], T], scope: Scope) -> T:
    """Call ``function`` inside ``scope``, in a copy of the caller's context."""
    context = copy_context()
    context.run(enter, scope)
    return context.run(function)
