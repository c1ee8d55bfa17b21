"""``BaseLoader``, ``BlobLoader`` and ``BaseBlobParser``: the bases of classes that find and read documents."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from typing import Any

from prill.document_loaders.step import LoaderStep
from prill.documents import Blob, Document
from prill.io import closing, get_asyncio_mode
from prill.runnables.base import Runnable
from prill.text_splitters import RecursiveCharacterTextSplitter, TextSplitter


class BaseLoader(ABC):  # noqa: B024 - one of two methods must be defined, as lazy_load checks
    """Base of document loaders.

    A subclass defines ``lazy_load``, a generator, so that many documents need not be in memory at once; or ``load``.
    The asyncio forms run it in a worker thread, unless ``alazy_load`` is defined too. ``loader | step`` is a chain that
    starts with the documents; ``index`` and ``bulk.run`` take a loader as their source.

        >>> class Lines(BaseLoader):
        ...     def lazy_load(self):
        ...         yield from (Document(line) for line in ("one", "two"))
        >>> Lines().load()
        [Document(page_content='one'), Document(page_content='two')]
    """

    def load(self) -> list[Document]:
        """Return all documents."""
        return list(self.lazy_load())

    async def aload(self) -> list[Document]:
        """Return all documents, in asyncio."""
        return [document async for document in self.alazy_load()]

    def load_and_split(self, text_splitter: TextSplitter | None = None) -> list[Document]:
        """Return all documents, split by ``text_splitter`` (by default a ``RecursiveCharacterTextSplitter``)."""
        return (text_splitter or RecursiveCharacterTextSplitter()).split_documents(self.lazy_load())

    def lazy_load(self) -> Iterator[Document]:
        """Return the documents one by one."""
        if type(self).load is BaseLoader.load:
            raise NotImplementedError(f"{type(self).__name__} does not define lazy_load")
        return iter(self.load())

    async def alazy_load(self) -> AsyncIterator[Document]:
        """Return the documents one by one, in asyncio."""
        async with closing(get_asyncio_mode().pull(self.lazy_load)) as documents:
            async for document in documents:
                yield document

    def as_runnable(self) -> Runnable[Any, list[Document]]:
        """Return a step that loads the documents, whatever its input is; it streams them one by one."""
        plain = type(self).alazy_load is BaseLoader.alazy_load
        return LoaderStep(self.lazy_load, None if plain else self.alazy_load, type(self).__name__)

    def __or__(self, other: Any) -> Runnable[Any, Any]:
        chain: Runnable[Any, Any] = self.as_runnable() | other
        return chain


class BaseBlobParser(ABC):
    """Base of what turns raw data into documents. A subclass defines ``lazy_parse``."""

    @abstractmethod
    def lazy_parse(self, blob: Blob) -> Iterator[Document]:
        """Return the documents in ``blob`` one by one."""

    def parse(self, blob: Blob) -> list[Document]:
        """Return all documents in ``blob``."""
        return list(self.lazy_parse(blob))


class BlobLoader(ABC):
    """Base of what finds raw data. A subclass defines ``yield_blobs``."""

    @abstractmethod
    def yield_blobs(self) -> Iterator[Blob]:
        """Return the blobs one by one."""
