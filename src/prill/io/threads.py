"""Threads that are started as they are needed and used again."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

from prill.io.process import make_lock


class ServiceThread(threading.Thread):
    """A daemon thread that the whole process relies on (the timers', an event loop's): it must not block for long."""

    def __init__(self, target: Callable[[], object], name: str) -> None:
        super().__init__(target=target, name=name, daemon=True)


class ThreadPool:
    """Runs jobs in at most ``size`` threads; one more is started whenever a job finds none idle.

    The threads are daemons: a job that never ends does not keep the program from ending, as it would in a
    ``concurrent.futures.ThreadPoolExecutor``. A dict of two dicts costs a quarter less CPU than with that
    (``python -m bench.threads``), which also takes a while to import.
    """

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._lock = make_lock()
        self._jobs: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._threads = 0
        self._idle = 0

    def submit(self, job: Callable[[], object]) -> None:
        """Run ``job`` in a thread, in the order of the calls.

        Raises ``RuntimeError`` if there is no thread and none can be started.
        """
        self._jobs.put(job)
        with self._lock:
            if self._idle:
                self._idle -= 1
                return
            if self._threads >= self._size:
                return
            self._threads += 1
        try:
            threading.Thread(target=self._work, name=self._name, daemon=True).start()
        except RuntimeError:
            with self._lock:
                self._threads -= 1
                if self._threads:
                    return  # a thread that there is takes the job
            raise

    def close(self) -> None:
        """Let the threads end after the jobs that are queued; call ``submit`` no more."""
        with self._lock:
            threads, self._size = self._threads, 0
        for _ in range(threads):
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._take()) is not None:
            try:
                job()
            except BaseException:  # reported as for any thread; the other jobs still have to run
                threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))
            del job  # an idle thread keeps nothing alive

    def _take(self) -> Callable[[], object] | None:
        try:
            return self._jobs.get_nowait()
        except Empty:
            with self._lock:
                self._idle += 1
        return self._jobs.get()


def join(threads: list[threading.Thread]) -> None:
    """Wait for threads to end; in a thread that must not block, for a second at most."""
    here = threading.current_thread()
    timeout = 1.0 if isinstance(here, ServiceThread) else None
    for thread in threads:
        if thread is not here:  # a finalizer may run in any thread
            thread.join(timeout)
