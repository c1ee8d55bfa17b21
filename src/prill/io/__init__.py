"""Blocking code and asyncio from one body: how leaves wait, in threads or on an event loop.

A body is one ``async def`` that does a Runnable's work. In blocking code its leaves never suspend, so ``drive`` runs it
to its end with one ``send(None)``, without an event loop; several bodies at once are threads. In asyncio the same body
is awaited, and several at once are tasks. Only the leaves in this package know the difference, and only this package
starts threads or tasks.

Hazards, and how they are met:

- A blocked socket read cannot be interrupted from Python, but shutting its socket down from another thread ends it at
  once. A blocking call registers a function that unblocks it in the current ``Scope``; cancelling the scope calls it.
- A pool whose tasks wait for tasks of the same pool deadlocks. ``Blocking.gather`` lets the calling thread work too
  and never waits for a worker that has not started. A plain function that a thread of a loop's pool waits for gets a
  thread of its own.
- A loop whose thread is blocked cannot be waited for. The context of blocking work carries the loops that wait for it.
- Two threads that take two locks in different orders deadlock. A lock is held for a few lines that call nothing of
  ours: no other object, no observer, no user code.
- A signal handler or a finalizer may run between any two lines, also under a lock or inside ``Condition.wait``. Locks
  are reentrant (``make_lock``), and threads wait in a ``SimpleQueue``, whose ``put`` may interrupt its ``get``.
- A child of ``fork`` has the parent's objects without the parent's threads. Values that belong to one process are
  ``PerProcess``, and all locks are free in the child.
- Under anyio's cancel scopes an ``await`` in a ``finally`` is cancelled again and again. ``finish`` waits for tasks
  until they have ended, however often it is cancelled.
- A resource of asyncio that several loops and threads use (a session with a server) must be closed by the task that
  has opened it, on its loop. ``Held`` keeps that task on a loop on which nothing else runs.
- A generator that runs in one thread cannot be closed from another: the closing waits for it, after cancelling the
  scope in which it may be blocked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from prill.io.blocking import BLOCKING
from prill.io.cancel import CancelToken
from prill.io.execution_mode import ExecutionMode, Thunk
from prill.io.drive import ASYNC_REQUIRED, close, closing, drive, drive_stream, is_deep
from prill.io.interrupter import Interrupter, Watchdog
from prill.io.limit import Limit
from prill.io.process import PerProcess, hold_during_fork, make_lock
from prill.io.scope import Scope, interruptible
from prill.io.tee import StreamEnded, Tee

if TYPE_CHECKING:
    from prill.io.per_loop import PerLoop

T = TypeVar("T")


def get_asyncio_mode() -> ExecutionMode:
    """``Asyncio``; asyncio is imported now, so that blocking programs do not pay its 35 ms."""
    from prill.io.loop import ASYNCIO  # noqa: PLC0415 - see the docstring

    return ASYNCIO


def make_per_loop(close: Callable[[T], Awaitable[None]]) -> PerLoop[T]:
    """A ``PerLoop``; asyncio is imported now, as above."""
    from prill.io.per_loop import PerLoop  # noqa: PLC0415 - see the docstring

    return PerLoop(close)


__all__ = [
    "ASYNC_REQUIRED",
    "BLOCKING",
    "CancelToken",
    "ExecutionMode",
    "Interrupter",
    "Limit",
    "PerProcess",
    "Scope",
    "StreamEnded",
    "Tee",
    "Thunk",
    "Watchdog",
    "close",
    "closing",
    "drive",
    "drive_stream",
    "get_asyncio_mode",
    "hold_during_fork",
    "interruptible",
    "is_deep",
    "make_lock",
]
