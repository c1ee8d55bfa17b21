"""Threads in a PostgreSQL database."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any, TypeVar

from prill.agents.threads.base import MAX_RECORD_BYTES, Infos, Threads, conflict_error
from prill.agents.threads.encoding import RecordCodec, end_of_prefix, thread_key
from prill.agents.threads.rows import read_infos, read_length, read_records
from prill.errors import ConfigError, MissingDependencyError, ThreadDataError, ThreadStorageError
from prill.io import PerProcess

T = TypeVar("T")

_ARE_THERE = "SELECT to_regclass('prill_thread') IS NOT NULL AND to_regclass('prill_record') IS NOT NULL"
_MAKE_TABLES = (
    # Of programs that start at once, one makes the tables.
    "SELECT pg_advisory_xact_lock(7281941)",
    """
    CREATE TABLE IF NOT EXISTS prill_thread (
      number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key bytea NOT NULL UNIQUE, length bigint NOT NULL,
      updated_at double precision NOT NULL
    )""",
    """
    CREATE TABLE IF NOT EXISTS prill_record (
      thread bigint NOT NULL REFERENCES prill_thread ON DELETE CASCADE, place bigint NOT NULL, data bytea NOT NULL,
      PRIMARY KEY (thread, place)
    )""",
    "CREATE INDEX IF NOT EXISTS prill_thread_by_time ON prill_thread (updated_at)",
)

_FIND = "SELECT number, length FROM prill_thread WHERE key = %s"
_ADD = """
INSERT INTO prill_thread (key, length, updated_at) VALUES (%s, %s, %s) ON CONFLICT (key) DO NOTHING RETURNING number
"""
_EXTEND = "UPDATE prill_thread SET length = %s, updated_at = %s WHERE key = %s AND length = %s RETURNING number"
_INSERT = "INSERT INTO prill_record (thread, place, data) VALUES (%s, %s, %s)"
_COPY = """
INSERT INTO prill_record (thread, place, data)
SELECT %s, place, data FROM prill_record WHERE thread = %s AND place < %s
"""
_READ = """
SELECT length, place, CASE WHEN octet_length(data) <= %s THEN data END, octet_length(data)
FROM prill_thread LEFT JOIN prill_record ON thread = number AND place >= %s
WHERE key = %s ORDER BY place
"""
_LIST = """
SELECT key, length, updated_at FROM prill_thread
WHERE key >= %s AND key > %s AND (%s::bytea IS NULL OR key < %s) ORDER BY key LIMIT %s
"""

_LIMITS = {"connect_timeout": 10, "tcp_user_timeout": 30_000}
"""In seconds, and in milliseconds: a server that has gone away is an error, not a program that hangs."""


_MOST_IDLE = 8


class PostgresThreads(Threads):
    """Keeps threads in a PostgreSQL database, in the tables ``prill_thread`` and ``prill_record``; ``prill[postgres]``.

    The tables are made where they are missing. Connections are opened as they are needed and kept; a process that was
    forked opens its own.

    Args:
        dsn: the address of the database, in a form of
            [libpq](https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING). Another schema for the
            tables is chosen with ``options=-csearch_path=name``.
        codec: changes the bytes of records, for instance encrypts them; ids and lengths stay readable.
        max_record_bytes: the size of the largest record that is written or read.

    Raises:
        MissingDependencyError: ``psycopg`` is not installed.
        ConfigError: ``dsn`` cannot be read.
        ThreadStorageError: the database cannot be reached, or refuses. Nothing is written then; but where the
            connection breaks while a write is confirmed, only loading the thread shows whether it was.

    Example::

        threads = PostgresThreads("postgresql://user@localhost/chats")
        agent = create_agent("anthropic:claude-haiku-4-5", tools=[search], threads=threads)
        agent.invoke({"messages": "Hi"}, {"configurable": {"thread_id": "7"}})
    """

    def __init__(self, dsn: str, *, codec: RecordCodec | None = None, max_record_bytes: int = MAX_RECORD_BYTES) -> None:
        super().__init__(codec=codec, max_record_bytes=max_record_bytes)
        try:
            self._psycopg = import_module("psycopg")
        except ImportError as error:
            raise MissingDependencyError(
                "PostgresThreads needs the package psycopg: pip install 'prill[postgres]'"
            ) from error
        self._options = self._options_of(dsn)
        self._idle: PerProcess[deque[Any]] = PerProcess(close=_close_all)
        self._closed = False
        self._change(_make_tables)

    def _options_of(self, dsn: str) -> dict[str, Any]:
        try:
            given = import_module("psycopg.conninfo").conninfo_to_dict(dsn)
        except self._psycopg.Error:
            # The error may quote a part of it, and so a password.
            raise ConfigError(
                "the dsn is not an address of a PostgreSQL database, such as postgresql://user@host/name"
            ) from None
        return {**_LIMITS, **given}

    def _read(self, thread_id: str, start: int) -> Sequence[Any]:
        rows = self._rows(_READ, self._max_stored_bytes, start, thread_key(thread_id))
        return read_records(rows, start, thread_id, _damaged)

    def _append(self, thread_id: str, rows: Sequence[bytes], expected_length: int) -> None:
        def work(db: Any) -> int:
            new_length = expected_length + len(rows)
            if expected_length == 0:
                db.execute(_ADD, (key, 0, time.time()))
            # Of two writers the second waits here, and then finds another length.
            extended = db.execute(_EXTEND, (new_length, time.time(), key, expected_length)).fetchone()
            if extended is None:
                return read_length(db.execute(_FIND, (key,)).fetchall(), thread_id, _damaged)
            places = enumerate(rows, expected_length)
            db.cursor().executemany(_INSERT, [(extended[0], place, row) for place, row in places])
            return expected_length

        key = thread_key(thread_id)
        length = self._change(work)
        if length != expected_length:
            raise conflict_error(thread_id, expected_length, length)

    def _length(self, thread_id: str) -> int:
        return read_length(self._rows(_FIND, thread_key(thread_id)), thread_id, _damaged)

    def _list(self, prefix: str, after: str | None, limit: int | None) -> Infos:
        end = end_of_prefix(prefix)
        start = b"" if after is None else thread_key(after)
        return read_infos(self._rows(_LIST, thread_key(prefix), start, end, end, limit), _damaged)

    def _copy(self, thread_id: str, new_id: str, length: int | None) -> int | None:
        def work(db: Any) -> tuple[int | None, bool]:
            found = db.execute(f"{_FIND} FOR SHARE", (thread_key(thread_id),)).fetchone()
            if found is None or found[1] < (length or 0):
                return None, False
            copied = found[1] if length is None else length
            new = db.execute(_ADD, (thread_key(new_id), copied, time.time())).fetchone()
            if new is None:
                return None, True
            db.execute(_COPY, (new[0], found[0], copied))
            return copied, False

        copied, taken = self._change(work)
        if taken:
            raise conflict_error(new_id, 0, self._length(new_id))
        return copied

    def _delete(self, thread_id: str) -> bool:
        return self._count("DELETE FROM prill_thread WHERE key = %s", thread_key(thread_id)) > 0

    def _prune(self, before: float) -> int:
        return self._count("DELETE FROM prill_thread WHERE updated_at < %s", before)

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self._change(lambda db: db.execute(query, values).fetchall())
        return rows

    def _count(self, statement: str, *values: Any) -> int:
        return self._change(lambda db: int(db.execute(statement, values).rowcount))

    def close(self) -> None:
        """Close the connections now; otherwise they are closed when this object is collected."""
        self._closed = True
        self._idle.close()

    def __repr__(self) -> str:
        return "PostgresThreads(…)"  # the address may hold a password

    # Connections

    def _change(self, work: Callable[[Any], T]) -> T:
        """Call ``work`` with a connection, in one transaction."""
        with self._errors():
            connection = self._start()
            try:
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                connection.close()
                raise
        idle = self._idle.get(deque)
        if self._closed or len(idle) >= _MOST_IDLE:
            connection.close()
        else:
            idle.append(connection)
        return result

    def _start(self) -> Any:
        """A connection that has started a transaction."""
        if self._closed:
            raise ThreadStorageError("the threads in PostgreSQL were closed: make another PostgresThreads")
        idle = self._idle.get(deque)
        while (connection := _take(idle)) is not None:
            try:
                connection.execute("BEGIN")
            except self._psycopg.OperationalError:
                connection.close()  # the server closed it while it was idle
            else:
                return connection
        connection = self._psycopg.connect(**self._options, autocommit=True, prepare_threshold=None)
        connection.execute("BEGIN")
        return connection

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except self._psycopg.Error as error:
            raise ThreadStorageError(
                f"the threads in PostgreSQL cannot be used: {str(error).strip()[:300]}. If this was while records were "
                "added, load the thread again to see whether they are there"
            ) from error


def _take(idle: deque[Any]) -> Any:
    # Another thread may have taken the last one just now.
    with contextlib.suppress(IndexError):
        return idle.pop()
    return None


def _close_all(connections: deque[Any]) -> None:
    while (connection := _take(connections)) is not None:
        connection.close()


def _make_tables(db: Any) -> None:
    # A user who may not make tables can use those that are there.
    if not db.execute(_ARE_THERE).fetchone()[0]:
        for statement in _MAKE_TABLES:
            db.execute(statement)


def _damaged(why: object) -> ThreadDataError:
    return ThreadDataError(f"the tables of threads in PostgreSQL are damaged, or hold something else: {why}")
