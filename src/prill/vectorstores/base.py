"""``VectorStore``: keeps texts with their vectors, and finds the nearest."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self, TypeVar

from prill.documents import Document
from prill.embeddings import Embeddings
from prill.errors import ConfigError
from prill.io import BLOCKING, ExecutionMode, drive, get_asyncio_mode
from prill.vectorstores.arguments import refuse_unknown
from prill.vectorstores.retriever import METHODS, VectorStoreRetriever

VST = TypeVar("VST", bound="VectorStore")


class VectorStore(ABC):
    """Keeps texts with their vectors, and finds those that are nearest to a question.

    A subclass writes ``from_texts``, ``similarity_search``, ``add_texts`` (or ``add_documents``: each falls back on
    the other), and of the rest what it can. An asyncio form that it does not write runs the plain one in a worker
    thread.
    """

    @property
    def embeddings(self) -> Embeddings | None:
        """What makes the vectors, if the store knows it."""
        return None

    # Adding and taking away

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[Any, Any]] | None = None,
        *,
        ids: Sequence[str | None] | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Add texts, with their metadata and ids if given; returns the ids."""
        if type(self).add_documents is VectorStore.add_documents:
            raise self._missing("add_texts")
        return self.add_documents(make_documents(texts, metadatas, ids), **kwargs)

    def add_documents(self, documents: list[Document], **kwargs: Any) -> list[str]:
        """Add documents; returns the ids, which are the documents' own where they have one."""
        if type(self).add_texts is VectorStore.add_texts:
            raise self._missing("add_documents")
        return self.add_texts(*_split_documents(documents, kwargs), **kwargs)

    async def aadd_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[Any, Any]] | None = None,
        *,
        ids: Sequence[str | None] | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Add texts, with their metadata and ids if given; returns the ids."""
        return await get_asyncio_mode().call(self.add_texts, texts, metadatas, ids=ids, **kwargs)

    async def aadd_documents(self, documents: list[Document], **kwargs: Any) -> list[str]:
        """Add documents; returns the ids, which are the documents' own where they have one."""
        if type(self).aadd_texts is VectorStore.aadd_texts:
            return await get_asyncio_mode().call(self.add_documents, documents, **kwargs)
        return await self.aadd_texts(*_split_documents(documents, kwargs), **kwargs)

    def delete(self, ids: list[str] | None = None, **kwargs: Any) -> bool | None:
        """Delete the documents with these ids."""
        raise self._missing("delete")

    async def adelete(self, ids: list[str] | None = None, **kwargs: Any) -> bool | None:
        """Delete the documents with these ids."""
        return await get_asyncio_mode().call(self.delete, ids, **kwargs)

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """Return the documents with these ids; an id that is not there is passed over."""
        raise self._missing("get_by_ids")

    async def aget_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """Return the documents with these ids; an id that is not there is passed over."""
        return await get_asyncio_mode().call(self.get_by_ids, ids)

    # Searching

    @abstractmethod
    def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        """Return the ``k`` documents nearest to a question, the nearest first."""

    async def asimilarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        """Return the ``k`` documents nearest to a question, the nearest first."""
        return await get_asyncio_mode().call(self.similarity_search, query, k, **kwargs)

    def similarity_search_with_score(self, *args: Any, **kwargs: Any) -> list[tuple[Document, float]]:
        """Return the same with their scores: similarities or distances, as the store says."""
        raise self._missing("similarity_search_with_score")

    async def asimilarity_search_with_score(self, *args: Any, **kwargs: Any) -> list[tuple[Document, float]]:
        """Return the same with their scores: similarities or distances, as the store says."""
        return await get_asyncio_mode().call(self.similarity_search_with_score, *args, **kwargs)

    def similarity_search_by_vector(self, embedding: list[float], k: int = 4, **kwargs: Any) -> list[Document]:
        """Return the ``k`` documents nearest to a vector."""
        raise self._missing("similarity_search_by_vector")

    async def asimilarity_search_by_vector(self, embedding: list[float], k: int = 4, **kwargs: Any) -> list[Document]:
        """Return the ``k`` documents nearest to a vector."""
        return await get_asyncio_mode().call(self.similarity_search_by_vector, embedding, k, **kwargs)

    def similarity_search_with_relevance_scores(
        self, query: str, k: int = 4, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        """Return the nearest documents with how relevant they are: 1 is the same, 0 has nothing to do with it.

        ``score_threshold`` leaves out what is less relevant.
        """
        return drive(self._relevant(BLOCKING, query, k, **kwargs))

    async def asimilarity_search_with_relevance_scores(
        self, query: str, k: int = 4, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        """Return the nearest documents with how relevant they are: 1 is the same, 0 has nothing to do with it."""
        return await self._relevant(get_asyncio_mode(), query, k, **kwargs)

    async def _relevant(
        self, io: ExecutionMode, query: str, k: int, *, score_threshold: float | None = None, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        relevance = self._select_relevance_score_fn()
        if io.blocking:
            found = self.similarity_search_with_score(query, k, **kwargs)
        else:
            found = await self.asimilarity_search_with_score(query, k, **kwargs)
        scored = [(document, relevance(score)) for document, score in found]
        return [each for each in scored if score_threshold is None or each[1] >= score_threshold]

    def max_marginal_relevance_search(
        self, query: str, k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        """``k`` of the ``fetch_k`` nearest documents that are near the question, but not alike.

        ``lambda_mult`` is the weight of nearness, from 0 to 1.
        """
        raise self._missing("max_marginal_relevance_search")

    async def amax_marginal_relevance_search(
        self, query: str, k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        """``k`` of the ``fetch_k`` nearest documents that are near the question, but not alike."""
        search = self.max_marginal_relevance_search
        return await get_asyncio_mode().call(search, query, k, fetch_k, lambda_mult, **kwargs)

    def max_marginal_relevance_search_by_vector(
        self, embedding: list[float], k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        """Return the same for a vector."""
        raise self._missing("max_marginal_relevance_search_by_vector")

    async def amax_marginal_relevance_search_by_vector(
        self, embedding: list[float], k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        """Return the same for a vector."""
        search = self.max_marginal_relevance_search_by_vector
        return await get_asyncio_mode().call(search, embedding, k, fetch_k, lambda_mult, **kwargs)

    def search(self, query: str, search_type: str, **kwargs: Any) -> list[Document]:
        """Search by ``similarity``, ``similarity_score_threshold`` or ``mmr`` (relevant, but not alike)."""
        return drive(self._search(BLOCKING, query, search_type, kwargs))

    async def asearch(self, query: str, search_type: str, **kwargs: Any) -> list[Document]:
        """Search by ``similarity``, ``similarity_score_threshold`` or ``mmr`` (relevant, but not alike)."""
        return await self._search(get_asyncio_mode(), query, search_type, kwargs)

    async def _search(self, io: ExecutionMode, query: str, search_type: str, kwargs: dict[str, Any]) -> list[Document]:
        if search_type not in METHODS:
            raise ConfigError(f"search_type must be one of {', '.join(METHODS)}, not {search_type!r}")
        method = METHODS[search_type]
        if io.blocking:
            found = getattr(self, method)(query, **kwargs)
        else:
            found = await getattr(self, "a" + method)(query, **kwargs)
        return [document for document, _ in found] if search_type == "similarity_score_threshold" else found

    # Relevance: from a store's score to a number between 0 and 1

    def _select_relevance_score_fn(self) -> Callable[[float], float]:
        """Return what makes a relevance of a score; a subclass with scores has its own."""
        raise self._missing("similarity_search_with_relevance_scores")

    @staticmethod
    def _euclidean_relevance_score_fn(distance: float) -> float:
        return 1.0 - distance / math.sqrt(2)

    @staticmethod
    def _cosine_relevance_score_fn(distance: float) -> float:
        return 1.0 - distance

    @staticmethod
    def _max_inner_product_relevance_score_fn(distance: float) -> float:
        return 1.0 - distance if distance > 0 else -1.0 * distance

    # Making one

    @classmethod
    @abstractmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings,
        metadatas: list[dict[Any, Any]] | None = None,
        *,
        ids: Sequence[str | None] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Return a store of these texts."""

    @classmethod
    async def afrom_texts(
        cls,
        texts: list[str],
        embedding: Embeddings,
        metadatas: list[dict[Any, Any]] | None = None,
        *,
        ids: Sequence[str | None] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Return a store of these texts."""
        kwargs = kwargs if ids is None else {**kwargs, "ids": ids}
        return await get_asyncio_mode().call(cls.from_texts, texts, embedding, metadatas, **kwargs)

    @classmethod
    def from_documents(cls, documents: list[Document], embedding: Embeddings, **kwargs: Any) -> Self:
        """Return a store of these documents."""
        texts, metadatas = _split_documents(documents, kwargs)
        return cls.from_texts(texts, embedding, metadatas, **kwargs)

    @classmethod
    async def afrom_documents(cls, documents: list[Document], embedding: Embeddings, **kwargs: Any) -> Self:
        """Return a store of these documents."""
        texts, metadatas = _split_documents(documents, kwargs)
        return await cls.afrom_texts(texts, embedding, metadatas, **kwargs)

    def as_retriever(self, **kwargs: Any) -> VectorStoreRetriever:
        """Return a step for chains: a question in, documents out.

        ``search_type`` is ``similarity``, ``mmr`` or ``similarity_score_threshold``; ``search_kwargs`` go to the
        search: ``k``, ``filter``, ``score_threshold``, ``fetch_k``, ``lambda_mult``.

        >>> store.as_retriever(search_type="mmr", search_kwargs={"k": 3})  # doctest: +SKIP
        """
        known = [name for name in VectorStoreRetriever.model_fields if name != "vectorstore"]
        refuse_unknown("as_retriever", kwargs, known, " What the search takes goes into search_kwargs.")
        tags = kwargs.pop("tags", None) or self._get_retriever_tags()
        return VectorStoreRetriever(vectorstore=self, tags=tags, **kwargs)

    def _get_retriever_tags(self) -> list[str]:
        embeddings = self.embeddings
        return [type(self).__name__, *([type(embeddings).__name__] if embeddings is not None else [])]

    def _missing(self, method: str) -> NotImplementedError:
        return NotImplementedError(f"{type(self).__name__} has no {method}")


def make_documents(
    texts: Iterable[str], metadatas: Sequence[dict[Any, Any]] | None, ids: Sequence[str | None] | None
) -> list[Document]:
    """Documents of what ``add_texts`` is given. Raises ``ConfigError`` where the lengths differ."""
    if isinstance(texts, str):
        raise ConfigError("texts must be a list, also for one text: [text]")
    if isinstance(ids, str):
        raise ConfigError("ids must be a list, also for one id: [id]")
    texts = list(texts)
    metadatas = None if metadatas is None else list(metadatas)
    ids = None if ids is None else list(ids)
    for name, given in (("metadatas", metadatas), ("ids", ids)):
        if given is not None and len(given) != len(texts):
            raise ConfigError(f"there are {len(texts)} texts, but {len(given)} {name}")
    return [
        Document(text, metadata=dict(metadatas[at] or {}) if metadatas else {}, id=ids[at] if ids else None)
        for at, text in enumerate(texts)
    ]


def _split_documents(documents: Iterable[Document], kwargs: dict[str, Any]) -> tuple[list[str], list[dict[Any, Any]]]:
    """Texts and metadata; ids, where a document has one and no others are given, go into ``kwargs``."""
    if isinstance(documents, Document):
        raise ConfigError("documents must be a list, also for one document: [document]")
    documents = list(documents)
    for document in documents:
        if not hasattr(document, "page_content"):
            raise ConfigError(f"{document!r:.60} is not a Document; use add_texts for texts")
    if kwargs.get("ids") is None:
        kwargs.pop("ids", None)
        if any(document.id is not None for document in documents):
            kwargs["ids"] = [document.id for document in documents]
    return [document.page_content for document in documents], [document.metadata for document in documents]
