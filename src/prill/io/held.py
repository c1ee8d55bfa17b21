"""A resource of asyncio that is held open for both colours: a session with a server, for instance.

It lives on an event loop in a thread of Prill's own, on which nothing else runs. One task there opens it, waits, and
closes it, since many resources must be closed by the task that opened them. Blocking code and event loops, one after
the other or at once, use the same resource, by coroutines that run on that loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, suppress
from contextvars import Context
from typing import Any, Generic, TypeVar

from prill.io.execution_mode import ExecutionMode
from prill.io.portal import run_on
from prill.io.process import PerProcess
from prill.io.tasks import finish, start
from prill.io.threads import ServiceThread

T = TypeVar("T")
R = TypeVar("R")

Enter = Callable[[Callable[[], None]], AbstractAsyncContextManager[T]]
"""Opens a resource. It is given a function that it may call on the loop when the resource has ended by itself."""

_CLOSE_SECONDS = 10.0
_MAX_BUFFERED_ITEMS = 64


class HeldEnded(Exception):
    """The resource ended while it was in use; the cause, if it is known, is the ``__cause__``."""


class HeldNotOpened(HeldEnded):
    """The resource could not be opened; the ``__cause__`` says why."""


class Held(Generic[T]):
    """A resource that is opened when it is first used, and again after it has ended or was closed.

    A process that was forked opens its own. It is closed by ``close`` and ``aclose``, when this object is collected,
    and at the end of the program.

    Args:
        enter: opens the resource; see ``Enter``.
        open_seconds: how long opening may take.
        probe: asks an open resource whether it still works, and raises if not. Without it, only the end of the
            resource ends its use.
        probe_seconds: how long a use goes on before the resource is probed, and again.
    """

    def __init__(
        self,
        enter: Enter[T],
        *,
        open_seconds: float = 30.0,
        probe: Callable[[T], Awaitable[object]] | None = None,
        probe_seconds: float = 5.0,
    ) -> None:
        self._make = lambda: _ResourceKeeper(enter, open_seconds, probe, probe_seconds)
        self._keeper: PerProcess[_ResourceKeeper[T]] = PerProcess(close=_ResourceKeeper.end_soon)

    async def use(self, io: ExecutionMode, work: Callable[[T], Awaitable[R]]) -> R:
        """Call ``work`` with the resource, on its loop, and return what it returns.

        Raises ``HeldEnded`` if the resource ends meanwhile, where ``work`` is cancelled, and ``HeldNotOpened`` if it
        cannot be opened.
        """
        keeper = self._keeper.get(self._make)
        return await _run_on_resource_loop(io, keeper.use(work))

    async def stream(
        self, io: ExecutionMode, work: Callable[[T, Callable[[Any], None]], Awaitable[Any]]
    ) -> AsyncGenerator[Any, None]:
        """Call ``work`` with the resource and a function that emits items; yield these, and what it returns last.

        A consumer that is slow misses the oldest items. Leaving the stream cancels ``work``.
        """
        use = _ResourceUse(self._keeper.get(self._make), work)
        try:
            while not use.ended:
                for item in await _run_on_resource_loop(io, use.pull()):
                    yield item
        finally:
            if not use.ended:
                await io.shield(lambda: _run_on_resource_loop(io, use.cancel()))

    async def discard(self, io: ExecutionMode) -> None:
        """Close the resource and wait until it is closed; the next use opens it again."""
        await _run_on_resource_loop(io, self._keeper.get(self._make).close())


class _ResourceKeeper(Generic[T]):
    """The resource of one process. Everything but ``end_soon`` runs on the loop."""

    def __init__(
        self,
        enter: Enter[T],
        open_seconds: float,
        probe: Callable[[T], Awaitable[object]] | None,
        probe_seconds: float,
    ) -> None:
        self._enter = enter
        self._open_seconds = open_seconds
        self._probe = probe
        self._probe_seconds = None if probe is None else probe_seconds
        self._life: _ResourceLifetime[T] | None = None
        self._opening: asyncio.Lock | None = None

    async def open(self) -> _ResourceLifetime[T]:
        if self._opening is None:
            self._opening = asyncio.Lock()
        async with self._opening:
            if self._life is not None and self._life.ended.is_set():
                await self._life.close()
                self._life = None
            if self._life is None:
                life = _ResourceLifetime(self._enter)
                try:
                    async with asyncio.timeout(self._open_seconds):
                        await life.wait_until_open()
                except TimeoutError as error:
                    await life.close()
                    raise HeldNotOpened(f"it was not ready after {self._open_seconds:g} seconds") from error
                except BaseException:
                    await life.close()
                    raise
                self._life = life
            return self._life

    async def use(self, work: Callable[[T], Awaitable[R]]) -> R:
        life = await self.open()
        task = start(work(life.value))
        try:
            while not task.done():
                waited = {task, life.task, *life.probes}
                news, _ = await asyncio.wait(waited, timeout=self._probe_seconds, return_when=asyncio.FIRST_COMPLETED)
                if task not in news:
                    life.check()
                    if not news and self._probe is not None and not life.probes:
                        life.start_probe(self._probe)
            return task.result()
        finally:
            await finish([task], cancel=True)

    async def close(self) -> None:
        if self._life is not None:
            await self._life.close()

    def end_soon(self) -> None:
        life = self._life
        if life is not None:
            _get_resource_loop().call_soon_threadsafe(life.ended.set)


class _ResourceLifetime(Generic[T]):
    """One time that the resource is open, from its opening to its end."""

    value: T

    def __init__(self, enter: Enter[T]) -> None:
        self.ended = asyncio.Event()
        self._is_open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.probes: list[asyncio.Task[object]] = []
        # It outlives the run that opens it, whose context it must not hold.
        self.task = asyncio.get_running_loop().create_task(self._hold_open(enter), context=Context())
        _LIVES.add(self.task)
        self.task.add_done_callback(_ignore_result)

    async def _hold_open(self, enter: Enter[T]) -> None:
        try:
            async with enter(self.ended.set) as self.value:
                self._is_open.set_result(None)
                await self.ended.wait()
        finally:
            self.ended.set()
            await finish(self.probes, cancel=True)

    async def wait_until_open(self) -> None:
        await asyncio.wait({self.task, self._is_open}, return_when=asyncio.FIRST_COMPLETED)
        if self.task.done():
            raise HeldNotOpened("it ended before it was ready") from _get_task_error(self.task)

    def check(self) -> None:
        """Raise ``HeldEnded`` if the resource has ended, or does not answer the probe as it should."""
        if self.task.done():
            raise HeldEnded("it ended") from _get_task_error(self.task)
        for probe in [probe for probe in self.probes if probe.done()]:
            self.probes.remove(probe)
            if (failure := _get_task_error(probe)) is not None:
                self.ended.set()
                raise HeldEnded("it does not answer") from failure

    def start_probe(self, probe: Callable[[T], Awaitable[object]]) -> None:
        self.probes.append(start(probe(self.value)))

    async def close(self) -> None:
        self.ended.set()
        if not self._is_open.done():
            self.task.cancel()  # it is still opening
        _, slow = await asyncio.wait({self.task}, timeout=_CLOSE_SECONDS)
        await finish(slow, cancel=True)


class _ResourceUse(Generic[T]):
    """A use of the resource that emits items. Everything runs on the loop."""

    def __init__(self, keeper: _ResourceKeeper[T], work: Callable[[T, Callable[[Any], None]], Awaitable[Any]]) -> None:
        self._keeper = keeper
        self._work = work
        self._items: deque[Any] = deque(maxlen=_MAX_BUFFERED_ITEMS)
        self._task: asyncio.Task[Any] | None = None
        self.ended = False

    async def pull(self) -> list[Any]:
        """The items that have come, at least one; with the last of them ``ended`` is true."""
        if self._task is None:
            self._news = asyncio.Event()
            self._task = start(self._keeper.use(lambda value: self._work(value, self._emit_item)))
            self._task.add_done_callback(lambda _: self._news.set())
        await self._news.wait()
        self._news.clear()
        items = list(self._items)
        self._items.clear()
        if self._task.done():
            self.ended = True
            items.append(self._task.result())
        return items

    def _emit_item(self, item: Any) -> None:
        self._items.append(item)
        self._news.set()

    async def cancel(self) -> None:
        self.ended = True
        if self._task is not None:
            await finish([self._task], cancel=True)


def _ignore_result(task: asyncio.Task[None]) -> None:
    _LIVES.discard(task)
    _get_task_error(task)  # it counts as retrieved: nobody may ask for it


def _get_task_error(task: asyncio.Task[Any]) -> BaseException | None:
    return None if task.cancelled() else task.exception()


# The loop

_LIVES: set[asyncio.Task[None]] = set()


class _ResourceLoopThread:
    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = ServiceThread(self.loop.run_forever, "prill-held")
        self.thread.start()

    def close(self) -> None:
        """Wait until all resources are closed, and end the loop; at the end of the program."""
        closing = asyncio.run_coroutine_threadsafe(finish(list(_LIVES)), self.loop)
        with suppress(TimeoutError):
            closing.result(_CLOSE_SECONDS)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(1.0)
        if not self.thread.is_alive():
            self.loop.close()


_LOOP: PerProcess[_ResourceLoopThread] = PerProcess(close=_ResourceLoopThread.close)


def _get_resource_loop() -> asyncio.AbstractEventLoop:
    return _LOOP.get(_ResourceLoopThread).loop


async def _run_on_resource_loop(io: ExecutionMode, body: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine on the loop."""
    loop = _get_resource_loop()
    if not io.blocking:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(body, loop))
    if threading.get_ident() == _LOOP.get(_ResourceLoopThread).thread.ident:
        body.close()
        raise RuntimeError("a callback of a held resource used a blocking verb, which would wait for itself")
    return run_on(loop, body)
