"""Ringing at a time, for threads: one clock thread for all that is waited for."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable


class Alarm:
    """Calls ``ring`` in the clock's thread at ``deadline`` (``time.monotonic``), unless it is stopped before."""

    __slots__ = ("_ring", "rang", "stopped")

    def __init__(self, deadline: float, ring: Callable[[], None]) -> None:
        self._ring = ring
        self.rang = False
        self.stopped = False
        _CLOCK.add(deadline, self)

    def stop(self) -> None:
        with _CLOCK.changed:
            self.stopped = True

    def ring(self) -> None:
        with _CLOCK.changed:
            if self.stopped:
                return
            self.rang = True
        self._ring()


class _Clock:
    """A heap of deadlines and the thread that waits for the next; it ends when there is none."""

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self._heap: list[tuple[float, int, Alarm]] = []
        self._order = itertools.count()
        self._running = False

    def add(self, deadline: float, alarm: Alarm) -> None:
        with self.changed:
            heapq.heappush(self._heap, (deadline, next(self._order), alarm))
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="runlet-clock", daemon=True).start()
            elif self._heap[0][2] is alarm:
                self.changed.notify()

    def _run(self) -> None:
        while (alarm := self._next()) is not None:
            alarm.ring()

    def _next(self) -> Alarm | None:
        with self.changed:
            while self._heap:
                deadline, _, alarm = self._heap[0]
                wait = deadline - time.monotonic()
                if alarm.stopped or wait <= 0:
                    heapq.heappop(self._heap)
                    if not alarm.stopped:
                        return alarm
                else:
                    self.changed.wait(wait)
            self._running = False
            return None


_CLOCK = _Clock()
