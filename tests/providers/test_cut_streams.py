"""Streams, cut anywhere: what was not complete is never taken for a tool call, nor the rest for a whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.helpers import recorded, requires

from prill.errors import EmptyResponseError, ModelError, StreamInterrupted
from prill.providers.reading import Reading
from prill.testing import Faults, ReplayServer
from providers.conftest import anthropic, openai, responses
from providers.cutting import check_cuts, decoder_for, message_of
from recordings import load_recording

needs_recordings = requires("recordings")

STREAMS = recorded(streaming=True)


@needs_recordings
@pytest.mark.parametrize("id", STREAMS)
def test_a_stream_that_is_cut_at_any_byte_is_no_whole_one_and_gives_no_half_call(id: str) -> None:
    check_cuts(load_recording(id), longest=1_000)


SENT = {
    "openai-chat-parallel-tools-3": openai,
    "openai-responses-parallel-tools-1": responses,
    "anthropic-messages-parallel-tools-1": anthropic,
}


@needs_recordings
@pytest.mark.parametrize("id", SENT)
def test_a_stream_whose_connection_breaks_gives_no_half_call(id: str, server: ReplayServer, colour: Any) -> None:
    model, size = SENT[id](server), len(load_recording(id).body)
    server.recording(load_recording(id))
    calls = message_of(colour.stream(model)).tool_calls
    assert len(calls) > 1
    for at in range(7, size - 20, size // 12):
        server.recording(load_recording(id), faults=Faults(cut_after=at))
        with pytest.raises(ModelError) as caught:
            colour.stream(model)
        assert isinstance(caught.value, StreamInterrupted | EmptyResponseError), at
        if caught.value.partial is not None:
            assert all(call in calls for call in message_of([caught.value.partial]).tool_calls)


def read(id: str, body: bytes) -> list[Any]:
    reading: Reading[Any] = Reading(decoder_for(id))
    return [chunk for batches in (reading.feed(body), reading.finish()) for chunks, _ in batches for chunk in chunks]


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
    message = message_of(read("openai-responses-", sent([*interleaved(queues, data), end])))
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
    message = message_of(read("anthropic-", sent([start, *interleaved(queues, data), *end])))
    assert {call["id"]: call["args"] for call in message.tool_calls} == {f"c{i}": args for i, args in enumerate(calls)}
    assert message.invalid_tool_calls == []
