"""What is done: a SQLite file that holds the outcome of each row, so that none is asked or written twice."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from prill.errors import BulkError, ConfigError

DONE, FAILED = 1, 2

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS row (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL, same BLOB, number INTEGER NOT NULL, state INTEGER NOT NULL,
    name BLOB NOT NULL, place TEXT NOT NULL, kept BLOB, record BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS by_key ON row (key);
CREATE INDEX IF NOT EXISTS failed ON row (state) WHERE state = 2;
CREATE INDEX IF NOT EXISTS by_same ON row (same) WHERE same IS NOT NULL;
"""
_INSERT = "INSERT OR REPLACE INTO row (key, same, number, state, name, place, kept, record) VALUES (?,?,?,?,?,?,?,?)"
_SET = "INSERT OR REPLACE INTO meta VALUES (?, ?)"
_VERSION = 1
_WINDOW = 4000
"""How many rows of earlier runs are held ready: more than are in flight at once, so that their order may differ."""


class Entry(NamedTuple):
    """The outcome of a row, as it is written."""

    key: bytes
    same: bytes | None
    number: int
    state: int
    name: bytes
    place: str
    kept: bytes | None
    record: bytes


class Ledger:
    """The outcomes of a run's rows, in the folder ``checkpoint``; one run at a time may have it open.

    Everything that belongs to a row is written in one transaction, so a row is there as a whole or not at all,
    whenever the program or the machine ends.

    Raises:
        ConfigError: another run has it open, or it is damaged.
        BulkError: it cannot be written, as on a full disk.
    """

    def __init__(self, checkpoint: str | os.PathLike[str], *, read_only: bool = False) -> None:
        self.folder = Path(checkpoint)
        self.path = self.folder / "ledger.db"
        self._lock: sqlite3.Connection | None = None
        if read_only and not self.path.exists():
            raise ConfigError(f"there is no run in {os.fspath(checkpoint)!r}: it has no ledger.db")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not read_only:
                self._lock = self._take_lock()
            self._open()
        except OSError as error:
            raise ConfigError(f"the checkpoint {os.fspath(checkpoint)!r} cannot be used: {error}") from error
        except sqlite3.Error as error:
            self.close()
            raise self._damaged(error) from error

    def _open(self) -> None:
        self._database = sqlite3.connect(self.path, isolation_level=None, timeout=30, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute("PRAGMA cache_size = -6144")  # KiB; the rest is in the cache of the system
        self._database.executescript(_TABLES)
        if self.get_meta("version") not in (None, _VERSION):
            raise ConfigError(f"{self.path} was written by another version of Prill")
        self.base = self._database.execute("SELECT coalesce(max(id), 0) FROM row").fetchone()[0]
        """The last row of earlier runs."""
        self._earlier = _EarlierRows(self._database, self.base)
        failed = self._database.execute("SELECT id FROM row WHERE state = 2")
        self.failed = {id for (id,) in failed}
        """The rows of earlier runs that failed."""

    def _take_lock(self) -> sqlite3.Connection:
        """Lock the folder for as long as this process lives; the system frees the lock of one that was killed."""
        path, owner = self.folder / "lock.db", self.folder / "owner.txt"
        lock = sqlite3.connect(path, isolation_level=None, timeout=0, check_same_thread=False)
        try:
            lock.execute("PRAGMA locking_mode = EXCLUSIVE")
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            lock.close()
            by = owner.read_text("utf8") if owner.exists() else "another process"
            raise ConfigError(
                f"another run is using the checkpoint {os.fspath(self.folder)!r}: {by}. Wait for it, stop it, or give "
                "another checkpoint"
            ) from None
        owner.write_text(f"process {os.getpid()} on {platform.node()}", "utf8")
        return lock

    def close(self) -> None:
        """Close the file and free the lock."""
        database = getattr(self, "_database", None)
        for connection in (database, self._lock):
            if connection is not None:
                connection.close()

    # What the run is

    def get_meta(self, name: str) -> Any:
        """A fact about the run; ``None`` if it was never set."""
        found = self._database.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if found is None else from_json(found[0])

    def set_meta(self, values: Mapping[str, Any]) -> None:
        """Set facts about the run, all at once."""
        self._write({_SET: _spell_meta(values)})

    def clear(self) -> None:
        """Forget everything."""
        self._write({"DELETE FROM meta": [()], "DELETE FROM row": [()]})
        self.base, self.failed = 0, set()
        self._earlier = _EarlierRows(self._database, 0)

    # Rows

    def find(self, keys: Sequence[bytes]) -> dict[bytes, int]:
        """The ids of the outcomes that there are for these keys."""
        found = self._earlier.take(keys)
        if left := [key for key in keys if key not in found] if found else keys:
            marks = ",".join("?" * len(left))
            found.update(self._database.execute(f"SELECT key, id FROM row WHERE key IN ({marks})", left).fetchall())
        return found

    def find_same(self, same: bytes) -> bytes | None:
        """The outcome of an input that was asked before."""
        query = "SELECT record FROM row WHERE same = ? AND state = 1 LIMIT 1"
        found = self._database.execute(query, (same,)).fetchone()
        return None if found is None else found[0]

    def get_place(self, key: bytes) -> str:
        """Where a row of this key was."""
        found = self._database.execute("SELECT place FROM row WHERE key = ?", (key,)).fetchone()
        return "an earlier row" if found is None else found[0]

    def write(self, entries: Iterable[Entry], meta: Mapping[str, Any]) -> None:
        """Write outcomes, and facts about the run that follow from them: all of it, or nothing."""
        self._write({_INSERT: entries, _SET: _spell_meta(meta)})

    def write_all(self, statements: Mapping[str, Iterable[Sequence[Any]]]) -> None:
        """Run each statement for each of its rows: all of it, or nothing."""
        self._write(statements)

    def add_tables(self, tables: str) -> None:
        """Create tables of others, where they are not there yet."""
        self._database.executescript(tables)

    def query(self, query: str, *values: Any) -> list[Any]:
        """The rows of a query."""
        return self._database.execute(query, values).fetchall()

    def _write(self, statements: Mapping[str, Iterable[Sequence[Any]]]) -> None:
        database = self._database
        try:
            database.execute("BEGIN IMMEDIATE")
            for statement, rows in statements.items():
                database.executemany(statement, rows)
            database.execute("COMMIT")
        except sqlite3.Error as error:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise BulkError(
                f"{self.path} cannot be written: {error}. What was written before is safe; make room, and start the "
                "run again"
            ) from error

    def entries(self, *, in_order: bool = False, failed: bool = True) -> Iterator[Entry]:
        """All outcomes: in the order in which they came, or in that of the source, sorted on disk."""
        self._database.execute("PRAGMA temp_store = FILE")
        query = "SELECT key, same, number, state, name, place, kept, record FROM row"
        query += "" if failed else " WHERE state = 1"
        query += " ORDER BY number" if in_order else " ORDER BY id"
        for row in self._database.execute(query):
            yield Entry(*row)

    def freeze(self) -> None:
        """Read what there is now, whatever a run that goes on writes meanwhile."""
        self._database.execute("BEGIN")

    def count(self) -> tuple[int, int]:
        """How many rows are done, and how many failed."""
        counts = dict(self._database.execute("SELECT state, count(*) FROM row GROUP BY state").fetchall())
        return counts.get(DONE, 0), counts.get(FAILED, 0)

    def _damaged(self, error: Exception) -> ConfigError:
        return ConfigError(
            f"{self.path} is damaged, or is not a ledger: {error}. Give another checkpoint, or delete it"
        )


class _EarlierRows:
    """The rows of earlier runs, read in the order in which they were written, a little before they are looked for.

    A source is mostly read in the same order again. Then a row is found here, in a fifth of the time of the index,
    which has to read a page from a random place of a large file. Rows in another order are found by the index.
    """

    def __init__(self, database: sqlite3.Connection, base: int) -> None:
        self._database = database
        self._base = base
        self._last = 0
        self._window: dict[bytes, int] = {}
        self._is_useful = True

    def take(self, keys: Sequence[bytes]) -> dict[bytes, int]:
        """The ids of those keys that are near; each is given once."""
        window = self._window
        while len(window) < _WINDOW and self._last < self._base and self._is_useful:
            query = "SELECT key, id FROM row WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
            read = self._database.execute(query, (self._last, self._base, _WINDOW)).fetchall()
            window.update(read)
            self._last = read[-1][1] if read else self._base
        found = {key: window.pop(key) for key in keys if key in window}
        if 2 * len(found) < len(keys) and len(window) >= _WINDOW:
            window.clear()
            self._is_useful = False
        return found


def _spell_meta(values: Mapping[str, Any]) -> list[tuple[str, bytes]]:
    return [(name, to_json(value)) for name, value in values.items()]
