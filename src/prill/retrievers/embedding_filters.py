"""Filters that compare vectors: documents near the question, documents that are not alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from prill.documents import BaseDocumentTransformer, Document
from prill.embeddings.arrays import cosine_similarity, numpy
from prill.embeddings.base import Embeddings
from prill.io import BLOCKING, ExecutionMode, drive, get_asyncio_mode
from prill.retrievers.compression import OwnCompressor

Similarity = Callable[[Sequence[Any], Sequence[Any]], Any]


class EmbeddingsFilter(OwnCompressor):
    """Keeps the documents whose vectors are nearest to the question's, the nearest first; needs ``prill[retrieval]``.

    Args:
        embeddings: makes the vectors.
        similarity_fn: makes a matrix of similarities of two lists of vectors; by default cosines.
        k: how many are kept at most; ``None`` for all that are near enough.
        similarity_threshold: how near the kept ones are at least.
    """

    embeddings: Embeddings
    similarity_fn: Similarity = cosine_similarity
    k: int | None = Field(default=20, gt=0)
    similarity_threshold: float | None = None

    @model_validator(mode="after")
    def _check_limit(self) -> Self:
        if self.k is None and self.similarity_threshold is None:
            raise ValueError("an EmbeddingsFilter needs k or similarity_threshold")
        return self

    async def _compress(
        self, io: ExecutionMode, documents: Sequence[Document], query: str, callbacks: Any
    ) -> Sequence[Document]:
        if not documents:
            return []
        vectors = await _embed(self.embeddings, io, documents)
        asked = self.embeddings.embed_query(query) if io.blocking else await self.embeddings.aembed_query(query)
        near = numpy().asarray(self.similarity_fn([asked], vectors))[0]
        order = (-near).argsort(kind="stable")[: self.k].tolist()
        least = self.similarity_threshold
        return [documents[at] for at in order if least is None or near[at] >= least]


class EmbeddingsRedundantFilter(BaseDocumentTransformer, BaseModel):
    """Leaves out documents whose vectors are nearly those of an earlier one; needs ``prill[retrieval]``.

    Args:
        embeddings: makes the vectors.
        similarity_fn: makes a matrix of similarities of two lists of vectors; by default cosines.
        similarity_threshold: from which similarity on a document says nothing new.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid", defer_build=True)

    embeddings: Embeddings
    similarity_fn: Similarity = cosine_similarity
    similarity_threshold: float = 0.95

    def transform_documents(self, documents: Sequence[Document], **kwargs: Any) -> Sequence[Document]:
        """Return the documents without those that say nothing new."""
        return drive(self._transform(BLOCKING, documents))

    async def atransform_documents(self, documents: Sequence[Document], **kwargs: Any) -> Sequence[Document]:
        """Return the documents without those that say nothing new."""
        return await self._transform(get_asyncio_mode(), documents)

    async def _transform(self, io: ExecutionMode, documents: Sequence[Document]) -> Sequence[Document]:
        if not documents:
            return []
        vectors = await _embed(self.embeddings, io, documents)
        alike = numpy().asarray(self.similarity_fn(vectors, vectors))
        kept: list[int] = []
        for at in range(len(documents)):
            if not (alike[at][kept] > self.similarity_threshold).any():
                kept.append(at)
        return [documents[at] for at in kept]


async def _embed(embeddings: Embeddings, io: ExecutionMode, documents: Sequence[Document]) -> list[list[float]]:
    texts = [document.page_content for document in documents]
    return embeddings.embed_documents(texts) if io.blocking else await embeddings.aembed_documents(texts)
