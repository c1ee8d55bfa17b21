"""``ReplayServer`` as the Gemini API: what is on the wire, byte by byte."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest

from prill.testing import ReplayServer

BODY = {"contents": [{"role": "user", "parts": [{"text": "Hello you"}]}]}
MODEL = "/v1beta/models/gemini-test"


def ask(server: ReplayServer, path: str, body: Any = BODY) -> tuple[int, str, bytes]:
    """The status, the type and the body of an answer."""
    connection = http.client.HTTPConnection(server.google_url.removeprefix("http://"), timeout=30)
    try:
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.headers["content-type"], answer.read()
    finally:
        connection.close()


def test_nothing_scripted_is_an_echo_by_the_model_of_the_address(server: ReplayServer) -> None:
    status, kind, body = ask(server, f"{MODEL}:generateContent")
    answer = json.loads(body)
    assert (status, kind, answer["modelVersion"]) == (200, "application/json", "gemini-test")
    (candidate,) = answer["candidates"]
    content = {"parts": [{"text": "Hello you"}], "role": "model"}
    assert candidate == {"content": content, "finishReason": "STOP", "index": 0}
    assert answer["usageMetadata"] == {"promptTokenCount": 2, "candidatesTokenCount": 2, "totalTokenCount": 4}


def test_a_stream_of_events_ends_its_lines_as_google_does(server: ReplayServer) -> None:
    server.reply("a", "b", usage=(1, 2))
    _, kind, body = ask(server, f"{MODEL}:streamGenerateContent?alt=sse")
    assert kind.startswith("text/event-stream")
    events = [json.loads(event.removeprefix(b"data: ")) for event in body.split(b"\r\n\r\n") if event]
    parts = [event["candidates"][0]["content"]["parts"][0]["text"] for event in events]
    assert parts == ["a", "b", ""]
    assert [event["candidates"][0].get("finishReason") for event in events] == [None, None, "STOP"]
    assert len({event["responseId"] for event in events}) == 1
    assert events[-1]["usageMetadata"]["totalTokenCount"] == 3


@pytest.mark.parametrize("query", ["", "?key=x", "?alt=json"])
def test_without_the_word_for_events_a_stream_is_an_array(query: str, server: ReplayServer) -> None:
    server.reply("a", "b")
    _, kind, body = ask(server, f"{MODEL}:streamGenerateContent{query}")
    assert kind == "application/json"
    assert [one["candidates"][0]["content"]["parts"][0]["text"] for one in json.loads(body)] == ["a", "b", ""]


def test_calls_are_sent_whole_and_the_first_is_signed_where_there_are_thoughts(server: ReplayServer) -> None:
    calls = [{"name": "f", "args": {"x": 1}}, {"name": "g", "id": "own", "signature": "c2ln"}]
    server.reply(thinking=["hm"], tool_calls=calls, usage=(1, 5))
    answer = json.loads(ask(server, f"{MODEL}:generateContent")[2])
    assert answer["candidates"][0]["content"]["parts"] == [
        {"text": "hm", "thought": True},
        {"functionCall": {"name": "f", "args": {"x": 1}}, "thoughtSignature": "cmVwbGF5LXNpZ25hdHVyZQ=="},
        {"functionCall": {"name": "g", "args": {}, "id": "own"}, "thoughtSignature": "c2ln"},
    ]
    counts = {"promptTokenCount": 1, "candidatesTokenCount": 4, "thoughtsTokenCount": 1, "totalTokenCount": 6}
    assert answer["usageMetadata"] == counts


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"finish_reason": "length"}, "MAX_TOKENS"),
        ({"finish_reason": "OTHER"}, "OTHER"),
        ({"refusal": "No."}, "SAFETY"),
    ],
)
def test_the_reason_of_an_end_is_in_googles_words(given: dict[str, Any], sent: str, server: ReplayServer) -> None:
    server.reply("a", **given)
    assert json.loads(ask(server, f"{MODEL}:generateContent")[2])["candidates"][0]["finishReason"] == sent


def test_an_error_names_its_status_and_the_wait(server: ReplayServer) -> None:
    server.fail(429, retry_after=2)
    status, _, body = ask(server, f"{MODEL}:generateContent")
    error = json.loads(body)["error"]
    assert (status, error["code"], error["status"]) == (429, 429, "RESOURCE_EXHAUSTED")
    assert error["details"][0]["retryDelay"] == "2s"


def test_vectors_are_those_of_the_words(server: ReplayServer) -> None:
    def request(text: str) -> dict[str, Any]:
        return {"content": {"parts": [{"text": text}]}, "outputDimensionality": 8}

    one = json.loads(ask(server, f"{MODEL}:embedContent", request("a b"))[2])["embedding"]["values"]
    several = json.loads(ask(server, f"{MODEL}:batchEmbedContents", {"requests": [request("a b"), request("c")]})[2])
    assert several["embeddings"][0]["values"] == one
    assert len(one) == 8
    server.reply("a text")  # which is not an answer to this
    assert "embedding" in json.loads(ask(server, f"{MODEL}:embedContent", request("a b"))[2])
