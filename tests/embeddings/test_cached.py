"""Embeddings that ask once."""

from __future__ import annotations

import asyncio

import pytest

from prill.embeddings import CacheBackedEmbeddings, DeterministicFakeEmbedding, Embeddings
from prill.errors import ConfigError
from prill.stores import InMemoryByteStore, SQLiteByteStore


class Counted(Embeddings):
    model = "counted"

    def __init__(self, fails_at=None):
        self.asked, self.fails_at = [], fails_at

    def embed_documents(self, texts):
        self.asked.append(list(texts))
        if self.fails_at in texts:
            raise TimeoutError(self.fails_at)
        return [[float(len(text)), 0.1] for text in texts]

    def embed_query(self, text):
        self.asked.append(text)
        return [float(len(text)), 0.2]


@pytest.mark.parametrize("colour", ["blocking", "asyncio"])
def test_each_text_is_asked_for_once(colour):
    model, store = Counted(), InMemoryByteStore()
    embeddings = CacheBackedEmbeddings.from_bytes_store(model, store)

    def embed(texts):
        if colour == "blocking":
            return embeddings.embed_documents(texts)
        return asyncio.run(embeddings.aembed_documents(texts))

    assert embed(["a", "bb", "a"]) == [[1.0, 0.1], [2.0, 0.1], [1.0, 0.1]]
    assert embed(["bb", "ccc"]) == [[2.0, 0.1], [3.0, 0.1]]
    assert embed([]) == []
    assert model.asked == [["a", "bb"], ["ccc"]]


def test_what_was_paid_for_before_an_error_is_kept():
    model = Counted(fails_at="d")
    embeddings = CacheBackedEmbeddings.from_bytes_store(model, InMemoryByteStore(), batch_size=2)
    with pytest.raises(TimeoutError):
        embeddings.embed_documents(list("abcde"))
    model.fails_at = None
    embeddings.embed_documents(list("abcde"))
    assert model.asked == [["a", "b"], ["c", "d"], ["c", "d"], ["e"]]


def test_questions_are_kept_where_they_are_to_be_and_apart_from_documents():
    model, store = Counted(), InMemoryByteStore()
    plain = CacheBackedEmbeddings.from_bytes_store(model, store)
    plain.embed_query("a")
    assert list(store.yield_keys()) == []
    kept = CacheBackedEmbeddings.from_bytes_store(model, store, query_embedding_cache=True)
    assert kept.embed_query("a") == kept.embed_query("a") == [1.0, 0.2]
    assert asyncio.run(kept.aembed_query("a")) == [1.0, 0.2]
    assert kept.embed_documents(["a"]) == [[1.0, 0.1]]
    assert model.asked == ["a", "a", ["a"]]


def test_models_do_not_share_vectors():
    store = InMemoryByteStore()
    for size in (2, 3):
        embeddings = CacheBackedEmbeddings.from_bytes_store(DeterministicFakeEmbedding(size=size), store)
        assert len(embeddings.embed_documents(["a"])[0]) == size
    one = CacheBackedEmbeddings.from_bytes_store(Counted(), store, namespace="one")
    one.embed_documents(["a"])
    assert sorted(key.split(":")[0] for key in store.yield_keys()) == [
        "DeterministicFakeEmbedding size=2",
        "DeterministicFakeEmbedding size=3",
        "one",
    ]


def test_vectors_outlive_the_program_to_the_last_digit(tmp_path):
    model = DeterministicFakeEmbedding(size=7)
    first = CacheBackedEmbeddings.from_bytes_store(model, SQLiteByteStore(tmp_path / "vectors.db"))
    vectors = first.embed_documents(["a", "b"])
    again = CacheBackedEmbeddings.from_bytes_store(model, SQLiteByteStore(tmp_path / "vectors.db"))
    assert again.embed_documents(["b", "a"]) == vectors[::-1] == model.embed_documents(["b", "a"])


@pytest.mark.parametrize("answer", [None, [], [[1.0]], [[1.0], [2.0], [3.0]]])
def test_another_number_of_vectors_than_texts_is_refused_and_not_kept(answer):
    class Odd(Embeddings):
        def embed_documents(self, texts):
            return answer

        def embed_query(self, text):
            return [1.0]

    store = InMemoryByteStore()
    embeddings = CacheBackedEmbeddings.from_bytes_store(Odd(), store, namespace="n")
    with pytest.raises(ConfigError, match="for 2 texts"):
        embeddings.embed_documents(["a", "b"])
    assert list(store.yield_keys()) == []


def test_a_damaged_entry_is_told_of():
    store = InMemoryByteStore()
    embeddings = CacheBackedEmbeddings(Counted(), store, key_encoder=lambda text: text)
    store.mset([("a", b"123")])
    with pytest.raises(ConfigError, match="'a' of the embeddings' store is damaged"):
        embeddings.embed_documents(["a"])
    with pytest.raises(ConfigError, match="batch_size"):
        CacheBackedEmbeddings(Counted(), store, batch_size=0)
