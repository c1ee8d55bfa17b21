"""Streams of chat completions, decoded from bytes that are split and cut anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.helpers import requires

from prill.errors import (
    ContentFilterError,
    StreamInterrupted,
)
from prill.messages import AIMessageChunk, merge_chunks, message_chunk_to_message
from prill.openai.completions_decode import CompletionDecoder, completion_result
from prill.openai.decode import ChatDecoder
from prill.openai.responses_decode import ResponsesDecoder
from prill.outputs import merge_generation_chunks
from prill.providers.reading import ProviderError
from prill.transducers.sse import ServerSentEvent, SSEDecoder
from recordings import load_recording

needs_recordings = requires("recordings")
DONE = b"data: [DONE]\n\n"


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    payload = {"id": "c1", "object": "chat.completion.chunk", "model": "m", "choices": [choice], **more}
    return b"data: " + json.dumps(payload).encode() + b"\n\n"


def merged(decoder: Any, *pieces: bytes) -> AIMessageChunk:
    sse = SSEDecoder()
    chunks = [chunk for piece in pieces for event in sse.feed(piece) for chunk in decoder.feed(event)]
    chunks += [chunk for event in sse.finish() for chunk in decoder.feed(event)]
    return merge_chunks([*chunks, *decoder.finish()])


SPLIT = ["openai-chat-parallel-tools-3", "dashscope-chat-cjk-tools-1", "mistral-chat-tools-1", "dashscope-chat-cjk-2"]


@needs_recordings
@pytest.mark.parametrize("id", SPLIT)
def test_a_stream_split_at_any_byte_is_the_same_message(id: str) -> None:
    body = load_recording(id).body
    whole = merged(ChatDecoder("p"), body)
    for at in range(1, len(body), 1 if len(body) < 3500 else 3):
        assert merged(ChatDecoder("p"), body[:at], body[at:]) == whole


@needs_recordings
@pytest.mark.parametrize(
    "id", ["perplexity-chat-crlf-citations-1", "dashscope-chat-emoji-1", "groq-chat-tool-use-failed-loop-turn1-1"]
)
def test_a_stream_in_single_bytes_is_the_same_message(id: str) -> None:
    body = load_recording(id).body
    single = [body[at : at + 1] for at in range(len(body))]
    assert merged(ChatDecoder("p"), *single) == merged(ChatDecoder("p"), body)


@needs_recordings
@pytest.mark.parametrize("id", ["openai-responses-parallel-tools-1", "openai-responses-emoji-1"])
def test_a_response_in_single_bytes_is_the_same_message(id: str) -> None:
    body = load_recording(id).body
    single = [body[at : at + 1] for at in range(len(body))]
    assert merged(ResponsesDecoder("p"), *single) == merged(ResponsesDecoder("p"), body)


@given(
    calls=st.lists(
        st.dictionaries(st.text(max_size=5), st.text(max_size=8) | st.integers() | st.none(), max_size=3),
        min_size=1,
        max_size=4,
    ),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_interleaved_pieces_of_parallel_calls_come_together(calls: list[dict[str, Any]], data: st.DataObject) -> None:
    """Fragments of several calls in any order among each other, with repeated and late names and ids."""
    queues: list[list[dict[str, Any]]] = []
    for index, args in enumerate(calls):
        text = json.dumps(args)
        size = data.draw(st.integers(1, 7))
        fragments = [text[at : at + size] for at in range(0, len(text), size)]
        repeat = data.draw(st.sampled_from(["no", "empty", "same"]))
        head = {"index": index, "id": f"id{index}", "type": "function", "function": {"name": "f", "arguments": ""}}
        said = {"no": {}, "empty": {"id": ""}, "same": {"id": f"id{index}"}}[repeat]
        named = {"no": {}, "empty": {"name": ""}, "same": {"name": "f"}}[repeat]
        rest = [{"index": index, **said, "function": {"arguments": one, **named}} for one in fragments]
        queues.append([head, *rest])
    events = []
    while any(queues):
        queue = data.draw(st.sampled_from([queue for queue in queues if queue]))
        events.append(chunk({"tool_calls": [queue.pop(0)]}))
    message = message_chunk_to_message(merged(ChatDecoder("p"), *events, chunk({}, "tool_calls"), DONE))
    assert message.invalid_tool_calls == []
    assert {call["id"]: call["args"] for call in message.tool_calls} == {f"id{i}": args for i, args in enumerate(calls)}


@pytest.mark.parametrize(
    ("fragments", "args"),
    [
        ([{"id": "a", "function": {"name": "f", "arguments": '{"x": 1}'}}], [{"x": 1}]),
        (
            [
                {"index": "0", "id": "a", "function": {"name": "f", "arguments": '{"x"'}},
                {"index": 0, "function": {"arguments": ": 1}"}},
            ],
            [{"x": 1}],
        ),
        ([{"index": 0, "id": "a", "function": {"name": "f", "arguments": None}}], [{}]),
        (
            [
                {"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}},
                {"index": 0, "function": {"arguments": "{}"}},
            ],
            [{}],
        ),
        ([{"index": 0, "id": "a", "function": {"name": "f", "arguments": {"x": 1}}}], [{"x": 1}]),
        (
            [
                {"id": "a", "function": {"name": "f", "arguments": "{}"}},
                {"id": "b", "function": {"name": "f", "arguments": '{"y": 2}'}},
            ],
            [{}, {"y": 2}],
        ),
        (
            [
                {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}},
                {"index": 0, "id": "b", "function": {"name": "f", "arguments": "{}"}},
            ],
            [{}, {}],
        ),
    ],
    ids=[
        "no index",
        "index as text",
        "arguments null",
        "late object",
        "arguments as object",
        "two, no index",
        "same index",
    ],
)
def test_departures_of_servers_in_tool_calls(fragments: list[dict[str, Any]], args: list[dict[str, Any]]) -> None:
    events = [chunk({"tool_calls": [fragment]}) for fragment in fragments]
    message = message_chunk_to_message(merged(ChatDecoder("p"), *events, chunk({}, "tool_calls"), DONE))
    assert [call["args"] for call in message.tool_calls] == args
    assert message.invalid_tool_calls == []


def test_a_call_that_was_cut_at_the_token_limit_is_invalid() -> None:
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"path": "/ho'}}
    events = [chunk({"tool_calls": [call]}), chunk({}, "length"), DONE]
    message = message_chunk_to_message(merged(ChatDecoder("p"), *events))
    assert message.tool_calls == []
    assert message.invalid_tool_calls[0]["args"] == '{"path": "/ho'


def test_usage_that_grows_in_each_event_is_not_summed() -> None:
    def usage(count: int) -> dict[str, int]:
        return {"prompt_tokens": 5, "completion_tokens": count, "total_tokens": 5 + count}

    events = [chunk({"content": "a"}, usage=usage(1)), chunk({"content": "b"}, "stop", usage=usage(2)), DONE]
    assert merged(ChatDecoder("p"), *events).usage_metadata == {
        "input_tokens": 5,
        "output_tokens": 2,
        "total_tokens": 7,
    }


def test_only_the_first_of_several_choices_is_the_message() -> None:
    other = {"choices": [{"index": 1, "delta": {"content": "NO"}, "finish_reason": "length"}]}
    events = [chunk({"content": "yes"}), chunk({}, **other), chunk({}, "stop"), DONE]
    message = merged(ChatDecoder("p"), *events)
    assert message.content == "yes"
    assert message.response_metadata["finish_reason"] == "stop"


def test_the_id_of_the_first_event_stays() -> None:
    message = merged(ChatDecoder("p"), chunk({"content": "a"}), chunk({"content": "b"}, "stop", id="stub"), DONE)
    assert message.id == "c1"


def test_metadata_that_each_event_repeats_is_told_once() -> None:
    events = [
        chunk({"role": "assistant", "content": "a"}, citations=["u"]),
        chunk({"content": "b"}, "stop", citations=["u", "v"]),
    ]
    facts = merged(ChatDecoder("p"), *events).response_metadata
    assert facts["citations"] == ["u", "v"]
    assert facts["model_name"] == "m"
    assert facts["finish_reason"] == "stop"


def test_what_a_server_adds_to_a_delta_is_kept() -> None:
    message = merged(ChatDecoder("p"), chunk({"content": "a", "annotations": [{"type": "url_citation"}]}, "stop"))
    assert message.additional_kwargs["annotations"] == [{"type": "url_citation"}]


def test_reasoning_is_a_block_of_the_content() -> None:
    message = merged(ChatDecoder("p"), chunk({"reasoning_content": "hm"}), chunk({"content": "a"}, "stop"), DONE)
    assert [block["type"] for block in message.content_blocks] == ["reasoning", "text"]
    assert message.content_blocks[0]["reasoning"] == "hm"  # type: ignore[typeddict-item]  # checked on the line above


def test_probabilities_of_all_tokens_are_kept() -> None:
    def with_logprobs(token: str) -> bytes:
        choice = {"index": 0, "delta": {"content": token}, "logprobs": {"content": [{"token": token, "logprob": -1.0}]}}
        return chunk({}, choices=[choice])

    message = merged(ChatDecoder("p"), with_logprobs("a"), with_logprobs("b"), chunk({}, "stop"), DONE)
    assert [one["token"] for one in message.response_metadata["logprobs"]["content"]] == ["a", "b"]


def test_a_filtered_answer_of_which_something_came_is_a_message() -> None:
    message = merged(ChatDecoder("p"), chunk({"content": "a"}), chunk({}, "content_filter"), DONE)
    assert message.content == "a"
    assert message.response_metadata["finish_reason"] == "content_filter"


def test_an_answer_filtered_whole_is_an_error() -> None:
    with pytest.raises(ContentFilterError, match="withheld the whole answer"):
        merged(ChatDecoder("p"), chunk({"role": "assistant", "content": ""}), chunk({}, "content_filter"), DONE)


def test_an_answer_without_done_is_whole_once_its_end_has_a_reason(decode: Callable[..., AIMessageChunk]) -> None:
    assert decode(chunk({"content": "a"}, "stop")).content == "a"
    with pytest.raises(StreamInterrupted):
        decode(chunk({"content": "a"}))


@pytest.mark.parametrize("line", [b"data: {oops}\n\n", b"data: []\n\n", b'data: {"hello": 1}\n\n', b"data: 5\n\n"])
def test_an_event_that_is_no_part_of_a_completion_is_refused(line: bytes) -> None:
    decoder = ChatDecoder("p")
    with pytest.raises(ValueError, match=r"."):
        merged(decoder, chunk({"content": "a"}), line, DONE)


def test_the_response_events_of_failure_are_errors(decode: Callable[..., AIMessageChunk]) -> None:
    from prill.providers.streams import ProviderError

    for payload in (
        {"type": "error", "code": "server_error", "message": "m"},
        {"type": "response.failed", "response": {"id": "r", "error": {"code": "server_error", "message": "m"}}},
        {"type": "response.failed", "response": {"id": "r", "error": None}},
        {"error": {"message": "m"}},
    ):
        event = ServerSentEvent(None, json.dumps(payload).encode())
        with pytest.raises(ProviderError):
            list(ResponsesDecoder("p").feed(event))


def test_a_response_that_was_filtered_whole_is_an_error() -> None:
    response = {"id": "r", "status": "incomplete", "incomplete_details": {"reason": "content_filter"}, "output": []}
    with pytest.raises(ContentFilterError):
        ResponsesDecoder("p").whole(response)


def test_a_function_call_of_an_incomplete_response_is_invalid() -> None:
    item = {"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": '{"a": "b'}
    response = {"id": "r", "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    message = message_chunk_to_message(merge_chunks(ResponsesDecoder("p").whole({**response, "output": [item]})))
    assert message.tool_calls == []
    assert message.invalid_tool_calls[0]["args"] == '{"a": "b'


def response_events(*pieces: str, kind: str = "output_text") -> list[ServerSentEvent]:
    place = {"item_id": "m", "output_index": 0, "content_index": 0}
    content = [{"type": kind, "text" if kind == "output_text" else "refusal": "".join(pieces)}]
    item = {"type": "message", "id": "m", "content": content}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {"id": "r"}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        *({"type": f"response.{kind}.delta", "delta": piece, **place} for piece in pieces),
        {"type": f"response.{kind}.done", "text": "".join(pieces), **place},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": [item]}},
    ]
    return [ServerSentEvent(event["type"], json.dumps(event).encode()) for event in events]


@pytest.mark.parametrize(
    ("pieces", "text"),
    [(("so ", "\ud83d"), "so \ufffd"), (("\ud83d", "\ude00"), "😀"), (("a\ud83d", "b"), "a\ufffdb")],
    ids=["at the end", "whole", "inside"],
)
def test_half_a_character_in_a_response_is_replaced(pieces: tuple[str, ...], text: str) -> None:
    decoder = ResponsesDecoder("p")
    message = merge_chunks([chunk for event in response_events(*pieces) for chunk in decoder.feed(event)])
    assert message.text == text


def completion_event(text: str, finish: str | None = None) -> ServerSentEvent:
    choice = {"index": 0, "text": text, "finish_reason": finish}
    return ServerSentEvent("message", json.dumps({"model": "m", "choices": [choice]}).encode())


def test_half_a_character_at_the_end_of_a_text_completion_is_replaced() -> None:
    decoder = CompletionDecoder("p")
    events = [completion_event("so \ud83d"), completion_event("", "stop")]
    chunks = [chunk for event in events for chunk in decoder.feed(event)] + [*decoder.finish()]
    assert merge_generation_chunks(chunks).text == "so \ufffd"


@pytest.mark.parametrize(
    ("finish", "error"), [("error", ProviderError), ("new", ProviderError), ("content_filter", ContentFilterError)]
)
def test_an_empty_text_completion_that_did_not_end_in_order_is_an_error(finish: str, error: type[Exception]) -> None:
    payload = {"model": "m", "choices": [{"index": 0, "text": "", "finish_reason": finish}]}
    decoder = CompletionDecoder("p")
    with pytest.raises(error):
        [*decoder.feed(completion_event("", finish)), *decoder.finish()]
    with pytest.raises(error):
        completion_result(payload, "p", 1)


def test_a_text_completion_in_one_piece_is_the_same_as_its_stream() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    payload = {"model": "m", "choices": [{"index": 0, "text": "hi", "finish_reason": "stop"}], "usage": usage}
    whole, streamed = CompletionDecoder("p"), CompletionDecoder("p")
    chunks = [*streamed.feed(ServerSentEvent("message", json.dumps(payload).encode())), *streamed.finish()]
    assert merge_generation_chunks(whole.whole(payload)) == merge_generation_chunks(chunks)
    assert whole.ended
    with pytest.raises(ProviderError):
        CompletionDecoder("p").whole({"error": {"message": "no"}})
