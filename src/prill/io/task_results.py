"""Bodies that run at once, whose results are taken in groups."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

from prill.io.tasks import finish

T = TypeVar("T")


class TaskResults(Generic[T]):
    """Runs bodies as tasks; ``take`` gives the results of those that have ended, in the order in which they did."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[T]] = set()
        self._ended: list[asyncio.Task[T]] = []
        self._news = asyncio.Event()

    @property
    def running(self) -> int:
        """How many bodies have not ended."""
        return len(self._tasks)

    def start(self, body: Coroutine[Any, Any, T]) -> None:
        """Run a body beside the others."""
        task = asyncio.get_running_loop().create_task(body)
        self._tasks.add(task)
        task.add_done_callback(self._collect_finished_task)

    def _collect_finished_task(self, task: asyncio.Task[T]) -> None:
        self._tasks.discard(task)
        self._ended.append(task)
        self._news.set()

    def notify(self) -> None:
        """Let ``take`` return now."""
        self._news.set()

    async def take(self, patience: float | None = None, gather: float = 0.0) -> list[T]:
        """Wait for at least one result, and return all that there are; an empty list after ``patience`` seconds.

        Args:
            patience: how long to wait for the first; ``None`` is for ever.
            gather: how many seconds to wait for more behind the first while bodies are running.

        Raises whatever a body raised.
        """
        if not self._ended:
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), patience)
            except TimeoutError:
                return []
        if gather and self._tasks:
            await asyncio.sleep(gather)
        ended, self._ended = self._ended, []
        return [task.result() for task in ended if not task.cancelled()]

    async def aclose(self) -> None:
        """Cancel what is running, and wait until it has ended. Results that are there can still be taken."""
        await finish(set(self._tasks), cancel=True)
