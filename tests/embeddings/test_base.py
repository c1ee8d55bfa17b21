"""Embeddings, and the fakes to test with."""

from __future__ import annotations

import asyncio
import subprocess
import sys

from prill.embeddings import DeterministicFakeEmbedding, Embeddings, FakeEmbeddings


class Lengths(Embeddings):
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return [float(len(text))]


def test_the_asyncio_forms_run_the_plain_ones() -> None:
    assert asyncio.run(Lengths().aembed_documents(["a", "bc"])) == [[1.0], [2.0]]
    assert asyncio.run(Lengths().aembed_query("abc")) == [3.0]


def test_the_deterministic_fake_gives_the_same_vector_for_the_same_text() -> None:
    one, other = DeterministicFakeEmbedding(size=5), DeterministicFakeEmbedding(size=5)
    assert one.embed_query("a") == other.embed_documents(["b", "a"])[1]
    assert one.embed_query("a") != one.embed_query("b")
    assert len(one.embed_query("a")) == 5


def test_the_deterministic_fake_is_the_same_in_every_process() -> None:
    code = "from prill.embeddings import DeterministicFakeEmbedding as D; print(D(size=2).embed_query('a'))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert said == str(DeterministicFakeEmbedding(size=2).embed_query("a"))


def test_the_fake_gives_vectors_of_its_size() -> None:
    assert [len(vector) for vector in FakeEmbeddings(size=3).embed_documents(["a", "b"])] == [3, 3]
