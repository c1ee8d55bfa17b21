"""Documents: pieces of text with what is known about them, and what changes or sifts them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from prill.io import asyncio_colour

__all__ = ["BaseDocumentCompressor", "BaseDocumentTransformer", "Document"]


class Document(BaseModel):
    """A text, such as a page or a paragraph, and what is known about it.

    >>> Document("The sky is blue.", metadata={"source": "sky.txt"})
    Document(metadata={'source': 'sky.txt'}, page_content='The sky is blue.')
    """

    model_config = ConfigDict(extra="ignore", defer_build=True)  # built when first used

    id: str | None = Field(default=None, coerce_numbers_to_str=True)
    metadata: dict[Any, Any] = Field(default_factory=dict)
    page_content: str
    type: Literal["Document"] = "Document"

    def __init__(self, page_content: str | None = None, **kwargs: Any) -> None:
        if page_content is not None:
            kwargs["page_content"] = page_content
        super().__init__(**kwargs)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            if name != "type" and value is not None:
                yield name, value

    def __str__(self) -> str:
        """The text, and the metadata if there are any: what a prompt shows of a document."""
        if self.metadata:
            return f"page_content={self.page_content!r} metadata={self.metadata!r}"
        return f"page_content={self.page_content!r}"


class BaseDocumentTransformer(ABC):
    """Makes other documents of documents: splits, translates, leaves out.

    A subclass writes ``transform_documents``. The asyncio form runs it in a worker thread, unless it is written too.
    """

    @abstractmethod
    def transform_documents(self, documents: Sequence[Document], **kwargs: Any) -> Sequence[Document]:
        """The documents that are made of ``documents``, which stay as they are."""

    async def atransform_documents(self, documents: Sequence[Document], **kwargs: Any) -> Sequence[Document]:
        """The documents that are made of ``documents``, which stay as they are."""
        return await asyncio_colour().call(self.transform_documents, documents, **kwargs)


class BaseDocumentCompressor(BaseModel, ABC, defer_build=True):
    """Sifts what was found for a question: drops documents, shortens them, puts the best first.

    A subclass writes ``compress_documents``. The asyncio form runs it in a worker thread, unless it is written too.
    """

    @abstractmethod
    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Any = None
    ) -> Sequence[Document]:
        """What is left of ``documents`` for the question ``query``."""

    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Any = None
    ) -> Sequence[Document]:
        """What is left of ``documents`` for the question ``query``."""
        return await asyncio_colour().call(self.compress_documents, documents, query, callbacks)
