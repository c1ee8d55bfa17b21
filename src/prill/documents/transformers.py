"""The bases of classes that make documents out of documents, and of those that select and shorten them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from prill.documents.base import Document
from prill.io import get_asyncio_mode


class BaseDocumentTransformer(ABC):
    """Base of classes that make documents out of documents: splitters, translators, filters.

    A subclass defines ``transform_documents``. The asyncio form runs it in a worker thread, unless it is defined too.
    """

    @abstractmethod
    def transform_documents(self, documents: Sequence[Document], **kwargs: Any) -> Sequence[Document]:
        """Return new documents made out of ``documents``, which are not changed."""

    async def atransform_documents(self, documents: Sequence[Document], **kwargs: Any) -> Sequence[Document]:
        """Return new documents made out of ``documents``, which are not changed."""
        return await get_asyncio_mode().call(self.transform_documents, documents, **kwargs)


class BaseDocumentCompressor(BaseModel, ABC, defer_build=True):
    """Base of classes that drop, shorten or reorder retrieved documents.

    A subclass defines ``compress_documents``. The asyncio form runs it in a worker thread, unless it is defined too.
    """

    @abstractmethod
    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Any = None
    ) -> Sequence[Document]:
        """Return the documents that remain for the question ``query``."""

    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Any = None
    ) -> Sequence[Document]:
        """Return the documents that remain for the question ``query``."""
        return await get_asyncio_mode().call(self.compress_documents, documents, query, callbacks)
