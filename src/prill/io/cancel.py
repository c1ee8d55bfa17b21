"""A token that cancels runs from any thread."""

from __future__ import annotations

from collections.abc import Callable

from prill.io.process import make_lock, process_number


class CancelToken:
    """Cancels the runs that it is passed to: ``chain.stream(x, {"cancel": token})``, then ``token.cancel()``.

    A cancelled run ends with ``Cancelled``, which carries the output so far, also while it waits for its first chunk.
    One token may be passed to many runs; a run that gets a cancelled token does not start. A plain function of yours
    cannot be interrupted while it computes: its run ends when it returns.

    ``cancel`` may be called from any thread and from a signal handler.
    """

    def __init__(self) -> None:
        self._lock = make_lock()
        self._stop_functions: dict[Callable[[], None], int] = {}  # with the process that each belongs to
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Whether ``cancel`` has been called."""
        return self._cancelled

    def cancel(self) -> None:
        """Cancel all runs that have this token; calling it again has no effect."""
        with self._lock:
            self._cancelled = True
            stops = list(self._stop_functions.items())  # in one piece: a finalizer may discard one
        failed: list[Exception] = []
        for stop, process in stops:
            if process != process_number():
                continue  # it stops a run of the parent process
            try:
                stop()
            except Exception as error:  # the other runs are to be cancelled all the same
                failed.append(error)
        if failed:
            raise failed[0]

    def add(self, stop: Callable[[], None]) -> None:
        """Call ``stop`` when the token is cancelled; at once, if it is."""
        with self._lock:
            self._stop_functions[stop] = process_number()
            cancelled = self._cancelled
        if cancelled:
            stop()

    def discard(self, stop: Callable[[], None]) -> None:
        """Forget ``stop``."""
        with self._lock:
            self._stop_functions.pop(stop, None)

    def __deepcopy__(self, memo: object) -> CancelToken:
        return self  # a config may be copied; its token stays the same
