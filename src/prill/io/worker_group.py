"""Several bodies at once, in the calling thread and in threads of a pool."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from typing import Any

from prill.io.drive import drive
from prill.io.limit import Limit
from prill.io.portal import copy_context_of_worker
from prill.io.process import PerProcess, check_process, make_lock, process_number
from prill.io.scope import Scope, current_scope, scoped
from prill.io.threads import ThreadPool, get_item, take_one

POOL_THREADS = 64
"""The most threads that all blocking ``gather`` calls of a process share."""

_POOLS: PerProcess[ThreadPool] = PerProcess()


def run_in_copied_context(thunk: Callable[[], Awaitable[Any]]) -> Any:
    """Run a body; the context variables that it sets are its own, though one thread may run several."""
    return copy_context().run(drive, thunk())


class WorkerGroup:
    """Runs bodies in the calling thread and in workers that ``limit`` and the pool allow.

    One worker is asked for at first, and each worker asks for the next when it starts: short bodies are done before
    many threads have started, and bodies that block soon have one thread each. A worker that the pool has no thread
    for yet is not waited for, so groups within groups cannot deadlock, however small the pool is.
    """

    def __init__(self, thunks: Sequence[Callable[[], Awaitable[Any]]], limit: Limit) -> None:
        self._limit = limit
        self._waiting = deque(enumerate(thunks))  # its methods are atomic
        self._results: list[Any] = [None] * len(thunks)
        self._error: BaseException | None = None
        self._scope = Scope(current_scope())
        self._context = copy_context_of_worker()
        self._process = process_number()
        self._lock = make_lock()
        self._closed = False
        self._started = 0
        self._requests: list[Callable[[], bool]] = []
        self._queued: deque[None] = deque()  # one for each worker that the pool has not run yet
        self._ended: list[None] = []  # one for each worker that has ended; ``append`` is atomic
        self._end_signs: SimpleQueue[None] = SimpleQueue()  # at least one for each of them that was not waited for

    def run(self) -> list[Any]:
        """Run all bodies; the first error cancels the others and is raised when they have ended."""
        try:
            self._ask_for_worker()
            scoped(self._run_work_items, self._scope)
            self._close_group()
        except BaseException:  # an interrupt between two bodies, or while this thread waits for the workers
            self._scope.cancel()
            raise
        finally:
            self._close_group()
            self._scope.leave()
        if self._error is not None:
            raise self._error
        return self._results

    def _close_group(self) -> None:
        """Start no body and no worker any more, and wait for the workers that run; may be called again."""
        with self._lock:
            self._closed = True
        self._waiting.clear()
        for withdraw in self._requests:
            withdraw()
        while take_one(self._queued):
            self._ended.append(None)
            self._limit.release()
        check_process(self._process)
        while len(self._ended) < self._started:  # counted again each time: an interrupt may have taken a sign
            get_item(self._end_signs)

    def _ask_for_worker(self) -> None:
        if not self._waiting or self._closed:
            return
        withdraw = self._limit.ask(self._start_worker)  # it may call another group's ``_start_worker``
        with self._lock:
            if not self._closed:
                self._requests.append(withdraw)
                return
        withdraw()

    def _start_worker(self) -> bool:
        """Hand a worker to the pool; returns whether it did. Any thread may call it, when it frees a place."""
        with self._lock:
            if self._closed or not self._waiting:
                return False
            self._started += 1
            self._queued.append(None)
        try:
            _POOLS.get(_make_pool).submit(partial(self._context.copy().run, self._work_in_pool))
        except RuntimeError:  # no thread can be started
            if take_one(self._queued):
                self._report_end()
                return False
        return True

    def _work_in_pool(self) -> None:
        if not take_one(self._queued):
            return  # the group has ended
        try:
            self._ask_for_worker()
            scoped(self._run_work_items, self._scope)
        finally:
            self._limit.release()
            self._report_end()

    def _report_end(self) -> None:
        self._ended.append(None)
        self._end_signs.put(None)

    def _run_work_items(self) -> None:
        while self._error is None:
            try:
                index, thunk = self._waiting.popleft()
            except IndexError:
                return
            try:
                self._results[index] = run_in_copied_context(thunk)
            except BaseException as error:
                self._record_error(error)

    def _record_error(self, error: BaseException) -> None:
        with self._lock:
            if self._error is not None:
                return  # a body that was cancelled because of the first error
            self._error = error
        self._scope.cancel()


def _make_pool() -> ThreadPool:
    return ThreadPool(POOL_THREADS, "prill-pool")
