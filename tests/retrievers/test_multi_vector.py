"""Small pieces are searched, whole documents are found."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import ValidationError
from tests.helpers import requires

from prill.documents import Document
from prill.embeddings import DeterministicFakeEmbedding
from prill.errors import ConfigError
from prill.retrievers import MultiVectorRetriever, ParentDocumentRetriever
from prill.stores import InMemoryStore, SQLiteByteStore
from prill.testing import check_runnable
from prill.text_splitters import CharacterTextSplitter
from prill.vectorstores import InMemoryVectorStore

pytestmark = requires("numpy")

WORDS = CharacterTextSplitter(separator=" ", chunk_size=6, chunk_overlap=0)
LINES = CharacterTextSplitter(separator="\n", chunk_size=14, chunk_overlap=0)
ONE = Document("red green\nblue white", metadata={"source": "one", "page": 1})
TWO = Document("black grey", metadata={"source": "two", "page": 2})


def store():
    return InMemoryVectorStore(DeterministicFakeEmbedding(size=8))


def parents(**kwargs):
    made = ParentDocumentRetriever(
        vectorstore=store(), docstore=InMemoryStore(), child_splitter=WORDS, search_kwargs={"k": 1}, **kwargs
    )
    made.add_documents([ONE, TWO])
    return made


def test_the_whole_document_of_a_piece_is_found():
    retriever = parents()
    assert retriever.invoke("grey") == [TWO]
    assert retriever.invoke("white") == [ONE]


def test_documents_can_be_split_into_parts_that_are_returned():
    retriever = parents(parent_splitter=LINES)
    assert retriever.invoke("white") == [Document("blue white", metadata=ONE.metadata)]


def test_a_document_is_found_once_for_all_of_its_pieces():
    retriever = parents()
    retriever.search_kwargs = {"k": 5}
    assert sorted(found.page_content for found in retriever.invoke("grey")) == sorted(
        [ONE.page_content, TWO.page_content]
    )


def test_asyncio_adds_and_finds_the_same():
    async def main():
        retriever = ParentDocumentRetriever(
            vectorstore=store(), docstore=InMemoryStore(), child_splitter=WORDS, search_kwargs={"k": 1}
        )
        await retriever.aadd_documents([ONE, TWO], ids=["1", "2"])
        return await retriever.ainvoke("grey"), retriever.docstore.mget(["1", "2"])

    assert asyncio.run(main()) == ([TWO], [ONE, TWO])


def test_pieces_keep_the_metadata_that_are_wanted():
    retriever = parents(child_metadata_fields=["source", "missing"])
    (piece,) = retriever.vectorstore.similarity_search("grey", k=1)
    assert piece.metadata.keys() == {"source", "doc_id"}
    (piece,) = parents().vectorstore.similarity_search("grey", k=1)
    assert piece.metadata.keys() == {"source", "page", "doc_id"}


def test_documents_that_are_kept_elsewhere_need_ids():
    retriever = parents()
    with pytest.raises(ConfigError, match="needs ids"):
        retriever.add_documents([ONE], add_to_docstore=False)
    with pytest.raises(ConfigError, match="1 documents to keep, but 2 ids"):
        retriever.add_documents([ONE], ids=["a", "b"])
    whole = Document("violet book")
    retriever.docstore.mset([("v", whole)])
    retriever.add_documents([Document("violet")], ids=["v"], add_to_docstore=False)
    assert retriever.invoke("violet") == [whole]


def test_documents_last_in_a_store_of_bytes(tmp_path):
    vectors = store()

    def make():
        kept = SQLiteByteStore(tmp_path / "whole.db")
        return kept, ParentDocumentRetriever(
            vectorstore=vectors, byte_store=kept, child_splitter=WORDS, search_kwargs={"k": 1}
        )

    kept, retriever = make()
    retriever.add_documents([ONE, TWO], ids=["1", "2"])
    kept.close()
    kept, retriever = make()
    assert retriever.invoke("grey") == [TWO]
    assert list(retriever.docstore.yield_keys(prefix="1")) == ["1"]
    retriever.docstore.mdelete(["2"])
    assert retriever.invoke("grey") == []
    kept.close()


def test_pieces_may_be_anything_that_names_a_document():
    retriever = MultiVectorRetriever(vectorstore=store(), docstore=InMemoryStore(), id_key="of")
    retriever.vectorstore.add_documents([Document("a summary", metadata={"of": "1"}), Document("of nothing")])
    retriever.docstore.mset([("1", ONE)])
    assert retriever.invoke("a summary") == [ONE]


def test_other_searches_can_be_chosen():
    assert parents(search_type="mmr").invoke("grey") == [TWO]


def test_a_place_for_the_documents_is_needed():
    with pytest.raises(ValidationError, match="needs a docstore or a byte_store"):
        MultiVectorRetriever(vectorstore=store())


def test_it_keeps_the_promises_of_a_runnable():
    check_runnable(parents(), "grey", expected=[TWO])
