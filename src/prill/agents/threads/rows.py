"""What databases give back, read with care: a file may be damaged, or from anybody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from prill.agents.threads.base import Infos, ThreadInfo
from prill.agents.threads.encoding import TooLarge, read_key
from prill.errors import ThreadDataError

Damaged = Callable[[object], ThreadDataError]
"""Makes the error for a store with other content than expected; its argument says why."""


def read_records(rows: Sequence[tuple[Any, ...]], start: int, thread_id: str, damaged: Damaged) -> Sequence[Any]:
    """The bytes of the records of a thread.

    Args:
        rows: for each record the length of the thread, the place, the bytes (``None`` if there are too many) and their
            number; for a thread without records from ``start`` on one row, without a place.
        start: the place of the first record.
        thread_id: the thread, for the error.
        damaged: makes the error where records are missing.
    """
    length = rows[0][0] if rows else 0
    found = [row for row in rows if row[1] is not None]
    whole = isinstance(length, int) and len(found) == max(length - start, 0)
    if not whole or any(row[1] != place for place, row in enumerate(found, start)):
        raise damaged(f"the thread {thread_id!r:.80} does not have the records that it should have")
    return [TooLarge(size) if data is None else data for _, _, data, size in found]


def read_length(rows: Sequence[tuple[Any, ...]], thread_id: str, damaged: Damaged) -> int:
    """The length of a thread, from at most one row of its number and its length."""
    length = rows[0][1] if rows else 0
    if not isinstance(length, int):
        raise damaged(f"the length of the thread {thread_id!r:.80} is {length!r:.80}")
    return length


def read_infos(rows: Sequence[tuple[Any, ...]], damaged: Damaged) -> Infos:
    """The threads of rows of a key, a length and a time in seconds since 1970."""
    try:
        return [ThreadInfo(read_key(key), length, datetime.fromtimestamp(at, UTC)) for key, length, at in rows]
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise damaged(error) from error
