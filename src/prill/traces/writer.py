"""A thread that writes the rows of runs into a SQLite file, in groups."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

from prill.callbacks.secrets import is_secret_name
from prill.io import make_lock
from prill.io.process import process_number
from prill.sqlite_file import SQLiteFile
from prill.traces.file import COLUMNS, INSERT, TABLES

logger = logging.getLogger("prill.traces")

Row = dict[str, Any]

GROUP_SECONDS = 0.1
"""How long rows are gathered: this much at most is lost when the process is killed."""

_IDLE_SECONDS = 5.0
"""After how long without rows the thread ends."""

_VALUES = ("input", "output", "request", "metadata")
_TEXTS = frozenset((*_VALUES, "error", "tags", "name"))
_SHORTEST_SECRET = 12


class Writer:
    """Writes rows in a thread of its own; adding one takes no time, whatever the disk does.

    Rows that wait hold at most ``max_waiting`` characters of values; beyond that a row is kept without its values, and
    beyond ``max_rows`` not at all. A file that cannot be written is logged once.
    """

    def __init__(self, path: str, *, max_waiting: int = 64_000_000, max_rows: int = 100_000) -> None:
        self.path = path
        self._max_waiting, self._max_rows = max_waiting, max_rows
        self._lock = make_lock()
        self._file: SQLiteFile | None = None
        self._secrets = _find_secrets()
        self._failed = self._late = False
        self._prepare()

    def _prepare(self) -> None:
        """Start anew, also in a forked child: what waits there is the parent's to write."""
        self._process = process_number()
        self._waiting: dict[str, Row] = {}
        self._size = 0
        self._thread: threading.Thread | None = None
        self._wake, self._hurry, self._idle = threading.Event(), threading.Event(), threading.Event()
        self._idle.set()
        if util := sys.modules.get("multiprocessing.util"):  # its processes end without ``atexit``
            util.Finalize(None, _flush_all, exitpriority=0)

    def add(self, row: Row) -> None:
        """Have ``row`` written in place of an earlier one with its id."""
        late = False
        with self._lock:
            if self._process != process_number():
                self._prepare()
            size = len(row["input"] or "") + len(row["output"] or "") + len(row["request"] or "")
            if self._size + size > self._max_waiting:
                row = {**row, **dict.fromkeys(_VALUES)}
                size, late = 0, not self._late
            earlier = self._waiting.get(row["id"])
            if earlier is not None or len(self._waiting) < self._max_rows:
                self._waiting[row["id"]] = row
                self._size += size
            else:
                late = not self._late
            self._late = self._late or late
            if self._idle.is_set():
                self._idle.clear()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="prill-record", daemon=True)
                self._thread.start()
            if not self._wake.is_set():
                self._wake.set()
        if late:
            logger.warning("more runs are recorded than %r can be written: some are kept without values", self.path)

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was added has been written, or ``timeout`` seconds; return whether it was."""
        if self._process != process_number():
            return True
        self._hurry.set()
        return self._idle.wait(timeout)

    def _work(self) -> None:
        wake, hurry = self._wake, self._hurry
        while wake.wait(_IDLE_SECONDS) or not self._rest():
            hurry.wait(GROUP_SECONDS)
            hurry.clear()
            with self._lock:
                rows, self._waiting, self._size = list(self._waiting.values()), {}, 0
                wake.clear()
            self._write(rows)
            with self._lock:
                if not self._waiting:
                    self._idle.set()

    def _rest(self) -> bool:
        """Close the file and let the thread end, if nothing waits; the next row starts another."""
        with self._lock:
            if self._waiting:
                return False
            self._thread = None
            file, self._file = self._file, None
        if file is not None:
            file.close()
        return True

    def _write(self, rows: list[Row]) -> None:
        try:
            if self._file is None:
                self._file = SQLiteFile(self.path, TABLES)
            self._file.write(INSERT, [self._make_values(row) for row in rows])
        except Exception as error:
            if not self._failed:
                self._failed = True
                logger.warning("runs are not recorded: %s", error)

    def _make_values(self, row: Row) -> tuple[Any, ...]:
        if self._secrets:
            row = {**row, **{name: self._hide(row[name]) for name in _TEXTS if row.get(name)}}
        return tuple(map(row.get, COLUMNS))

    def _hide(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "**********")
        return text


def _find_secrets() -> list[str]:
    """The values of environment variables with the names of secrets, but for those that could be words."""
    return [text for name, text in os.environ.items() if is_secret_name(name) and len(text) >= _SHORTEST_SECRET]


_WRITERS: weakref.WeakValueDictionary[str, Writer] = weakref.WeakValueDictionary()
_lock = make_lock()


def get_writer(path: str | os.PathLike[str], make: Callable[[str], Writer] = Writer) -> Writer:
    """The writer of a file, of which each process has one."""
    place = os.path.abspath(path)
    with _lock:
        writer = _WRITERS.get(place)
        if writer is None:
            _WRITERS[place] = writer = make(place)
        return writer


@atexit.register
def _flush_all() -> None:
    for writer in list(_WRITERS.values()):
        writer.flush(5)
