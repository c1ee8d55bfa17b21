"""Threads in a SQLite file."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from prill.agents.threads.base import MAX_RECORD_BYTES, Infos, Threads, conflict_error
from prill.agents.threads.encoding import RecordCodec, end_of_prefix, thread_key
from prill.agents.threads.rows import read_infos, read_length, read_records
from prill.errors import ConfigError, ThreadDataError, ThreadStorageError
from prill.sqlite_file import SQLiteFile

T = TypeVar("T")

_TABLES = """
CREATE TABLE IF NOT EXISTS thread (
  number INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, length INTEGER NOT NULL, updated_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS record (
  number INTEGER PRIMARY KEY, thread INTEGER NOT NULL, place INTEGER NOT NULL, data BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS record_by_place ON record (thread, place);
CREATE INDEX IF NOT EXISTS thread_by_time ON thread (updated_at);
"""

_FIND = "SELECT number, length FROM thread WHERE key = ?"
_ADD = "INSERT INTO thread (key, length, updated_at) VALUES (?, 0, 0)"
_READ = """
SELECT thread.length, place, CASE WHEN length(data) <= ? THEN data ELSE NULL END, length(data)
FROM thread LEFT JOIN record ON record.thread = thread.number AND place >= ?
WHERE key = ? ORDER BY place
"""


class SQLiteThreads(Threads):
    """Keeps threads in a SQLite file; threads and processes may share it.

    What ``append`` has written is there after the process is killed at any moment; after a loss of power the last
    records may be missing, but never one that has others after it. The file grows by the size of the records, which
    does not depend on the length of the thread; beside it SQLite has a log (``-wal``) of some 4 MB while it is open.

    Args:
        path: the file; ``":memory:"`` is a database in memory, which ends with this object.
        codec: changes the bytes of records, for instance encrypts them; ids and lengths stay readable.
        max_record_bytes: the size of the largest record that is written or read.

    Raises:
        ConfigError: the file cannot be opened, or is not a database.
        ThreadStorageError: the file cannot be read or written later; nothing is written then.

    >>> with SQLiteThreads(":memory:") as threads:
    ...     threads.append("7", [{"text": "Hi"}], 0)
    ...     threads.load("7")
    1
    [{'text': 'Hi'}]
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        codec: RecordCodec | None = None,
        max_record_bytes: int = MAX_RECORD_BYTES,
    ) -> None:
        super().__init__(codec=codec, max_record_bytes=max_record_bytes)
        self._file = SQLiteFile(path, _TABLES)
        if others := self._file.read("SELECT name FROM sqlite_master WHERE type IN ('trigger', 'view')"):
            # They would run whenever a thread is read or written.
            raise self._damaged(f"it has triggers or views: {others[0][0]!r:.80}")

    def _read(self, thread_id: str, start: int) -> Sequence[Any]:
        with _storage():
            rows = self._file.read(_READ, self._max_stored_bytes, start, thread_key(thread_id))
        return read_records(rows, start, thread_id, self._damaged)

    def _append(self, thread_id: str, rows: Sequence[bytes], expected_length: int) -> None:
        def work(db: Any) -> int:
            number, length = _find_or_add(db, key) if expected_length == 0 else _find(db, key)
            if length == expected_length:
                _insert(db, number, length, rows)
            return length

        key = thread_key(thread_id)
        length = self._change(work)
        if length != expected_length:
            raise conflict_error(thread_id, expected_length, length)

    def _length(self, thread_id: str) -> int:
        with _storage():
            rows = self._file.read(_FIND, thread_key(thread_id))
        return read_length(rows, thread_id, self._damaged)

    def _list(self, prefix: str, after: str | None, limit: int | None) -> Infos:
        query = "SELECT key, length, updated_at FROM thread WHERE key >= ? AND key > ?"
        values: list[Any] = [thread_key(prefix), b"" if after is None else thread_key(after)]
        if (last := end_of_prefix(prefix)) is not None:
            query += " AND key < ?"
            values.append(last)
        with _storage():
            rows = self._file.read(f"{query} ORDER BY key LIMIT ?", *values, -1 if limit is None else limit)
        return read_infos(rows, self._damaged)

    def _copy(self, thread_id: str, new_id: str, length: int | None) -> int | None:
        def work(db: Any) -> tuple[int | None, int]:
            number, there = _find(db, key)
            if not there or there < (length or 0):
                return None, 0
            new, taken = _find_or_add(db, new_key)
            if taken:
                return None, taken
            copied = there if length is None else length
            db.execute(
                "INSERT INTO record (thread, place, data) SELECT ?, place, data FROM record "
                "WHERE thread = ? AND place < ? ORDER BY place",
                (new, number, copied),
            )
            _set_length(db, new, copied)
            return copied, 0

        key, new_key = thread_key(thread_id), thread_key(new_id)
        copied, taken = self._change(work)
        if taken:
            raise conflict_error(new_id, 0, taken)
        return copied

    def _delete(self, thread_id: str) -> bool:
        key = thread_key(thread_id)
        return self._change(lambda db: _delete_where(db, "key = ?", key)) > 0

    def _prune(self, before: float) -> int:
        return self._change(lambda db: _delete_where(db, "updated_at < ?", before))

    def _change(self, work: Callable[[Any], T]) -> T:
        with _storage():
            return self._file.change(work)

    def _damaged(self, why: object) -> ThreadDataError:
        return ThreadDataError(self._file.damaged(why).message)

    def close(self) -> None:
        """Close the file now; otherwise it is closed when this object is collected."""
        self._file.close()

    def __repr__(self) -> str:
        return f"SQLiteThreads({self._file.path!r})"


# These run in a transaction.


def _find(db: Any, key: bytes) -> tuple[int, int]:
    """The number and the length of a thread; the number 0 where it is not there."""
    found = db.execute(_FIND, (key,)).fetchone()
    return (found[0], found[1]) if found else (0, 0)


def _find_or_add(db: Any, key: bytes) -> tuple[int, int]:
    number, length = _find(db, key)
    return (number, length) if number else (db.execute(_ADD, (key,)).lastrowid, 0)


def _insert(db: Any, number: int, length: int, rows: Sequence[bytes]) -> None:
    db.executemany(
        "INSERT INTO record (thread, place, data) VALUES (?, ?, ?)",
        [(number, place, row) for place, row in enumerate(rows, length)],
    )
    _set_length(db, number, length + len(rows))


def _set_length(db: Any, number: int, length: int) -> None:
    db.execute("UPDATE thread SET length = ?, updated_at = ? WHERE number = ?", (length, time.time(), number))


def _delete_where(db: Any, condition: str, value: Any) -> int:
    db.execute(f"DELETE FROM record WHERE thread IN (SELECT number FROM thread WHERE {condition})", (value,))
    return int(db.execute(f"DELETE FROM thread WHERE {condition}", (value,)).rowcount)


@contextlib.contextmanager
def _storage() -> Iterator[None]:
    """Errors of a file that could be opened are errors of threads."""
    try:
        yield
    except ConfigError as error:
        raise ThreadStorageError(error.message) from error.__cause__
