"""The newest frames of a run that is produced on this event loop."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice

from prill.serve.stores.base import Page, StoredRun

_FRAMES = 256
_BYTES = 1024 * 1024


class Tail:
    """What readers beside the producer read without asking the database; frames come in once they are stored.

    It holds at most 256 frames and 1 MiB, but always the newest frame.
    """

    def __init__(self, run: StoredRun, lease_until: float) -> None:
        self.run = run
        self.lease_until = lease_until
        self.stopping = False
        self.kept_from = 1
        self.last = 0
        self._frames: deque[bytes] = deque()
        self._size = 0

    @property
    def first(self) -> int:
        """The number of the oldest frame that is here."""
        return self.last - len(self._frames) + 1

    def add(self, frames: Sequence[bytes], kept_from: int) -> None:
        """Add frames that were stored; ``kept_from`` is the number of the oldest frame that the run keeps now."""
        self._frames.extend(frames)
        self._size += sum(map(len, frames))
        self.last += len(frames)
        self.kept_from = kept_from
        while len(self._frames) > 1 and (
            len(self._frames) > _FRAMES or self._size > _BYTES or self.first < self.kept_from
        ):
            self._size -= len(self._frames.popleft())

    def read(self, after: int, limit: int, now: float) -> Page:
        """Frames behind ``after``, which is not before the oldest one here."""
        start = after + 1 - self.first
        frames = list(islice(self._frames, start, start + limit))
        return Page(frames, after + 1, self.last, self.kept_from, "running" if now < self.lease_until else "lost")
