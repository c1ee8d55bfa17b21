"""``VectorStoreRetriever``: a vector store as a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic import Field, model_validator

from prill.documents import Document
from prill.retrievers.base import BaseRetriever

METHODS = {
    "similarity": "similarity_search",
    "similarity_score_threshold": "similarity_search_with_relevance_scores",
    "mmr": "max_marginal_relevance_search",
}
"""The method of a store for each ``search_type``."""


@runtime_checkable
class Searched(Protocol):
    """What a retriever needs of a store; every ``VectorStore`` has it."""

    @property
    def embeddings(self) -> Any: ...
    def search(self, query: str, search_type: str, **kwargs: Any) -> list[Document]: ...
    async def asearch(self, query: str, search_type: str, **kwargs: Any) -> list[Document]: ...
    def add_documents(self, documents: list[Document], **kwargs: Any) -> list[str]: ...
    async def aadd_documents(self, documents: list[Document], **kwargs: Any) -> list[str]: ...


class VectorStoreRetriever(BaseRetriever):
    """Finds documents in a vector store; ``store.as_retriever()`` makes it.

    ``search_type`` is ``similarity``, ``mmr`` (relevant, but not alike) or ``similarity_score_threshold``, which needs
    ``search_kwargs["score_threshold"]``, a number from 0 to 1. What is given to ``invoke`` beside the question goes
    over ``search_kwargs``.
    """

    vectorstore: Searched
    search_type: str = "similarity"
    search_kwargs: dict[str, Any] = Field(default_factory=dict)

    allowed_search_types: ClassVar[tuple[str, ...]] = tuple(METHODS)

    @model_validator(mode="before")
    @classmethod
    def validate_search_type(cls, values: dict[str, Any]) -> Any:
        """Refuse a search that does not exist, or lacks its threshold."""
        kind = values.get("search_type", cls.model_fields["search_type"].default)
        if kind not in cls.allowed_search_types:
            raise ValueError(f"search_type must be one of {', '.join(cls.allowed_search_types)}, not {kind!r}")
        if kind == "similarity_score_threshold":
            threshold = (values.get("search_kwargs") or {}).get("score_threshold")
            if not isinstance(threshold, int | float) or isinstance(threshold, bool):
                raise ValueError(
                    "similarity_score_threshold needs search_kwargs={'score_threshold': …}, a number from 0 to 1, "
                    f"not {threshold!r}"
                )
        return values

    def _get_relevant_documents(self, query: str, **kwargs: Any) -> list[Document]:
        return self.vectorstore.search(query, self.search_type, **{**self.search_kwargs, **kwargs})

    async def _aget_relevant_documents(self, query: str, **kwargs: Any) -> list[Document]:
        return await self.vectorstore.asearch(query, self.search_type, **{**self.search_kwargs, **kwargs})

    def add_documents(self, documents: list[Document], **kwargs: Any) -> list[str]:
        """Add documents to the store; returns their ids."""
        return self.vectorstore.add_documents(documents, **kwargs)

    async def aadd_documents(self, documents: list[Document], **kwargs: Any) -> list[str]:
        """Add documents to the store; returns their ids."""
        return await self.vectorstore.aadd_documents(documents, **kwargs)

    def _get_ls_params(self, **kwargs: Any) -> Mapping[str, Any]:
        store = self.vectorstore
        labels = {**super()._get_ls_params(**kwargs), "ls_vector_store_provider": type(store).__name__}
        if store.embeddings is not None:
            labels["ls_embedding_provider"] = type(store.embeddings).__name__
        return labels
