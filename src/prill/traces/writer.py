"""Writing the rows of runs into a SQLite file, in groups and in a thread."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import weakref
from typing import Any

from prill.callbacks.secrets import is_secret_name
from prill.io import PerProcess, make_lock
from prill.io.group_thread import GroupThread
from prill.sqlite_file import SQLiteFile
from prill.traces.file import COLUMNS, INSERT, TABLES

logger = logging.getLogger("prill.traces")

Row = dict[str, Any]

GROUP_SECONDS = 0.1
"""How long rows are gathered: this much at most is lost when the process is killed."""

REST_SECONDS = 5.0
"""After how long without rows the thread ends, and the file is closed."""

_VALUES = ("input", "output", "request", "metadata")
_TEXTS = (*_VALUES, "error", "tags", "name")
_SHORTEST_SECRET = 12
_EXIT_SECONDS = 5


class Writer:
    """Writes rows in a thread of its own; adding one takes no time, whatever the disk does.

    Rows that wait hold about ``max_waiting`` characters of values at most; beyond that a row is kept without its
    values, and beyond ``max_rows`` not at all. A file that cannot be written is logged once.
    """

    def __init__(self, path: str, *, max_waiting: int = 64_000_000, max_rows: int = 100_000) -> None:
        self.path = path
        self._max_waiting, self._max_rows = max_waiting, max_rows
        self._file: SQLiteFile | None = None
        self._secrets = _find_secrets()
        self._failed = self._late = False
        # What waits in a forked child is the parent's to write.
        self._threads: PerProcess[GroupThread[Row]] = PerProcess()

    def add(self, row: Row) -> None:
        """Have ``row`` written in place of an earlier one with its id."""
        thread = self._threads.get(self._make_thread)
        size = sum(len(row[name] or "") for name in _VALUES)
        if thread.size + size > self._max_waiting or len(thread) >= self._max_rows:
            self._report_late()
            if len(thread) >= self._max_rows:
                return
            row, size = {**row, **dict.fromkeys(_VALUES)}, 0
        thread.add(row["id"], row, size)

    def flush(self, seconds: float | None = None) -> bool:
        """Wait until all that was added has been written, or ``seconds``; return whether it was."""
        return self._threads.get(self._make_thread).flush(seconds)

    def _make_thread(self) -> GroupThread[Row]:
        if util := sys.modules.get("multiprocessing.util"):  # its processes end without ``atexit``
            util.Finalize(None, _flush_all, exitpriority=0)
        return GroupThread(self._write, "prill-record", gather=GROUP_SECONDS, rest=REST_SECONDS, on_rest=self._close)

    def _report_late(self) -> None:
        if not self._late:
            self._late = True
            logger.warning("runs come faster than %r can be written: some are recorded without values", self.path)

    def _write(self, rows: list[Row]) -> None:
        try:
            if self._file is None:
                self._file = SQLiteFile(self.path, TABLES)
            self._file.write(INSERT, [self._make_values(row) for row in rows])
        except Exception as error:
            if not self._failed:
                self._failed = True
                logger.warning("runs are not recorded: %s", error)

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

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


def get_writer(path: str | os.PathLike[str]) -> Writer:
    """The writer of a file, of which each process has one."""
    place = os.path.abspath(path)
    with _lock:
        writer = _WRITERS.get(place)
        if writer is None:
            _WRITERS[place] = writer = Writer(place)
        return writer


@atexit.register
def _flush_all() -> None:
    for writer in list(_WRITERS.values()):
        writer.flush(_EXIT_SECONDS)
