"""Storing a run's frames while its chain goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from prill.io.event_loop import Signal
from prill.io.tasks import finish, start
from prill.serve.encoders.base import with_id
from prill.serve.stores.base import RunStore, StoredRun

_AHEAD = 128
"""How many frames a chain may be ahead of the store."""


class FrameWriter:
    """Numbers and stores the frames of one producer, in order.

    Frames that come while others are being stored are stored together, next. What was put in is stored even if the
    task that puts it in is cancelled.

    Args:
        store: where to.
        run: the run.
        on_failure: called when the store has refused frames, or cannot be reached; ``put`` and ``finish`` raise it.
    """

    def __init__(self, store: RunStore, run: StoredRun, on_failure: Callable[[], None]) -> None:
        self._store = store
        self._run = run
        self._on_failure = on_failure
        self._next = 1
        self._waiting: list[bytes] = []
        self._error: Exception | None = None
        self._stored: Signal[None] | None = None

    async def put(self, frames: Sequence[bytes]) -> None:
        """Store frames soon; waits only if there are many that are not stored yet."""
        self._check()
        self._waiting += frames
        if self._stored is None:
            self._stored = Signal()
            self._task = start(self._store_waiting(self._stored))
        if len(self._waiting) >= _AHEAD:
            await self._stored.wait()
            self._check()

    async def finish(self, frames: Sequence[bytes]) -> None:
        """Store the last frames, and that they are the last."""
        if self._stored is not None:
            await finish([self._task])
        self._check()
        await self._append(frames, ended=True)

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    async def _store_waiting(self, stored: Signal[None]) -> None:
        try:
            while self._waiting:
                frames, self._waiting = self._waiting, []
                await self._append(frames)
        except Exception as error:
            self._error = error
            self._on_failure()
        finally:
            self._stored = None
            stored.set(None)

    async def _append(self, frames: Sequence[bytes], *, ended: bool = False) -> None:
        run_id = self._run.run_id
        numbered = [with_id(f"{run_id}:{number}", frame) for number, frame in enumerate(frames, self._next)]
        await self._store.append(run_id, self._run.owner, self._next, numbered, ended=ended)
        self._next += len(frames)
