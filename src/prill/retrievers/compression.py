"""``ContextualCompressionRetriever``: what a retriever finds, filtered, shortened or reordered."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from pydantic import ConfigDict, field_validator

from prill.callbacks.run import Run, inside
from prill.documents import BaseDocumentCompressor, BaseDocumentTransformer, Document
from prill.errors import CompositionError
from prill.io import BLOCKING, ExecutionMode, drive, get_asyncio_mode
from prill.retrievers.base import ComposedRetriever, get_callbacks
from prill.runnables.base import coerce_to_runnable


class ContextualCompressionRetriever(ComposedRetriever):
    """Gives the documents that ``base_retriever`` finds to ``base_compressor``, with the question.

    >>> ContextualCompressionRetriever(
    ...     base_compressor=LLMChainFilter.from_llm(model), base_retriever=store.as_retriever()
    ... )  # doctest: +SKIP
    """

    base_compressor: BaseDocumentCompressor
    base_retriever: Any

    @field_validator("base_retriever", mode="before")
    @classmethod
    def _make_runnable(cls, value: Any) -> Any:
        return coerce_to_runnable(value)

    async def _find(self, query: str, run: Run) -> list[Document]:
        documents = await self.base_retriever._step(query, run.child())
        if not documents:
            return []
        with inside(run):
            return list(await compress(self.base_compressor, run.io, documents, query, get_callbacks(run)))


class OwnCompressor(BaseDocumentCompressor):
    """The base of Prill's own compressors: ``_compress`` is the body of both colours."""

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid", defer_build=True)

    @abstractmethod
    async def _compress(
        self, io: ExecutionMode, documents: Sequence[Document], query: str, callbacks: Any
    ) -> Sequence[Document]:
        """Return the documents that remain."""

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Any = None
    ) -> Sequence[Document]:
        """Return the documents that remain for the question ``query``."""
        return drive(self._compress(BLOCKING, documents, query, callbacks))

    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Any = None
    ) -> Sequence[Document]:
        """Return the documents that remain for the question ``query``."""
        return await self._compress(get_asyncio_mode(), documents, query, callbacks)


async def compress(
    part: Any, io: ExecutionMode, documents: Sequence[Document], query: str, callbacks: Any
) -> Sequence[Document]:
    """Have a compressor or a transformer work on documents."""
    if isinstance(part, BaseDocumentTransformer):
        if io.blocking:
            return part.transform_documents(documents)
        return await part.atransform_documents(documents)
    if io.blocking:
        return part.compress_documents(documents, query, callbacks=callbacks)  # type: ignore[no-any-return]
    return await part.acompress_documents(documents, query, callbacks=callbacks)  # type: ignore[no-any-return]


class DocumentCompressorPipeline(OwnCompressor):
    """Compressors and transformers (splitters, filters) one after the other.

    >>> DocumentCompressorPipeline(transformers=[splitter, EmbeddingsFilter(embeddings=embeddings)])  # doctest: +SKIP
    """

    transformers: list[Any]

    @field_validator("transformers")
    @classmethod
    def _check_parts(cls, parts: list[Any]) -> list[Any]:
        for part in parts:
            if not isinstance(part, BaseDocumentCompressor | BaseDocumentTransformer):
                raise CompositionError(f"a pipeline is made of compressors and transformers, not of {part!r:.60}")
        return parts

    async def _compress(
        self, io: ExecutionMode, documents: Sequence[Document], query: str, callbacks: Any
    ) -> Sequence[Document]:
        for part in self.transformers:
            documents = await compress(part, io, documents, query, callbacks)
        return documents


async def ask_each(chain: Any, io: ExecutionMode, inputs: list[Any], callbacks: Any) -> list[Any]:
    """Run a chain on several inputs at once."""
    config = {"callbacks": callbacks}
    answers = chain.batch(inputs, config) if io.blocking else await chain.abatch(inputs, config)
    return list(answers)
