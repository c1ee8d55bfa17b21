"""What is written to the tables of runs; every method runs in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from prill.serve.stores.base import StoredRun
from prill.serve.stores.grouped import REMEMBERED, refuse_producer
from prill.serve.stores.groups import Append, Written

FRAME_BITS = 32
"""A frame's place is the number of its run, shifted by so many bits, and its own number.

It is not the primary key: frames of many runs that are written together then stand in one page, and not in one for each
run, which halves the time.
"""

TABLES = """
CREATE TABLE IF NOT EXISTS run (
  number INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, principal TEXT,
  protocol TEXT NOT NULL, topic TEXT NOT NULL, created REAL NOT NULL, lease_until REAL NOT NULL,
  last INTEGER NOT NULL DEFAULT 0, kept_from INTEGER NOT NULL DEFAULT 1, size INTEGER NOT NULL DEFAULT 0,
  ended_at REAL, stopping INTEGER NOT NULL DEFAULT 0, gone INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS run_by_topic ON run (topic) WHERE topic != '';
CREATE INDEX IF NOT EXISTS run_to_stop ON run (stopping) WHERE stopping AND ended_at IS NULL;
CREATE INDEX IF NOT EXISTS run_kept ON run (number) WHERE NOT gone;
CREATE TABLE IF NOT EXISTS frame (id INTEGER PRIMARY KEY, place INTEGER NOT NULL UNIQUE, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS total (id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL);
INSERT OR IGNORE INTO total VALUES (1, 0);
"""

_STATE = "SELECT number, owner, last, kept_from, size, ended_at FROM run WHERE run_id = ? AND NOT gone"
_GROW = "UPDATE run SET last = ?, size = ?, ended_at = ? WHERE number = ?"
_OVER = "NOT gone AND coalesce(ended_at, lease_until) <= ?"


class _State(NamedTuple):
    number: int
    owner: str
    last: int
    kept_from: int
    size: int
    ended_at: float | None

    def place(self, number: int) -> int:
        return (self.number << FRAME_BITS) + number


class SQLiteRuns:
    """The statements, and the bounds of what is kept; see ``SQLiteStore``."""

    def __init__(self, max_frames: int, max_bytes: int, max_total_bytes: int, max_runs: int, keep: float) -> None:
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._max_total_bytes = max_total_bytes
        self._max_runs = max_runs
        self._keep = keep

    def create(self, db: Any, run: StoredRun, lease_until: float, now: float) -> bool:
        """Add a run; returns whether there was none of its id. Forgets what is too old."""
        self._forget_old(db, now)
        if db.execute("SELECT 1 FROM run WHERE run_id = ?", (run.run_id,)).fetchone():
            return False
        db.execute(
            "INSERT INTO run (run_id, owner, principal, protocol, topic, created, lease_until) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (run.run_id, run.owner, run.principal, run.protocol, run.topic, run.created, lease_until),
        )
        return True

    def write(self, db: Any, group: Sequence[Append], now: float) -> list[Written]:
        """Write the frames of a group of appends."""
        results: list[Written] = []
        rows: list[tuple[int, bytes]] = []
        grown: dict[int, tuple[int, _State]] = {}  # by the run: the last of its appends
        size = 0
        for place, item in enumerate(group):
            state = _find_state(db, item.run_id)
            if state is None or (state.owner, state.ended_at, state.last + 1) != (item.owner, None, item.first):
                results.append(refuse_producer(item.run_id))
                continue
            rows += enumerate(item.frames, state.place(item.first))
            added = sum(map(len, item.frames))
            size += added
            new = state._replace(last=item.last, size=state.size + added, ended_at=now if item.ended else None)
            grown[state.number] = place, new
            db.execute(_GROW, (new.last, new.size, new.ended_at, new.number))
            results.append(state.kept_from)
        db.executemany("INSERT INTO frame (place, data) VALUES (?, ?)", rows)
        total = _add_total(db, size)
        if total > self._max_total_bytes:
            total = self._make_room(db, grown, total)
        for place, state in grown.values():
            most = min(self._max_bytes, state.size - (total - self._max_total_bytes))
            if state.size > most or state.last - state.kept_from >= self._max_frames:
                results[place], dropped = self._trim(db, state, most)
                total -= dropped
        return results

    def renew(self, db: Any, run_id: str, owner: str, lease_until: float) -> bool | None:
        """Renew a lease; returns whether the run is to be stopped, or ``None`` if it is another's."""
        row = db.execute(
            "SELECT number, stopping FROM run WHERE run_id = ? AND owner = ? AND NOT gone", (run_id, owner)
        )
        found = row.fetchone()
        if found is None:
            return None
        db.execute("UPDATE run SET lease_until = ? WHERE number = ?", (lease_until, found[0]))
        return bool(found[1])

    def stop(self, db: Any, run_id: str, now: float) -> bool:
        """Ask for a stop; returns whether the run is going on."""
        done = db.execute(
            "UPDATE run SET stopping = 1 WHERE run_id = ? AND NOT gone AND ended_at IS NULL AND lease_until > ?",
            (run_id, now),
        )
        return bool(done.rowcount)

    # Bounds

    def _trim(self, db: Any, state: _State, most: int) -> tuple[int, int]:
        """Drop the oldest frames, but never the newest; returns the oldest that is left, and the bytes dropped."""
        kept_from, size = state.kept_from, state.size
        sizes = db.execute(
            "SELECT length(data) FROM frame WHERE place BETWEEN ? AND ? ORDER BY place",
            (state.place(kept_from), state.place(state.last - 1)),
        )
        while kept_from < state.last and (state.last - kept_from >= self._max_frames or size > most):
            kept_from += 1
            size -= sizes.fetchone()[0]
        sizes.close()
        bounds = (state.place(state.kept_from), state.place(kept_from - 1))
        db.execute("DELETE FROM frame WHERE place BETWEEN ? AND ?", bounds)
        db.execute("UPDATE run SET kept_from = ?, size = ? WHERE number = ?", (kept_from, size, state.number))
        _add_total(db, size - state.size)
        return kept_from, state.size - size

    def _make_room(self, db: Any, writing: Collection[int], total: int) -> int:
        """Forget runs that have ended, the oldest first, until all are within their bytes, or none is left."""
        query = "SELECT number, size FROM run WHERE NOT gone AND ended_at IS NOT NULL ORDER BY number"
        forgotten = []
        for number, size in db.execute(query).fetchall():
            if total > self._max_total_bytes and number not in writing:
                forgotten.append(number)
                total -= size
        _forget(db, forgotten)
        return total

    def _forget_old(self, db: Any, now: float) -> None:
        _forget(db, [row[0] for row in db.execute(f"SELECT number FROM run WHERE {_OVER}", (now - self._keep,))])
        (count,) = db.execute("SELECT count(*) FROM run WHERE NOT gone").fetchone()
        if (over := count + 1 - self._max_runs) > 0:
            oldest = f"SELECT number FROM run WHERE {_OVER} ORDER BY number LIMIT ?"
            _forget(db, [row[0] for row in db.execute(oldest, (now, over))])
        db.execute("DELETE FROM run WHERE gone AND coalesce(ended_at, lease_until) <= ?", (now - REMEMBERED,))


def _find_state(db: Any, run_id: str) -> _State | None:
    row = db.execute(_STATE, (run_id,)).fetchone()
    return _State(*row) if row is not None else None


def _forget(db: Any, numbers: Iterable[int]) -> None:
    """Drop the frames of runs; that they have been is remembered."""
    for number in numbers:
        bounds = (number << FRAME_BITS, (number + 1) << FRAME_BITS)
        (size,) = db.execute("SELECT size FROM run WHERE number = ?", (number,)).fetchone()
        db.execute("DELETE FROM frame WHERE place >= ? AND place < ?", bounds)
        db.execute("UPDATE run SET gone = 1, size = 0 WHERE number = ?", (number,))
        _add_total(db, -size)


def _add_total(db: Any, size: int) -> int:
    """Add to the bytes of all runs, and return them."""
    db.execute("UPDATE total SET size = size + ?", (size,))
    return int(db.execute("SELECT size FROM total").fetchone()[0])
