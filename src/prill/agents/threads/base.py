"""``Threads``: where agents keep their threads, each an append-only log of records."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Self, TypeAlias
from uuid import uuid4

from prill.agents.threads.encoding import Record, RecordCodec, decode_record, encode_record, thread_key
from prill.errors import ConfigError, ThreadConflictError, ThreadNotFoundError
from prill.io import get_asyncio_mode

Records: TypeAlias = list[Record]

MAX_RECORD_BYTES = 16 * 2**20
_MAX_ID_BYTES = 1000


@dataclass(frozen=True)
class ThreadInfo:
    """What is known of a thread without reading it.

    Attributes:
        thread_id: its id.
        length: the number of its records.
        updated_at: when records were last added to it, in UTC.
    """

    thread_id: str
    length: int
    updated_at: datetime


Infos: TypeAlias = list[ThreadInfo]


class Threads(ABC):
    """Keeps threads of agents: under each ``thread_id`` a log of records, to whose end records are added.

    Whoever adds records says how many there were. If something else has added some in the meantime, nothing is
    written and ``ThreadConflictError`` is raised, so of two runs of one thread exactly one goes on.

    Args:
        codec: changes the bytes of records, for instance encrypts them; ids and lengths stay readable.
        max_record_bytes: the size of the largest record that is written or read.

    Everything that is added at once is stored whole or not at all. The methods block; those with an ``a`` run them in a
    worker thread. A store of your own is a subclass that writes the methods with an underscore, which get and give
    bytes.

    >>> from prill.agents.threads import InMemoryThreads
    >>> threads = InMemoryThreads()
    >>> threads.append("7", [{"text": "Hi"}, {"text": "Hello"}], 0)
    2
    >>> threads.load("7", start=1)
    [{'text': 'Hello'}]
    """

    def __init__(self, *, codec: RecordCodec | None = None, max_record_bytes: int = MAX_RECORD_BYTES) -> None:
        if max_record_bytes < 1:
            raise ConfigError(f"max_record_bytes is the size of a record, not {max_record_bytes}")
        self._codec = codec
        self._max_record_bytes = max_record_bytes
        # A codec may make records longer; what is longer than this is not read from the store.
        self._max_stored_bytes = max_record_bytes if codec is None else 2 * max_record_bytes + 4096

    # What a store writes

    @abstractmethod
    def _read(self, thread_id: str, start: int) -> Sequence[bytes]:
        """The records from the place ``start`` on; none for an unknown thread."""

    @abstractmethod
    def _append(self, thread_id: str, rows: Sequence[bytes], expected_length: int) -> None:
        """Add at least one record in one step, if there are ``expected_length``; else raise ``conflict_error``."""

    @abstractmethod
    def _length(self, thread_id: str) -> int:
        """The number of records; 0 for an unknown thread."""

    @abstractmethod
    def _list(self, prefix: str, after: str | None, limit: int | None) -> Infos:
        """The threads in the order of their ids."""

    @abstractmethod
    def _copy(self, thread_id: str, new_id: str, length: int | None) -> int | None:
        """Copy the first records, or all, to a thread that does not exist yet, in one step.

        Returns the number of records copied, ``None`` where the first thread has none; raises ``conflict_error`` where
        the second has some.
        """

    @abstractmethod
    def _delete(self, thread_id: str) -> bool:
        """Delete a thread; returns whether it was there."""

    @abstractmethod
    def _prune(self, before: float) -> int:
        """Delete the threads to which nothing was added since a time (seconds since 1970); returns their number."""

    def close(self) -> None:  # noqa: B027 - a store may have nothing to close
        """Close what the store has open. Use it no more."""

    # What an agent calls

    def load(self, thread_id: str, start: int = 0) -> Records:
        """The records of a thread, from the place ``start`` on; none for an unknown thread.

        Raises:
            ThreadDataError: what is stored is not a record, or is larger than ``max_record_bytes``.
            ThreadStorageError: the store cannot be read.
        """
        if start < 0:
            raise ConfigError(f"start is a place in a thread, from 0 on, not {start}")
        rows = self._read(_checked(thread_id), start)
        return [
            decode_record(row, self._codec, self._max_record_bytes, f"record {place} of the thread {thread_id!r:.80}")
            for place, row in enumerate(rows, start)
        ]

    def length(self, thread_id: str) -> int:
        """The number of records of a thread; 0 for an unknown thread."""
        return self._length(_checked(thread_id))

    def append(self, thread_id: str, records: Iterable[Record], expected_length: int) -> int:
        """Add records at the end of a thread, all of them or none; returns its new length.

        Args:
            thread_id: the id of the thread; it is made if ``expected_length`` is 0.
            records: objects of plain JSON; see ``dump_value`` for messages and other values.
            expected_length: how many records the thread has, as far as the caller knows.

        Raises:
            ThreadConflictError: the thread has another length.
            ThreadValueError: a record is not plain JSON, or is too large; the message names the place.
            ThreadStorageError: the store cannot be written.
        """
        rows = [
            encode_record(record, self._codec, self._max_record_bytes, f"record {place}")
            for place, record in enumerate(records)
        ]
        if rows:
            self._append(_checked(thread_id), rows, expected_length)
        elif (length := self.length(thread_id)) != expected_length:
            raise conflict_error(thread_id, expected_length, length)
        return expected_length + len(rows)

    def list(self, *, prefix: str = "", after: str | None = None, limit: int | None = None) -> Infos:
        """The threads in the order of their ids.

        Args:
            prefix: only those whose id starts with this.
            after: only those whose id comes after this one, to go on with a list that was limited.
            limit: at most so many.
        """
        if limit is not None and limit < 0:
            raise ConfigError(f"limit is the greatest number of threads, not {limit}")
        return self._list(prefix, after, limit)

    def copy(self, thread_id: str, new_id: str, *, at: int | None = None) -> int:
        """Copy a thread to an id that is free, whole or only its first ``at`` records; returns the number of records.

        Raises:
            ThreadNotFoundError: there is no thread ``thread_id``, or it has fewer than ``at`` records.
            ThreadConflictError: there is a thread ``new_id`` already.
        """
        if at is not None and at < 1:
            raise ConfigError(f"a copy has at least one record, so at cannot be {at}")
        copied = self._copy(_checked(thread_id), _checked(new_id), at)
        if copied is None:
            raise ThreadNotFoundError(
                f"there is no thread {thread_id!r:.80} to copy, or it has fewer records than {at}"
            )
        return copied

    def fork(self, thread_id: str, *, at: int | None = None) -> str:
        """Copy a thread, whole or only its first ``at`` records, to a new id, which is returned."""
        new_id = str(uuid4())
        self.copy(thread_id, new_id, at=at)
        return new_id

    def delete(self, thread_id: str) -> bool:
        """Delete a thread with all its records; returns whether it was there."""
        return self._delete(_checked(thread_id))

    def prune(self, *, older_than: timedelta) -> int:
        """Delete the threads to which nothing was added for so long; returns their number."""
        return self._prune(time.time() - older_than.total_seconds())

    async def aload(self, thread_id: str, start: int = 0) -> Records:
        """The asyncio form of ``load``."""
        return await get_asyncio_mode().call(self.load, thread_id, start)

    async def alength(self, thread_id: str) -> int:
        """The asyncio form of ``length``."""
        return await get_asyncio_mode().call(self.length, thread_id)

    async def aappend(self, thread_id: str, records: Iterable[Record], expected_length: int) -> int:
        """The asyncio form of ``append``; when it is cancelled it raises once the records are there, or are not."""
        io = get_asyncio_mode()
        return await io.shield(partial(io.call, self.append, thread_id, records, expected_length))

    async def alist(self, *, prefix: str = "", after: str | None = None, limit: int | None = None) -> Infos:
        """The asyncio form of ``list``."""
        return await get_asyncio_mode().call(self.list, prefix=prefix, after=after, limit=limit)

    async def acopy(self, thread_id: str, new_id: str, *, at: int | None = None) -> int:
        """The asyncio form of ``copy``."""
        return await get_asyncio_mode().call(self.copy, thread_id, new_id, at=at)

    async def afork(self, thread_id: str, *, at: int | None = None) -> str:
        """The asyncio form of ``fork``."""
        return await get_asyncio_mode().call(self.fork, thread_id, at=at)

    async def adelete(self, thread_id: str) -> bool:
        """The asyncio form of ``delete``."""
        return await get_asyncio_mode().call(self.delete, thread_id)

    async def aprune(self, *, older_than: timedelta) -> int:
        """The asyncio form of ``prune``."""
        return await get_asyncio_mode().call(self.prune, older_than=older_than)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def conflict_error(thread_id: str, expected_length: int, length: int) -> ThreadConflictError:
    """The error for a thread that has another length than its writer knew of."""
    return ThreadConflictError(
        f"the thread {thread_id!r:.80} has {length} records, not {expected_length}: another run has written to it in "
        "the meantime. Nothing was written; load the thread again, and run again if it is still needed",
        thread_id=thread_id,
        expected_length=expected_length,
        length=length,
    )


def _checked(thread_id: object) -> str:
    if not isinstance(thread_id, str):
        raise ConfigError(f"a thread_id is a text, not {thread_id!r:.80} ({type(thread_id).__name__})")
    if not 0 < len(thread_id) <= _MAX_ID_BYTES or len(thread_key(thread_id)) > _MAX_ID_BYTES:
        raise ConfigError(f"a thread_id has 1 to {_MAX_ID_BYTES} bytes, not {len(thread_id)} characters")
    return thread_id
