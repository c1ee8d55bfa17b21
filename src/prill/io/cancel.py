"""A word that stops runs, from anywhere."""

from __future__ import annotations

import threading
from collections.abc import Callable


class CancelToken:
    """Stops the runs that it was given to, from any thread: ``chain.stream(x, {"cancel": token})``, ``token.cancel()``.

    A stopped run ends with ``Cancelled``, which carries what had come; also one that waits for its first chunk. One
    token may be given to many runs; runs that are given a cancelled token do not begin. What cannot be stopped is a
    plain function of yours in the middle of its work: its run ends when it returns.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stops: set[Callable[[], None]] = set()
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Whether ``cancel`` has been called."""
        return self._cancelled

    def cancel(self) -> None:
        """Stop all runs that have this token; calling it again does no harm."""
        with self._lock:
            self._cancelled = True
            stops = list(self._stops)
        failed: list[Exception] = []
        for stop in stops:
            try:
                stop()
            except Exception as error:  # the others are to be stopped all the same
                failed.append(error)
        if failed:
            raise failed[0]

    def add(self, stop: Callable[[], None]) -> None:
        """Call ``stop`` when the token is cancelled; at once, if it is."""
        with self._lock:
            self._stops.add(stop)
            cancelled = self._cancelled
        if cancelled:
            stop()

    def discard(self, stop: Callable[[], None]) -> None:
        """Forget ``stop``."""
        with self._lock:
            self._stops.discard(stop)

    def __deepcopy__(self, memo: object) -> CancelToken:
        return self  # a config may be copied; the word remains one
