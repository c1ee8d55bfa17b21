"""A user's own stream as a leaf: what it starts while it is asked for a chunk joins the run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from prill.callbacks.run import Run, inside
from prill.io import closing


def each_inside(run: Run, source: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """``source``, asked for each chunk with ``run`` as the current run; never while the consumer has the chunk."""
    return source if run.plain else _each_inside(run, source)


async def _each_inside(run: Run, source: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async with closing(source):
        while True:
            try:
                with inside(run):
                    # Not ``anext`` with a default: where a plain ``__anext__`` raises, it brings Python 3.11 down.
                    chunk = await source.__anext__()
            except StopAsyncIteration:
                return
            yield chunk
