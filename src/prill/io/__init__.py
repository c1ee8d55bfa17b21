"""The two colours: how a body waits, in blocking code and in asyncio.

A body is one ``async def`` that does a Runnable's work. In the *blocking* colour none of its leaves ever suspends, so
``drive`` runs it to its end with one ``send(None)``, without an event loop; several at once are threads. In the
*asyncio* colour the same body is awaited, and several at once are tasks. Only the leaves in this file know the
difference, and only this file starts threads or tasks.

Traps, and how they are met:

- A blocked socket read cannot be interrupted from Python, but shutting its socket down from another thread ends it at
  once. What blocks registers its way out in the current ``Scope``; cancelling the scope takes all ways out.
- A pool whose tasks wait for tasks of the same pool deadlocks. ``Blocking.gather`` lets the calling thread work too
  and uses pool threads only as assistants, so it ends even when the pool has none to spare.
- Under anyio's cancel scopes an ``await`` in a ``finally`` is cancelled again and again. ``finish`` waits for tasks
  until they have ended, however often it is cancelled.
- A generator that runs in one thread cannot be closed from another: the closing waits for it, after cancelling the
  scope in which it may be blocked.
"""

from prill.io.blocking import BLOCKING
from prill.io.cancel import CancelToken
from prill.io.colour import Colour, Thunk
from prill.io.depth import is_deep
from prill.io.drive import SUSPENDED, close, closing, drive, drive_stream
from prill.io.limit import Limit
from prill.io.scope import Scope, interruptible
from prill.io.stopper import Stopper, Watchdog
from prill.io.tee import Ended, Tee


def asyncio_colour() -> Colour:
    """The asyncio colour; asyncio is imported now, so that blocking programs do not pay its 35 ms."""
    from prill.io.loop import ASYNCIO  # noqa: PLC0415 - see the docstring

    return ASYNCIO


__all__ = [
    "BLOCKING",
    "SUSPENDED",
    "CancelToken",
    "Colour",
    "Ended",
    "Limit",
    "Scope",
    "Stopper",
    "Tee",
    "Thunk",
    "Watchdog",
    "asyncio_colour",
    "close",
    "closing",
    "drive",
    "drive_stream",
    "interruptible",
    "is_deep",
]
