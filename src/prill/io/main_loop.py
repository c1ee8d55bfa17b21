"""A program's work on an event loop of its own, which Ctrl-C ends in two steps."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

from prill.io.portal import loop_runs_here
from prill.io.threads import ServiceThread

T = TypeVar("T")


def run_in_new_loop(make: Callable[[], Coroutine[Any, Any, T]], interrupt: Callable[[], bool]) -> T:
    """Run a body on a new event loop, and block until it has ended; in a notebook, whose loop runs here, in a thread.

    Args:
        make: makes the body.
        interrupt: called on the body's loop when Ctrl-C is pressed. ``True`` lets the body end by itself, ``False``
            cancels it.
    """
    if loop_runs_here():
        return _run_in_thread(make, interrupt)
    return asyncio.run(_run_until_interrupted(make, interrupt))


async def _run_until_interrupted(make: Callable[[], Coroutine[Any, Any, T]], interrupt: Callable[[], bool]) -> T:
    loop = asyncio.get_running_loop()
    task = loop.create_task(make())

    def on_signal(*_: object) -> None:
        if not interrupt():
            task.cancel()

    with _handling_interrupts(lambda: loop.call_soon_threadsafe(on_signal)):
        try:
            return await task
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None


@contextlib.contextmanager
def _handling_interrupts(on_interrupt: Callable[[], object]) -> Iterator[None]:
    """Call a function when Ctrl-C is pressed. Only the main thread may say what it does; elsewhere it is left alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: on_interrupt())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _run_in_thread(make: Callable[[], Coroutine[Any, Any, T]], interrupt: Callable[[], bool]) -> T:
    done: Future[T] = Future()
    started: Future[tuple[Any, asyncio.Task[T]]] = Future()

    async def body() -> T:
        task = asyncio.get_running_loop().create_task(make())
        started.set_result((asyncio.get_running_loop(), task))
        return await task

    def run() -> None:
        try:
            done.set_result(asyncio.run(body()))
        except BaseException as error:  # for the thread that waits
            done.set_exception(error)

    ServiceThread(run, "prill-bulk").start()
    loop, task = started.result()

    def on_interrupt() -> None:
        if not interrupt():
            task.cancel()

    while True:
        try:
            return done.result()
        except KeyboardInterrupt:
            loop.call_soon_threadsafe(on_interrupt)
