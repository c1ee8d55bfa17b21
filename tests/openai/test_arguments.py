"""Arguments that programs give: those that are obeyed, and those that are taken and change nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from prill.messages import merge_chunks
from prill.openai import ChatOpenAI, OpenAI, OpenAIEmbeddings
from prill.testing import ReplayServer
from prill.tools import tool

APIS = pytest.mark.parametrize("responses", [False, True], ids=["chat", "responses"])

Make = Callable[..., ChatOpenAI]


def any_model(**settings: Any) -> Any:
    return ChatOpenAI(**{"api_key": "test", **settings})


@APIS
@pytest.mark.parametrize("verb", ["invoke", "stream"])
def test_keys_of_caches_and_of_users_are_sent(
    responses: bool, verb: str, make: Make, server: ReplayServer, colour: Any
) -> None:
    model = make(prompt_cache_key="cache-1", safety_identifier="user-1", use_responses_api=responses)
    getattr(colour, verb)(model)
    getattr(colour, verb)(model, prompt_cache_key="cache-2")
    sent = [(seen.json["prompt_cache_key"], seen.json["safety_identifier"]) for seen in server.requests]
    assert sent == [("cache-1", "user-1"), ("cache-2", "user-1")]


@APIS
def test_the_headers_of_an_answer_are_in_its_message(
    responses: bool, make: Make, server: ReplayServer, colour: Any
) -> None:
    model = make(include_response_headers=True, use_responses_api=responses)
    headers = colour.invoke(model).response_metadata["headers"]
    assert headers["content-type"].startswith("application/json")
    assert headers["x-request-id"]
    chunks = colour.stream(model)
    first, *others = chunks
    assert first.response_metadata["headers"]["content-type"].startswith("text/event-stream")
    assert all("headers" not in chunk.response_metadata for chunk in others)
    assert merge_chunks(chunks).response_metadata["headers"] == first.response_metadata["headers"]
    assert "headers" not in colour.invoke(make(use_responses_api=responses)).response_metadata


def test_streams_with_headers_have_the_same_chunks_otherwise(make: Make, colour: Any) -> None:
    def texts(**settings: Any) -> list[Any]:
        return [
            (chunk.content, chunk.chunk_position) for chunk in colour.stream(make(**settings), "one two three four")
        ]

    assert texts(include_response_headers=True) == texts()


@tool
def search(text: str) -> str:
    """Search."""
    return text


@pytest.mark.parametrize(
    ("disabled", "sent"),
    [
        ({"parallel_tool_calls": None}, {"tool_choice": "required"}),
        ({"tool_choice": ["required", "none"]}, {"parallel_tool_calls": False}),
        ({"tool_choice": ["none"]}, {"tool_choice": "required", "parallel_tool_calls": False}),
        (None, {"tool_choice": "required", "parallel_tool_calls": False}),
    ],
)
def test_what_a_server_does_not_take_is_left_out(
    disabled: Any, sent: dict[str, Any], make: Make, server: ReplayServer, colour: Any
) -> None:
    model: Any = make(disabled_params=disabled).bind_tools([search], tool_choice="any", parallel_tool_calls=False)
    colour.invoke(model)
    seen = server.requests[0].json
    assert {name: seen[name] for name in ("tool_choice", "parallel_tool_calls") if name in seen} == sent


@pytest.mark.parametrize("cls", [ChatOpenAI, OpenAI, OpenAIEmbeddings])
@pytest.mark.parametrize("way", ["argument", "variable"])
def test_a_proxy_has_openais_name(cls: Any, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    address = "http://user:hidden-pw@127.0.0.1:9"
    if way == "variable":
        monkeypatch.setenv("OPENAI_PROXY", address)
    model = cls(api_key="test", **({"openai_proxy": address} if way == "argument" else {}))
    assert model._route().proxy == "http://127.0.0.1:9"
    assert "hidden-pw" not in repr(model)
    assert model._redactor().redact("by hidden-pw") == "by **********"


def test_an_argument_goes_before_the_variable_of_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_PROXY", "http://127.0.0.1:8")
    assert any_model(openai_proxy="http://127.0.0.1:9")._route().proxy == "http://127.0.0.1:9"


@pytest.mark.parametrize("given", [{"output_version": "v1"}, {"tiktoken_model_name": "gpt-4"}])
def test_what_changes_nothing_is_taken(given: Any, make: Make, server: ReplayServer, colour: Any) -> None:
    assert colour.invoke(make(**given)).content == colour.invoke(make()).content
    assert server.requests[0].json == server.requests[1].json
    assert repr(any_model(**given)) == repr(any_model())


# Embeddings


def embed(server: ReplayServer, texts: list[str], **settings: Any) -> list[list[float]]:
    """The vectors, which are the same in both colours."""
    embeddings = OpenAIEmbeddings(base_url=server.openai_url, api_key="test", max_retries=0, **settings)
    vectors = embeddings.embed_documents(texts)
    assert asyncio.run(embeddings.aembed_documents(texts)) == vectors
    embeddings.close()
    return vectors


def test_empty_texts_are_not_sent_where_they_are_to_be_skipped(server: ReplayServer) -> None:
    vectors = embed(server, ["", "a", "", "b"], skip_empty=True, dimensions=4)
    whole = embed(server, ["a", "b"], dimensions=4)
    assert vectors == [[0.0] * 4, whole[0], [0.0] * 4, whole[1]]
    assert {tuple(seen.json["input"]) for seen in server.requests} == {("a", "b")}


def test_vectors_of_skipped_texts_are_as_long_as_the_others(server: ReplayServer) -> None:
    empty, other = embed(server, ["", "a"], skip_empty=True)
    assert empty == [0.0] * len(other)


@pytest.mark.parametrize(("settings", "requests"), [({"dimensions": 4}, 0), ({}, 2)], ids=["known", "unknown"])
def test_where_all_texts_are_empty_the_length_must_be_known(
    settings: dict[str, Any], requests: int, server: ReplayServer
) -> None:
    vectors = embed(server, ["", ""], skip_empty=True, **settings)
    assert len(vectors) == 2
    assert server.request_count == requests


def test_a_deployment_goes_before_the_model(server: ReplayServer) -> None:
    embed(server, ["a"], deployment="my-embeddings")
    assert {seen.json["model"] for seen in server.requests} == {"my-embeddings"}


NO_EFFECT = {
    "check_embedding_ctx_length": False,
    "embedding_ctx_length": 10,
    "tiktoken_enabled": False,
    "tiktoken_model_name": "gpt-4",
    "allowed_special": "all",
    "disallowed_special": (),
    "show_progress_bar": True,
}


def test_how_tokens_are_counted_changes_nothing(server: ReplayServer) -> None:
    long = "word " * 100
    assert embed(server, [long], dimensions=4, **NO_EFFECT) == embed(server, [long], dimensions=4)
    assert len({str(seen.json) for seen in server.requests}) == 1


def test_a_chunk_size_of_a_call_goes_before_that_of_the_model(server: ReplayServer) -> None:
    embeddings = OpenAIEmbeddings(base_url=server.openai_url, api_key="test", chunk_size=1, max_retries=0)
    embeddings.embed_documents(["a", "b", "c"], chunk_size=3)
    embeddings.close()
    assert [seen.json["input"] for seen in server.requests] == [["a", "b", "c"]]
