"""What is written to the tables of runs; every method runs in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
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
  protocol TEXT NOT NULL, topic TEXT NOT NULL, created REAL NOT NULL, lease_until REAL NOT NULL, ended_at REAL,
  stopping INTEGER NOT NULL DEFAULT 0, gone INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS run_by_topic ON run (topic) WHERE topic != '';
CREATE INDEX IF NOT EXISTS run_to_stop ON run (stopping) WHERE stopping AND ended_at IS NULL;
CREATE INDEX IF NOT EXISTS run_kept ON run (number) WHERE NOT gone;
CREATE TABLE IF NOT EXISTS progress (
  run INTEGER PRIMARY KEY, last INTEGER NOT NULL, kept_from INTEGER NOT NULL, size INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS frame (id INTEGER PRIMARY KEY, place INTEGER NOT NULL UNIQUE, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS total (id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL);
INSERT OR IGNORE INTO total VALUES (1, 0);
"""

_STATE = """
SELECT number, owner, last, kept_from, size, ended_at, lease_until FROM run JOIN progress ON run = number
WHERE run_id = ? AND NOT gone
"""
_MOST_ROWS = 128
"""SQLite before 3.32 takes at most 999 values."""

_EACH_COUNT = 32
"""Up to so many rows are written with one statement."""

_OVER = "NOT gone AND coalesce(ended_at, lease_until) <= ?"


class _State(NamedTuple):
    number: int
    owner: str
    last: int
    kept_from: int
    size: int
    ended_at: float | None
    lease_until: float

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
        self._known: dict[str, _State] = {}
        """What the runs of this process are like, as far as it was written."""

    def create(self, db: Any, run: StoredRun, lease_until: float, now: float) -> bool:
        """Add a run; returns whether there was none of its id. Forgets what is too old."""
        self._forget_old(db, now)
        if db.execute("SELECT 1 FROM run WHERE run_id = ?", (run.run_id,)).fetchone():
            return False
        added = db.execute(
            "INSERT INTO run (run_id, owner, principal, protocol, topic, created, lease_until) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (run.run_id, run.owner, run.principal, run.protocol, run.topic, run.created, lease_until),
        )
        db.execute("INSERT INTO progress VALUES (?, 0, 1, 0)", (added.lastrowid,))
        return True

    def write(self, db: Any, group: Sequence[Append], now: float) -> list[Written]:
        """Write the frames of a group of appends."""
        try:
            return self._write(db, group, now)
        except db.IntegrityError:  # somebody of the same name has written to a run: what is known of it is old
            self.forget_known()
            return self._write(db, group, now)

    def forget_known(self) -> None:
        """Read the states of runs again."""
        self._known.clear()

    def _write(self, db: Any, group: Sequence[Append], now: float) -> list[Written]:
        results: list[Written] = []
        rows: list[tuple[int, bytes]] = []
        grown: dict[int, tuple[int, _State]] = {}  # by the run: the last of its appends
        size = 0
        states = {item.run_id: self._find_state(db, item.run_id, now) for item in group}
        for place, item in enumerate(group):
            state = states[item.run_id]
            if state is None or (state.owner, state.ended_at, state.last + 1) != (item.owner, None, item.first):
                results.append(refuse_producer(item.run_id))
                continue
            rows += enumerate(item.frames, state.place(item.first))
            added = sum(map(len, item.frames))
            size += added
            new = state._replace(last=item.last, size=state.size + added, ended_at=now if item.ended else None)
            states[item.run_id] = new
            grown[state.number] = place, new
            results.append(state.kept_from)
        _write_rows(db, "INSERT INTO frame (place, data)", rows)
        self._trim_all(db, grown, results, _add_total(db, size))
        self._note_progress(db, group, grown)
        return results

    def _note_progress(self, db: Any, group: Sequence[Append], grown: Mapping[int, tuple[int, _State]]) -> None:
        rows = [(each.number, each.last, each.kept_from, each.size) for _, each in grown.values()]
        _write_rows(db, "REPLACE INTO progress (run, last, kept_from, size)", rows)
        for place, state in grown.values():
            if state.ended_at is None:
                self._known[group[place].run_id] = state
            else:
                self._known.pop(group[place].run_id, None)
                db.execute("UPDATE run SET ended_at = ? WHERE number = ?", (state.ended_at, state.number))

    def _find_state(self, db: Any, run_id: str, now: float) -> _State | None:
        """The state of a run. Only its producer changes it, as long as the lease holds: then it need not be read."""
        known = self._known.get(run_id)
        if known is not None and now < known.lease_until:
            return known
        self._known.pop(run_id, None)
        row = db.execute(_STATE, (run_id,)).fetchone()
        return _State(*row) if row is not None else None

    def renew(self, db: Any, run_id: str, owner: str, lease_until: float) -> bool | None:
        """Renew a lease; returns whether the run is to be stopped, or ``None`` if it is another's."""
        row = db.execute(
            "SELECT number, stopping FROM run WHERE run_id = ? AND owner = ? AND NOT gone", (run_id, owner)
        )
        found = row.fetchone()
        if found is None:
            return None
        db.execute("UPDATE run SET lease_until = ? WHERE number = ?", (lease_until, found[0]))
        if (known := self._known.get(run_id)) is not None:
            self._known[run_id] = known._replace(lease_until=lease_until)
        return bool(found[1])

    def stop(self, db: Any, run_id: str, now: float) -> bool:
        """Ask for a stop; returns whether the run is going on."""
        done = db.execute(
            "UPDATE run SET stopping = 1 WHERE run_id = ? AND NOT gone AND ended_at IS NULL AND lease_until > ?",
            (run_id, now),
        )
        return bool(done.rowcount)

    # Bounds

    def _trim_all(self, db: Any, grown: dict[int, tuple[int, _State]], results: list[Written], total: int) -> None:
        if total > self._max_total_bytes:
            total = self._make_room(db, grown, total)
        for number, (place, state) in grown.items():
            most = min(self._max_bytes, state.size - (total - self._max_total_bytes))
            if state.size > most or state.last - state.kept_from >= self._max_frames:
                trimmed = self._trim(db, state, most)
                total = _add_total(db, trimmed.size - state.size)
                grown[number] = place, trimmed
                results[place] = trimmed.kept_from

    def _trim(self, db: Any, state: _State, most: int) -> _State:
        """Drop the oldest frames, but never the newest."""
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
        return state._replace(kept_from=kept_from, size=size)

    def _make_room(self, db: Any, writing: Collection[int], total: int) -> int:
        """Forget runs that have ended, the oldest first, until all are within their bytes, or none is left."""
        query = (
            "SELECT number, size FROM run JOIN progress ON run = number "
            "WHERE NOT gone AND ended_at IS NOT NULL ORDER BY number"
        )
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


