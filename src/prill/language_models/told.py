"""Telling observers of chunks that do not leave their step: those of a model that streams inside ``invoke``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from prill.callbacks.run import Run
from prill.io import closing

Chunk = TypeVar("Chunk")


def streams_inside(model: Any, run: Run, kwargs: dict[str, Any]) -> bool:
    """Whether a user's model is to stream inside ``invoke``: it can, and it or the call says that it shall."""
    if model._stream is None and (run.io.blocking or model._astream is None):
        return False
    return bool(kwargs.get("stream", getattr(model, "streaming", False)))


async def told(
    run: Run, chunks: AsyncIterator[Chunk], shown: Callable[[Chunk], Any] = lambda chunk: chunk
) -> AsyncIterator[Chunk]:
    """The chunks, each told to the run's observers, which are given ``shown`` of it."""
    if run.observers is not None:
        run.state["told"] = True  # what the user's own code says of the same chunks is no news
    async with closing(chunks):
        async for chunk in chunks:
            for observer in run.observers or ():
                notice = observer.on_chunk(run, shown(chunk))
                if notice is not None:
                    await notice
            yield chunk
