"""Writing what many tasks append, together."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from prill.io import get_asyncio_mode
from prill.io.event_loop import DetachedTasks, Signal


@dataclass(slots=True)
class Append:
    """Frames that a producer appends to its run, numbered from ``first``."""

    run_id: str
    owner: str
    first: int
    frames: Sequence[bytes]
    ended: bool

    @property
    def last(self) -> int:
        return self.first + len(self.frames) - 1


Written = int | Exception
"""The number of the oldest frame that the run keeps now; or why its frames were not written."""

WriteGroup = Callable[[Sequence[Append]], Awaitable[Sequence[Written]]]


class Groups:
    """Writes appends in groups: the first of a quiet time at once, and then all that have come in ``seconds``.

    Args:
        write: writes a group, and returns what became of each append.
        seconds: the least time between the starts of two writes. It bounds how long an append waits for others.
    """

    def __init__(self, write: WriteGroup, seconds: float) -> None:
        self._write = write
        self._seconds = seconds
        self._waiting: list[tuple[Append, Signal[Written]]] = []
        self._next = 0.0
        self._working = False
        self._tasks = DetachedTasks()

    async def append(self, item: Append) -> None:
        """Write with the next group; returns when that is written."""
        signal: Signal[Written] = Signal()
        self._waiting.append((item, signal))
        if not self._working:
            self._working = True
            self._tasks.start(self._work())
        written = await signal.wait_alone()
        if isinstance(written, Exception):
            raise written

    async def finish(self) -> None:
        """Wait until all is written."""
        await self._tasks.finish()

    async def _work(self) -> None:
        try:
            while self._waiting:
                if (pause := self._next - time.monotonic()) > 0:
                    await get_asyncio_mode().sleep(pause)
                self._next = time.monotonic() + self._seconds
                group, self._waiting = self._waiting, []
                await self._write_group(group)
        finally:
            self._working = False

    async def _write_group(self, group: list[tuple[Append, Signal[Written]]]) -> None:
        results: Sequence[Written]
        try:
            results = await self._write([item for item, _ in group])
        except Exception as error:
            results = [error] * len(group)
        for (_, signal), written in zip(group, results, strict=True):
            signal.set(written)
