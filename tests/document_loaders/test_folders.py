"""Loaders of many files: which are found, in which order, and that a broken one is not the end."""

from __future__ import annotations

import asyncio
import os
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from document_loaders.conftest import write_docx, write_pdf
from prill.document_loaders import (
    BaseBlobParser,
    BaseLoader,
    Blob,
    CSVLoader,
    DirectoryLoader,
    FileSystemBlobLoader,
    GenericLoader,
    LoadError,
    LoadFormatError,
    LoadSourceError,
    PyPDFDirectoryLoader,
    TextLoader,
)
from prill.documents import Document
from prill.errors import ConfigError

pytestmark = pytest.mark.usefixtures("folder")


def write(*paths: str) -> None:
    for path in paths:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(f"text of {path}")


def names(**options: Any) -> list[str]:
    return [os.path.relpath(each.metadata["source"], "d") for each in DirectoryLoader("d", **options).load()]


@pytest.mark.parametrize("glob", ["", "./", "/etc/*", "../*", "x/../*"])
def test_a_pattern_that_leads_out_of_the_folder_is_refused(glob: str) -> None:
    write("d/a.txt")
    for options in [{"glob": glob}, {"exclude": glob}]:
        with pytest.raises(ConfigError, match="written from the folder on"):
            names(**options)


def test_files_are_found_by_patterns_in_the_order_of_their_names() -> None:
    write("d/b.md", "d/a.txt", "d/x/c.txt", "d/x/y/d.md", "d/.hidden/e.txt", "d/.f.txt")
    assert names() == ["a.txt", "b.md", "x/c.txt", "x/y/d.md"]
    assert names(glob="*.md") == ["b.md"]
    assert names(glob="*.md", recursive=True) == ["b.md", "x/y/d.md"]
    assert names(glob="**/*.txt") == ["a.txt", "x/c.txt"]
    assert names(glob=["x/*", "?.md"]) == ["b.md", "x/c.txt"]
    assert names(exclude="*.md") == ["a.txt", "x/c.txt"]
    assert names(exclude=["x/**", "a.*"]) == ["b.md"]
    assert names(glob="**/*", load_hidden=True) == [".f.txt", ".hidden/e.txt", "a.txt", "b.md", "x/c.txt", "x/y/d.md"]
    assert names(glob="**/[!a].*") == ["b.md", "x/c.txt", "x/y/d.md"]
    assert names(sample_size=2) == ["a.txt", "b.md"]
    assert names(glob="./*.md") == names(glob="././/*.md") == ["b.md"]
    assert names(glob="./**/*.md", exclude="./x/**") == ["b.md"]
    chosen = names(sample_size=2, randomize_sample=True, sample_seed=5)
    assert chosen == names(sample_size=2, randomize_sample=True, sample_seed=5)
    assert len(chosen) == 2


def test_what_reads_a_file_is_chosen_by_its_ending_or_given() -> None:
    write("d/a.txt", "d/b.md")
    write_pdf("d/c.pdf", "Blue", "Black")
    write_docx("d/d.docx", "Word")
    Path("d/e.csv").write_text("a\n1\n2\n")
    Path("d/f.HTML").write_text("<p>page")
    found = DirectoryLoader("d").load()
    assert [each.page_content.strip() for each in found] == [
        *("text of d/a.txt", "text of d/b.md", "Blue", "Black", "Word", "a: 1", "a: 2", "page")
    ]
    assert [each.page_content for each in DirectoryLoader("d", "*.csv", loader_cls=TextLoader).load()] == ["a\n1\n2\n"]
    rows = DirectoryLoader("d", "*.csv", loader_cls=CSVLoader, loader_kwargs={"metadata_columns": ["a"]}).load()
    assert [each.metadata["a"] for each in rows] == ["1", "2"]
    assert [each.metadata["page"] for each in PyPDFDirectoryLoader("d").load()] == [0, 1]


@pytest.mark.parametrize("threads", [False, True])
def test_each_broken_file_is_reported_and_the_others_are_read(threads: bool) -> None:
    write("d/a.txt", "d/z.txt")
    Path("d/b.txt").write_bytes(b"\0\xff")
    Path("d/c.pdf").write_bytes(b"no pdf")
    os.symlink("nowhere", "d/d.txt")
    os.symlink(os.path.abspath("d"), "d/loop")
    loader = DirectoryLoader("d", on_error="skip", use_multithreading=threads)
    assert sorted(each.page_content for each in loader.load()) == ["text of d/a.txt", "text of d/z.txt"]
    assert sorted((error.source, type(error).__name__) for error in loader.errors) == [
        ("d/b.txt", "LoadFormatError"),
        ("d/c.pdf", "LoadFormatError"),
        ("d/d.txt", "LoadSourceError"),
    ]
    assert asyncio.run(loader.aload()) == loader.load()[:2] or threads
    with pytest.raises(LoadFormatError, match=r"d/b\.txt"):
        DirectoryLoader("d", "b.txt").load()
    kept = DirectoryLoader("d", on_error="document").load()
    assert [each.metadata.get("error_type") for each in kept].count(None) == 2
    assert len(kept) == 5
    assert len(DirectoryLoader("d", silent_errors=True).load()) == 2


