"""``BaseDocumentCompressor``: the base of classes that select and shorten retrieved documents."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from prill.documents.base import Document
from prill.io import get_asyncio_mode


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
