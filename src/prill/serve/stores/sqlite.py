"""Runs in a SQLite file: for the processes of one machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from prill.errors import ConfigError, RequestError
from prill.io import get_asyncio_mode
from prill.serve.stores.base import StoredRun
from prill.serve.stores.grouped import GroupedStore, OnLoop, Stored, refuse_unreachable
from prill.serve.stores.groups import Append, Written
from prill.serve.stores.sqlite_runs import FRAME_BITS, TABLES, SQLiteRuns
from prill.sqlite_file import SQLiteFile

T = TypeVar("T")

_READ = f"""
SELECT last, kept_from, ended_at, lease_until, data FROM run JOIN progress ON run = number LEFT JOIN frame
ON place BETWEEN (number << {FRAME_BITS}) + max(?, kept_from) AND (number << {FRAME_BITS}) + last * ?
WHERE run_id = ? AND NOT gone ORDER BY place LIMIT ?
"""
"""The second value is 1 to read frames, or 0 to read only the state of the run."""

_STATE = "SELECT last, ended_at FROM run JOIN progress ON run = number WHERE run_id = ?"

_LOOK_FOR_FRAMES = 0.02
_LOOK_FOR_STOPS = 0.2


class SQLiteStore(GroupedStore):
    """Keeps runs in a SQLite file, which the processes of one machine share.

    The frames of all runs of a process are written in groups, in a thread, at most each 5 ms. A reader in another
    process than the producer looks for new frames each 20 ms, a producer for a stop from another process each 200 ms.
    What was written is there after the process is killed; after a loss of power the newest frames may be missing.

    Args:
        path: the file. It must be on a disk of this machine: SQLite's log does not work on network file systems.
        max_frames: frames of one run that are kept; older ones are dropped, and a reader that needs them is told.
        max_bytes: bytes of one run's frames.
        max_total_bytes: bytes of all runs; where there are more, those that have ended go, the oldest first.
        max_runs: runs that are kept; the oldest of those that have ended go first.
        keep: seconds for which a run is kept after its end.
        clock: the time in seconds since the epoch.

    Raises:
        ConfigError: the file cannot be opened, or is not a database.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        max_frames: int = 20_000,
        max_bytes: int = 16 * 1024 * 1024,
        max_total_bytes: int = 1024 * 1024 * 1024,
        max_runs: int = 10_000,
        keep: float = 300.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(clock)
        if os.fspath(path) in ("", ":memory:"):
            raise ConfigError("a store of runs in SQLite needs a file: give its path, or use the store memory:")
        self._runs = SQLiteRuns(max_frames, max_bytes, max_total_bytes, max_runs, keep)
        self._keep = keep
        self._file = SQLiteFile(path, TABLES)
        self._reading = SQLiteFile(path, TABLES)  # readers do not wait for the writer

    async def aclose(self) -> None:
        await super().aclose()
        self._file.close()
        self._reading.close()

    async def _call(self, function: Callable[..., T], *args: Any) -> T:
        try:
            return await get_asyncio_mode().call(function, *args)
        except ConfigError as error:
            raise refuse_unreachable() from error

    async def _create(self, run: StoredRun, lease: float) -> bool:
        now = self._clock()
        return await self._call(self._file.change, lambda db: self._runs.create(db, run, now + lease, now))

    async def _write(self, group: Sequence[Append]) -> Sequence[Written]:
        now = self._clock()
        try:
            return await self._call(self._file.change, lambda db: self._runs.write(db, group, now))
        except RequestError:
            self._runs.forget_known()  # the file has not what was to be written
            raise

    async def _renew(self, run_id: str, owner: str, lease: float) -> bool | None:
        until = self._clock() + lease
        return await self._call(self._file.change, lambda db: self._runs.renew(db, run_id, owner, until))

    async def _find(self, run_id: str) -> tuple[StoredRun, bool] | None:
        rows = await self._call(
            self._reading.read,
            "SELECT run_id, owner, principal, protocol, topic, created, gone, coalesce(ended_at, lease_until) "
            "FROM run WHERE run_id = ?",
            run_id,
        )
        if not rows:
            return None
        *fields, gone, over = rows[0]
        return StoredRun(*fields), not gone and over + self._keep > self._clock()

    async def _find_topic(self, topic: str) -> str | None:
        query = "SELECT run_id FROM run WHERE topic = ? AND topic != '' ORDER BY number DESC LIMIT 1"
        rows = await self._call(self._reading.read, query, topic)
        return rows[0][0] if rows else None

    async def _read(self, run_id: str, after: int, limit: int) -> Stored | None:
        return await self._call(self._read_now, run_id, after, limit)

    def _read_now(self, run_id: str, after: int, limit: int) -> Stored | None:
        # One statement: frames may be dropped between two.
        rows = self._reading.read(_READ, after + 1, min(limit, 1), run_id, max(limit, 1))
        if not rows:
            return None
        last, kept_from, ended_at, lease_until, _ = rows[0]
        frames = [row[-1] for row in rows if row[-1] is not None]
        left = lease_until - self._clock()
        return Stored(frames, max(after + 1, kept_from), last, kept_from, ended_at is not None, left)

    async def _stop(self, run_id: str) -> bool:
        now = self._clock()
        return await self._call(self._file.change, lambda db: self._runs.stop(db, run_id, now))

    # Changes that other processes make

    async def _watch(self, here: OnLoop, run_id: str) -> None:
        if not here.looking:
            here.looking = True
            here.tasks.start(self._look_for_changes(here))

    async def _look_for_changes(self, here: OnLoop) -> None:
        seen: dict[str, Any] = {}
        try:
            while here.changes.watched():
                foreign = here.foreign
                await get_asyncio_mode().sleep(_LOOK_FOR_FRAMES if foreign else _LOOK_FOR_STOPS)
                seen = {run_id: state for run_id, state in seen.items() if run_id in foreign}
                changed, stopped = await self._call(self._look, foreign, seen)
                for run_id in changed:
                    here.changes.notify(run_id)
                for run_id in stopped:
                    here.note_stop(run_id)
        except RequestError:
            here.changes.notify_all()  # they look for themselves, and find out what is wrong
        finally:
            here.looking = False

    def _look(self, foreign: Sequence[str], seen: dict[str, Any]) -> tuple[list[str], list[str]]:
        """The runs that are not as they were ``seen``, and those that are to be stopped."""
        changed = []
        for run_id in foreign:
            state = self._reading.read(_STATE, run_id)
            if seen.get(run_id) != state:
                seen[run_id] = state
                changed.append(run_id)
        stopped = self._reading.read("SELECT run_id FROM run WHERE stopping AND ended_at IS NULL")
        return changed, [run_id for (run_id,) in stopped]
