"""``VectorStore``: what a user's own store gets from it."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from prill.documents import Document
from prill.embeddings import FakeEmbeddings
from prill.testing import check_runnable
from prill.vectorstores import FAISS, InMemoryVectorStore, VectorStore


class Letters(VectorStore):
    """Finds the texts that share most letters."""

    def __init__(self):
        self.kept = []

    @classmethod
    def from_texts(cls, texts, embedding, metadatas=None, *, ids=None, **kwargs):
        store = cls()
        store.add_texts(texts, metadatas, ids=ids)
        return store

    def add_texts(self, texts, metadatas=None, *, ids=None, **kwargs):
        self.kept += [Document(text, id=ids[at] if ids else text) for at, text in enumerate(texts)]
        return [document.id for document in self.kept]

    def similarity_search(self, query, k=4, **kwargs):
        return sorted(self.kept, key=lambda kept: -len({*kept.page_content} & {*query}))[:k]


class Documents(Letters):
    add_texts = VectorStore.add_texts

    def add_documents(self, documents, **kwargs):
        self.kept += documents
        return [document.id for document in documents]


def test_an_own_store_has_the_asyncio_forms():
    async def ask():
        store = await Letters.afrom_documents([Document("abc", id="1"), Document("xyz")], FakeEmbeddings(size=1))
        await store.aadd_texts(["abx"])
        return await store.asimilarity_search("ab", k=2), await store.as_retriever().ainvoke("xyz", k=1)

    found, retrieved = asyncio.run(ask())
    assert [document.page_content for document in found] == ["abc", "abx"]
    assert [document.page_content for document in retrieved] == ["xyz"]


def test_texts_and_documents_fall_back_on_each_other():
    store = Documents()
    assert store.add_texts(["a", "b"], [{"x": 1}, {}], ids=["1", "2"]) == ["1", "2"]
    assert store.kept == [Document("a", id="1", metadata={"x": 1}), Document("b", id="2")]
    assert Letters().add_documents([Document("a", id="1")]) == ["1"]

    class Neither(Letters):
        add_texts = VectorStore.add_texts

    for add in (lambda: Neither().add_texts(["a"]), lambda: Neither().add_documents([Document("a")])):
        with pytest.raises(NotImplementedError, match="Neither has no add"):
            add()


@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.delete(["a"]),
        lambda store: store.get_by_ids(["a"]),
        lambda store: store.similarity_search_with_score("a"),
        lambda store: store.similarity_search_by_vector([1.0]),
        lambda store: store.similarity_search_with_relevance_scores("a"),
        lambda store: store.max_marginal_relevance_search("a"),
        lambda store: store.max_marginal_relevance_search_by_vector([1.0]),
    ],
)
def test_what_a_store_lacks_it_says(call):
    with pytest.raises(NotImplementedError, match="Letters has no "):
        call(Letters())


def test_a_missing_package_is_an_error_that_names_the_extra():
    code = """
import sys
sys.modules["faiss"] = sys.modules["numpy"] = None
from prill.embeddings import FakeEmbeddings
from prill.errors import MissingDependencyError
from prill.vectorstores import FAISS, InMemoryVectorStore
for kind in (FAISS, InMemoryVectorStore):
    try:
        kind.from_texts(["a"], FakeEmbeddings(size=2))
    except MissingDependencyError as error:
        print(error)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "prill[faiss]" in said
    assert "prill[retrieval]" in said


def test_retrievers_keep_the_promises_of_runnables(kind, numbers):
    store = kind.from_texts(["1 0", "0 1"], numbers, ids=["a", "b"])
    expected = [Document("1 0", id="a")]
    check_runnable(store.as_retriever(search_kwargs={"k": 1}), "1 0", expected=expected)
    check_runnable(store.as_retriever(search_type="mmr", search_kwargs={"k": 1}), "1 0", expected=expected)


def test_both_stores_are_vector_stores():
    assert issubclass(FAISS, VectorStore)
    assert issubclass(InMemoryVectorStore, VectorStore)
