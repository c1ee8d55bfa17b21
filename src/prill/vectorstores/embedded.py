"""``EmbeddedStore``: what stores have in common that keep documents in this process and embed them themselves."""

from __future__ import annotations

import uuid
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, Literal, Self

from prill.documents import Document
from prill.embeddings import Embeddings, LocalEmbeddings
from prill.embeddings.arrays import to_matrix
from prill.errors import ConfigError
from prill.io import BLOCKING, ExecutionMode, drive, get_asyncio_mode, make_lock
from prill.vectorstores.arguments import check_count, check_fraction, get_argument_names, refuse_unknown
from prill.vectorstores.base import VectorStore, make_documents
from prill.vectorstores.filters import Filter, compile_filter
from prill.vectorstores.utils import maximal_marginal_relevance

Found = list[tuple[Document, float]]


class EmbeddedStore(VectorStore):
    """Documents by id, in the order of their rows in an index of vectors; threads may add and search at once.

    A subclass has the index: ``_append``, ``_remove``, ``_nearest`` and ``_rows``, all called under the lock. A
    document whose id is there already takes the place of the old one. Without ``embedding`` it is ``LocalEmbeddings``.
    """

    _bits: ClassVar[Literal[32, 64]] = 32
    """The precision of the numbers that ``_append`` is given."""

    def __init__(self, embedding: Embeddings | None) -> None:
        if embedding is not None and not hasattr(embedding, "embed_documents"):
            raise ConfigError(f"a {type(self).__name__} needs an Embeddings to embed texts, not {embedding!r:.60}")
        self._embedding = embedding
        self._ids: list[str] = []
        self._documents: dict[str, Document] = {}
        self._lock = make_lock()

    @property
    def embeddings(self) -> Embeddings | None:
        return self._embedding

    def __len__(self) -> int:
        return len(self._ids)

    def __bool__(self) -> bool:
        return True  # an empty store is still a store

    @property
    @abstractmethod
    def _size(self) -> int | None:
        """How many numbers a vector has; ``None`` where that is not known yet."""

    @abstractmethod
    def _append(self, rows: Any) -> None:
        """Put rows at the end of the index."""

    @abstractmethod
    def _remove(self, positions: list[int]) -> None:
        """Take rows out; those behind them move up."""

    @abstractmethod
    def _nearest(self, row: Any, k: int, among: list[int] | None) -> Iterable[tuple[int, float]]:
        """Return the positions and scores of the ``k`` rows nearest to ``row``, the nearest first."""

    @abstractmethod
    def _rows(self, positions: list[int]) -> Any:
        """Return the rows at these positions."""

    # Adding and taking away

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[Any, Any]] | None = None,
        *,
        ids: Sequence[str | None] | None = None,
        **kwargs: Any,
    ) -> list[str]:
        return drive(self._add(BLOCKING, texts, metadatas, ids, kwargs))

    async def aadd_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[Any, Any]] | None = None,
        *,
        ids: Sequence[str | None] | None = None,
        **kwargs: Any,
    ) -> list[str]:
        return await self._add(get_asyncio_mode(), texts, metadatas, ids, kwargs)

    async def _add(
        self, io: ExecutionMode, texts: Iterable[str], metadatas: Any, ids: Any, unknown: Iterable[str] = ()
    ) -> list[str]:
        refuse_unknown(f"{type(self).__name__}.add_texts", unknown, ("metadatas", "ids"))
        documents = make_documents(texts, metadatas, ids)
        if not documents:
            return []
        embedding, contents = self._embedder(), [document.page_content for document in documents]
        if io.blocking:
            vectors = embedding.embed_documents(contents)
        else:
            vectors = await embedding.aembed_documents(contents)
        return self._keep(documents, vectors)

    def _embedder(self) -> Embeddings:
        if self._embedding is None:
            self._embedding = LocalEmbeddings()
        return self._embedding

    def _keep(self, documents: list[Document], vectors: Any) -> list[str]:
        maker = type(self._embedding).__name__
        if not isinstance(vectors, Iterable):
            raise ConfigError(f"{maker} returned {vectors!r:.60}, which is not a list of vectors")
        vectors = vectors if hasattr(vectors, "__len__") else list(vectors)
        if len(vectors) != len(documents):
            raise ConfigError(f"{maker} returned {len(vectors)} vectors for {len(documents)} texts")
        ids = [document.id or str(uuid.uuid4()) for document in documents]
        if len(set(ids)) < len(ids):
            twice = sorted({each for each in ids if ids.count(each) > 1})
            raise ConfigError(f"ids are given twice in one call: {', '.join(twice[:5])}")
        named = [document.model_copy(update={"id": id}) for document, id in zip(documents, ids, strict=True)]
        with self._lock:
            rows = to_matrix(vectors, self._size, bits=self._bits)
            self._take_out(ids)
            self._append(rows)
            self._ids += ids
            self._documents.update(zip(ids, named, strict=True))
        return ids

    def _take_out(self, ids: Iterable[str]) -> None:
        gone = {id for id in ids if id in self._documents}
        if not gone:
            return
        self._remove([position for position, id in enumerate(self._ids) if id in gone])
        self._ids = [id for id in self._ids if id not in gone]
        for id in gone:
            del self._documents[id]

    def delete(self, ids: Sequence[str] | None = None, **kwargs: Any) -> bool | None:
        """Delete the documents with these ids; an id that is not there is passed over."""
        refuse_unknown(f"{type(self).__name__}.delete", kwargs, ("ids",))
        if ids is None:
            raise ConfigError("delete needs the ids of the documents to delete")
        with self._lock:
            self._take_out([ids] if isinstance(ids, str) else ids)
        return True

    async def adelete(self, ids: Sequence[str] | None = None, **kwargs: Any) -> bool | None:
        """Delete the documents with these ids; an id that is not there is passed over."""
        return self.delete(ids, **kwargs)

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        with self._lock:
            return [_copy(self._documents[id]) for id in ids if id in self._documents]

    async def aget_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        return self.get_by_ids(ids)

    # Searching: each public method is a shell around ``_find``, ``_scored`` or ``_diverse``

    def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        return _documents(self.similarity_search_with_score(query, k, **kwargs))

    async def asimilarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        return _documents(await self.asimilarity_search_with_score(query, k, **kwargs))

    def similarity_search_with_score(self, query: str, k: int = 4, **kwargs: Any) -> Found:
        """Return the ``k`` nearest documents with their scores; only those that pass ``filter``."""
        found: Found = drive(self._find(BLOCKING, query, self._scored, k, **kwargs))
        return found

    async def asimilarity_search_with_score(self, query: str, k: int = 4, **kwargs: Any) -> Found:
        """Return the ``k`` nearest documents with their scores; only those that pass ``filter``."""
        found: Found = await self._find(get_asyncio_mode(), query, self._scored, k, **kwargs)
        return found

    def similarity_search_by_vector(self, embedding: list[float], k: int = 4, **kwargs: Any) -> list[Document]:
        return _documents(self._look_up(self._scored, embedding, k, **kwargs))

    async def asimilarity_search_by_vector(self, embedding: list[float], k: int = 4, **kwargs: Any) -> list[Document]:
        return _documents(await get_asyncio_mode().call(self._look_up, self._scored, embedding, k, **kwargs))

    def similarity_search_with_score_by_vector(self, embedding: list[float], k: int = 4, **kwargs: Any) -> Found:
        """Return the ``k`` documents nearest to a vector, with their scores."""
        found: Found = self._look_up(self._scored, embedding, k, **kwargs)
        return found

    async def asimilarity_search_with_score_by_vector(self, embedding: list[float], k: int = 4, **kwargs: Any) -> Found:
        """Return the ``k`` documents nearest to a vector, with their scores."""
        found: Found = await get_asyncio_mode().call(self._look_up, self._scored, embedding, k, **kwargs)
        return found

    def max_marginal_relevance_search(
        self, query: str, k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        find = self._find(BLOCKING, query, self._diverse, k, fetch_k, lambda_mult, **kwargs)
        found: list[Document] = drive(find)
        return found

    async def amax_marginal_relevance_search(
        self, query: str, k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        find = self._find(get_asyncio_mode(), query, self._diverse, k, fetch_k, lambda_mult, **kwargs)
        found: list[Document] = await find
        return found

    def max_marginal_relevance_search_by_vector(
        self, embedding: list[float], k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        found: list[Document] = self._look_up(self._diverse, embedding, k, fetch_k, lambda_mult, **kwargs)
        return found

    def _look_up(self, search: Callable[..., Any], vector: Any, *args: Any, **kwargs: Any) -> Any:
        self._check(search, kwargs)
        return search(vector, *args, **kwargs)

    async def _find(self, io: ExecutionMode, query: str, search: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self._check(search, kwargs)  # before the question's vector is paid for
        embedding = self._embedder()
        vector = embedding.embed_query(query) if io.blocking else await embedding.aembed_query(query)
        return await io.call(search, vector, *args, **kwargs)

    def _check(self, search: Callable[..., Any], kwargs: dict[str, Any]) -> None:
        if kwargs:
            refuse_unknown(f"a search in {type(self).__name__}", kwargs, get_argument_names(search)[1:])

    def _scored(
        self,
        vector: Sequence[float],
        k: int = 4,
        *,
        filter: Filter | None = None,
        score_threshold: float | None = None,
        fetch_k: int | None = None,  # taken for old code: a filter here never loses documents
    ) -> Found:
        k, chosen = check_count("k", k), self._chosen(filter)
        with self._lock:
            near = self._at(vector, k, chosen)
            found = [(_copy(self._documents[self._ids[at]]), score) for at, score in near]
        return [each for each in found if score_threshold is None or self._good(each[1], score_threshold)]

    def _good(self, score: float, threshold: float) -> bool:
        return score >= threshold

    def _diverse(
        self, vector: Sequence[float], k: int, fetch_k: int, lambda_mult: float, *, filter: Filter | None = None
    ) -> list[Document]:
        k, lambda_mult, chosen = check_count("k", k), check_fraction("lambda_mult", lambda_mult), self._chosen(filter)
        # fetch_k=0 means: no more than are wanted.
        most = max(k, check_count("fetch_k", fetch_k or k))
        with self._lock:
            positions = [at for at, _ in self._at(vector, most, chosen)]
            rows = self._rows(positions)
            documents = [self._documents[self._ids[at]] for at in positions]
        return [_copy(documents[at]) for at in maximal_marginal_relevance(vector, rows, lambda_mult, k)]

    def _chosen(self, filter: Filter | None) -> dict[str, Document] | None:
        """Return the documents that pass, by id; ``None`` for all. The filter runs unlocked: it may use the store."""
        if filter is None:
            return None
        passes = compile_filter(filter)
        with self._lock:
            documents = self._documents.copy()
        return {id: document for id, document in documents.items() if passes(document)}

    def _at(self, vector: Sequence[float], k: int, chosen: dict[str, Document] | None) -> list[tuple[int, float]]:
        among = None
        if chosen is not None:
            # One that was replaced since is another document, which was not asked about.
            among = [at for at, id in enumerate(self._ids) if chosen.get(id) is self._documents[id]]
        if not self._ids or among == []:
            return []
        row = to_matrix([vector], self._size)[0]
        return list(self._nearest(row, min(k, len(self._ids if among is None else among)), among))

    # Making one

    @classmethod
    def _empty(cls, embedding: Embeddings | None, kwargs: dict[str, Any]) -> Self:
        refuse_unknown(cls.__name__, kwargs, ["metadatas", "ids", *get_argument_names(cls)[1:]])
        return cls(embedding, **kwargs)

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings | None = None,
        metadatas: list[dict[Any, Any]] | None = None,
        *,
        ids: Sequence[str | None] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Return a store of these texts; ``kwargs`` are those of the class."""
        store = cls._empty(embedding, kwargs)
        store.add_texts(texts, metadatas, ids=ids)
        return store

    @classmethod
    async def afrom_texts(
        cls,
        texts: list[str],
        embedding: Embeddings | None = None,
        metadatas: list[dict[Any, Any]] | None = None,
        *,
        ids: Sequence[str | None] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Return a store of these texts; ``kwargs`` are those of the class."""
        store = cls._empty(embedding, kwargs)
        await store.aadd_texts(texts, metadatas, ids=ids)
        return store


def _documents(found: Found) -> list[Document]:
    return [document for document, _ in found]


def _copy(document: Document) -> Document:
    """Return a copy, so that the caller cannot change the document in the store."""
    return document.model_copy(update={"metadata": dict(document.metadata)})
