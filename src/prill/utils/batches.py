"""A stream's items in lists of one size: the body of ``batch_iterate`` and ``abatch_iterate``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

from prill.errors import ConfigError
from prill.io import closing

T = TypeVar("T")


async def batches(size: int | None, items: AsyncIterator[T]) -> AsyncIterator[list[T]]:
    """The items in lists of ``size``; with ``None`` in one list."""
    if size is not None and size < 1:
        raise ConfigError(f"the size of a batch is 1 or more, not {size}")
    batch: list[T] = []
    async with closing(items):
        async for item in items:
            batch.append(item)
            if len(batch) == size:
                yield batch
                batch = []
    if batch:
        yield batch
