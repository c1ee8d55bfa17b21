"""Embeddings: texts in, vectors out. ``LocalEmbeddings`` needs no network, ``CacheBackedEmbeddings`` asks once."""

from runlet.embeddings.base import Embeddings
from runlet.embeddings.cached import CacheBackedEmbeddings
from runlet.embeddings.fake import DeterministicFakeEmbedding, FakeEmbeddings
from runlet.embeddings.local import LocalEmbeddings

__all__ = ["CacheBackedEmbeddings", "DeterministicFakeEmbedding", "Embeddings", "FakeEmbeddings", "LocalEmbeddings"]
