"""Vector stores: texts found by what they mean.

``InMemoryVectorStore`` needs ``prill[retrieval]``, ``FAISS`` needs ``prill[faiss]``; your own is a subclass of
``VectorStore``.
"""

from prill.vectorstores.base import VST, VectorStore
from prill.vectorstores.faiss import FAISS
from prill.vectorstores.in_memory import InMemoryVectorStore
from prill.vectorstores.retriever import VectorStoreRetriever

__all__ = ["FAISS", "VST", "InMemoryVectorStore", "VectorStore", "VectorStoreRetriever"]
