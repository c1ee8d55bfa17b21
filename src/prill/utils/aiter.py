"""Async iterators in parts, and for several readers."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any, Generic, Self, TypeVar

from prill.io import Tee as SharedStream
from prill.io import get_asyncio_mode
from prill.runnables.engine.streams import from_async_iterable
from prill.utils.iter import batches

__all__ = ["Tee", "abatch_iterate", "aclosing", "atee"]

T = TypeVar("T")


def abatch_iterate(size: int | None, iterable: AsyncIterable[T]) -> AsyncIterator[list[T]]:
    """The items in lists of ``size``, the last of which may be shorter; with ``None`` in one list.

    Raises ``ConfigError`` for a size below 1.
    """
    return batches(size, from_async_iterable(iterable))


class Tee(Generic[T]):
    """An async iterator for ``n`` readers, each of which gets every item; they may be in different tasks.

    What one reader has read and another has not is kept, however much it is. ``lock`` is not needed here. Use it as
    an ``async with`` block, or call ``aclose``, to close the iterator when its readers leave early.
    """

    def __init__(self, iterable: AsyncIterable[T], n: int = 2, *, lock: Any = None) -> None:
        source = from_async_iterable(aiter(iterable))
        self._readers = SharedStream(source, n, get_asyncio_mode(), limit=None).readers()

    def __len__(self) -> int:
        return len(self._readers)

    def __getitem__(self, index: int) -> AsyncIterator[T]:
        return self._readers[index]

    def __iter__(self) -> Iterator[AsyncIterator[T]]:
        return iter(self._readers)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every reader, and so the iterator."""
        for reader in self._readers:
            await reader.aclose()  # type: ignore[attr-defined]  # it is a reader, which has it


atee = Tee
