"""Vector stores: texts found by what they mean.

``InMemoryVectorStore`` needs ``runlet[retrieval]``, ``FAISS`` needs ``runlet[faiss]``; your own is a subclass of
``VectorStore``.
"""

from runlet.vectorstores.base import VST, VectorStore
from runlet.vectorstores.faiss import FAISS
from runlet.vectorstores.in_memory import InMemoryVectorStore
from runlet.vectorstores.retriever import VectorStoreRetriever

__all__ = ["FAISS", "VST", "InMemoryVectorStore", "VectorStore", "VectorStoreRetriever"]
