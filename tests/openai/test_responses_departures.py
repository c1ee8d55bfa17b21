"""Responses: answers that failed, odd values, and calls whose pieces do not say all."""

from __future__ import annotations

import json
from typing import Any

import pytest

from prill.errors import ModelError
from prill.messages import AIMessage, HumanMessage, ToolMessage, merge_chunks
from prill.openai import ChatOpenAI
from providers.http.raw_server import RawServer, saying, with_length

Json = dict[str, Any]
MESSAGE = {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "ok"}]}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "ENC"}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": '{"a": 1}'}


def response(*output: Any, status: Any = "completed", **more: Any) -> Json:
    return {"id": "r1", "object": "response", "status": status, "model": "m", "output": list(output), **more}


def sse(*events: Json) -> bytes:
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()


def streamed(*pieces: Json, last: Json | None = None) -> bytes:
    """A stream of one call, with the given events between its start and its end."""
    return sse(
        {"type": "response.created", "response": response(status="in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": {**CALL, "arguments": ""}},
        *pieces,
        {"type": "response.output_item.done", "output_index": 0, "item": CALL},
        last or {"type": "response.completed", "response": response(CALL)},
    )


def piece(text: str) -> Json:
    return {"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 0, "delta": text}


def model_at(server: RawServer, **settings: Any) -> ChatOpenAI:
    given = {"model": "m", "base_url": server.url, "api_key": "key", "max_retries": 0, "use_responses_api": True}
    return ChatOpenAI(**{**given, **settings})


def ask(body: bytes, *, stream: bool) -> AIMessage:
    with RawServer(saying(with_length(body))) as server:
        model = model_at(server)
        try:
            return merge_chunks(list(model.stream("Hi"))) if stream else model.invoke("Hi")
        finally:
            model.close()


BOOM = {"code": "server_error", "message": "boom"}


@pytest.mark.parametrize(
    "last",
    [
        {"type": "response.failed", "response": response(status="failed", error=BOOM)},
        {"type": "error", **BOOM},
        {"type": "error", "error": BOOM},
        {"type": "response.completed", "response": response(error=BOOM)},
        {"type": "response.cancelled", "response": response(status="cancelled", error=BOOM)},
    ],
    ids=["failed", "an error", "an error inside", "completed with an error", "cancelled"],
)
def test_a_stream_that_failed_is_an_error_with_the_words_and_what_had_come(last: Json) -> None:
    with pytest.raises(ModelError, match="boom") as caught:
        ask(streamed(piece('{"a": 1}'), last=last), stream=True)
    assert [call["args"] for call in caught.value.partial.tool_calls] == [{"a": 1}]


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_response_that_failed_is_an_error(status: str) -> None:
    with pytest.raises(ModelError):
        ask(json.dumps(response(MESSAGE, status=status)).encode(), stream=False)


@pytest.mark.parametrize(
    "pieces",
    [(), (piece('{"a": 1}'),), (piece('{"a"'), piece(": 1}")), (piece('{"a"'),)],
    ids=["none", "one", "all", "not all"],
)
def test_the_whole_call_at_the_end_completes_its_pieces(pieces: tuple[Json, ...]) -> None:
    answer = ask(streamed(*pieces), stream=True)
    assert [(call["name"], call["args"], call["id"]) for call in answer.tool_calls] == [("f", {"a": 1}, "call_1")]


def test_braces_at_the_start_give_way_to_the_whole_call() -> None:
    start = {"type": "response.output_item.added", "output_index": 0, "item": {**CALL, "arguments": "{}"}}
    done = {"type": "response.output_item.done", "output_index": 0, "item": CALL}
    answer = ask(sse(start, done, {"type": "response.completed", "response": response()}), stream=True)
    assert [call["args"] for call in answer.tool_calls] == [{"a": 1}]


def test_a_call_whose_id_changes_at_its_end_is_one_call() -> None:
    start = {"type": "response.output_item.added", "output_index": 0, "item": {**CALL, "arguments": ""}}
    done = {"type": "response.output_item.done", "output_index": 0, "item": {**CALL, "call_id": "call_2"}}
    last = {"type": "response.completed", "response": response()}
    answer = ask(sse(start, piece('{"a": 1}'), done, last), stream=True)
    assert [(call["id"], call["args"]) for call in answer.tool_calls] == [("call_1", {"a": 1})]


def test_an_item_at_another_place_in_the_whole_answer_is_the_same_item() -> None:
    done = {"type": "response.output_item.done", "output_index": 1, "item": CALL}
    answer = ask(sse(done, {"type": "response.completed", "response": response(CALL)}), stream=True)
    assert len(answer.tool_calls) == 1


def test_without_places_the_pieces_are_told_apart_by_the_ids_of_their_items() -> None:
    other = {**CALL, "id": "fc_2", "call_id": "call_2", "name": "g"}
    events: list[Json] = [
        *({"type": "response.output_item.added", "item": {**item, "arguments": ""}} for item in (CALL, other)),
        {"type": "response.function_call_arguments.delta", "item_id": "fc_1", "delta": '{"a": 1}'},
        {"type": "response.function_call_arguments.delta", "item_id": "fc_2", "delta": '{"b": 2}'},
    ]
    answer = ask(sse(*events, {"type": "response.completed", "response": response()}), stream=True)
    assert [(call["name"], call["args"]) for call in answer.tool_calls] == [("f", {"a": 1}), ("g", {"b": 2})]


def test_pieces_that_the_whole_call_contradicts_make_no_call() -> None:
    answer = ask(streamed(piece('{"b"')), stream=True)
    assert answer.tool_calls == []
    assert len(answer.invalid_tool_calls) == 1


@pytest.mark.parametrize("items", [[THOUGHT, MESSAGE], [THOUGHT, CALL]], ids=["a message", "a call"])
def test_reasoning_is_sent_back_in_front_of_what_followed_it(items: list[Json]) -> None:
    first, second = (with_length(json.dumps(response(*output)).encode()) for output in (items, [MESSAGE]))
    with RawServer(saying(first, second)) as server:
        model = model_at(server)
        answer = model.invoke("Hi")
        results = [ToolMessage("r", tool_call_id=call["id"]) for call in answer.tool_calls]
        model.invoke([HumanMessage("Hi"), answer, *(results or [HumanMessage("more")])])
        model.close()
    sent = [item for item in json.loads(server.requests[1].body)["input"] if item.get("role") != "user"]
    assert [item.get("type", "message") for item in sent][:2] == [item["type"] for item in items]


def test_reasoning_that_the_server_does_not_store_is_not_sent_back_by_its_id() -> None:
    bare = {key: value for key, value in THOUGHT.items() if key != "encrypted_content"}
    first, second = (with_length(json.dumps(response(*output)).encode()) for output in ([bare, MESSAGE], [MESSAGE]))
    with RawServer(saying(first, second)) as server:
        model = model_at(server).bind(store=False)
        answer = model.invoke("Hi")
        model.invoke([HumanMessage("Hi"), answer, HumanMessage("more")])
        model.bound.close()
    assert all(item.get("type") != "reasoning" for item in json.loads(server.requests[1].body)["input"])


def test_what_is_null_or_unknown_is_left_out() -> None:
    parts = [{"type": "output_text", "text": "ok", "annotations": None, "logprobs": None}, {"type": "strange", "x": 1}]
    given = response({**MESSAGE, "content": parts}, tools=None, error=None, usage=None)
    assert ask(json.dumps(given).encode(), stream=False).text == "ok"


@pytest.mark.parametrize("odd", [None, 5, "x", [], {}, [None]], ids=repr)
@pytest.mark.parametrize("key", ["output", "id", "status", "usage", "content", "text", "arguments", "name", "call_id"])
def test_a_value_of_another_type_is_read_or_a_typed_error(key: str, odd: Any) -> None:
    part = {"type": "output_text", "text": "ok"}
    message, call = {**MESSAGE, "content": [part]}, dict(CALL)
    given = response(message, call, usage={"input_tokens": 1})
    next(target for target in (given, message, part, call) if key in target)[key] = odd
    try:
        answer = ask(json.dumps(given).encode(), stream=False)
    except ModelError:
        return
    answer.model_dump_json()
    assert all(isinstance(call["args"], dict) and isinstance(call["id"], str) for call in answer.tool_calls)
