"""What both stores do: add, find, filter, forget, in both colours and from many threads."""

from __future__ import annotations

import asyncio
import functools
import math
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prill.documents import Document
from prill.embeddings import DeterministicFakeEmbedding, Embeddings, FakeEmbeddings
from prill.errors import ConfigError
from prill.vectorstores import FAISS, InMemoryVectorStore

TEXTS = ["1 0", "0 1", "0.9 0.1", "-1 0"]


def contents(documents):
    return [document.page_content for document in documents]


def test_the_nearest_documents_come_first(kind, numbers):
    store = kind.from_texts(TEXTS, numbers)
    assert contents(store.similarity_search("1 0.01", k=2)) == ["1 0", "0.9 0.1"]
    assert contents(store.similarity_search_by_vector([0.0, 1.0], k=1)) == ["0 1"]
    assert len(store.similarity_search("1 0")) == 4
    assert len(store.similarity_search("1 0", k=99)) == 4


def test_both_colours_find_the_same(kind, numbers):
    async def ask():
        store = await kind.afrom_texts(TEXTS, numbers, ids=list("abcd"))
        await store.aadd_documents([Document("5 5", id="e")])
        await store.adelete(["d"])
        return [
            await store.asimilarity_search("1 0", k=2),
            await store.asimilarity_search_with_score("1 0", k=2),
            await store.asimilarity_search_by_vector([1.0, 0.0], k=2),
            await store.amax_marginal_relevance_search("1 0", k=2),
            await store.asearch("1 0", "mmr", k=2),
            await store.asimilarity_search_with_relevance_scores("1 0", k=2),
            await store.amax_marginal_relevance_search_by_vector([1.0, 0.0], k=2),
            await store.aget_by_ids(["e", "d"]),
        ]

    store = kind.from_texts(TEXTS, numbers, ids=list("abcd"))
    store.add_documents([Document("5 5", id="e")])
    store.delete(["d"])
    assert asyncio.run(ask()) == [
        store.similarity_search("1 0", k=2),
        store.similarity_search_with_score("1 0", k=2),
        store.similarity_search_by_vector([1.0, 0.0], k=2),
        store.max_marginal_relevance_search("1 0", k=2),
        store.search("1 0", "mmr", k=2),
        store.similarity_search_with_relevance_scores("1 0", k=2),
        store.max_marginal_relevance_search_by_vector([1.0, 0.0], k=2),
        store.get_by_ids(["e", "d"]),
    ]
    assert ("asyncio", 4) in numbers.asked
    assert ("plain", 4) in numbers.asked


vectors = st.lists(st.lists(st.integers(-9, 9), min_size=3, max_size=3), min_size=1, max_size=30)


@pytest.mark.parametrize("store_of", [InMemoryVectorStore, FAISS])
@settings(max_examples=40)
@given(rows=vectors, query=st.lists(st.integers(-9, 9), min_size=3, max_size=3), k=st.integers(1, 8), data=st.data())
def test_a_search_finds_what_comparing_with_each_finds(store_of, rows, query, k, data):
    """Exact, also after some were deleted and with a filter."""
    ids = [str(at) for at in range(len(rows))]
    store = store_of(FakeEmbeddings(size=3))
    store._keep([Document(id, id=id, metadata={"odd": int(id) % 2}) for id in ids], rows)
    gone = set(data.draw(st.lists(st.sampled_from(ids), max_size=5)))
    store.delete(list(gone))
    odd = data.draw(st.booleans())
    left = [at for at in range(len(rows)) if str(at) not in gone and (not odd or at % 2)]
    filter = {"odd": 1} if odd else None

    found = store.similarity_search_with_score_by_vector(query, k=k, filter=filter)

    table = np.array(rows, dtype=np.float64)
    if store_of is FAISS:
        scores = ((table - query) ** 2).sum(1)
        best = sorted(scores[left])[:k]
    else:
        lengths = np.linalg.norm(table, axis=1) * np.linalg.norm(query)
        scores = np.divide(table @ query, lengths, out=np.zeros(len(rows)), where=lengths > 0)
        best = sorted(scores[left], reverse=True)[:k]
    assert np.allclose([score for _, score in found], best, atol=1e-5)
    assert len({document.id for document, _ in found}) == len(found)
    assert all(np.isclose(scores[int(document.id)], score, atol=1e-5) for document, score in found)


