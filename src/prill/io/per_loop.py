"""A thing for each event loop, closed with its loop."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")


class PerLoop(Generic[T]):
    """What belongs to one event loop (a client with its connections), made when a loop first asks for it.

    An async generator that has been started is closed by its loop at the end of ``asyncio.run``: here one keeps the
    thing and closes it then. If this object goes before the loop does, its things are closed in their loops at once.
    """

    def __init__(self, close: Callable[[T], Awaitable[None]]) -> None:
        self._close = close
        self._kept: _OfLoops[T] = WeakKeyDictionary()
        self._lock = threading.RLock()  # the finalizer may come while this thread holds it
        weakref.finalize(self, _end_all, self._kept, self._lock).atexit = False

    async def get(self, make: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        with self._lock:
            kept = self._kept.get(loop)
        if kept is None:
            self._forget_closed_loops()
            kept = _Kept(make(), self._close)
            kept.keeper = self._keep(kept, self._kept, self._lock)
            await anext(kept.keeper)
            _ALL.add(kept)
            with self._lock:
                self._kept[loop] = kept
        return kept.thing

    # Not a method: what it holds must not hold this object.
    @staticmethod
    async def _keep(kept: _Kept[T], of_loops: _OfLoops[T], lock: _Lock) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            with lock:
                of_loops.pop(asyncio.get_running_loop(), None)
            try:
                await kept.end()
            finally:
                _ALL.discard(kept)

    def _forget_closed_loops(self) -> None:
        """Let go of what nobody can close any more: a loop that was closed had to end its generators before."""
        with self._lock:
            for loop in [loop for loop in self._kept if loop.is_closed()]:
                _ALL.discard(self._kept.pop(loop))

    async def aclose(self) -> None:
        """Close the thing of the running loop now."""
        with self._lock:
            kept = self._kept.get(asyncio.get_running_loop())
        if kept is not None:
            await kept.keeper.aclose()


class _Kept(Generic[T]):
    """A thing of one loop. The end of the loop and the end of its holder may both want to close it, at one time."""

    keeper: AsyncGenerator[None, None]

    def __init__(self, thing: T, close: Callable[[T], Awaitable[None]]) -> None:
        self.thing = thing
        self._close = close
        self._ended = False
        self.ending = asyncio.Lock()

    async def end(self) -> None:
        async with self.ending:
            if not self._ended:
                await self._close(self.thing)
                self._ended = True


_Lock: TypeAlias = AbstractContextManager[Any]

_OfLoops: TypeAlias = WeakKeyDictionary[asyncio.AbstractEventLoop, _Kept[T]]

# They are held here, not only by what uses them: were they part of a cycle of garbage, the garbage collector would take
# their sockets apart before their loops could close them.
_ALL: set[_Kept[Any]] = set()

_TASKS: set[asyncio.Task[None]] = set()


def _end_all(of_loops: _OfLoops[Any], lock: _Lock) -> None:
    with lock:
        each = list(of_loops.items())
    for loop, kept in each:
        try:
            loop.call_soon_threadsafe(_end_soon, kept)
        except RuntimeError:  # the loop is closed, and did not end its generators
            _ALL.discard(kept)


def _end_soon(kept: _Kept[Any]) -> None:
    task = asyncio.get_running_loop().create_task(_end(kept))
    _TASKS.add(task)
    task.add_done_callback(_TASKS.discard)


async def _end(kept: _Kept[Any]) -> None:
    if kept.ending.locked():  # the loop ends, and waits for it
        return
    await kept.end()
    if not getattr(kept.keeper, "ag_running", False):
        await kept.keeper.aclose()
