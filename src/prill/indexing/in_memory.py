"""``InMemoryDocumentIndex``: documents in a dictionary, found by counting words."""

from __future__ import annotations

import operator
import uuid
from collections.abc import Sequence
from typing import Any

from pydantic import Field

from prill.documents import Document
from prill.errors import ConfigError
from prill.indexing.document_index import DeleteResponse, DocumentIndex, UpsertResponse


class InMemoryDocumentIndex(DocumentIndex):
    """Keeps documents in memory, for tests and as an example of a ``DocumentIndex``.

    As a retriever it returns the ``top_k`` documents in which the question's text stands most often.
    """

    store: dict[str, Document] = Field(default_factory=dict)
    top_k: int = 4

    def upsert(self, items: Sequence[Document], /, **kwargs: Any) -> UpsertResponse:
        """Write documents; one without an id is given one."""
        named = [each if each.id else each.model_copy(update={"id": str(uuid.uuid4())}) for each in items]
        ids = [str(each.id) for each in named]
        self.store.update(zip(ids, named, strict=True))
        return UpsertResponse(succeeded=ids, failed=[])

    async def aupsert(self, items: Sequence[Document], /, **kwargs: Any) -> UpsertResponse:
        """Write documents; one without an id is given one."""
        return self.upsert(items, **kwargs)

    def delete(self, ids: list[str] | None = None, **kwargs: Any) -> DeleteResponse:
        """Delete documents; an id that is not there is passed over."""
        if ids is None:
            raise ConfigError("delete needs the ids of the documents to delete")
        deleted = [id for id in ids if self.store.pop(id, None) is not None]
        return DeleteResponse(succeeded=deleted, num_deleted=len(deleted), num_failed=0, failed=[])

    async def adelete(self, ids: list[str] | None = None, **kwargs: Any) -> DeleteResponse:
        """Delete documents; an id that is not there is passed over."""
        return self.delete(ids, **kwargs)

    def get(self, ids: Sequence[str], /, **kwargs: Any) -> list[Document]:
        """Return the documents with these ids; an id that is not there is passed over."""
        return [self.store[id] for id in ids if id in self.store]

    async def aget(self, ids: Sequence[str], /, **kwargs: Any) -> list[Document]:
        """Return the documents with these ids; an id that is not there is passed over."""
        return self.get(ids, **kwargs)

    def _get_relevant_documents(self, query: str, **kwargs: Any) -> list[Document]:
        counted = [(each.page_content.count(query), each) for each in self.store.values()]
        counted.sort(key=operator.itemgetter(0), reverse=True)
        return [each for _, each in counted[: self.top_k]]
