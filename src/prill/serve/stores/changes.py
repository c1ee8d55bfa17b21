"""Tasks that wait until something of a run has changed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from prill.io.event_loop import Signal


class Changes:
    """Who waits for what, on one event loop: any number of tasks for each key."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Signal[None]]] = {}

    @contextlib.contextmanager
    def watching(self, key: str) -> Iterator[Signal[None]]:
        """A signal for the next ``notify`` of ``key``.

        Enter it first and look at the state then: a change between the two is not missed.
        """
        change: Signal[None] = Signal()
        self._waiting.setdefault(key, []).append(change)
        try:
            yield change
        finally:
            waiting = self._waiting.get(key, [])
            if change in waiting:
                waiting.remove(change)
                if not waiting:
                    del self._waiting[key]

    def notify(self, key: str) -> None:
        """Wake all who wait for ``key``."""
        for change in self._waiting.pop(key, ()):
            change.set(None)

    def notify_all(self) -> None:
        """Wake all."""
        for key in list(self._waiting):
            self.notify(key)

    def watched(self) -> list[str]:
        """The keys that anybody waits for."""
        return list(self._waiting)
