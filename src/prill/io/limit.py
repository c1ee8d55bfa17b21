"""Limits the number of workers in a whole tree of runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from prill.io.process import make_lock

Take = Callable[[], bool]
"""Starts one more worker if there is still work for it; returns whether it did."""


class _PlaceRequest:
    __slots__ = ("take", "withdraw_outer", "withdrawn")

    def __init__(self, take: Take) -> None:
        self.take = take
        self.withdrawn = False
        self.withdraw_outer: Callable[[], bool] | None = None  # while it waits for a place in the outer limit


class Limit:
    """Allows at most ``width`` workers at once, over all levels of a tree of runs.

    The thread or task that starts the tree is the first worker. A worker with several bodies to run runs them itself
    and *asks* for others to help. It never waits for help, so a limit of 1 cannot deadlock. ``outer`` is the limit of
    the tree around; a worker counts in both.

    ``take`` functions are called without a lock, in the thread that asks or in the one that releases a place.
    """

    def __init__(self, width: int, outer: Limit | None = None) -> None:
        self.width = width
        self._outer = outer
        self._lock = make_lock()
        self._free_places = width - 1
        self._waiting_requests: deque[_PlaceRequest] = deque()

    def ask(self, take: Take) -> Callable[[], bool]:
        """Call ``take`` when a place is free.

        Returns a function that withdraws the request, and says whether it could.
        """
        request = _PlaceRequest(take)
        with self._lock:
            self._waiting_requests.append(request)
        self._grant_requests()
        return lambda: self._withdraw_request(request)

    def release(self) -> None:
        """Free the place of a worker that has ended."""
        if self._outer is not None:
            self._outer.release()
        self._release_place()

    def _withdraw_request(self, request: _PlaceRequest) -> bool:
        with self._lock:
            request.withdrawn = True
            if request in self._waiting_requests:
                self._waiting_requests.remove(request)
                return True
            withdraw_outer, request.withdraw_outer = request.withdraw_outer, None
        if withdraw_outer is None or not withdraw_outer():
            return False
        self._release_place()
        return True

    def _grant_requests(self) -> None:
        while True:
            with self._lock:
                if not self._free_places or not self._waiting_requests:
                    return
                self._free_places -= 1  # first: a finalizer may run behind the call
                request = self._waiting_requests.popleft()
            if self._outer is not None:
                self._ask_outer(request, self._outer)
            elif not request.take():
                with self._lock:
                    self._free_places += 1

    def _ask_outer(self, request: _PlaceRequest, outer: Limit) -> None:
        withdraw = outer.ask(lambda: self._take_inner_and_outer_place(request))
        with self._lock:
            if not request.withdrawn:
                request.withdraw_outer = withdraw
                return
        if withdraw():
            self._release_place()

    def _take_inner_and_outer_place(self, request: _PlaceRequest) -> bool:
        if not request.withdrawn and request.take():
            return True
        self._release_place()
        return False

    def _release_place(self) -> None:
        with self._lock:
            self._free_places += 1
        self._grant_requests()
