"""Prill's thread pools against ``concurrent.futures``: CPU time, which other programs disturb less than wall time.

python -m bench.threads
"""

from __future__ import annotations

import asyncio
import resource
import statistics
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from typing import Any
from unittest import mock

from prill.io import loop, worker_group
from prill.io.per_loop import PerLoop
from prill.runnables import Runnable, RunnableGenerator, RunnableLambda, RunnableParallel

ROUNDS = 9

plain: Runnable[Any, Any] = RunnableLambda(lambda x: x)
sleeping: Runnable[Any, Any] = RunnableLambda(lambda x: time.sleep(0.001))
two: Runnable[Any, Any] = RunnableParallel(a=lambda x: x, b=lambda x: x)
nested: Runnable[Any, Any] = RunnableParallel(a=two, b=two, c=two)


class ExecutorPool:
    """``concurrent.futures`` in the place of ``ThreadPool``."""

    def __init__(self, size: int, name: str) -> None:
        self._executor = ThreadPoolExecutor(size, thread_name_prefix=name)
        self.submit = self._executor.submit

    def close(self) -> None:
        self._executor.shutdown(wait=False)


class ExecutorThreads:
    """``run_in_executor`` in the place of ``LoopThreads``."""

    def __init__(self, size: int = 64, name: str = "bench") -> None:
        self._executor = ThreadPoolExecutor(size, thread_name_prefix=name)

    def submit(self, context: Context, function: Callable[[], Any]) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().run_in_executor(self._executor, context.run, function)

    start = submit

    async def aclose(self) -> None:
        self._executor.shutdown(wait=False)


def numbers(inputs: Any) -> Any:
    for _ in inputs:
        yield from range(1000)


async def drain() -> None:
    async for _ in RunnableGenerator(numbers).astream(1):
        pass


BLOCKING: dict[str, Callable[[], Any]] = {
    "batch of 1000 plain functions": lambda: plain.batch(list(range(1000))),
    "batch of 1000 that sleep 1 ms": lambda: sleeping.batch(list(range(1000))),
    "100 dicts of dicts": lambda: [nested.invoke(1) for _ in range(100)],
    "batch of 100 dicts of dicts": lambda: nested.batch(list(range(100))),
}
ASYNCIO: dict[str, Callable[[], Awaitable[Any]]] = {
    "abatch of 1000 plain functions": lambda: plain.abatch(list(range(1000))),
    "abatch of 1000 that sleep 1 ms": lambda: sleeping.abatch(list(range(1000))),
    "astream of 1000 chunks of a plain generator": drain,
}


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(work: Callable[[], Any]) -> tuple[float, float]:
    """Median milliseconds of CPU and of wall time."""
    work()
    spent, passed = [], []
    for _ in range(ROUNDS):
        before, start = cpu(), time.perf_counter()
        work()
        spent.append(cpu() - before)
        passed.append(time.perf_counter() - start)
    return statistics.median(spent) * 1000, statistics.median(passed) * 1000


async def measure_in_loop(work: Callable[[], Awaitable[Any]]) -> tuple[float, float]:
    await work()
    spent, passed = [], []
    for _ in range(ROUNDS):
        before, start = cpu(), time.perf_counter()
        await work()
        spent.append(cpu() - before)
        passed.append(time.perf_counter() - start)
    return statistics.median(spent) * 1000, statistics.median(passed) * 1000


def row(name: str, own: tuple[float, float], theirs: tuple[float, float]) -> None:
    print(f"{name:46} {own[0]:8.1f} {own[1]:8.1f}   {theirs[0]:8.1f} {theirs[1]:8.1f}", flush=True)


def main() -> None:
    print(f"{'milliseconds of CPU, and of wall time':46} {'Prill':>17}   {'concurrent.futures':>17}")
    for name, work in BLOCKING.items():
        own = measure(work)
        executor: Any = ExecutorPool(worker_group.POOL_THREADS, "bench")
        with mock.patch.object(worker_group, "_make_pool", lambda pool=executor: pool):
            worker_group._POOLS.close()
            row(name, own, measure(work))
        worker_group._POOLS.close()
        executor.close()
    for name, awork in ASYNCIO.items():
        own = asyncio.run(measure_in_loop(awork))
        threads: PerLoop[ExecutorThreads] = PerLoop(ExecutorThreads.aclose)
        with mock.patch.multiple(loop, LoopThreads=ExecutorThreads, _THREADS=threads):
            row(name, own, asyncio.run(measure_in_loop(awork)))


if __name__ == "__main__":
    main()
