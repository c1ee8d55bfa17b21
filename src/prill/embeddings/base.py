"""``Embeddings``: texts in, vectors out."""

from __future__ import annotations

from abc import ABC, abstractmethod

from prill.io import get_asyncio_mode


class Embeddings(ABC):
    """A model that makes vectors of texts: near texts, near vectors.

    A subclass writes ``embed_documents`` and ``embed_query``. The asyncio forms run them in a worker thread, unless
    it writes them too.
    """

    @abstractmethod
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return the vector of each text, in order."""

    @abstractmethod
    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a text that is searched for."""

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return the vector of each text, in order."""
        return await get_asyncio_mode().call(self.embed_documents, texts)

    async def aembed_query(self, text: str) -> list[float]:
        """Return the vector of a text that is searched for."""
        return await get_asyncio_mode().call(self.embed_query, text)
