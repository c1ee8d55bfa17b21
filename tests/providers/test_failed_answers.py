"""Failures that come where an answer was expected: never an end in order, always with the provider's words."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from prill.anthropic import ChatAnthropic
from prill.bedrock import ChatBedrockConverse
from prill.errors import ModelError
from prill.google import ChatGoogleGenerativeAI
from prill.messages import AIMessage, merge_chunks
from prill.openai import ChatOpenAI
from providers.http.raw_server import RawServer, saying, with_length

Json = dict[str, Any]
KEY = "sk-key-that-nobody-sees"
WORDS = f"the words, and {KEY}"


def _openai(url: str) -> Any:
    return ChatOpenAI(model="m", base_url=url, api_key=KEY, max_retries=0)


def _responses(url: str) -> Any:
    return ChatOpenAI(model="m", base_url=url, api_key=KEY, max_retries=0, use_responses_api=True)


def _anthropic(url: str) -> Any:
    return ChatAnthropic(model="m", base_url=url, api_key=KEY, max_retries=0)


def _google(url: str) -> Any:
    return ChatGoogleGenerativeAI(model="m", base_url=url, api_key=KEY, max_retries=0)


def _bedrock(url: str) -> Any:
    keys = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": KEY}
    return ChatBedrockConverse(model="m", base_url=url, region_name="eu-west-1", max_retries=0, **keys)


def _chunk(delta: Json, reason: str | None = None) -> Json:
    return {"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


STARTS: dict[Callable[[str], Any], list[Json]] = {
    _openai: [_chunk({"content": "so far"})],
    _responses: [
        {"type": "response.created", "response": {"id": "r"}},
        {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "so far"},
    ],
    _anthropic: [
        {"type": "message_start", "message": {"id": "m", "content": [], "usage": {}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "so far"}},
    ],
    _google: [{"candidates": [{"content": {"parts": [{"text": "so far"}]}}]}],
}
ENDS: dict[Callable[[str], Any], Callable[[str], list[Json]]] = {
    _openai: lambda reason: [_chunk({}, reason)],
    _responses: lambda reason: [{"type": "response.completed", "response": {"id": "r", "status": reason}}],
    _anthropic: lambda reason: [
        {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {}},
        {"type": "message_stop"},
    ],
    _google: lambda reason: [{"candidates": [{"finishReason": reason}]}],
}
ALL = [*STARTS, _bedrock]


def ask(make: Callable[[str], Any], body: bytes, *, stream: bool, status: int = 200) -> AIMessage:
    kind = "content-type: text/event-stream" if stream else "content-type: application/json"
    answer = with_length(body, kind)
    if status != 200:
        answer = answer.replace(b" 200 ", f" {status} ".encode(), 1)
    with RawServer(saying(answer)) as server:
        model = make(server.url)
        try:
            return merge_chunks(list(model.stream("Hi"))) if stream else model.invoke("Hi")
        finally:
            model.close()


def sse(events: list[Any]) -> bytes:
    return "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode()


def shown(error: BaseException | None) -> str:
    """All that a log would show of an error and its causes."""
    text = ""
    while error is not None:
        text += f"{error} {error!r} {vars(error)}"
        error = error.__cause__ or error.__context__
    return text


SHAPES: list[Any] = [
    {"errmsg": WORDS, "errcode": 1},
    {"errorMessage": WORDS},
    {"Message": WORDS},
    {"exception": WORDS},
    {"base_resp": {"status_code": 1004, "status_msg": WORDS}},
    {"status_code": 500, "reason": WORDS},
    {"id": "1", "choices": [], "message": WORDS},
    {"success": False, "errors": [{"message": WORDS}], "result": None},
    [{"error": {"message": WORDS}}],
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: next(iter(shape)) if isinstance(shape, dict) else "list")
@pytest.mark.parametrize("make", STARTS)
def test_an_error_of_any_shape_inside_a_stream(make: Callable[[str], Any], shape: Any) -> None:
    with pytest.raises(ModelError, match="the words") as caught:
        ask(make, sse([*STARTS[make], shape]), stream=True)
    assert caught.value.partial.text == "so far"
    assert KEY not in shown(caught.value)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: next(iter(shape)) if isinstance(shape, dict) else "list")
@pytest.mark.parametrize("make", ALL)
def test_an_error_of_any_shape_in_place_of_an_answer(make: Callable[[str], Any], shape: Any) -> None:
    for status in (200, 400):
        with pytest.raises(ModelError, match="the words") as caught:
            ask(make, json.dumps(shape).encode(), stream=False, status=status)
        assert KEY not in shown(caught.value)


def test_an_error_as_json_in_place_of_a_stream_of_another_form() -> None:
    with pytest.raises(ModelError, match="the words"):
        ask(_bedrock, json.dumps({"message": WORDS}).encode(), stream=True)


@pytest.mark.parametrize("reason", ["error", "UPSTREAM_ERROR", "failed", "insufficient_system_resource", "expired"])
@pytest.mark.parametrize("make", STARTS)
def test_a_reason_that_says_failure_is_not_an_end(make: Callable[[str], Any], reason: str) -> None:
    with pytest.raises(ModelError) as caught:
        ask(make, sse([*STARTS[make], *ENDS[make](reason)]), stream=True)
    assert caught.value.partial.text == "so far"
    assert reason in str(caught.value)


def test_a_state_that_says_all_is_well_is_not_an_error() -> None:
    events = [*STARTS[_openai], {**_chunk({}, "stop"), "base_resp": {"status_code": 0, "status_msg": "success"}}]
    assert ask(_openai, sse(events), stream=True).text == "so far"
