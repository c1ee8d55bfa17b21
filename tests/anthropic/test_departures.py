"""Answers of servers that speak Anthropic's protocol in their own way: what is read, and what is an error."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from prill.anthropic import ChatAnthropic
from prill.errors import ModelError
from prill.messages import AIMessage, merge_chunks
from providers.http.raw_server import RawServer, saying, with_length

Json = dict[str, Any]
TEXT = {"type": "text", "text": ""}
USAGE = {"input_tokens": 3, "output_tokens": 1}


def events(*blocks: tuple[Json, list[Json]], stop: str = "end_turn") -> list[Json]:
    made: list[Json] = [{"type": "message_start", "message": {"id": "m", "model": "c", "content": [], "usage": USAGE}}]
    for index, (start, deltas) in enumerate(blocks):
        made.append({"type": "content_block_start", "index": index, "content_block": start})
        made += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        made.append({"type": "content_block_stop", "index": index})
    made.append({"type": "message_delta", "delta": {"stop_reason": stop}, "usage": {"output_tokens": 5}})
    return [*made, {"type": "message_stop"}]


def use(*pieces: str, **start: Any) -> tuple[Json, list[Json]]:
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return {"type": "tool_use", "id": "t1", "name": "f", "input": {}, **start}, deltas


def ask(body: bytes, *, stream: bool = True) -> AIMessage:
    with RawServer(saying(with_length(body, "content-type: text/event-stream" if stream else "x: y"))) as server:
        model = ChatAnthropic(model="claude-x", base_url=server.url, api_key="key", max_retries=0)
        try:
            return merge_chunks(list(model.stream("Hi"))) if stream else model.invoke("Hi")
        finally:
            model.close()


def sse(given: list[Any], tail: str = "") -> bytes:
    return ("".join(f"data: {json.dumps(each)}\n\n" for each in given) + tail).encode()


HELLO = (TEXT, [{"type": "text_delta", "text": "ab"}])


@pytest.mark.parametrize("tail", ["data: [DONE]\n\n", "event: done\ndata: [DONE]\n\n", "data: nonsense\n\n"])
def test_nothing_after_message_stop_matters(tail: str) -> None:
    assert ask(sse(events(HELLO), tail)).content == "ab"


def test_a_start_without_its_fields_and_events_of_unknown_kinds_are_read() -> None:
    given = events(HELLO)
    given[0]["message"] = {"id": "m"}
    given.insert(2, {"type": "new_thing", "x": 1})
    given.insert(1, {"type": "ping"})
    assert ask(sse(given)).content == "ab"


@pytest.mark.parametrize(
    "block",
    [
        use(input={"x": 1}),
        use("", input={"x": 1}),
        use('{"x":', "1}"),
        use('{"x":', "1}", input={"x": 1}),
        use("{}", input={"x": 1}),
        use(input='{"x": 1}'),
        use('{"x": 1}', id=None),
    ],
    ids=["in the start", "and an empty piece", "in pieces", "both", "and braces", "as text", "without an id"],
)
def test_the_input_of_a_call_comes_whole_or_in_pieces(block: Any) -> None:
    answer = ask(sse(events(block, stop="tool_use")))
    assert [(call["name"], call["args"]) for call in answer.tool_calls] == [("f", {"x": 1})]
    assert answer.tool_calls[0]["id"]


@pytest.mark.parametrize(
    "block",
    [use('{"x":'), use("[1]"), use('{"y": 2}', input={"x": 1}), use()],
    ids=["cut", "a list", "two inputs", "nothing at the token limit"],
)
def test_input_that_is_not_whole_makes_no_call(block: Any) -> None:
    answer = ask(sse(events(block, stop="max_tokens")))
    assert answer.tool_calls == []
    assert [call["id"] for call in answer.invalid_tool_calls] == ["t1"]


def test_two_blocks_at_one_index_are_two_calls() -> None:
    given = events(use('{"a": 1}'), use('{"b": 2}', id="t2", name="g"))
    for event in given:
        if "index" in event:
            event["index"] = 0
    assert [(call["name"], call["args"]) for call in ask(sse(given)).tool_calls] == [("f", {"a": 1}), ("g", {"b": 2})]


def test_a_delta_whose_index_is_null_belongs_to_the_block_that_is_open() -> None:
    given = events(use('{"a": 1}'))
    given[2]["index"] = None
    assert [call["args"] for call in ask(sse(given)).tool_calls] == [{"a": 1}]


@pytest.mark.parametrize("stop", ["max_tokens", "refusal", "model_context_window_exceeded"])
def test_a_call_without_input_in_an_answer_that_was_stopped_is_not_run(stop: str) -> None:
    answer = ask(sse(events(use(), stop=stop)))
    assert answer.tool_calls == []
    assert answer.invalid_tool_calls


def test_two_calls_with_one_id_get_two() -> None:
    calls = ask(sse(events(use("{}"), use("{}", name="g"), stop="tool_use"))).tool_calls
    assert [call["name"] for call in calls] == ["f", "g"]
    assert len({call["id"] for call in calls}) == 2


@pytest.mark.parametrize(
    "data",
    [
        '{"type": "error", "error": {"type": "overloaded_error", "message": "boom"}}',
        '{"error": {"message": "boom", "code": "429"}}',
        '{"type": "error", "error": "boom"}',
        '{"type": "error", "message": "boom"}',
        "boom",
    ],
)
def test_an_error_event_of_any_shape_has_its_words(data: str) -> None:
    with pytest.raises(ModelError, match="boom") as caught:
        ask(sse(events(HELLO)[:3], f"event: error\ndata: {data}\n\n"))
    assert caught.value.partial.content == "ab"


THOUGHT = ({"type": "thinking", "thinking": "", "signature": ""}, [{"type": "thinking_delta", "thinking": "t"}])
CITED = (TEXT, [{"type": "citations_delta", "citation": {"type": "char_location", "cited_text": "x"}}])
WHOLE: Json = {
    "id": "m",
    "content": [{"type": "text", "text": "a", "citations": [{"type": "char_location"}]}, use(input={"x": 1})[0]],
    "stop_reason": "tool_use",
    "usage": USAGE,
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from places(inner, (*path, key))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    value = copy.copy(value)
    value[path[0]] = put(value[path[0]], path[1:], new)
    return value


@pytest.mark.parametrize("odd", [None, 5, "x", [], {}, [None]], ids=repr)
def test_a_value_of_another_type_is_read_or_a_typed_error(odd: Any) -> None:
    streamed = events(THOUGHT, HELLO, CITED, use('{"x": 1}'), stop="tool_use")
    bodies = [(sse(put(streamed, path, odd)), True) for path in places(streamed) if path]
    bodies += [(json.dumps(put(WHOLE, path, odd)).encode(), False) for path in places(WHOLE)]
    with RawServer(saying(*(with_length(body) for body, _ in bodies))) as server:
        model = ChatAnthropic(model="claude-x", base_url=server.url, api_key="key", max_retries=0)
        for _, stream in bodies:
            try:
                answer: Any = merge_chunks(list(model.stream("Hi"))) if stream else model.invoke("Hi")
            except ModelError:
                continue
            answer.model_dump_json()
            assert isinstance(answer.content_blocks, list)
            assert all(isinstance(call["args"], dict) for call in answer.tool_calls)
        model.close()
