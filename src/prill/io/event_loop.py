"""What a server needs of its event loop: ending a request's work from outside, timers, signals and detached tasks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import Awaitable, Callable
from types import FrameType, TracebackType
from typing import Any, Generic, TypeVar

from prill.io.tasks import finish, start

T = TypeVar("T")

_LOGGER = logging.getLogger(__name__)


class Interruption:
    """Ends the work of the current task: ``with Interruption() as work: …``, and elsewhere ``work.interrupt("why")``.

    The work is cancelled where it waits, and the ``with`` statement ends without an error; ``reason`` says why. A
    cancellation by anybody else passes through. ``interrupt`` is called on the same loop, from another task.
    """

    __slots__ = ("_before", "_task", "reason")

    def __init__(self) -> None:
        self.reason: str | None = None
        self._task: asyncio.Task[Any] | None = None
        self._before = 0

    def __enter__(self) -> Interruption:
        self._task = asyncio.current_task()
        self._before = self._task.cancelling() if self._task is not None else 0
        return self

    def interrupt(self, reason: str) -> None:
        """Cancel the work, unless it was interrupted before or has ended."""
        if self.reason is None and self._task is not None:
            self.reason = reason
            self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        task, self._task = self._task, None
        if self.reason is None or task is None:
            return False
        only_ours = task.uncancel() <= self._before
        return only_ours and kind is not None and issubclass(kind, asyncio.CancelledError)


class Companion:
    """A task beside the work of a ``with`` statement, cancelled at its end: ``async with Companion(body()): …``."""

    __slots__ = ("_body", "_task")

    def __init__(self, body: Awaitable[Any]) -> None:
        self._body = body

    async def __aenter__(self) -> None:
        self._task = start(self._body)

    async def __aexit__(self, *error: object) -> None:
        await finish([self._task], cancel=True)


class Signal(Generic[T]):
    """A value that is set once; any number of tasks may wait for it."""

    __slots__ = ("_future",)

    def __init__(self) -> None:
        self._future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    @property
    def is_set(self) -> bool:
        return self._future.done()

    def set(self, value: T) -> None:
        """Wake all who wait; the first value stays."""
        if not self._future.done():
            self._future.set_result(value)

    async def wait(self, seconds: float | None = None) -> T:
        """Wait for the value.

        Raises:
            TimeoutError: it was not set in time.
        """
        if seconds is None:
            return await asyncio.shield(self._future)
        async with asyncio.timeout(seconds):
            return await asyncio.shield(self._future)

    async def wait_alone(self, seconds: float | None = None) -> T:
        """The same, cheaper, for the only task that ever waits for it: if that is cancelled, no value is kept."""
        if seconds is None:
            return await self._future
        async with asyncio.timeout(seconds):
            return await self._future


class Timer:
    """Calls a function once, some seconds from now, on this loop; ``set`` moves it."""

    __slots__ = ("_function", "_handle", "_loop")

    def __init__(self, function: Callable[[], None]) -> None:
        self._function = function
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None

    def set(self, seconds: float) -> None:
        self.cancel()
        self._handle = self._loop.call_later(seconds, self._function)

    def cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


class DetachedTasks:
    """Tasks that outlive the request which started them; their errors are logged."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, body: Awaitable[Any]) -> None:
        """Run ``body`` as a task of its own."""
        task = start(body)
        self._tasks.add(task)
        task.add_done_callback(self._forget_finished_task)

    async def finish(self, *, cancel: bool = False) -> None:
        """Wait until all have ended; with ``cancel``, cancel them first."""
        own = asyncio.current_task()
        loop = asyncio.get_running_loop()
        await finish([task for task in self._tasks if task is not own and task.get_loop() is loop], cancel=cancel)

    def _forget_finished_task(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOGGER.error("a background task of the server failed", exc_info=error)


async def pass_turn() -> None:
    """Let other tasks of the loop run first."""
    await asyncio.sleep(0)


def on_terminate(function: Callable[[], None]) -> Callable[[], None]:
    """Call ``function``, on this loop, when the process gets SIGTERM or SIGINT; the handlers that were there go on.

    A server that waits for open streams would wait for ever: they have to be ended from inside.

    Returns:
        A function that takes the handlers away. Outside of the main thread nothing is installed.
    """
    if threading.current_thread() is not threading.main_thread():
        return _do_nothing
    loop = asyncio.get_running_loop()
    before: dict[int, Any] = {}

    def handle(number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(function)
        old = before[number]
        if callable(old):
            old(number, frame)
        elif old == signal.SIG_DFL:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        before[number] = signal.getsignal(number)
        signal.signal(number, handle)

    def undo() -> None:
        for number, old in before.items():
            if signal.getsignal(number) is handle and old is not None:
                signal.signal(number, old)

    return undo


def _do_nothing() -> None:
    return None
