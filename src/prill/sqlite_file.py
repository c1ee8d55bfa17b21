"""A SQLite file that threads share."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

from prill.errors import ConfigError


class SQLiteFile:
    """A SQLite file, written in whole transactions; threads and processes may use it at once.

    ``tables`` is the SQL that makes what is not there yet. ``:memory:`` is a file that is gone with this object.

    Raises ``ConfigError``, which names the file, where it cannot be opened, is damaged, or is locked for long.
    """

    def __init__(self, path: str | os.PathLike[str], tables: str) -> None:
        self.path = os.fspath(path)
        self._lock = threading.Lock()
        # Most programs need no database, and the module takes a while to import.
        self._sqlite = import_module("sqlite3")
        with self._named():
            connection = self._sqlite.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
            self._closed_with_this = weakref.finalize(self, connection.close)
            self._connection = connection
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(tables)

    def read(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self._named(), self._lock:
            rows: list[tuple[Any, ...]] = self._connection.execute(query, values).fetchall()
        return rows

    def write(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Run a statement for each row: all of them, or none."""
        with self._named(), self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany(statement, rows)
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise

    def damaged(self, why: object) -> ConfigError:
        """The error for a file that does not hold what it should."""
        return ConfigError(
            f"the file {self.path!r} is damaged, or holds something else: {why}. Delete it, or give another path"
        )

    def close(self) -> None:
        """Close the file now; it is closed by itself when this object is gone."""
        self._closed_with_this()

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except (self._sqlite.OperationalError, self._sqlite.ProgrammingError) as error:
            raise ConfigError(f"the file {self.path!r} cannot be used: {error}") from error
        except self._sqlite.DatabaseError as error:
            raise self.damaged(error) from error
