"""Embeddings to test with."""

from __future__ import annotations

import hashlib
import random

from pydantic import BaseModel, Field

from prill.embeddings.base import Embeddings


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
