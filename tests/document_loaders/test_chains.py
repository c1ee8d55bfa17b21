"""Loaders as sources: of a chain, of an index, of a bulk run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from prill import bulk
from prill.document_loaders import BaseLoader, DirectoryLoader, TextLoader
from prill.documents import Document
from prill.embeddings import DeterministicFakeEmbedding
from prill.indexing import InMemoryRecordManager, index
from prill.runnables import RunnableLambda
from prill.text_splitters import CharacterTextSplitter
from prill.vectorstores import InMemoryVectorStore

pytestmark = pytest.mark.usefixtures("folder")


class Waiting(BaseLoader):
    async def alazy_load(self) -> AsyncIterator[Document]:
        for text in "ab":
            await asyncio.sleep(0)
            yield Document(text)


def write_three() -> DirectoryLoader:
    Path("d").mkdir()
    Path("d/a.txt").write_text("one two")
    Path("d/b.txt").write_bytes(b"\0\xff")
    Path("d/c.txt").write_text("three")
    return DirectoryLoader("d", on_error="skip")


def join(documents: list[Document]) -> str:
    return "+".join(each.page_content for each in documents)


def test_a_loader_starts_a_chain_in_both_colours() -> None:
    loader = write_three()
    split = CharacterTextSplitter(" ", chunk_size=3, chunk_overlap=0).split_documents
    chain = loader | split | join
    assert chain.invoke(None) == asyncio.run(chain.ainvoke(None)) == "one+two+three"
    assert list(loader.as_runnable().stream(None)) == loader.load()
    assert [each.metadata["source"] for each in loader.as_runnable().invoke("anything")] == ["d/a.txt", "d/c.txt"]
    assert asyncio.run((Waiting() | RunnableLambda(join)).ainvoke({})) == "a+b"


def test_documents_stream_into_the_chain_before_all_are_loaded() -> None:
    loaded: list[str] = []

    class Counting(BaseLoader):
        def lazy_load(self) -> Any:
            for text in "abc":
                loaded.append(text)
                yield Document(text)

    def shout(documents: Any) -> Any:
        for document in documents:
            yield document.page_content.upper()

    stream = (Counting() | shout).stream(None)
    assert next(stream) == "A"
    assert loaded == ["a"]
    assert list(stream) == ["B", "C"]


def test_an_index_takes_a_loader() -> None:
    store = InMemoryVectorStore(DeterministicFakeEmbedding(size=4))
    result = index(write_three(), InMemoryRecordManager("n"), store, cleanup=None, key_encoder="sha256")
    assert result["num_added"] == 2


@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_a_bulk_run_takes_a_loader_and_broken_files_are_rows_that_failed(on_error: Any) -> None:
    write_three()
    loader = DirectoryLoader("d", on_error=on_error)
    rows: list[Any] = []
    report = bulk.run(
        RunnableLambda(str.upper), loader, rows.append, key="source", input="page_content", keep=["source"]
    )
    assert (report.done, report.failed) == (2, 1)
    assert sorted(row["output"] for row in rows if row.get("output")) == ["ONE TWO", "THREE"]
    (failed,) = (row for row in rows if row.get("error"))
    assert "d/b.txt: it is binary, not text" in failed["error"]
    assert asyncio.run(bulk.arun(RunnableLambda(lambda document: document.id), TextLoader("d/a.txt"))).done == 1
