"""Recorded streams, cut at every byte: what was not complete is never taken for a tool call, nor the rest for a whole.

The bytes are given to a model's own loop over bytes, without a connection, so that thousands of cuts are quick.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runlet.anthropic import ChatAnthropic
from runlet.errors import EmptyResponseError, ModelError, StreamInterrupted
from runlet.io import drive_stream
from runlet.messages import AIMessage, AIMessageChunk, merge_chunks, message_chunk_to_message
from runlet.openai import ChatOpenAI
from runlet.testing import load_recording, recordings_folder

needs_recordings = pytest.mark.skipif(
    recordings_folder() is None, reason="needs recorded answers of providers: set RUNLET_WIRE to their folder"
)

EVERY_BYTE = [
    "openai-chat-tool-call-1",
    "openai-chat-parallel-tools-3",
    "dashscope-chat-cjk-tools-1",
    "dashscope-chat-tools-1",
    "deepseek-chat-tools-2",
    "mistral-chat-tools-1",
    "mistral-chat-tool-no-index-1",
    "ollama-chat-tools-1",
    "openrouter-chat-comments-tools-1",
    "openai-responses-parallel-tools-1",
    "anthropic-messages-tool-use-2",
    "anthropic-messages-parallel-tools-1",
    "anthropic-messages-thinking-tool-loop-turn0-1",
]
LONG = ["openai-chat-parallel-tools-2", "openai-responses-tool-call-1", "writer-chat-no-done-tools-1"]
"""Of these, and there are many alike, a cut in each place of every event would take minutes."""


class Bytes:
    """A body that is given in pieces, without a connection."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces

    async def pieces(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece

    def chunk_came(self, chunk: Any) -> None: ...

    def expect_end(self) -> None: ...


def model_of(id: str) -> tuple[Any, str]:
    if id.startswith("anthropic"):
        return ChatAnthropic(model="claude", api_key="test"), "/v1/messages"
    return ChatOpenAI(api_key="test"), "/v1/responses" if "responses" in id else "/v1/chat/completions"


def chunks_of(id: str, *pieces: bytes) -> Iterator[AIMessageChunk]:
    model, path = model_of(id)
    request = httpx2.Request("POST", f"http://test{path}", content=b"{}")
    response = httpx2.Response(200, headers={"content-type": "text/event-stream"}, request=request)
    return drive_stream(model._decoded(Bytes(*pieces), response, model._decoder(response)))


def message_of(chunks: list[AIMessageChunk]) -> AIMessage:
    return message_chunk_to_message(merge_chunks(chunks))  # type: ignore[return-value]  # chunks of an answer


def cut(id: str, body: bytes) -> tuple[list[AIMessageChunk], Exception | None]:
    arrived: list[AIMessageChunk] = []
    try:
        arrived.extend(chunks_of(id, body))
    except ModelError as error:
        return arrived, error
    return arrived, None


def check_cuts(id: str, places: Iterator[int] | range) -> None:
    body = load_recording(id).body
    calls = message_of(list(chunks_of(id, body))).tool_calls
    assert calls
    whole = False
    for at in places:
        arrived, error = cut(id, body[:at])
        if error is None:
            assert message_of(arrived).tool_calls == calls, f"{at} bytes are taken for the whole"
            whole = True
            continue
        assert not whole, f"the answer was whole before byte {at}"
        assert isinstance(error, StreamInterrupted | EmptyResponseError), f"{at} bytes: {error!r}"
        found = message_of(arrived) if arrived else AIMessage("")
        assert all(call in calls for call in found.tool_calls), f"{at} bytes"
        broken = {call["id"] for call in found.invalid_tool_calls}
        assert broken.isdisjoint(call["id"] for call in found.tool_calls)


@needs_recordings
@pytest.mark.parametrize("id", EVERY_BYTE)
def test_a_stream_that_is_cut_at_any_byte_gives_no_half_call(id: str) -> None:
    check_cuts(id, range(len(load_recording(id).body) + 1 if recordings_folder() else 0))


@needs_recordings
@pytest.mark.parametrize("id", LONG)
def test_a_long_stream_that_is_cut_in_or_between_events_gives_no_half_call(id: str) -> None:
    body = load_recording(id).body
    ends = [at for at in range(len(body)) if body[at - 2 : at] == b"\n\n"]
    check_cuts(id, iter(sorted({1, *ends, *(at + 3 for at in ends), *(at - 20 for at in ends), len(body)})))


@needs_recordings
@pytest.mark.parametrize("id", EVERY_BYTE)
def test_a_stream_that_is_split_at_any_byte_gives_the_same_chunks(id: str) -> None:
    body = load_recording(id).body
    whole = list(chunks_of(id, body))
    assert list(chunks_of(id, *(body[at : at + 1] for at in range(len(body))))) == whole
    for at in range(1, len(body), 5):
        assert list(chunks_of(id, body[:at], body[at:])) == whole


ARGUMENTS = st.dictionaries(st.text(max_size=5), st.text(max_size=8) | st.integers() | st.none(), max_size=3)


def interleaved(queues: list[list[Any]], data: st.DataObject) -> Iterator[Any]:
    while any(queues):
        yield data.draw(st.sampled_from([queue for queue in queues if queue])).pop(0)


def pieces_of(args: Any, data: st.DataObject) -> list[str]:
    text, size = json.dumps(args), data.draw(st.integers(1, 7))
    return [text[at : at + size] for at in range(0, len(text), size)]


def sent(events: list[Any]) -> bytes:
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


@given(calls=st.lists(ARGUMENTS, min_size=1, max_size=4), data=st.data())
@settings(max_examples=40, deadline=None)
def test_interleaved_calls_of_a_response_come_together(calls: list[Any], data: st.DataObject) -> None:
    queues = []
    for index, args in enumerate(calls):
        item = {"type": "function_call", "id": f"fc{index}", "call_id": f"c{index}", "name": "f", "arguments": ""}
        done = {**item, "arguments": json.dumps(args)}
        place = {"output_index": index}
        queues.append(
            [
                {"type": "response.output_item.added", "item": item, **place},
                *(
                    {"type": "response.function_call_arguments.delta", "delta": piece, **place}
                    for piece in pieces_of(args, data)
                ),
                {"type": "response.output_item.done", "item": done, **place},
            ]
        )
    end = {"type": "response.completed", "response": {"id": "r", "output": []}}
    message = message_of(list(chunks_of("responses", sent([*interleaved(queues, data), end]))))
    assert {call["id"]: call["args"] for call in message.tool_calls} == {f"c{i}": args for i, args in enumerate(calls)}
    assert message.invalid_tool_calls == []


@given(calls=st.lists(ARGUMENTS, min_size=1, max_size=4), data=st.data())
@settings(max_examples=40, deadline=None)
def test_interleaved_calls_of_a_message_come_together(calls: list[Any], data: st.DataObject) -> None:
    queues = []
    for index, args in enumerate(calls):
        block = {"type": "tool_use", "id": f"c{index}", "name": "f", "input": {}}
        place = {"index": index}
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces_of(args, data)]
        queues.append(
            [
                {"type": "content_block_start", "content_block": block, **place},
                *({"type": "content_block_delta", "delta": delta, **place} for delta in deltas),
                {"type": "content_block_stop", **place},
            ]
        )
    start = {"type": "message_start", "message": {"id": "m", "model": "c", "usage": {}}}
    end = [{"type": "message_delta", "delta": {"stop_reason": "tool_use"}}, {"type": "message_stop"}]
    message = message_of(list(chunks_of("anthropic", sent([start, *interleaved(queues, data), *end]))))
    assert {call["id"]: call["args"] for call in message.tool_calls} == {f"c{i}": args for i, args in enumerate(calls)}
    assert message.invalid_tool_calls == []