def test_an_empty_store_finds_nothing(kind, numbers):
    store = kind(numbers)
    assert store.similarity_search("1 0") == []
    assert store.max_marginal_relevance_search("1 0") == []
    assert store.get_by_ids(["a"]) == []
    assert store.add_texts([]) == []
    store.delete(["a"])
    assert len(store) == 0


def test_ids_are_made_where_none_are_given(kind, numbers):
    store = kind(numbers)
    first, second, third = store.add_documents([Document("1 0"), Document("0 1", id="mine"), Document("1 1")])
    assert second == "mine"
    assert first != third
    assert contents(store.get_by_ids([third, first, "unknown"])) == ["1 1", "1 0"]
    assert store.similarity_search("0 1", k=1)[0].id == "mine"


def test_a_document_with_a_known_id_takes_the_place_of_the_old_one(kind, numbers):
    store = kind.from_texts(["1 0", "0 1"], numbers, ids=["a", "b"])
    store.add_texts(["-1 0"], [{"new": True}], ids=["a"])
    assert len(store) == 2
    assert store.similarity_search("-1 0", k=1) == [Document("-1 0", id="a", metadata={"new": True})]
    assert contents(store.similarity_search("1 0", k=2)) == ["0 1", "-1 0"]


def test_what_is_deleted_is_not_found(kind, numbers):
    store = kind.from_texts(TEXTS, numbers, ids=list("abcd"))
    assert store.delete(["a", "unknown"]) is True
    assert contents(store.similarity_search("1 0", k=1)) == ["0.9 0.1"]
    with pytest.raises(ConfigError, match="ids"):
        store.delete()


def metadata_of(given):
    """The metadata of what a filter is given: of ``FAISS`` that is the metadata, of others the document."""
    return given if isinstance(given, dict) else given.metadata


def test_a_function_as_a_filter_is_given_what_langchain_gives_it(kind, numbers):
    store = kind.from_texts(["1 0", "0 1"], numbers, [{"n": 1}, {"n": 2}], ids=["a", "b"])
    whole = [] if kind is FAISS else store.get_by_ids(["a", "b"])
    seen = []

    def note(given):
        seen.append(given)
        return True

    for filter in (note, {"$and": [note]}, {"$not": note}):
        seen.clear()
        store.similarity_search("1 0", filter=filter)
        assert seen == (whole or [{"n": 1}, {"n": 2}])


def test_filters_never_cost_documents(kind, numbers):
    """The ones that pass are found, however many nearer ones do not."""
    texts = [f"{number} 0" for number in range(1, 60)]
    store = kind.from_texts(texts, numbers, [{"at": at} for at in range(59)])
    late = store.similarity_search("1 0", k=3, filter={"at": {"$gte": 56}})
    assert sorted(contents(late)) == ["57 0", "58 0", "59 0"]
    found = store.similarity_search("1 0", k=9, filter=lambda given: metadata_of(given)["at"] == 58)
    assert contents(found) == ["59 0"]
    assert store.similarity_search("1 0", filter={"at": -1}) == []
    assert len(store.max_marginal_relevance_search("1 0", k=2, filter={"at": [3, 4, 5]})) == 2


def test_marginal_relevance_leaves_out_what_is_alike(kind, numbers):
    store = kind.from_texts(["1 0", "0.99 0.01", "0.5 0.5"], numbers)
    assert "0.5 0.5" not in contents(store.similarity_search("1 0.05", k=2))
    chosen = contents(store.max_marginal_relevance_search("1 0.05", k=2, lambda_mult=0.2))
    assert "0.5 0.5" in chosen


