"""Embeddings: texts in, vectors out. ``LocalEmbeddings`` needs no network, ``CacheBackedEmbeddings`` asks once."""

from prill.embeddings.cached import CacheBackedEmbeddings
from prill.embeddings.base import Embeddings, DeterministicFakeEmbedding, FakeEmbeddings
from prill.embeddings.local import LocalEmbeddings

__all__ = ["CacheBackedEmbeddings", "DeterministicFakeEmbedding", "Embeddings", "FakeEmbeddings", "LocalEmbeddings"]
