"""How much may go on at once in a whole tree of runs."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

Take = Callable[[], bool]
"""Begins one more worker, if there is still work for it; whether it did."""


class Limit:
    """At most ``width`` workers at once, over all levels of a tree.

    Who starts the tree is the first worker. Whoever has several things to do works at them itself and *asks* for
    others to help; an asker never waits for help, so a limit of 1 cannot lock itself up. ``outer`` is the limit of
    the tree around: a helper counts there too.
    """

    def __init__(self, width: int, outer: Limit | None = None) -> None:
        self.width = width
        self._outer = outer
        self._lock = threading.Lock()
        self._free = width - 1
        self._asking: deque[Take] = deque()

    def ask(self, take: Take) -> Callable[[], None]:
        """Call ``take`` when there is room for one more; returns what withdraws the request."""
        with self._lock:
            self._asking.append(take)
        self._offer()

        def withdraw() -> None:
            with self._lock:
                if take in self._asking:
                    self._asking.remove(take)

        return withdraw

    def release(self) -> None:
        """A helper has ended."""
        if self._outer is not None:
            self._outer.release()
        with self._lock:
            self._free += 1
        self._offer()

    def _offer(self) -> None:
        while True:
            with self._lock:
                if not self._free or not self._asking:
                    return
                take = self._asking.popleft()
                self._free -= 1
            if self._outer is None:
                taken = take()
            else:
                self._outer.ask(lambda take=take: self._take_both(take))  # type: ignore[misc]  # a default to bind it
                continue
            if not taken:
                with self._lock:
                    self._free += 1

    def _take_both(self, take: Take) -> bool:
        if take():
            return True
        with self._lock:
            self._free += 1
        self._offer()
        return False