def test_a_caller_cannot_change_what_is_kept(kind, numbers):
    given = Document("1 0", id="a", metadata={"x": 1})
    store = kind.from_documents([given], numbers)
    given.metadata["x"] = 2
    store.similarity_search("1 0")[0].metadata["x"] = 3
    store.get_by_ids(["a"])[0].metadata["x"] = 4
    assert store.similarity_search("1 0")[0].metadata == {"x": 1}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda store: store.add_texts(["1 2 3"]), "3 numbers, but those in the store have 2"),
        (lambda store: store.similarity_search("1"), "1 numbers, but those in the store have 2"),
        (lambda store: store.add_texts(["1 nan"]), "not finite"),
        (lambda store: store.add_texts(["1 2", "1"]), "one length"),
        (lambda store: store.add_texts(["1 2", "2 3"], ids=["a", "a"]), "twice"),
        (lambda store: store.add_texts(["1 2"], ids=["a", "b"]), "1 texts, but 2 ids"),
        (lambda store: store.add_texts(["1 2"], [{}, {}]), "1 texts, but 2 metadatas"),
        (lambda store: store.add_texts("1 2"), "texts must be a list"),
        (lambda store: store.add_texts(["1 2"], ids="a"), "ids must be a list"),
        (lambda store: store.add_documents(["1 2"]), "is not a Document; use add_texts for texts"),
        (lambda store: store.add_documents(Document("1 2")), "documents must be a list"),
        (lambda store: store.similarity_search("1 0", k=0), "k must be"),
        (lambda store: store.similarity_search("1 0", k=-1), "k must be"),
        (lambda store: store.similarity_search("1 0", k=1.5), "k must be"),
        (lambda store: store.similarity_search("1 0", k="2"), "k must be"),
        (lambda store: store.similarity_search("1 0", k=None), "k must be"),
        (lambda store: store.max_marginal_relevance_search("1 0", k=0), "k must be"),
        (lambda store: store.max_marginal_relevance_search("1 0", fetch_k="x"), "fetch_k must be"),
        (
            lambda store: store.max_marginal_relevance_search("1 0", lambda_mult=2),
            "lambda_mult must be a number from 0 to 1",
        ),
        (
            lambda store: store.max_marginal_relevance_search("1 0", lambda_mult=math.nan),
            "lambda_mult must be a number",
        ),
        (lambda store: store.similarity_search("1 0", filter=never), "an async function"),
        (lambda store: store.similarity_search("1 0", filter=lambda document: never(document)), "an async function"),
        (lambda store: store.search("1 0", "nearest"), "search_type must be one of"),
        (lambda store: store.similarity_search("1 0", filter={"a": {"$like": 1}}), "no operator"),
    ],
)
def test_what_cannot_be_done_says_why_and_changes_nothing(kind, numbers, call, said):
    store = kind.from_texts(["1 0"], numbers, ids=["a"])
    with pytest.raises(ConfigError, match=said):
        call(store)
    assert contents(store.similarity_search("1 0")) == ["1 0"]
    assert len(store) == 1


async def never(document):
    return False


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (None, "which is not a list of vectors"),
        (7, "which is not a list of vectors"),
        ([[]], "no numbers"),
        ([[1e300, 1.0]], "not finite"),
        ([["a", "b"]], "numbers"),
        ([1.0], "lists of numbers"),
        ([[[1.0]]], "lists of numbers"),
    ],
)
def test_vectors_that_are_none_are_told_of(kind, made, said):
    class Wrong(Embeddings):
        def embed_documents(self, texts):
            return made

        def embed_query(self, text):
            return [1.0, 0.0]

    store = kind(Wrong())
    with pytest.raises(ConfigError, match=said):
        store.add_texts(["x"])
    assert len(store) == 0


def test_vectors_may_come_in_any_form(kind):
    class Lazy(Embeddings):
        def embed_documents(self, texts):
            return (np.array([1, 2]) for _ in texts)

        def embed_query(self, text):
            return np.array([1, 2], dtype="float64")

    store = kind.from_texts(["a", "b"], Lazy(), (each for each in [None, {"n": 1}]))
    assert {document.metadata.get("n") for document in store.similarity_search("x", k=np.int64(2))} == {None, 1}


@pytest.mark.parametrize("embedding", ["text-embedding-3-small", len, []])
def test_what_makes_no_vectors_is_refused_when_the_store_is_made(kind, embedding):
    with pytest.raises(ConfigError, match="to embed texts"):
        kind.from_texts(["a"], embedding)


def test_a_model_that_loses_a_text_is_told_of(kind):
    class Loses(Embeddings):
        def embed_documents(self, texts):
            return [[1.0]]

        def embed_query(self, text):
            return [1.0]

    with pytest.raises(ConfigError, match="Loses returned 1 vectors for 2 texts"):
        kind.from_texts(["a", "b"], Loses())


