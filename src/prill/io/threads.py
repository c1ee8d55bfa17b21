"""Threads that are started as they are needed and used again."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

from prill.io.process import make_lock

T = TypeVar("T")


class ServiceThread(threading.Thread):
    """A daemon thread that the whole process relies on (the timers', an event loop's): it must not block for long."""

    def __init__(self, target: Callable[[], object], name: str) -> None:
        super().__init__(target=target, name=name, daemon=True)


class ThreadPool:
    """Runs jobs in at most ``size`` threads; while jobs wait and none is idle one more is started, and then another.

    A thread starts the next when it takes its first job: short jobs are done before many threads have started, which
    would only take turns, and jobs that block soon have one thread each.

    The threads are daemons: a job that never ends does not keep the program from ending, as it would in a
    ``concurrent.futures.ThreadPoolExecutor``. A dict of two dicts costs a quarter less CPU than with that
    (``python -m bench.threads``), which also takes a while to import.
    """

    def __init__(self, size: int, name: str) -> None:
        self._max_threads = size
        self._name = name
        self._lock = make_lock()
        self._jobs: deque[Callable[[], object] | None] = deque()
        self._threads = 0
        self._idle: deque[None] = deque()  # one for each thread that waits and is not woken yet
        self._wake_queue: SimpleQueue[None] = SimpleQueue()
        self._starting = False  # a thread that has not taken a job yet

    def submit(self, job: Callable[[], object]) -> None:
        """Run ``job`` in a thread, in the order of the calls.

        Raises ``RuntimeError`` if there is no thread and none can be started.
        """
        if not self._queue_job(job):
            self._add_thread()

    def _queue_job(self, job: Callable[[], object] | None) -> bool:
        """Queue a job; returns whether an idle thread was woken for it."""
        with self._lock:  # against a thread that finds no job and is not counted as idle yet
            self._jobs.append(job)
            woken = take_one(self._idle)
        if woken:
            self._wake_queue.put(None)
        return woken

    def _add_thread(self) -> None:
        with self._lock:
            if self._starting or self._threads >= self._max_threads:
                return
            self._threads += 1
            self._starting = True
        turn: deque[None] = deque([None])  # for the one that takes it: the thread, or this method if it does not start
        try:
            threading.Thread(target=self._run_jobs, args=(turn,), name=self._name, daemon=True).start()
        except BaseException as error:
            if take_one(turn):
                with self._lock:
                    self._threads -= 1
                    self._starting = False
                    if self._threads and isinstance(error, RuntimeError):
                        return  # a thread that there is takes the job
            raise

    def close(self) -> None:
        """Let the threads end after the jobs that are queued; call ``submit`` no more."""
        with self._lock:
            threads, self._max_threads = self._threads, 0
        for _ in range(threads):
            self._queue_job(None)

    def _run_jobs(self, turn: deque[None]) -> None:
        if not take_one(turn):
            return
        with self._lock:
            self._starting = False
        while (job := self._take_job()) is not None:
            if self._jobs and not self._idle:
                self._add_thread()
            try:
                job()
            except BaseException:  # reported as for any thread; the other jobs still have to run
                threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))
            del job  # an idle thread keeps nothing alive

    def _take_job(self) -> Callable[[], object] | None:
        while True:
            with self._lock:
                if self._jobs:
                    return self._jobs.popleft()
                self._idle.append(None)
            self._wake_queue.get()  # another thread may have taken the job already


def get_item(queue: SimpleQueue[T], seconds: float | None = None) -> T:
    """Wait for an item of ``queue``; raises ``queue.Empty`` after ``seconds``.

    The main thread looks up once a second: a signal that arrives just before it blocks would have its handler called
    when the wait ends, and the handler may be what ends it.
    """
    if threading.get_ident() != threading.main_thread().ident:
        return queue.get(timeout=seconds)
    ends = float("inf") if seconds is None else time.monotonic() + seconds
    while True:
        try:
            return queue.get(timeout=max(0.0, min(1.0, ends - time.monotonic())))
        except Empty:
            if time.monotonic() >= ends:
                raise


def join(thread: threading.Thread) -> None:
    """Wait for a thread to end; in a thread that must not block, for a second at most."""
    here = threading.current_thread()
    if thread is here:  # a finalizer may run in any thread
        return
    thread.join(1.0)
    while thread.is_alive() and not isinstance(here, ServiceThread):
        thread.join(1.0)


def take_one(tokens: deque[None]) -> bool:
    """Take one of ``tokens``, in one step; returns whether there was one."""
    try:
        tokens.pop()
    except IndexError:
        return False
    return True
