"""Iterators in parts, and for several readers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, Generic, Self, TypeVar

from prill.errors import ConfigError
from prill.io import BLOCKING, closing, drive, drive_stream
from prill.io import Tee as SharedStream
from prill.runnables.engine.streams import from_iterable

__all__ = ["Tee", "batch_iterate", "safetee"]

T = TypeVar("T")


async def batches(size: int | None, items: AsyncIterator[T]) -> AsyncIterator[list[T]]:
    """The items in lists of ``size``; with ``None`` in one list. The body of both colours."""
    if size is not None and size < 1:
        raise ConfigError(f"the size of a batch must be 1 or more, not {size}")
    batch: list[T] = []
    async with closing(items):
        async for item in items:
            batch.append(item)
            if len(batch) == size:
                yield batch
                batch = []
    if batch:
        yield batch


def batch_iterate(size: int | None, iterable: Iterable[T]) -> Iterator[list[T]]:
    """The items in lists of ``size``, the last of which may be shorter; with ``None`` in one list.

    Raises ``ConfigError`` for a size below 1.
    """
    return drive_stream(batches(size, from_iterable(iterable)))


class Tee(Generic[T]):
    """An iterator for ``n`` readers, each of which gets every item; they may be in different threads.

        >>> with Tee(iter("abc")) as (first, second):
        ...     print(list(first), list(second))
        ['a', 'b', 'c'] ['a', 'b', 'c']

    What one reader has read and another has not is kept, however much it is. ``lock`` is not needed here.
    """

    def __init__(self, iterable: Iterable[T], n: int = 2, *, lock: Any = None) -> None:
        self._shared = SharedStream(from_iterable(iter(iterable)), n, BLOCKING, limit=None).readers()
        self._readers: tuple[Iterator[T], ...] = tuple(map(drive_stream, self._shared))

    def __len__(self) -> int:
        return len(self._readers)

    def __getitem__(self, index: int) -> Iterator[T]:
        return self._readers[index]

    def __iter__(self) -> Iterator[Iterator[T]]:
        return iter(self._readers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every reader, and so the iterator."""
        for reader in self._shared:
            drive(reader.aclose())  # type: ignore[attr-defined]  # it is a reader, which has it


safetee = Tee
