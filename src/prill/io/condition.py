"""A condition variable for threads, whose waits end when the run is cancelled."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Any

from prill.errors import Cancelled
from prill.io.process import make_lock
from prill.io.scope import Scope, current_scope


class ThreadCondition:
    """A lock, and waiting for ``notify_all`` of a thread that holds it.

    The waiting thread is woken, it does not poll. It waits in a queue of its own and not in a
    ``threading.Condition``, whose ``notify`` is lost when a signal handler or a finalizer calls it inside ``wait``.
    """

    def __init__(self) -> None:
        self._lock: Any = make_lock()
        self._wakes: list[Callable[[], object]] = []

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *error: object) -> None:
        self._lock.release()

    def wait(self, scope: Scope | None = None) -> None:
        """Release the lock, wait until notified or until ``scope`` is cancelled, and take the lock again."""
        woken: SimpleQueue[None] = SimpleQueue()
        wake = partial(woken.put, None)
        self.add(wake)
        self._lock.release()
        try:
            if scope is not None:
                scope.add(wake)
            woken.get()
        finally:
            if scope is not None:
                scope.discard(wake)
            self._lock.acquire()

    def add(self, wake: Callable[[], object]) -> None:
        """Call ``wake`` at the next ``notify_all``; the lock is held."""
        self._wakes.append(wake)

    def notify_all(self) -> None:
        """Wake all that wait; the lock is held."""
        wakes, self._wakes = self._wakes, []
        for wake in wakes:
            wake()


class BlockingCondition:
    """The same with the methods that bodies use."""

    def __init__(self) -> None:
        self._condition = ThreadCondition()
        self.notify_all = self._condition.notify_all

    async def __aenter__(self) -> None:
        self._condition.__enter__()

    async def __aexit__(self, *error: object) -> None:
        self._condition.__exit__()

    async def wait(self) -> None:
        scope = current_scope()
        self._condition.wait(scope)
        if scope is not None and scope.cancelled:
            raise Cancelled("the run was cancelled while it waited for another branch")