def test_threads_may_add_delete_and_search_at_once(kind):
    store = kind.from_texts(["start"], DeterministicFakeEmbedding(size=8), ids=["start"])
    wrong = []

    def work(number):
        try:
            for at in range(15):
                store.add_texts([f"{number} {at}"], ids=[f"{number} {at}"])
                found = store.similarity_search(f"{number} {at}", k=1)
                assert [document.id for document in found] == [f"{number} {at}"]
                if at % 3 == 0:
                    store.delete([f"{number} {at}"])
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(store) == 1 + 6 * 10


def test_relevance_is_between_0_and_1_and_may_have_a_threshold(kind, numbers):
    store = kind.from_texts(["1 0", "0 1", "-1 0"], numbers)
    scored = store.similarity_search_with_relevance_scores("1 0", k=3)
    assert contents(document for document, _ in scored) == ["1 0", "0 1", "-1 0"]
    assert scored[0][1] == pytest.approx(1)
    assert all(0 <= score <= 1 for _, score in scored)
    near = store.similarity_search_with_relevance_scores("1 0", k=3, score_threshold=0.9)
    assert contents(document for document, _ in near) == ["1 0"]


@pytest.mark.parametrize(
    ("method", "arguments", "wrong", "meant"),
    [
        ("add_texts", (["1 0"],), "idz", "ids"),
        ("add_documents", ([Document("1 0")],), "id", "ids"),
        ("delete", (["a"],), "force", None),
        ("similarity_search", ("1 0",), "filtre", "filter"),
        ("similarity_search_with_score", ("1 0",), "score_treshold", "score_threshold"),
        ("similarity_search_with_relevance_scores", ("1 0",), "filters", "filter"),
        ("max_marginal_relevance_search", ("1 0",), "lambda_mul", "lambda_mult"),
        ("similarity_search_by_vector", ([1.0, 0.0],), "filtre", "filter"),
        ("max_marginal_relevance_search_by_vector", ([1.0, 0.0],), "filtre", "filter"),
        ("from_texts", (["1 0"],), "metadata", "metadatas"),
        ("from_documents", ([Document("1 0")],), "idss", "ids"),
    ],
)
def test_an_argument_that_nobody_knows_is_refused_with_the_nearest_known(
    kind, numbers, method, arguments, wrong, meant
):
    making = method.startswith("from")
    owner = kind if making else kind.from_texts(["1 0"], numbers, ids=["a"])
    if making:
        arguments = (*arguments, numbers)
    said = f"takes no argument '{wrong}'" + (f"; did you mean '{meant}'\\?" if meant else "")
    for name in (method, "a" + method):
        numbers.asked.clear()
        call = functools.partial(getattr(owner, name), *arguments, **{wrong: 1})
        with pytest.raises(ConfigError, match=said):
            asyncio.run(call()) if name[0] == "a" and name != method else call()
        assert numbers.asked == []  # before anything is paid for


def test_a_filter_may_ask_the_store(kind, numbers):
    store = kind.from_texts(["1 0", "0 1"], numbers, [{"name": "a"}, {"name": "b"}], ids=["a", "b"])

    def has_a_sister(given):
        return bool(store.get_by_ids(["b"])) and metadata_of(given)["name"] == "b"

    assert contents(store.similarity_search("1 0", filter=has_a_sister)) == ["0 1"]


def test_a_document_that_changes_while_it_is_filtered_is_not_found_under_its_old_metadata(kind, numbers):
    store = kind.from_texts(["1 0", "0 1"], numbers, [{"ok": 1}, {"ok": 1, "last": 1}], ids=["a", "b"])

    def changing(given):
        if "last" in metadata_of(given):
            store.add_texts(["1 0"], [{"ok": 0}], ids=["a"])
        return metadata_of(given)["ok"] == 1

    assert contents(store.similarity_search("1 0", filter=changing)) == ["0 1"]


def test_a_filter_that_fails_leaves_the_store_as_it_was(kind, numbers):
    store = kind.from_texts(["1 0"], numbers)
    with pytest.raises(ZeroDivisionError):
        store.similarity_search("1 0", filter=lambda document: 1 / 0)
    assert contents(store.similarity_search("1 0")) == ["1 0"]
