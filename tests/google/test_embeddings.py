"""Vectors from Google's models."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from prill.errors import MalformedResponseError, ModelRateLimitError
from prill.google import GoogleGenerativeAIEmbeddings
from prill.google.embeddings import _vectors
from prill.testing import Faults, ReplayServer, Reply


@pytest.fixture
def embeddings(server: ReplayServer) -> Iterator[Any]:
    embeddings = GoogleGenerativeAIEmbeddings(
        model="embedder", base_url=server.google_url, api_key="test", batch_size=2, max_retries=0, dimensions=16
    )  # type: ignore[call-arg]  # names that mypy does not know
    yield embeddings
    embeddings.close()


def test_vectors_come_in_the_order_of_the_texts(embeddings: Any, server: ReplayServer) -> None:
    texts = ["a", "b", "c", "d", "e"]
    vectors = embeddings.embed_documents(texts)
    assert sorted(len(seen.json["requests"]) for seen in server.requests) == [1, 2, 2]
    assert vectors == [embeddings.embed_query(text) for text in texts]
    assert asyncio.run(embeddings.aembed_documents(texts)) == vectors
    assert asyncio.run(embeddings.aembed_query("a")) == vectors[0]
    assert len(vectors[0]) == 16


def test_what_vectors_are_for_is_said(embeddings: Any, server: ReplayServer) -> None:
    embeddings.embed_documents(["text"], titles=["Title"])
    assert server.requests[-1].path == "/v1beta/models/embedder:batchEmbedContents"
    shared = {"model": "models/embedder", "outputDimensionality": 16}
    content = {"content": {"parts": [{"text": "text"}]}}
    document = {**shared, **content, "taskType": "RETRIEVAL_DOCUMENT", "title": "Title"}
    assert server.requests[-1].json == {"requests": [document]}
    embeddings.embed_query("text")
    assert server.requests[-1].json == {"requests": [{**shared, **content, "taskType": "RETRIEVAL_QUERY"}]}
    embeddings.embed_query("text", task_type="CLUSTERING", output_dimensionality=8)
    sent = server.requests[-1].json["requests"][0]
    assert (sent["taskType"], sent["outputDimensionality"]) == ("CLUSTERING", 8)


def test_no_texts_are_no_request(embeddings: Any, server: ReplayServer) -> None:
    assert embeddings.embed_documents([]) == []
    assert server.request_count == 0


def test_errors_are_those_of_chat_models(embeddings: Any, server: ReplayServer) -> None:
    server.fail(429)
    with pytest.raises(ModelRateLimitError):
        embeddings.embed_query("text")


def test_another_number_of_vectors_is_refused() -> None:
    with pytest.raises(ValueError, match="1 vectors for 2 texts"):
        _vectors({"embeddings": [{"values": [1]}]}, 2)


def test_a_page_in_place_of_vectors_is_malformed(embeddings: Any, server: ReplayServer) -> None:
    server.queue(Reply(faults=Faults(html_200=True)))
    with pytest.raises(MalformedResponseError):
        embeddings.embed_query("text")
