"""``BaseDocumentTransformer``: the base of classes that make documents out of documents."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

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
