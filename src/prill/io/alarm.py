"""Ringing at a time, for threads: one clock thread for all that is waited for."""

from __future__ import annotations

import heapq
import itertools
import os
import sys
import threading
import time
from collections.abc import Callable


class Alarm:
    """Calls ``ring`` in the clock's thread at ``deadline`` (``time.monotonic``), unless it is stopped before."""

    __slots__ = ("_ring", "rang", "stopped")

    def __init__(self, deadline: float, ring: Callable[[], None]) -> None:
        self._ring: Callable[[], None] | None = ring
        self.rang = False
        self.stopped = False
        _CLOCK.add(deadline, self)

    def stop(self) -> None:
        with _CLOCK.changed:
            if not self.stopped:
                self.stopped = True
                self._ring = None  # it may hold a whole run, and stays in the heap for a while
                _CLOCK.forget()

    def ring(self) -> None:
        with _CLOCK.changed:
            ring = self._ring
            if ring is None:
                return
            self.rang = True
        ring()


class _Clock:
    """A heap of deadlines and the thread that waits for the next; it ends when there is none."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Know of no deadline; also in a forked process, which has no clock thread."""
        self.changed = threading.Condition(threading.RLock())
        self._stopped = 0
        self._heap: list[tuple[float, int, Alarm]] = []
        self._order = itertools.count()
        self._running = False

    def add(self, deadline: float, alarm: Alarm) -> None:
        with self.changed:
            heapq.heappush(self._heap, (deadline, next(self._order), alarm))
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="prill-clock", daemon=True).start()
            elif self._heap[0][2] is alarm:
                self.changed.notify()

    def forget(self) -> None:
        """An alarm was stopped. Once most of the heap are such, they leave it: most alarms never ring."""
        self._stopped += 1
        if self._stopped > 64 and self._stopped * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if not entry[2].stopped]
            heapq.heapify(self._heap)
            self._stopped = 0

    def _run(self) -> None:
        while (alarm := self._next()) is not None:
            try:
                alarm.ring()
            except Exception:  # told as any thread's error is; the other alarms still have to ring
                threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))

    def _next(self) -> Alarm | None:
        with self.changed:
            while self._heap:
                deadline, _, alarm = self._heap[0]
                wait = deadline - time.monotonic()
                if alarm.stopped or wait <= 0:
                    heapq.heappop(self._heap)
                    if not alarm.stopped:
                        return alarm
                    self._stopped = max(0, self._stopped - 1)
                else:
                    self.changed.wait(wait)
            self._running = False
            return None


_CLOCK = _Clock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_CLOCK.begin)
