"""How much may go on at once in a whole tree of runs."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

Take = Callable[[], bool]
"""Begins one more worker, if there is still work for it; whether it did."""


class _Request:
    __slots__ = ("take", "withdraw_outer", "withdrawn")

    def __init__(self, take: Take) -> None:
        self.take = take
        self.withdrawn = False
        self.withdraw_outer: Callable[[], bool] | None = None  # while it waits for room in the limit around


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
        self._asking: deque[_Request] = deque()

    def ask(self, take: Take) -> Callable[[], bool]:
        """Call ``take`` when there is room for one more; returns what withdraws the request, if it still can."""
        request = _Request(take)
        with self._lock:
            self._asking.append(request)
        self._offer()
        return lambda: self._withdraw(request)

    def release(self) -> None:
        """A helper has ended."""
        if self._outer is not None:
            self._outer.release()
        self._give_back()

    def _withdraw(self, request: _Request) -> bool:
        with self._lock:
            request.withdrawn = True
            if request in self._asking:
                self._asking.remove(request)
                return True
            withdraw_outer, request.withdraw_outer = request.withdraw_outer, None
        if withdraw_outer is None or not withdraw_outer():
            return False
        self._give_back()
        return True

    def _offer(self) -> None:
        while True:
            with self._lock:
                if not self._free or not self._asking:
                    return
                request = self._asking.popleft()
                self._free -= 1
            if self._outer is not None:
                self._ask_outer(request, self._outer)
            elif not request.take():
                with self._lock:
                    self._free += 1

    def _ask_outer(self, request: _Request, outer: Limit) -> None:
        withdraw = outer.ask(lambda: self._take_both(request))
        with self._lock:
            if not request.withdrawn:
                request.withdraw_outer = withdraw
                return
        if withdraw():
            self._give_back()

    def _take_both(self, request: _Request) -> bool:
        if not request.withdrawn and request.take():
            return True
        self._give_back()
        return False

    def _give_back(self) -> None:
        with self._lock:
            self._free += 1
        self._offer()
