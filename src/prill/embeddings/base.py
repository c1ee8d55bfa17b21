"""``Embeddings``: texts in, vectors out; and the simplest ones, to test with."""

from __future__ import annotations

import hashlib
import random
from abc import ABC, abstractmethod

from pydantic import BaseModel, Field

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


class FakeEmbeddings(Embeddings, BaseModel):
    """Random vectors of ``size`` numbers, other ones each time."""

    size: int = Field(gt=0)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return _vector(random.Random(), self.size)


class DeterministicFakeEmbedding(Embeddings, BaseModel):
    """Random vectors of ``size`` numbers, the same for the same text, in every process."""

    size: int = Field(gt=0)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return _vector(random.Random(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()), self.size)


def _vector(source: random.Random, size: int) -> list[float]:
    return [source.gauss(0.0, 1.0) for _ in range(size)]
