"""``DocumentIndex``: a retriever that documents can be written to."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from typing_extensions import TypedDict

from prill.documents import Document
from prill.io import get_asyncio_mode
from prill.retrievers.base import BaseRetriever


class UpsertResponse(TypedDict):
    """The ids that were written, and those that failed."""

    succeeded: list[str]
    failed: list[str]


class DeleteResponse(TypedDict, total=False):
    """The result of a deletion; an index reports as much as it knows."""

    num_deleted: int
    succeeded: Sequence[str]
    failed: Sequence[str]
    num_failed: int


class DocumentIndex(BaseRetriever):
    """Base of indexes that keep documents by id and find them by a question.

    A subclass defines ``upsert``, ``delete``, ``get`` and ``_get_relevant_documents``. The asyncio forms run them in a
    worker thread, unless it defines them too.
    """

    @abstractmethod
    def upsert(self, items: Sequence[Document], /, **kwargs: Any) -> UpsertResponse:
        """Write documents; one whose id is there replaces the old one."""

    @abstractmethod
    def delete(self, ids: list[str] | None = None, **kwargs: Any) -> DeleteResponse:
        """Delete documents."""

    @abstractmethod
    def get(self, ids: Sequence[str], /, **kwargs: Any) -> list[Document]:
        """Return the documents with these ids; an id that is not there is passed over."""

    async def aupsert(self, items: Sequence[Document], /, **kwargs: Any) -> UpsertResponse:
        """Write documents; one whose id is there replaces the old one."""
        return await get_asyncio_mode().call(self.upsert, items, **kwargs)

    async def adelete(self, ids: list[str] | None = None, **kwargs: Any) -> DeleteResponse:
        """Delete documents."""
        return await get_asyncio_mode().call(self.delete, ids, **kwargs)

    async def aget(self, ids: Sequence[str], /, **kwargs: Any) -> list[Document]:
        """Return the documents with these ids; an id that is not there is passed over."""
        return await get_asyncio_mode().call(self.get, ids, **kwargs)
