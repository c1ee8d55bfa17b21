"""Reports a model's chunks to observers while ``invoke`` streams internally."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from prill.callbacks.run import Run
from prill.io import closing
from prill.language_models.base import get_setting

Chunk = TypeVar("Chunk")


def streams_in_invoke(model: Any, run: Run, kwargs: dict[str, Any]) -> bool:
    """Whether ``invoke`` of a user's model streams, as its ``streaming`` or the call's ``stream`` asks."""
    if model._stream is None and (run.io.blocking or model._astream is None):
        return False
    return bool(kwargs.get("stream", get_setting(model, "streaming")))


def streams_for_observers(run: Run) -> bool:
    """Whether an observer of a run wants models to stream, also where they are invoked."""
    return any(observer.streams_models for observer in run.observers or ())


async def notify_chunks(
    run: Run, chunks: AsyncIterator[Chunk] | None, shown: Callable[[Chunk], Any] = lambda chunk: chunk
) -> AsyncIterator[Chunk]:
    """Yield the chunks, after each was reported to the run's observers as ``shown(chunk)``."""
    if run.observers is not None:
        run.state["chunks_reported"] = True  # the run manager's on_llm_new_token would report them a second time
    if chunks is None:  # the model cannot stream
        return
    async with closing(chunks):
        async for chunk in chunks:
            for observer in run.observers or ():
                notice = observer.on_chunk(run, shown(chunk))
                if notice is not None:
                    await notice
            yield chunk
