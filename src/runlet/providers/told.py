"""Telling observers of chunks that do not leave their step: those of a model that streams inside ``invoke``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from runlet.callbacks.run import Run
from runlet.io import closing

Chunk = TypeVar("Chunk")


async def told(
    run: Run, chunks: AsyncIterator[Chunk], shown: Callable[[Chunk], Any] = lambda chunk: chunk
) -> AsyncIterator[Chunk]:
    """The chunks, each told to the run's observers, which are given ``shown`` of it."""
    async with closing(chunks):
        async for chunk in chunks:
            for observer in run.observers or ():
                notice = observer.on_chunk(run, shown(chunk))
                if notice is not None:
                    await notice
            yield chunk
