"""Executors and coroutine helpers under LangChain's documented names (``runnables.config``, ``runnables.utils``)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from importlib import import_module
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class ContextThreadPoolExecutor(ThreadPoolExecutor):
    """A thread pool in which each call sees the context variables of the code that submitted it."""

    def submit(self, func: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call ``func`` in a thread."""
        return super().submit(partial(copy_context().run, func, *args, **kwargs))


@contextlib.contextmanager
def executor(max_workers: int | None) -> Iterator[ContextThreadPoolExecutor]:
    """A pool for the body of the ``with``."""
    with ContextThreadPoolExecutor(max_workers) as pool:
        yield pool


async def run_in_executor(
    executor_or_config: Executor | Mapping[str, Any] | None, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Call a plain function in a thread, its context copied, and await what it returns.

    ``executor_or_config`` is an executor; a config or ``None`` stands for the event loop's own executor. A
    ``StopIteration``, which a future cannot carry, is raised as ``RuntimeError``.
    """

    def call() -> T:
        try:
            return func(*args, **kwargs)
        except StopIteration as stop:
            raise RuntimeError("the function raised StopIteration") from stop

    loop = import_module("asyncio").get_running_loop()
    pool = executor_or_config if isinstance(executor_or_config, Executor) else None
    result: T = await loop.run_in_executor(pool, partial(copy_context().run, call))
    return result


async def gather_with_concurrency(n: int | None, *coros: Coroutine[Any, Any, Any]) -> list[Any]:
    """Await all coroutines, at most ``n`` at once; the results keep their order."""
    asyncio = import_module("asyncio")
    if n is None:
        found: list[Any] = await asyncio.gather(*coros)
        return found
    gate = asyncio.Semaphore(n)
    found = await asyncio.gather(*(gated_coro(gate, coro) for coro in coros))
    return found


async def gated_coro(semaphore: Any, coro: Coroutine[Any, Any, T]) -> T:
    """Await a coroutine while holding the semaphore."""
    async with semaphore:
        return await coro


def coro_with_context(coro: Any, context: Any, *, create_task: bool = False) -> Any:
    """A coroutine that runs in ``context``: as a task with ``create_task``, else as soon as it is awaited."""
    asyncio = import_module("asyncio")
    return asyncio.create_task(coro, context=context) if create_task else _task_when_awaited(asyncio, coro, context)


async def _task_when_awaited(asyncio: Any, coro: Any, context: Any) -> Any:
    return await asyncio.create_task(coro, context=context)
