"""Event loops for blocking code: the loop that a worker thread works for, or one in a thread of Prill's own."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextvars import Context, ContextVar, copy_context
from importlib import import_module
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from prill.errors import Cancelled
from prill.io.process import PerProcess, make_lock
from prill.io.scope import current_scope, interruptible
from prill.io.threads import ServiceThread

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")

HOME_LOOP: ContextVar[Any] = ContextVar("prill_home_loop", default=None)
"""In a worker thread of an asyncio run: the run's loop."""

_BLOCKED: ContextVar[frozenset[Any]] = ContextVar("prill_blocked_loops", default=frozenset())
"""The loops whose threads are blocked until the code in this context ends; waiting for one of them is a deadlock."""

_CHECK_SECONDS = 1.0
"""How often a thread that waits for a loop looks whether it was closed, and whether a signal has arrived."""

_CLOSING_SECONDS = 1.0
"""How long a thread that was interrupted waits for the coroutine to end."""


def wait_on_loop(waiting: Awaitable[T]) -> T:
    """Await something on an event loop, in the caller's context, and block until it is done.

    The loop is the one that this thread works for, if its thread is free; else one in a thread of Prill's own. A hook
    that runs there and calls a blocking verb, whose hooks need a loop again, gets another such loop.

    Raises ``Cancelled`` when the current scope is cancelled.
    """
    context = copy_context_of_worker()
    blocked = context.get(_BLOCKED, frozenset())
    home = HOME_LOOP.get()
    loop = home if home is not None and home not in blocked and home.is_running() else _free_loop(blocked)

    async def body() -> T:
        return await waiting

    return run_on(loop, body(), context)


def run_on(loop: Any, body: Coroutine[Any, Any, T], context: Context | None = None) -> T:
    """Run a coroutine on a loop of another thread, and block until it is done."""
    context = context or copy_context()
    scope = current_scope()
    # What runs in a cancelled scope closes something, and is not interrupted. It is asked before the coroutine starts,
    # which may cancel the scope itself.
    interrupted = scope is not None and not scope.cancelled
    waiting = _PortalCall(loop, body, context)
    if scope is None or not interrupted:
        return waiting.wait()
    try:
        with interruptible(waiting.cancel):
            return waiting.wait()
    except Exception as error:
        if scope.cancelled and waiting.cancelled:
            raise Cancelled("the run was cancelled while it waited for a coroutine") from error
        raise


class _PortalCall(Generic[T]):
    """A coroutine on a loop of another thread, and the thread that waits for it."""

    def __init__(self, loop: Any, body: Coroutine[Any, Any, T], context: Context) -> None:
        self._loop = loop
        self._ended: SimpleQueue[None] = SimpleQueue()
        self._task: Any = None
        self._interrupted = False
        # Only programs that mix blocking code and asyncio need asyncio here, and it takes 35 ms to import.
        start = import_module("asyncio").run_coroutine_threadsafe
        with self._cancel_on_signal():
            self._future: Future[T] = context.run(start, self._run_coroutine(body), loop)

    def wait(self) -> T:
        with self._cancel_on_signal():
            return self._get_result()

    def cancel(self) -> None:
        """Cancel the coroutine, and free the thread at once."""
        self._future.cancel()

    @property
    def cancelled(self) -> bool:
        return self._future.cancelled()

    @contextlib.contextmanager
    def _cancel_on_signal(self) -> Iterator[None]:
        """Stop the coroutine where a signal interrupts this thread: the coroutine knows nothing of it."""
        try:
            yield
        except Exception:
            raise
        except BaseException:
            self._cancel_and_wait()
            raise

    async def _run_coroutine(self, body: Coroutine[Any, Any, T]) -> T:
        self._task = import_module("asyncio").current_task()
        try:
            if self._interrupted:
                self._task.cancel()
            return await body
        finally:
            self._ended.put(None)

    def _get_result(self) -> T:
        while True:
            try:
                return self._future.result(_CHECK_SECONDS)
            except TimeoutError:
                if self._future.done():  # with an error of its own, or just now
                    return self._future.result()
                if self._loop.is_closed():
                    raise RuntimeError("the event loop was closed while a thread waited for it") from None

    def _cancel_and_wait(self) -> None:
        """Cancel the coroutine and give it time to close what it has open, which a program that ends would not."""
        self._interrupted = True
        if self._task is not None:  # not by the future, which a signal may have kept from being stored
            self._loop.call_soon_threadsafe(self._task.cancel)
        with contextlib.suppress(Empty):
            self._ended.get(timeout=_CLOSING_SECONDS)


def copy_context_of_worker() -> Context:
    """A copy of the context for work that this thread waits for: there its event loop, if one runs here, is blocked."""
    context = copy_context()
    loop = _get_running_loop()
    if loop is not None:
        context.run(_BLOCKED.set, _BLOCKED.get() | {loop})
    return context


def _get_running_loop() -> Any:
    loaded = sys.modules.get("asyncio")
    return None if loaded is None else loaded._get_running_loop()


def loop_runs_here() -> bool:
    """Whether an event loop runs in this thread."""
    return _get_running_loop() is not None


class _Portals:
    """Event loops, each in a thread of its own: the first is the usual one, the others are for hooks within hooks."""

    def __init__(self) -> None:
        self._lock = make_lock()
        self._loops: list[Any] = []
        self._threads: list[ServiceThread] = []

    def free_loop(self, blocked: frozenset[Any]) -> Any:
        with self._lock:
            for loop in self._loops:
                if loop not in blocked:
                    return loop
            return self._start_loop_thread()

    def _start_loop_thread(self) -> Any:
        loop = import_module("asyncio").new_event_loop()
        thread = ServiceThread(loop.run_forever, "prill-portal")
        thread.start()
        self._loops.append(loop)
        self._threads.append(thread)
        return loop

    def close(self) -> None:
        for loop, thread in zip(self._loops, self._threads, strict=True):
            loop.call_soon_threadsafe(loop.stop)
            thread.join(1.0)  # a hook may never end
            if not thread.is_alive():
                loop.close()


_PORTALS: PerProcess[_Portals] = PerProcess(close=_Portals.close)


def _free_loop(blocked: frozenset[Any]) -> Any:
    return _PORTALS.get(_Portals).free_loop(blocked)


def make_wake(loop: Any) -> tuple[Awaitable[None], Callable[[], None]]:
    """A future of ``loop``, which runs here, and a function that ends it from any thread, once or more often."""
    future = loop.create_future()

    def end() -> None:
        if not future.done():
            future.set_result(None)

    def wake() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed, and nothing waits there
            loop.call_soon_threadsafe(end)

    return future, wake
