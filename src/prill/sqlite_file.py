"""A SQLite file that threads and processes share."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any, TypeVar

from prill.errors import ConfigError
from prill.io import PerProcess, hold_during_fork, make_lock

T = TypeVar("T")

_LOCKED_SECONDS = 30.0


class SQLiteFile:
    """A SQLite file, written in whole transactions; threads and processes may use it at once.

    Args:
        path: the file; ``":memory:"`` is a database in memory, which ends with this object. A forked child gets a
            copy of it.
        tables: SQL that creates the tables that do not exist yet.

    Raises ``ConfigError``, which names the file, if it cannot be opened, is damaged, or stays locked for 30 seconds.
    """

    def __init__(self, path: str | os.PathLike[str], tables: str) -> None:
        self.path = os.fspath(path)
        # Also where the program has changed its directory: in a forked child, and where it is unpickled.
        if "\0" in self.path:
            raise ConfigError(f"the path {self.path!r:.200} has a zero byte")
        self._place = self.path if self.path == ":memory:" else os.path.abspath(self.path)
        self._tables = tables
        self._lock = make_lock()
        # Most programs need no database, and the module takes a while to import.
        self._sqlite = import_module("sqlite3")
        self._closed = False
        # A connection must not be used, not even closed, on the other side of a fork.
        self._connections: PerProcess[Any] = PerProcess(close=_close)
        self._in_memory: Any = None
        # SQLite has mutexes of its own: a child that is forked while a thread holds one would wait for it for ever.
        hold_during_fork(self._lock)
        with self._named(), self._lock:
            connection = self._connection()
        if self.path == ":memory:":
            self._in_memory = connection  # it has no file and no lock of the system: a copy of it is whole

    def __reduce__(self) -> tuple[Any, ...]:
        if self.path == ":memory:":
            raise ConfigError("a SQLite database in memory cannot be sent to another process: give it a file's path")
        return SQLiteFile, (self._place, self._tables)

    def read(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self._named(), self._lock:
            rows: list[tuple[Any, ...]] = self._connection().execute(query, values).fetchall()
        return rows

    def write(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Run a statement for each row: all of them, or none."""
        rows = list(rows)  # an iterator may run any code, which must not run under the lock
        self.change(lambda connection: connection.executemany(statement, rows))

    def change(self, work: Callable[[Any], T]) -> T:
        """Call ``work`` with the connection, in one transaction, and return what it returns.

        Nothing else is written between its reads and its writes; if it raises, nothing of it is written. It runs under
        a lock: it must call nothing of a user.
        """
        with self._named(), self._lock:
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                # A disk that is full has ended the transaction already.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        return result

    def close(self) -> None:
        """Close the file now; otherwise it is closed when this object is collected."""
        with self._lock:
            self._closed = True
            self._connections.close()

    def _connection(self) -> Any:
        if self._closed:
            raise self._sqlite.ProgrammingError("it was closed")
        return self._connections.get(self._connect if self._in_memory is None else lambda: self._in_memory)

    def _connect(self) -> Any:
        connection = self._sqlite.connect(
            self._place, timeout=_LOCKED_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA trusted_schema = OFF")  # the file may be from anybody
            self._use_write_ahead_log(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(self._tables)
        except BaseException:
            connection.close()
            raise
        return connection

    def _use_write_ahead_log(self, connection: Any) -> None:
        """Change the mode of the journal, which SQLite refuses at once while another connection does the same."""
        until = time.monotonic() + _LOCKED_SECONDS
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except self._sqlite.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() >= until:
                    raise
            time.sleep(0.01)

    def damaged(self, why: object) -> ConfigError:
        """The error for a file with other content than expected."""
        return ConfigError(
            f"the file {self.path!r} is damaged, or holds something else: {why}. Delete it, or give another path"
        )

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except (self._sqlite.OperationalError, self._sqlite.ProgrammingError) as error:
            raise ConfigError(f"the file {self.path!r} cannot be used: {error}") from error
        except self._sqlite.DatabaseError as error:
            raise self.damaged(error) from error


def _close(connection: Any) -> None:
    connection.close()
