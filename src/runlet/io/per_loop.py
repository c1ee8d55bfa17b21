"""A thing for each event loop, closed with its loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")


class PerLoop(Generic[T]):
    """What belongs to one event loop (a client with its connections), made when a loop first asks for it.

    An async generator that has been started is closed by its loop at the end of ``asyncio.run``: here one keeps the
    thing and closes it then.
    """

    def __init__(self, close: Callable[[T], Awaitable[None]]) -> None:
        self._close = close
        self._kept: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[AsyncGenerator[T, None], T]] = (
            WeakKeyDictionary()
        )
        self._lock = threading.Lock()

    async def get(self, make: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        with self._lock:
            kept = self._kept.get(loop)
        if kept is None:
            keeper = self._keep(make)
            kept = (keeper, await anext(keeper))
            with self._lock:
                self._kept[loop] = kept
        return kept[1]

    async def _keep(self, make: Callable[[], T]) -> AsyncGenerator[T, None]:
        thing = make()
        try:
            yield thing
        finally:
            with self._lock:
                self._kept.pop(asyncio.get_running_loop(), None)
            await self._close(thing)

    async def aclose(self) -> None:
        """Close the thing of the running loop now."""
        with self._lock:
            kept = self._kept.get(asyncio.get_running_loop())
        if kept is not None:
            await kept[0].aclose()