def test_a_folder_that_is_not_there_is_an_error() -> None:
    write("file")
    with pytest.raises(LoadSourceError, match="no such folder"):
        DirectoryLoader("gone").load()
    with pytest.raises(LoadSourceError, match="a file, not a folder"):
        DirectoryLoader("file").load()
    with pytest.raises(ConfigError, match="max_concurrency"):
        DirectoryLoader("d", max_concurrency=0)


def test_a_file_that_vanishes_after_it_was_found_is_one_error() -> None:
    write("d/a.txt", "d/b.txt")
    loader = DirectoryLoader("d", on_error="skip")
    found = loader.lazy_load()
    assert next(found).page_content == "text of d/a.txt"
    os.remove("d/b.txt")
    assert list(found) == []
    assert [error.source for error in loader.errors] == ["d/b.txt"]


def test_what_a_loader_of_one_s_own_raises_is_an_error_of_its_file() -> None:
    class Mine(BaseLoader):
        def __init__(self, path: str) -> None:
            self.path = path

        def lazy_load(self) -> Iterator[Document]:
            yield Document(self.path)
            raise KeyError("x")

    write("d/a", "d/b")
    loader = DirectoryLoader("d", loader_cls=Mine, on_error="skip")
    assert len(loader.load()) == 2
    assert [error.reason for error in loader.errors] == ["Mine raised KeyError: 'x'"] * 2
    with pytest.raises(LoadError, match="Mine raised") as caught:
        DirectoryLoader("d", loader_cls=Mine).load()
    assert isinstance(caught.value.__cause__, KeyError)


def test_files_are_read_by_several_threads_at_once() -> None:
    both = threading.Barrier(2, timeout=30)

    class Meeting(BaseLoader):
        def __init__(self, path: str) -> None:
            pass

        def lazy_load(self) -> Iterator[Document]:
            both.wait()
            yield Document("met")

    write("d/a", "d/b")
    assert len(DirectoryLoader("d", loader_cls=Meeting, use_multithreading=True, max_concurrency=2).load()) == 2


def test_a_parse_that_blocks_does_not_block_the_event_loop() -> None:
    go = threading.Event()

    class Waiting(BaseLoader):
        def lazy_load(self) -> Iterator[Document]:
            assert go.wait(30)
            yield Document("went on")

    async def both() -> list[Document]:
        loading = asyncio.ensure_future(Waiting().aload())
        await asyncio.sleep(0)
        go.set()  # would never be reached if the loop were blocked
        return await loading

    assert asyncio.run(both()) == [Document("went on")]


def test_a_folder_of_many_files_is_read_in_little_memory() -> None:
    os.mkdir("d")
    for number in range(60):
        Path(f"d/{number}.txt").write_text("x" * 100_000)
    loader = DirectoryLoader("d")
    next(iter(loader.lazy_load()))
    tracemalloc.start()
    try:
        assert sum(len(each.page_content) for each in loader.lazy_load()) == 6_000_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1_500_000


def test_blobs_are_found_by_one_object_and_read_by_another() -> None:
    write("d/a.txt", "d/b.md", "d/c.txt")
    Path("d/bad.txt").write_bytes(b"\0\xff")
    blobs = FileSystemBlobLoader("d", suffixes=[".txt"], exclude=["c.*"])
    assert [Path(blob.source or "").name for blob in blobs.yield_blobs()] == ["a.txt", "bad.txt"]
    assert [blob.source for blob in FileSystemBlobLoader("d/a.txt").yield_blobs()] == ["d/a.txt"]

    class Shout(BaseBlobParser):
        def lazy_parse(self, blob: Blob) -> Iterator[Document]:
            yield Document(blob.as_string().upper())

    loader = GenericLoader(blobs, Shout(), on_error="skip")
    assert [each.page_content for each in loader.load()] == ["TEXT OF D/A.TXT"]
    assert [error.source for error in loader.errors] == ["d/bad.txt"]
    found = GenericLoader.from_filesystem("d", glob="**/*.md").load()
    assert found == [Document("text of d/b.md", metadata={"source": "d/b.md"})]
    with pytest.raises(ConfigError, match="parser"):
        GenericLoader.from_filesystem("d", parser="pdf")  # type: ignore[arg-type]


def test_a_folder_with_a_name_that_is_too_long_is_named() -> None:
    with pytest.raises(LoadSourceError, match="too long"):
        DirectoryLoader("x" * 5000).load()
