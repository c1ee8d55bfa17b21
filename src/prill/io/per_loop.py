"""A value for each event loop, closed with its loop."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Generic, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

from prill.io.process import Lock, make_lock, process_number

T = TypeVar("T")


class PerLoop(Generic[T]):
    """A value that belongs to an event loop (a client with its connections), made when a loop first asks for it.

    ``close`` is awaited with the value when the loop ends: an async generator that has been started is closed by its
    loop at the end of ``asyncio.run``, and one holds the value. If this object is collected before the loop ends, its
    values are closed in their loops at once.
    """

    def __init__(self, close: Callable[[T], Awaitable[None]]) -> None:
        self._close = close
        self._values_by_loop: _ByLoop[T] = WeakKeyDictionary()
        self._lock = make_lock()
        weakref.finalize(self, _close_all, self._values_by_loop, self._lock).atexit = False

    async def get(self, make: Callable[[], T]) -> T:
        """Return the running loop's value; ``make`` it if there is none."""
        loop = asyncio.get_running_loop()
        kept = self._values_by_loop.get(loop)
        if kept is None:
            self._forget_closed_loops()
            kept = _LoopValue(make(), self._close)
            kept.keeper = self._close_with_loop(kept, self._values_by_loop, self._lock)
            await anext(kept.keeper)
            _OPEN_VALUES.add(kept)
            with self._lock:
                self._values_by_loop[loop] = kept
        return kept.value

    # Not a method: it must not hold this object.
    @staticmethod
    async def _close_with_loop(kept: _LoopValue[T], by_loop: _ByLoop[T], lock: Lock) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            with lock:
                by_loop.pop(asyncio.get_running_loop(), None)
            try:
                await kept.end()
            finally:
                _OPEN_VALUES.discard(kept)

    def _forget_closed_loops(self) -> None:
        """Forget values that can no longer be closed: a closed loop should have ended its generators before."""
        with self._lock:
            for loop in [loop for loop in self._values_by_loop if loop.is_closed()]:
                _OPEN_VALUES.discard(self._values_by_loop.pop(loop))

    async def aclose(self) -> None:
        """Close the running loop's value now."""
        with self._lock:
            kept = self._values_by_loop.get(asyncio.get_running_loop())
        if kept is not None:
            await kept.keeper.aclose()


class _LoopValue(Generic[T]):
    """A value of one loop. The end of the loop and the end of its holder may both close it, at the same time."""

    keeper: AsyncGenerator[None, None]

    def __init__(self, value: T, close: Callable[[T], Awaitable[None]]) -> None:
        self.value = value
        self.process = process_number()
        self._close = close
        self._ended = False
        self.ending = asyncio.Lock()

    async def end(self) -> None:
        async with self.ending:
            if not self._ended:
                await self._close(self.value)
                self._ended = True


_ByLoop: TypeAlias = WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopValue[T]]

# They are held here, too: in a garbage cycle, the collector would finalize their sockets before their loops could close
# them.
_OPEN_VALUES: set[_LoopValue[Any]] = set()

_TASKS: set[asyncio.Task[None]] = set()


def _close_all(by_loop: _ByLoop[Any], lock: Lock) -> None:
    with lock:
        each = list(by_loop.items())
    for loop, kept in each:
        if kept.process != process_number():
            continue  # inherited in a fork: the loop and the value are the parent's
        try:
            loop.call_soon_threadsafe(_schedule_close, kept)
        except RuntimeError:  # the loop was closed without ending its generators
            _OPEN_VALUES.discard(kept)


def _schedule_close(kept: _LoopValue[Any]) -> None:
    task = asyncio.get_running_loop().create_task(_close_kept_value(kept))
    _TASKS.add(task)
    task.add_done_callback(_TASKS.discard)


async def _close_kept_value(kept: _LoopValue[Any]) -> None:
    if kept.ending.locked():  # the loop is ending, and waits for it
        return
    await kept.end()
    if not getattr(kept.keeper, "ag_running", False):
        await kept.keeper.aclose()
