"""The in-memory store: its files, and the peer's."""

from __future__ import annotations

import pytest

from prill.documents import Document
from prill.embeddings import DeterministicFakeEmbedding
from prill.errors import ConfigError
from prill.vectorstores import InMemoryVectorStore


def test_a_dumped_store_is_the_same_when_loaded(numbers, tmp_path):
    store = InMemoryVectorStore.from_texts(["1 0", "0.1 1"], numbers, [{"x": 1}, {}], ids=["a", "b"])
    store.dump(tmp_path / "store.json")
    loaded = InMemoryVectorStore.load(tmp_path / "store.json", numbers)
    assert loaded.store == store.store
    assert loaded.similarity_search_with_score("1 1") == store.similarity_search_with_score("1 1")


def test_a_dump_of_the_peer_can_be_loaded(tmp_path):
    from langchain_core.embeddings import DeterministicFakeEmbedding as TheirEmbedding
    from langchain_core.vectorstores import InMemoryVectorStore as Theirs

    theirs = Theirs.from_texts(["a", "b"], TheirEmbedding(size=4), [{"x": 1}, {}], ids=["1", "2"])
    theirs.dump(str(tmp_path / "theirs.json"))
    loaded = InMemoryVectorStore.load(tmp_path / "theirs.json", TheirEmbedding(size=4))
    own = [(document.id, document.metadata, score) for document, score in loaded.similarity_search_with_score("a")]
    peer = [(document.id, document.metadata, score) for document, score in theirs.similarity_search_with_score("a")]
    assert [each[:2] for each in own] == [each[:2] for each in peer]
    assert [each[2] for each in own] == pytest.approx([each[2] for each in peer], abs=1e-5)


@pytest.mark.parametrize("data", ["", "{", "[1]", '{"a": {}}', '{"a": {"id": "a", "text": "t", "vector": "x"}}'])
def test_a_damaged_file_is_an_error_that_names_it(numbers, tmp_path, data):
    path = tmp_path / "store.json"
    path.write_text(data)
    with pytest.raises(ConfigError, match=r"store\.json"):
        InMemoryVectorStore.load(path, numbers)
    with pytest.raises(ConfigError, match=r"other\.json"):
        InMemoryVectorStore.load(tmp_path / "other.json", numbers)


def test_many_small_additions_are_all_found():
    store = InMemoryVectorStore(DeterministicFakeEmbedding(size=4))
    for number in range(70):
        store.add_documents([Document(str(number), id=str(number))])
    assert [store.similarity_search(str(number), k=1)[0].id for number in range(70)] == [str(n) for n in range(70)]


def test_a_vector_of_zeros_is_like_nothing(numbers):
    store = InMemoryVectorStore.from_texts(["0 0", "1 0"], numbers)
    assert [score for _, score in store.similarity_search_with_score("1 0")] == [1.0, 0.0]
    assert [score for _, score in store.similarity_search_with_score("0 0")] == [0.0, 0.0]


def test_half_a_character_is_kept_as_it_is(tmp_path):
    """A lone surrogate, as some texts from the network have."""
    store = InMemoryVectorStore.from_texts(["half \ud800"], DeterministicFakeEmbedding(size=3), [{"a": "\udc00"}])
    store.dump(tmp_path / "kept.json")
    loaded = InMemoryVectorStore.load(tmp_path / "kept.json", store.embeddings)
    assert loaded.similarity_search("half \ud800") == store.similarity_search("half \ud800")


def test_a_file_of_deep_nesting_is_damaged(numbers, tmp_path):
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(ConfigError, match=r"deep\.json' is damaged.*nested too deeply"):
        InMemoryVectorStore.load(tmp_path / "deep.json", numbers)


def test_vectors_are_kept_and_dumped_as_they_were_given(tmp_path):
    class Exact(DeterministicFakeEmbedding):
        def embed_documents(self, texts):
            return [[0.1843452704556482, 1.0] for _ in texts]

    store = InMemoryVectorStore.from_texts(["a"], Exact(size=2), ids=["1"])
    assert store.store["1"]["vector"] == [0.1843452704556482, 1.0]
    store.dump(tmp_path / "store.json")
    assert InMemoryVectorStore.load(tmp_path / "store.json", Exact(size=2)).store == store.store
