"""Loaders and parsers of blobs: one method is enough, in blocking code and in asyncio."""

import asyncio
from pathlib import Path

import pytest
from pydantic import ValidationError

from prill.document_loaders import BaseBlobParser, BaseLoader, Blob, BlobLoader
from prill.documents import Document
from prill.text_splitters import CharacterTextSplitter

TEXTS = [Document("a b"), Document("c")]


class Lazy(BaseLoader):
    def lazy_load(self):
        yield from TEXTS


class Eager(BaseLoader):
    def load(self):
        return TEXTS


class Waiting(BaseLoader):
    async def alazy_load(self):
        for each in TEXTS:
            await asyncio.sleep(0)
            yield each


@pytest.mark.parametrize("loader", [Lazy(), Eager()], ids=["lazy", "eager"])
def test_one_method_of_a_loader_gives_the_others(loader):
    assert loader.load() == list(loader.lazy_load()) == asyncio.run(loader.aload()) == TEXTS
    splitter = CharacterTextSplitter(" ", chunk_size=1, chunk_overlap=0)
    assert [each.page_content for each in loader.load_and_split(splitter)] == ["a", "b", "c"]
    assert loader.load_and_split() == TEXTS


def test_a_loader_may_be_asynchronous_only():
    assert asyncio.run(Waiting().aload()) == TEXTS


def test_a_loader_without_a_method_says_which_one_is_missing():
    class Empty(BaseLoader):
        pass

    with pytest.raises(NotImplementedError, match="Empty does not define lazy_load"):
        Empty().load()


def test_a_parser_of_blobs_reads_what_a_loader_of_blobs_finds():
    class Two(BlobLoader):
        def yield_blobs(self):
            yield Blob.from_data("a")
            yield Blob.from_data(b"b")

    class Text(BaseBlobParser):
        def lazy_parse(self, blob):
            yield Document(blob.as_string())

    assert [Text().parse(blob)[0].page_content for blob in Two().yield_blobs()] == ["a", "b"]


def test_a_blob_is_read_when_it_is_needed(tmp_path: Path):
    path = tmp_path / "sky.txt"
    blob = Blob.from_path(path, metadata={"page": 1})
    path.write_text("Himmel: blåu", encoding="utf-8")
    assert blob.mimetype == "text/plain"
    assert blob.source == str(path)
    assert blob.as_string() == "Himmel: blåu"
    with blob.as_bytes_io() as file:
        assert file.read() == blob.as_bytes() == "Himmel: blåu".encode()
    assert blob.metadata == {"page": 1}


def test_a_blob_in_memory_may_be_text_or_bytes():
    text = Blob.from_data("é", encoding="latin-1", path="a.txt", metadata={"source": "there"})
    assert text.as_bytes() == b"\xe9"
    assert text.source == "there"
    with text.as_bytes_io() as file:
        assert file.read() == b"\xe9"
    assert Blob.from_data(b"\xe9", encoding="latin-1").as_string() == "é"
    assert Blob.from_data("").as_string() == ""


def test_a_blob_of_nothing_is_refused():
    with pytest.raises(ValidationError, match="needs data or a path"):
        Blob()
