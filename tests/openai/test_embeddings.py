"""Vectors."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from prill.errors import MalformedResponseError, ModelRateLimitError
from prill.openai import OpenAIEmbeddings
from prill.openai.embeddings import _vectors
from prill.testing import Faults, ReplayServer


@pytest.fixture
def embeddings(server: ReplayServer) -> Any:
    embeddings = OpenAIEmbeddings(base_url=server.openai_url, api_key="test", chunk_size=2, max_retries=0)
    yield embeddings
    embeddings.close()


def test_vectors_come_in_the_order_of_the_texts(embeddings: OpenAIEmbeddings, server: ReplayServer) -> None:
    texts = ["a", "b", "c", "d", "e"]
    vectors = embeddings.embed_documents(texts)
    assert sorted(len(seen.json["input"]) for seen in server.requests) == [1, 2, 2]
    assert vectors == [embeddings.embed_query(text) for text in texts]
    assert asyncio.run(embeddings.aembed_documents(texts)) == vectors


def test_no_texts_are_no_request(embeddings: OpenAIEmbeddings, server: ReplayServer) -> None:
    assert embeddings.embed_documents([]) == []
    assert asyncio.run(embeddings.aembed_documents([])) == []
    assert server.request_count == 0


def test_vectors_in_numbers_and_in_base64_are_the_same(server: ReplayServer) -> None:
    def vector(**settings: Any) -> list[float]:
        one = OpenAIEmbeddings(base_url=server.openai_url, api_key="test", dimensions=8, **settings)
        result = one.embed_query("text")
        one.close()
        return result

    assert vector() == pytest.approx(vector(encoding_format="float"))
    assert len(vector()) == 8
    assert server.requests[0].json["dimensions"] == 8
    assert server.requests[0].json["encoding_format"] == "base64"


def test_vectors_are_sorted_by_their_index() -> None:
    data = [{"index": 1, "embedding": [2.0]}, {"index": 0, "embedding": [1.0]}]
    assert _vectors({"data": data}, 2) == [[1.0], [2.0]]


@pytest.mark.parametrize("index", [{}, {"index": None}, {"index": 0}], ids=str)
def test_vectors_without_an_index_are_in_the_order_of_the_texts(index: Any) -> None:
    data = [{**index, "embedding": [2.0]}, {**index, "embedding": [1.0]}]
    assert _vectors({"data": data}, 2) == [[2.0], [1.0]]


def test_a_missing_vector_is_an_error() -> None:
    with pytest.raises(ValueError, match="1 vectors for 2 texts"):
        _vectors({"data": [{"index": 0, "embedding": [1.0]}]}, 2)


def test_failures_are_those_of_chat_models(embeddings: OpenAIEmbeddings, server: ReplayServer) -> None:
    server.fail(429, retry_after=3)
    with pytest.raises(ModelRateLimitError) as caught:
        embeddings.embed_query("text")
    assert caught.value.retry_after == 3
    server.faults = Faults(html_200=True)
    with pytest.raises(MalformedResponseError):
        embeddings.embed_query("text")
