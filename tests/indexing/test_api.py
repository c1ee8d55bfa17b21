"""``index`` brings a store up to date, and does nothing twice."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest
from tests.helpers import require

from prill.documents import Document
from prill.embeddings import DeterministicFakeEmbedding
from prill.errors import ConfigError
from prill.indexing import (
    DocumentIndex,
    IndexingException,
    InMemoryDocumentIndex,
    InMemoryRecordManager,
    SQLiteRecordManager,
    aindex,
    index,
)
from prill.vectorstores import InMemoryVectorStore

require("numpy")


class Counted(DeterministicFakeEmbedding):
    texts: list[str] = []

    def embed_documents(self, texts):
        self.texts = [*self.texts, *texts]
        return super().embed_documents(texts)


@pytest.fixture
def store():
    return InMemoryVectorStore(Counted(size=4))


@pytest.fixture(params=["memory", "sqlite"])
def records(request, tmp_path):
    return InMemoryRecordManager("n") if request.param == "memory" else SQLiteRecordManager("n", tmp_path / "r.db")


@pytest.fixture(params=["blocking", "asyncio"])
def run(request):
    """``index`` in either colour."""

    def run(*args, **kwargs):
        return index(*args, **kwargs) if request.param == "blocking" else asyncio.run(aindex(*args, **kwargs))

    return run


def doc(text, source="s"):
    return Document(text, metadata={"source": source})


def result(added=0, updated=0, skipped=0, deleted=0):
    return {"num_added": added, "num_updated": updated, "num_skipped": skipped, "num_deleted": deleted}


def kept(store):
    return sorted(document.page_content for document in store.get_by_ids(store._ids))


SOURCE = {"cleanup": "incremental", "source_id_key": "source"}


def test_what_has_not_changed_is_not_embedded_again(store, records, run):
    assert run([doc("a"), doc("b"), doc("a")], records, store) == result(added=2, skipped=1)
    assert run([doc("a"), doc("c")], records, store) == result(added=1, skipped=1)
    assert store.embeddings.texts == ["a", "b", "c"]
    assert run([doc("a")], records, store, force_update=True) == result(updated=1)
    assert run([], records, store) == result()


def test_incremental_deletes_what_a_source_no_longer_has(store, records, run):
    run([doc("a"), doc("b"), doc("x", "other")], records, store, **SOURCE)
    assert run([doc("a"), doc("c")], records, store, **SOURCE) == result(added=1, skipped=1, deleted=1)
    assert kept(store) == ["a", "c", "x"]


def test_a_source_over_several_batches_is_not_written_anew(store, records, run):
    documents = [doc(str(number), source) for source in "xy" for number in range(7)]
    run(documents, records, store, **SOURCE, batch_size=3)
    again = run(documents, records, store, **SOURCE, batch_size=3)
    assert again == result(skipped=14)
    assert len(store.embeddings.texts) == 14


def test_full_deletes_all_that_was_not_met(store, records, run):
    run([doc("a"), doc("x", "other")], records, store)
    assert run([doc("b")], records, store, cleanup="full", cleanup_batch_size=1) == result(added=1, deleted=2)
    assert kept(store) == ["b"]
    assert run([], records, store, cleanup="full") == result(deleted=1)


@pytest.mark.parametrize("cleanup", ["incremental", "scoped_full", "full"])
def test_sources_that_take_turns_over_several_batches_are_not_written_anew(store, records, run, cleanup):
    turns = [doc(f"{source} {number}", source) for number in range(6) for source in "ab"]
    how = {"cleanup": cleanup, "source_id_key": "source"}
    assert run(turns, records, store, batch_size=5, **how) == result(added=12)
    assert run(turns, records, store, batch_size=3, **how) == result(skipped=12)
    assert run(turns[:-1], records, store, batch_size=2, **how) == result(skipped=11, deleted=1)


def test_scoped_full_deletes_at_the_end_and_only_in_the_sources_met(store, records, run):
    scoped = {"cleanup": "scoped_full", "source_id_key": lambda document: document.metadata["source"]}
    run([doc("a"), doc("b"), doc("x", "other")], records, store, **scoped)
    assert run([doc("c")], records, store, **scoped, batch_size=1) == result(added=1, deleted=2)
    assert kept(store) == ["c", "x"]


def test_a_failure_leaves_no_record_of_what_was_not_written(store, records, run):
    class Broken(Counted):
        def embed_documents(self, texts):
            if "bad" in texts:
                raise TimeoutError("no answer")
            return super().embed_documents(texts)

    broken = InMemoryVectorStore(Broken(size=4))
    with pytest.raises(TimeoutError):
        run([doc("a"), doc("bad"), doc("c")], records, broken, batch_size=1)
    assert len(records.list_keys()) == 1
    assert run([doc("a"), doc("good"), doc("c")], records, broken, batch_size=1) == result(added=2, skipped=1)


def test_documents_may_come_from_a_loader_or_an_async_iterable(store, records):
    class Loader:
        def lazy_load(self):
            yield doc("a")

    async def documents():
        yield doc("b")

    assert index(Loader(), records, store) == result(added=1)
    assert asyncio.run(aindex(Loader(), records, store)) == result(skipped=1)
    assert asyncio.run(aindex(documents(), records, store)) == result(added=1)
    with pytest.raises(ConfigError, match="use aindex"):
        index(documents(), records, store)


def test_a_document_index_can_be_filled(records, run):
    class Listed(DocumentIndex):
        kept: dict[str, Document] = {}

        def upsert(self, items, /, **kwargs):
            failed = [each.id for each in items if each.page_content == "bad"]
            self.kept.update({each.id: each for each in items if each.id not in failed})
            return {"succeeded": [each.id for each in items if each.id not in failed], "failed": failed}

        def delete(self, ids=None, **kwargs):
            for id in ids or []:
                del self.kept[id]
            return {"num_deleted": len(ids or [])}

        def get(self, ids, /, **kwargs):
            return [self.kept[id] for id in ids]

        def _get_relevant_documents(self, query, *, run_manager):
            return [each for each in self.kept.values() if query in each.page_content]

    listed = Listed()
    assert run([doc("apple"), doc("pear")], records, listed) == result(added=2)
    assert run([doc("apple")], records, listed, cleanup="full") == result(skipped=1, deleted=1)
    assert [each.page_content for each in listed.invoke("app")] == ["apple"]
    with pytest.raises(IndexingException, match="could not write 1 documents"):
        run([doc("bad")], records, listed)


@pytest.mark.parametrize(
    ("documents", "settings", "said"),
    [
        ([doc("a")], {"cleanup": "all"}, "cleanup must be one of"),
        ([doc("a")], {"cleanup": "incremental"}, "needs source_id_key"),
        ([doc("a")], {"batch_size": 0}, "1 or more"),
        ([doc("a")], {"key_encoder": "md5"}, "key_encoder must be"),
        ([Document("a")], SOURCE, "no 'source' in its metadata"),
        ([Document("a", metadata={"d": date(2020, 1, 1)})], {}, "key_encoder a function"),
        ("text", {}, "docs_source must be"),
        (["text"], {}, "returned 'text', which is not a Document"),
        ([None], {}, "returned None, which is not a Document"),
        ({"a": 1}, {}, "returned 'a', which is not a Document"),
    ],
)
def test_what_cannot_be_done_says_why_and_writes_nothing(store, records, run, documents, settings, said):
    with pytest.raises(ConfigError, match=said):
        run(documents, records, store, **settings)
    assert len(store) == 0
    assert records.list_keys() == []


def test_keys_do_not_depend_on_the_order_of_the_metadata(store, records):
    index([Document("a", metadata={"x": 1, "y": 2})], records, store)
    assert index([Document("a", metadata={"y": 2, "x": 1})], records, store) == result(skipped=1)
    assert index([Document("a", metadata={"y": 2, "x": 2})], records, store) == result(added=1)


def test_counts_are_those_of_the_peer(store, records):
    from langchain_core import indexing as peer
    from langchain_core.documents import Document as TheirDocument
    from langchain_core.embeddings import DeterministicFakeEmbedding as TheirEmbedding
    from langchain_core.vectorstores import InMemoryVectorStore as Theirs

    theirs, their_records = Theirs(TheirEmbedding(size=4)), peer.InMemoryRecordManager("n")
    steps = [
        ([("a", "1"), ("b", "1"), ("a", "1")], SOURCE),
        ([("a", "1"), ("c", "1")], SOURCE),
        ([("a", "1"), ("c", "1")], {**SOURCE, "force_update": True}),
        ([], SOURCE),
        ([("z", "3")], {"cleanup": "scoped_full", "source_id_key": "source"}),
        ([("q", "3")], {"cleanup": "full"}),
        ([], {"cleanup": "full"}),
    ]
    for pairs, settings in steps:
        own = index([doc(*pair) for pair in pairs], records, store, key_encoder="sha256", **settings)
        documents = [TheirDocument(text, metadata={"source": source}) for text, source in pairs]
        assert own == peer.index(documents, their_records, theirs, key_encoder="sha256", **settings)


def test_a_store_that_cannot_delete_is_an_indexing_exception(records, run):
    class Stuck(InMemoryVectorStore):
        def delete(self, ids=None, **kwargs):
            return False

        async def adelete(self, ids=None, **kwargs):
            return False

    stuck = Stuck(DeterministicFakeEmbedding(size=4))
    run([doc("a")], records, stuck)
    with pytest.raises(IndexingException, match="could not delete 1 outdated documents; it returned False"):
        run([doc("b")], records, stuck, cleanup="full")


def test_the_batch_size_reaches_a_store_of_another_package_that_takes_it(records, run):
    given = []

    class Other(InMemoryVectorStore):
        def add_documents(self, documents, **kwargs):
            given.append(kwargs.pop("batch_size"))
            return super().add_documents(documents, **kwargs)

        async def aadd_documents(self, documents, **kwargs):
            given.append(kwargs.pop("batch_size"))
            return await super().aadd_documents(documents, **kwargs)

    run([doc("a"), doc("b")], records, Other(DeterministicFakeEmbedding(size=4)), batch_size=7)
    assert given == [7]
    run([doc("c")], records, Other(DeterministicFakeEmbedding(size=4)), upsert_kwargs={"batch_size": 2})
    assert given == [7, 2]


def test_the_index_in_memory_writes_finds_and_deletes(records, run):
    kept = InMemoryDocumentIndex(top_k=2)
    assert run([doc("a a"), doc("a"), doc("b")], records, kept) == result(added=3)
    assert [each.page_content for each in kept.invoke("a")] == ["a a", "a"]
    assert run([doc("a")], records, kept, cleanup="full") == result(skipped=1, deleted=2)
    [left] = kept.store.values()
    assert kept.get([left.id, "x"]) == [left]
    assert kept.delete([left.id, "x"]) == {"succeeded": [left.id], "num_deleted": 1, "num_failed": 0, "failed": []}
    assert kept.upsert([Document("c")])["succeeded"] == list(kept.store)
    with pytest.raises(ConfigError, match="needs the ids"):
        kept.delete()
