"""``LoaderStep``: a loader as the first step of a chain."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from typing import Any, ClassVar, Literal

from prill.callbacks.run import Run
from prill.documents import Document
from prill.io import closing
from prill.runnables.base import Runnable
from prill.runnables.engine.streams import COLLECT, Combine, Stream
from prill.runnables.structure import Streaming


class LoaderStep(Runnable[Any, list[Document]]):
    """Loads documents, whatever its input is; made by ``BaseLoader.as_runnable``.

    ``load`` returns an iterator of documents, ``aload`` an async one where the loader has an asyncio form of its own.
    """

    _combine: ClassVar[Combine] = COLLECT

    def __init__(
        self,
        load: Callable[[], Iterator[Document]],
        aload: Callable[[], AsyncIterator[Document]] | None,
        name: str,
    ) -> None:
        self._load = load
        self._aload = aload
        self.name = name

    def _input_or_output_type(self, side: Literal["input", "output"]) -> Any:
        return Any if side == "input" else list[Document]

    def _describe_streaming(self) -> Streaming:
        return Streaming("buffers", True, "a loader does not read its input, and gives its documents one by one")

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        async with closing(self._documents(run)) as documents:
            return [document async for document in documents]

    async def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> AsyncGenerator[Any, None]:
        async with closing(inputs):
            async for _ in inputs:
                pass
        async with closing(self._documents(run)) as documents:
            async for document in documents:
                yield document

    def _documents(self, run: Run) -> AsyncIterator[Document]:
        if self._aload is not None and not run.io.blocking:
            return self._aload()
        return run.io.pull(self._load)
