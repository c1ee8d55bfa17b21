"""``SQLiteRecordManager``: records that outlive the program."""

from __future__ import annotations

import os
from collections.abc import Sequence

from prill.indexing.records import RecordManager, checked_groups, later
from prill.sqlite_file import SQLiteFile

_TABLE = """
CREATE TABLE IF NOT EXISTS record (
  namespace TEXT NOT NULL, key TEXT NOT NULL, group_id TEXT, updated_at REAL NOT NULL, PRIMARY KEY (namespace, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS record_by_time ON record (namespace, updated_at);
"""


class SQLiteRecordManager(RecordManager):
    """Records in a SQLite file; threads and processes may share it, and several namespaces.

    Each ``update`` and ``delete_keys`` is done whole or not at all. Raises ``ConfigError``, which names the file, where
    it is damaged or cannot be used.
    """

    def __init__(self, namespace: str, path: str | os.PathLike[str]) -> None:
        super().__init__(namespace)
        self._file = SQLiteFile(path, _TABLE)

    def create_schema(self) -> None:
        """Nothing: the tables are made when the file is opened."""

    def get_time(self) -> float:
        newest = self._file.read("SELECT max(updated_at) FROM record WHERE namespace = ?", self.namespace)[0][0]
        return later(newest or 0.0)

    def update(
        self, keys: Sequence[str], *, group_ids: Sequence[str | None] | None = None, time_at_least: float | None = None
    ) -> None:
        now = self.get_time()
        groups = checked_groups(keys, group_ids, now, time_at_least)
        rows = [(self.namespace, key, group, now) for key, group in zip(keys, groups, strict=True)]
        self._file.write("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?)", rows)

    def exists(self, keys: Sequence[str]) -> list[bool]:
        query = "SELECT 1 FROM record WHERE namespace = ? AND key = ?"
        return [bool(self._file.read(query, self.namespace, key)) for key in keys]

    def list_keys(
        self,
        *,
        before: float | None = None,
        after: float | None = None,
        group_ids: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> list[str]:
        query = "SELECT key FROM record WHERE namespace = ?"
        values: list[str | float] = [self.namespace]
        for condition, value in (("updated_at < ?", before), ("updated_at > ?", after)):
            if value is not None:
                query, values = f"{query} AND {condition}", [*values, value]
        if group_ids is not None:
            query, values = f"{query} AND group_id IN ({','.join('?' * len(group_ids))})", [*values, *group_ids]
        query = f"{query} ORDER BY updated_at, key LIMIT {-1 if limit is None else int(limit)}"
        return [key for (key,) in self._file.read(query, *values)]

    def delete_keys(self, keys: Sequence[str]) -> None:
        rows = [(self.namespace, key) for key in keys]
        self._file.write("DELETE FROM record WHERE namespace = ? AND key = ?", rows)

    def close(self) -> None:
        """Close the file now; it is closed by itself when this object is gone."""
        self._file.close()
