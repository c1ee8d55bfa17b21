"""Event loops for blocking code: the one that a worker thread works for, or one of Prill's own."""

from __future__ import annotations

import atexit
import functools
import sys
import threading
from collections.abc import Awaitable
from contextvars import ContextVar
from importlib import import_module
from typing import Any, TypeVar

T = TypeVar("T")

HOME: ContextVar[tuple[Any, int] | None] = ContextVar("prill_home", default=None)
"""In a worker thread of an asyncio run: the run's loop and that loop's thread."""


def wait_on_loop(waiting: Awaitable[T]) -> T:
    """Await something on an event loop, in the caller's context, and block until it is done.

    The loop is the one that this thread works for; elsewhere (and on that loop's own thread, which must not wait for
    itself) one in a thread of its own.
    """
    home = HOME.get()
    at_home = home is not None and home[1] != threading.get_ident() and home[0].is_running()
    loop = home[0] if home is not None and at_home else _portal()

    async def body() -> T:
        return await waiting

    # Only programs that mix the colours need asyncio here, and it takes 35 ms to import.
    result: T = import_module("asyncio").run_coroutine_threadsafe(body(), loop).result()
    return result


@functools.cache
def _portal() -> Any:
    loop = import_module("asyncio").new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="prill-portal", daemon=True)
    thread.start()

    def stop() -> None:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    atexit.register(stop)
    return loop


def loop_runs_here() -> bool:
    """Whether this thread is one that an event loop runs in."""
    loaded = sys.modules.get("asyncio")
    return loaded is not None and loaded._get_running_loop() is not None


def pause(seconds: float) -> Awaitable[None]:
    """``asyncio.sleep``, where a loop runs and asyncio is loaded, therefore."""
    paused: Awaitable[None] = sys.modules["asyncio"].sleep(seconds)
    return paused
