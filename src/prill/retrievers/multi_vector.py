"""Retrievers that search small pieces and return what these are a part of."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any, Self

from pydantic import Field, model_validator

from prill.callbacks.run import Run
from prill.documents import Document
from prill.errors import ConfigError
from prill.io import BLOCKING, ExecutionMode, drive, get_asyncio_mode
from prill.retrievers.base import ComposedRetriever
from prill.stores import BaseStore, ByteStore


class MultiVectorRetriever(ComposedRetriever):
    """Searches a vector store, and returns the documents of ``docstore`` that the found pieces belong to.

    A piece names its document in its metadata, under ``id_key``. The pieces may be anything that leads to the document:
    its parts, a summary, questions that it answers.

        >>> retriever = MultiVectorRetriever(vectorstore=store, docstore=InMemoryStore())  # doctest: +SKIP
        >>> store.add_documents([Document("A summary.", metadata={"doc_id": "1"})])  # doctest: +SKIP
        >>> retriever.docstore.mset([("1", whole)])  # doctest: +SKIP

    Args:
        vectorstore: has the pieces.
        docstore: has the documents, by id, such as an ``InMemoryStore``.
        byte_store: what to keep the documents in as JSON, in place of ``docstore``: one that lasts.
        id_key: the key of a piece's metadata.
        search_type: ``similarity``, ``mmr`` or ``similarity_score_threshold``.
        search_kwargs: goes to the search: ``k`` counts pieces, of which several may be of one document.
    """

    vectorstore: Any
    docstore: Any = None
    byte_store: Any = None
    id_key: str = "doc_id"
    search_type: str = "similarity"
    search_kwargs: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _make_docstore(self) -> Self:
        if self.docstore is None:
            if self.byte_store is None:
                raise ValueError(f"a {type(self).__name__} needs a docstore or a byte_store")
            self.docstore = _DocumentStore(self.byte_store)
        return self

    async def _find(self, query: str, run: Run) -> list[Document]:
        kind = getattr(self.search_type, "value", self.search_type)
        if run.io.blocking:
            pieces = self.vectorstore.search(query, kind, **self.search_kwargs)
        else:
            pieces = await self.vectorstore.asearch(query, kind, **self.search_kwargs)
        ids = list(dict.fromkeys(each.metadata[self.id_key] for each in pieces if self.id_key in each.metadata))
        found = self.docstore.mget(ids) if run.io.blocking else await self.docstore.amget(ids)
        return [document for document in found if document is not None]


class ParentDocumentRetriever(MultiVectorRetriever):
    """Splits documents into small pieces, searches these, and returns the documents that the found ones are a part of.

        >>> retriever = ParentDocumentRetriever(
        ...     vectorstore=store,
        ...     docstore=InMemoryStore(),
        ...     child_splitter=RecursiveCharacterTextSplitter(chunk_size=200, chunk_overlap=0),
        ...     parent_splitter=RecursiveCharacterTextSplitter(chunk_size=2000, chunk_overlap=0),
        ... )  # doctest: +SKIP
        >>> retriever.add_documents(documents)  # doctest: +SKIP

    Small pieces have sharp vectors; whole documents have what a model needs to answer.

    Args:
        child_splitter: makes the pieces.
        parent_splitter: splits a document first, into the parts that are returned; left out, it is returned whole.
        child_metadata_fields: the keys of the metadata that a piece keeps; left out, all.
    """

    child_splitter: Any
    parent_splitter: Any = None
    child_metadata_fields: Sequence[str] | None = None

    def add_documents(
        self, documents: list[Document], ids: list[str] | None = None, add_to_docstore: bool = True, **kwargs: Any
    ) -> None:
        """Split documents, and keep the pieces and the documents.

        Args:
            documents: what is to be found.
            ids: one for each document, or for each part that ``parent_splitter`` makes; left out, new ones.
            add_to_docstore: whether the documents are kept, too; ``False`` where they are there, under ``ids``.
            kwargs: goes to the vector store.

        Raises:
            ConfigError: there are more or fewer ids than documents, or none for documents that are not kept.
        """
        drive(self._add(BLOCKING, documents, ids, add_to_docstore, kwargs))

    async def aadd_documents(
        self, documents: list[Document], ids: list[str] | None = None, add_to_docstore: bool = True, **kwargs: Any
    ) -> None:
        """Split documents, and keep the pieces and the documents; see ``add_documents``."""
        await self._add(get_asyncio_mode(), documents, ids, add_to_docstore, kwargs)

    async def _add(
        self, io: ExecutionMode, documents: list[Document], ids: list[str] | None, keep: bool, kwargs: dict[str, Any]
    ) -> None:
        if self.parent_splitter is not None:
            documents = self.parent_splitter.split_documents(documents)
        pairs = _named(documents, ids, keep)
        pieces = [piece for id, document in pairs for piece in self._split(id, document)]
        if io.blocking:
            self.vectorstore.add_documents(pieces, **kwargs)
        else:
            await self.vectorstore.aadd_documents(pieces, **kwargs)
        if keep and io.blocking:
            self.docstore.mset(pairs)
        elif keep:
            await self.docstore.amset(pairs)

    def _split(self, id: str, document: Document) -> list[Document]:
        kept = self.child_metadata_fields
        pieces: list[Document] = self.child_splitter.split_documents([document])
        for piece in pieces:
            known = (
                piece.metadata if kept is None else {key: piece.metadata[key] for key in kept if key in piece.metadata}
            )
            piece.metadata = {**known, self.id_key: id}
        return pieces


def _named(documents: list[Document], ids: list[str] | None, keep: bool) -> list[tuple[str, Document]]:
    if ids is None:
        if not keep:
            raise ConfigError("add_to_docstore=False needs ids: those under which the documents are in the docstore")
        ids = [str(uuid.uuid4()) for _ in documents]
    if len(ids) != len(documents):
        raise ConfigError(f"there are {len(documents)} documents to keep, but {len(ids)} ids")
    return list(zip(ids, documents, strict=True))


class _DocumentStore(BaseStore[str, Document]):
    """Documents in a store of bytes, as JSON."""

    def __init__(self, store: ByteStore) -> None:
        self._store = store

    def mget(self, keys: Sequence[str]) -> list[Document | None]:
        return [None if data is None else Document.model_validate_json(data) for data in self._store.mget(keys)]

    def mset(self, key_value_pairs: Sequence[tuple[str, Document]]) -> None:
        self._store.mset([(key, document.model_dump_json().encode()) for key, document in key_value_pairs])

    def mdelete(self, keys: Sequence[str]) -> None:
        self._store.mdelete(keys)

    def yield_keys(self, *, prefix: str | None = None) -> Iterator[str]:
        return self._store.yield_keys(prefix=prefix)