def _forget(db: Any, numbers: Iterable[int]) -> None:
    """Drop the frames of runs; that they have been is remembered."""
    for number in numbers:
        bounds = (number << FRAME_BITS, (number + 1) << FRAME_BITS)
        (size,) = db.execute("SELECT size FROM progress WHERE run = ?", (number,)).fetchone()
        db.execute("DELETE FROM frame WHERE place >= ? AND place < ?", bounds)
        db.execute("DELETE FROM progress WHERE run = ?", (number,))
        db.execute("UPDATE run SET gone = 1 WHERE number = ?", (number,))
        _add_total(db, -size)


def _add_total(db: Any, size: int) -> int:
    """Add to the bytes of all runs, and return them."""
    db.execute("UPDATE total SET size = size + ?", (size,))
    return int(db.execute("SELECT size FROM total").fetchone()[0])


def _write_rows(db: Any, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write rows with few statements: each gives the interpreter's lock away, and has to wait for it again."""
    start = 0
    while start < len(rows):
        count = len(rows) - start
        if count > _EACH_COUNT:  # few statements to be prepared, which the connection keeps
            count = min(_MOST_ROWS, 1 << count.bit_length() - 1)
        part = rows[start : start + count]
        values = ", ".join([f"({', '.join('?' * len(rows[0]))})"] * count)
        db.execute(f"{statement} VALUES {values}", [value for row in part for value in row])
        start += count
