"""What work leaves over, told apart from what ran before it: threads, descriptors, memory.

Threads and caches of earlier tests may come and go while a test measures, so counts of the whole process do not tell.
"""

from __future__ import annotations

import gc
import os
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterable


def threads() -> set[threading.Thread]:
    return set(threading.enumerate())


def left_threads(before: Iterable[threading.Thread], *, patience: float = 10) -> set[str]:
    """The names of threads that were not there ``before`` and do not end; the shared clock is meant to stay a while."""
    ends = time.monotonic() + patience
    new = threads() - set(before)
    for thread in new:
        if not thread.name.startswith("prill-clock"):
            thread.join(max(ends - time.monotonic(), 0))
    return {thread.name for thread in new if thread.is_alive() and not thread.name.startswith("prill-clock")}


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def kept_memory(work: Callable[[], object], *, enough: int = 100_000, rounds: int = 4) -> int:
    """The bytes that ``work`` leaves behind: the least of several rounds, since a leak is in each of them.

    A cache that is filled once, or what another thread makes meanwhile, is in one round only. Ends at the first round
    that keeps less than ``enough``.
    """
    kept = []
    for _ in range(rounds):
        gc.collect()
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            work()
            gc.collect()
            kept.append(tracemalloc.get_traced_memory()[0] - before)
        finally:
            tracemalloc.stop()
        if kept[-1] < enough:
            break
    return min(kept)
