"""What keeps runs so that clients can come back to them.

A run is a sequence of *frames*: the bytes of one event each, already in the client's protocol. They are numbered from 1
without gaps, in the order of one producer, and stored before they are sent. A producer holds a *lease*, which it
renews; a run whose producer has let it expire is lost, and readers are told so.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

RunState = Literal["running", "ended", "lost"]


@dataclass(frozen=True, slots=True)
class StoredRun:
    """What is known of a run.

    Args:
        run_id: its id, made by the server.
        owner: the producer: a name that no other has.
        principal: who started it, and alone may read and stop it.
        protocol: the name of the frames' protocol in ``prill.serve.encoders.PROTOCOLS``.
        topic: another name for the newest run of something, such as a chat; empty without.
        created: when it started, in seconds since the epoch.
    """

    run_id: str
    owner: str
    principal: str | None = None
    protocol: str = "langserve"
    topic: str = ""
    created: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True)
class Page:
    """Frames of a run.

    ``first`` is the number of the first of ``frames``, ``last`` that of the last one stored so far, ``kept_from`` that
    of the oldest one that is still kept. ``state`` is that of the run: once it is not ``"running"``, none will follow
    after ``last``.
    """

    frames: Sequence[bytes]
    first: int
    last: int
    kept_from: int
    state: RunState


class RunStore(Protocol):
    """Keeps runs. All methods may be called on any event loop of the process.

    ``shared`` says whether other processes see the same runs.
    """

    shared: bool

    async def create(self, run: StoredRun, lease: float) -> None:
        """Start a run whose producer holds a lease of so many seconds.

        Raises:
            RunExistsError: there is a run of this id.
        """

    async def append(
        self, run_id: str, owner: str, first: int, frames: Sequence[bytes], *, ended: bool = False
    ) -> None:
        """Store frames, numbered from ``first``; returns when they are stored. ``ended`` says that they are the last.

        Stores may write the frames of all runs of some milliseconds together.

        Raises:
            RunExistsError: the run is of another producer, has ended, or ``first`` is not the next number.
        """

    async def renew(self, run_id: str, owner: str, lease: float) -> bool:
        """Renew the producer's lease; returns whether the run is to be stopped."""

    async def find(self, run_id: str) -> StoredRun | None:
        """The run, or ``None`` if it is unknown."""

    async def find_topic(self, topic: str) -> StoredRun | None:
        """The newest run of a topic."""

    async def find_expired(self, run_id: str) -> StoredRun | None:
        """A run that is no longer kept, as far as the store remembers."""

    async def read(self, run_id: str, after: int, limit: int = 256) -> Page | None:
        """Frames behind number ``after``, at most ``limit``, without waiting; ``None`` if the run is not kept."""

    async def wait(self, run_id: str, after: int, seconds: float) -> None:
        """Wait until there is a frame behind ``after``, the state changes, or the time is over."""

    async def stop(self, run_id: str) -> bool:
        """Ask the producer to stop the run; returns whether it was running. Asking again does nothing."""

    async def wait_stop(self, run_id: str, seconds: float) -> bool:
        """Wait until the run is to be stopped, or the time is over; returns whether it is."""

    async def aclose(self) -> None:
        """Give connections and files back."""
