"""Calling functions at given times, from one thread for the whole process."""

from __future__ import annotations

import heapq
import itertools
import sys
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

from prill.io.process import PerProcess, make_lock
from prill.io.threads import ServiceThread


class Timer:
    """Calls ``function`` in the timer thread at ``deadline`` (``time.monotonic``), unless it is stopped before.

    ``function`` must not block: all timers of the process wait for it.
    """

    __slots__ = ("_clock", "_function", "fired", "stopped")

    def __init__(self, deadline: float, function: Callable[[], None]) -> None:
        self._function: Callable[[], None] | None = function
        self.fired = False
        self.stopped = False
        self._clock = _CLOCKS.get(_TimerThread)
        self._clock.add(deadline, self)

    def stop(self) -> None:
        """Do not call the function, if it has not been called yet."""
        with self._clock.lock:
            if self.stopped:
                return
            self.stopped = True
            # It may hold a whole run, and the timer stays in the heap for a while. It is released behind the lock.
            function, self._function = self._function, None
            self._clock.count_stopped()
        del function

    def fire(self) -> None:
        """Call the function; for the timer thread."""
        with self._clock.lock:
            function = self._function
            if function is None:
                return
            self.fired = True
        function()


class _TimerThread:
    """A heap of deadlines and the thread that waits for the next; the thread ends when there is none."""

    def __init__(self) -> None:
        self.lock = make_lock()
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._heap: list[tuple[float, int, Timer]] = []
        self._sequence_numbers = itertools.count()
        self._stopped_count = 0
        self._running = False

    def add(self, deadline: float, timer: Timer) -> None:
        with self.lock:
            heapq.heappush(self._heap, (deadline, next(self._sequence_numbers), timer))
            start, self._running = not self._running, True
            is_first = self._heap[0][2] is timer
        if start:
            self._start_thread()
        elif is_first:
            self._wake.put(None)

    def _start_thread(self) -> None:
        try:
            ServiceThread(self._run_due_timers, "prill-clock").start()
        except RuntimeError:  # no thread can be started
            with self.lock:
                self._running = False
            raise

    def count_stopped(self) -> None:
        """Note, under the lock, that a timer was stopped: once most are, they leave the heap. Most never fire."""
        self._stopped_count += 1
        if self._stopped_count > 64 and self._stopped_count * 2 > len(self._heap):
            entries, self._heap, self._stopped_count = self._heap, [], 0
            for entry in entries:  # one by one: a finalizer that runs here may add a timer
                if not entry[2].stopped:
                    heapq.heappush(self._heap, entry)

    def _run_due_timers(self) -> None:
        while (timer := self._wait_for_due_timer()) is not None:
            try:
                timer.fire()
            except Exception:  # reported as for any thread; the other timers still have to fire
                threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))

    def _wait_for_due_timer(self) -> Timer | None:
        while True:
            with self.lock:
                timer, wait = self._pop_due_timer(time.monotonic())
                if timer is not None:
                    return timer
                if wait is None:
                    self._running = False
                    return None
            try:
                self._wake.get(timeout=wait)
            except Empty:
                continue

    def _pop_due_timer(self, now: float) -> tuple[Timer | None, float | None]:
        """The timer that is due, or the seconds until the next is; neither if there is no timer."""
        while self._heap:
            deadline, _, timer = self._heap[0]
            if timer.stopped:
                self._stopped_count = max(0, self._stopped_count - 1)
            elif deadline > now:
                # Bounded, as a queue waits for no longer than some centuries.
                return None, min(deadline - now, threading.TIMEOUT_MAX)
            heapq.heappop(self._heap)
            if not timer.stopped:
                return timer, None
        return None, None


_CLOCKS: PerProcess[_TimerThread] = PerProcess()
