"""Threads in memory."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice

from prill.agents.threads.base import MAX_RECORD_BYTES, Infos, ThreadInfo, Threads, conflict_error
from prill.agents.threads.encoding import RecordCodec
from prill.io import make_lock


class InMemoryThreads(Threads):
    """Keeps threads as long as the object lives; for tests, and for programs whose threads end with them.

    Records are kept as bytes, as in a file: what cannot be stored there cannot be stored here.

    >>> threads = InMemoryThreads()
    >>> threads.append("a", [{"n": 1}], 0)
    1
    >>> threads.append("a", [{"n": 2}], 0)
    Traceback (most recent call last):
    ...
    prill.errors.ThreadConflictError: the thread 'a' has 1 records, not 0: another run has written to it in the \
meantime. Nothing was written; load the thread again, and run again if it is still needed
    """

    def __init__(self, *, codec: RecordCodec | None = None, max_record_bytes: int = MAX_RECORD_BYTES) -> None:
        super().__init__(codec=codec, max_record_bytes=max_record_bytes)
        self._lock = make_lock()
        self._logs: dict[str, list[bytes]] = {}
        self._times: dict[str, float] = {}

    def _read(self, thread_id: str, start: int) -> Sequence[bytes]:
        with self._lock:
            return self._logs.get(thread_id, [])[start:]

    def _append(self, thread_id: str, rows: Sequence[bytes], expected_length: int) -> None:
        with self._lock:
            length = self._length(thread_id)
            if length == expected_length:
                self._logs.setdefault(thread_id, []).extend(rows)
                self._times[thread_id] = time.time()
        if length != expected_length:
            raise conflict_error(thread_id, expected_length, length)

    def _length(self, thread_id: str) -> int:
        return len(self._logs.get(thread_id, ()))

    def _list(self, prefix: str, after: str | None, limit: int | None) -> Infos:
        with self._lock:
            found = [(name, len(log), self._times[name]) for name, log in self._logs.items()]
        wanted = (each for each in sorted(found) if each[0].startswith(prefix) and (after is None or each[0] > after))
        return [ThreadInfo(name, length, datetime.fromtimestamp(at, UTC)) for name, length, at in islice(wanted, limit)]

    def _copy(self, thread_id: str, new_id: str, length: int | None) -> int | None:
        with self._lock:
            log, there = self._logs.get(thread_id), self._length(new_id)
            if log is None or len(log) < (length or 0):
                return None
            if not there:
                self._logs[new_id] = log = log[:length]
                self._times[new_id] = time.time()
        if there:
            raise conflict_error(new_id, 0, there)
        return len(log)

    def _delete(self, thread_id: str) -> bool:
        with self._lock:
            self._times.pop(thread_id, None)
            return self._logs.pop(thread_id, None) is not None

    def _prune(self, before: float) -> int:
        with self._lock:
            old = [name for name, at in self._times.items() if at < before]
            return sum(map(self._delete, old))
