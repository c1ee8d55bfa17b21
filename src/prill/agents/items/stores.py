"""Stores of items in memory and in a SQLite file."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

from prill.agents.items.base import ItemStore, Namespace, Row
from prill.agents.threads import RecordCodec
from prill.agents.threads.encoding import read_key, thread_key
from prill.errors import ConfigError, ThreadDataError, ThreadStorageError
from prill.io import make_lock
from prill.sqlite_file import SQLiteFile

_TABLE = """
CREATE TABLE IF NOT EXISTS item (
  namespace BLOB NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, created_at REAL NOT NULL, updated_at REAL NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS item_by_key ON item (namespace, key);
"""

_PUT = """
INSERT INTO item (namespace, key, value, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)
ON CONFLICT (namespace, key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
"""
_SELECT = "SELECT namespace, key, value, created_at, updated_at FROM item WHERE"


class InMemoryItemStore(ItemStore):
    """Keeps items as long as the object lives."""

    def __init__(self, *, codec: RecordCodec | None = None) -> None:
        super().__init__(codec=codec)
        self._lock = make_lock()
        self._rows: dict[tuple[Namespace, str], Row] = {}

    def _get(self, namespace: Namespace, key: str) -> Row | None:
        return self._rows.get((namespace, key))

    def _put(self, namespace: Namespace, key: str, data: bytes) -> None:
        now = time.time()
        with self._lock:
            old = self._rows.get((namespace, key))
            self._rows[namespace, key] = (namespace, key, data, old[3] if old else now, now)

    def _delete(self, namespace: Namespace, key: str) -> None:
        with self._lock:
            self._rows.pop((namespace, key), None)

    def _scan(self, prefix: Namespace) -> Iterable[Row]:
        with self._lock:
            rows = list(self._rows.values())
        return sorted((row for row in rows if row[0][: len(prefix)] == prefix), key=lambda row: row[:2])


class SQLiteItemStore(ItemStore):
    """Keeps items in a SQLite file, which may be that of ``SQLiteThreads``; threads and processes may share it.

    Args:
        path: the file; ``":memory:"`` is a database in memory, which ends with this object.
        codec: changes the bytes of values, for instance encrypts them; namespaces and keys stay readable.

    Raises ``ConfigError`` if it cannot be opened, and ``ThreadStorageError`` if it cannot be used later.
    """

    def __init__(self, path: str | os.PathLike[str], *, codec: RecordCodec | None = None) -> None:
        super().__init__(codec=codec)
        self._file = SQLiteFile(path, _TABLE)

    def _get(self, namespace: Namespace, key: str) -> Row | None:
        rows = self._select("namespace = ? AND key = ?", _encode(namespace), thread_key(key))
        return rows[0] if rows else None

    def _put(self, namespace: Namespace, key: str, data: bytes) -> None:
        self._write(_PUT, _encode(namespace), thread_key(key), data, time.time())

    def _delete(self, namespace: Namespace, key: str) -> None:
        self._write("DELETE FROM item WHERE namespace = ? AND key = ?", _encode(namespace), thread_key(key))

    def _scan(self, prefix: Namespace) -> Iterable[Row]:
        start = _encode(prefix)
        return self._select("namespace >= ? AND namespace < ? ORDER BY namespace, key", start, start + b"\xff")

    def _select(self, condition: str, *values: bytes) -> list[Row]:
        try:
            rows = self._file.read(f"{_SELECT} {condition}", *values)
        except ConfigError as error:
            raise ThreadStorageError(error.message) from error.__cause__
        return [(_decode(namespace), read_key(key), *rest) for namespace, key, *rest in rows]

    def _write(self, statement: str, *values: object) -> None:
        try:
            self._file.write(statement, [values])
        except ConfigError as error:
            raise ThreadStorageError(error.message) from error.__cause__

    def close(self) -> None:
        """Close the file now; otherwise it is closed when this object is collected."""
        self._file.close()


def _encode(namespace: Namespace) -> bytes:
    """A namespace as bytes that start with those of the namespaces around it, and with no others."""
    return b"".join(thread_key(part).replace(b"\0", b"\0\xff") + b"\0\1" for part in namespace)


def _decode(data: object) -> Namespace:
    if not isinstance(data, bytes) or not data.endswith(b"\0\1"):
        raise ThreadDataError(f"the store of items is damaged: {data!r:.80} is not a namespace")
    return tuple(read_key(part.replace(b"\0\xff", b"\0")) for part in data[:-2].split(b"\0\1"))
