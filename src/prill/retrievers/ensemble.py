"""``EnsembleRetriever``: what several retrievers find, in one order.

Cormack, Clarke and Büttcher, 2009: https://doi.org/10.1145/1571941.1572114
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from prill.callbacks.run import Run
from prill.documents import Document
from prill.errors import add_step, carry_path
from prill.retrievers.base import ComposedRetriever
from prill.runnables.base import coerce_to_runnable


class EnsembleRetriever(ComposedRetriever):
    """Asks several retrievers at once, and orders what they find by its ranks (weighted reciprocal rank fusion).

        >>> EnsembleRetriever(retrievers=[bm25, store.as_retriever()], weights=[0.4, 0.6])  # doctest: +SKIP

    A document's score is the sum of ``weight / (rank + c)`` over the retrievers that find it.

    Args:
        retrievers: Retrievers, or other Runnables from a question to documents.
        weights: one for each retriever; left out, all are the same.
        c: the greater, the less the first ranks count.
        id_key: the key in the metadata by which a document is known; left out, it is known by its text.
    """

    retrievers: list[Any] = Field(min_length=1)
    weights: list[float] = Field(default_factory=list)
    c: int = Field(default=60, ge=0)
    id_key: str | None = None

    @field_validator("retrievers", mode="before")
    @classmethod
    def _make_runnables(cls, retrievers: Any) -> Any:
        return [coerce_to_runnable(each) for each in retrievers]

    @model_validator(mode="after")
    def _check_weights(self) -> Self:
        if not self.weights:
            self.weights = [1 / len(self.retrievers)] * len(self.retrievers)
        if len(self.weights) != len(self.retrievers):
            raise ValueError(f"there are {len(self.retrievers)} retrievers, but {len(self.weights)} weights")
        return self

    async def _find(self, query: str, run: Run) -> list[Document]:
        thunks = [partial(self._ask, number, query, run) for number in range(len(self.retrievers))]
        try:
            found = await run.io.gather(thunks, run.limit)
        except Exception as error:
            carry_path(error, self.get_name())
            raise
        return self.weighted_reciprocal_rank(found)

    async def _ask(self, number: int, query: str, run: Run) -> list[Document]:
        retriever = self.retrievers[number]
        try:
            return await retriever._step(query, run.child(f"retriever:{number + 1}"))  # type: ignore[no-any-return]
        except Exception as error:
            name = retriever.get_name()
            add_step(error, self.get_name(), f"retriever {number + 1} ({name})", inner=name)
            raise

    def weighted_reciprocal_rank(self, doc_lists: Sequence[Sequence[Document]]) -> list[Document]:
        """Return the documents of several lists, one for each retriever, the one with the highest score first."""
        scores: dict[Any, float] = {}
        first: dict[Any, Document] = {}
        for weight, documents in zip(self.weights, doc_lists, strict=True):
            for key, rank in _ranks(documents, self.id_key).items():
                scores[key] = scores.get(key, 0) + weight / (rank + self.c)
            for document in documents:
                first.setdefault(_key(document, self.id_key), document)
        return sorted(first.values(), key=lambda document: -scores[_key(document, self.id_key)])


def _ranks(documents: Sequence[Document], id_key: str | None) -> dict[Any, int]:
    """Return the best rank of each document; the first is 1."""
    ranks: dict[Any, int] = {}
    for rank, document in enumerate(documents, 1):
        ranks.setdefault(_key(document, id_key), rank)
    return ranks


def _key(document: Document, id_key: str | None) -> Any:
    return document.page_content if id_key is None else document.metadata.get(id_key)
