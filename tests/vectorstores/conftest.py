"""Stores of both kinds, and embeddings that make vectors of a text's own numbers."""

from __future__ import annotations

import pytest
from tests.helpers import require

from prill.embeddings import Embeddings
from prill.vectorstores import FAISS, InMemoryVectorStore

require("numpy")


class Numbers(Embeddings):
    """The vector of "1 2 3" is [1.0, 2.0, 3.0]."""

    def __init__(self):
        self.asked = []

    def embed_documents(self, texts):
        self.asked.append(("plain", len(texts)))
        return [[float(number) for number in text.split()] for text in texts]

    def embed_query(self, text):
        return [float(number) for number in text.split()]

    async def aembed_documents(self, texts):
        self.asked.append(("asyncio", len(texts)))
        return [self.embed_query(text) for text in texts]

    async def aembed_query(self, text):
        return self.embed_query(text)


@pytest.fixture
def numbers():
    return Numbers()


@pytest.fixture(params=["InMemoryVectorStore", "FAISS"])
def kind(request):
    if request.param == "InMemoryVectorStore":
        return InMemoryVectorStore
    require("faiss")
    return FAISS
