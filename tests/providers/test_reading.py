"""What is read without parsing is what parsing would have read, however the bytes come."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.helpers import recorded, requires

from prill.messages import merge_chunks
from prill.providers.reading import ProviderError, Reading, WrongShape
from providers.cutting import decoder_for
from recordings import load_recording

needs_recordings = requires("recordings")
STREAMS = recorded(streaming=True)


def read(id: str, pieces: Iterable[bytes], parse_without_template: bool = False) -> tuple[list[Any], str, int]:
    """The chunks, how it ended, and how many events there were."""
    reading: Reading[Any] = Reading(decoder_for(id), parse_without_template=parse_without_template)
    chunks: list[Any] = []
    try:
        for piece in pieces:
            for batch, _ in reading.feed(piece):
                chunks += batch
        for batch, _ in reading.finish():
            chunks += batch
    except (ProviderError, WrongShape) as error:
        return chunks, type(error).__name__, reading.seen
    return chunks, "whole" if reading.decoder.ended else "cut", reading.seen


def in_pieces(body: bytes, size: int) -> Iterable[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))


@needs_recordings
@pytest.mark.parametrize("id", STREAMS)
def test_a_recorded_stream_gives_the_same_chunks_without_parsing_each_event(id: str) -> None:
    body = load_recording(id).body
    parsed = read(id, [body], parse_without_template=True)
    for size in (len(body), 4096, 301, 29, 2, 1):
        assert read(id, in_pieces(body, size)) == parsed, f"in pieces of {size} bytes"
    chance = random.Random(id)
    for _ in range(4):
        ends = sorted(chance.sample(range(len(body)), min(len(body), chance.choice([1, 3, 40]))))
        assert read(id, (body[a:b] for a, b in zip([0, *ends], [*ends, len(body)], strict=True))) == parsed, ends


@needs_recordings
@pytest.mark.parametrize(
    "id", ["anthropic-messages-tool-use-2", "openai-chat-parallel-tools-3", "openai-responses-parallel-tools-1"]
)
def test_a_stream_split_in_two_at_any_byte_gives_the_same_chunks(id: str) -> None:
    body = load_recording(id).body
    parsed = read(id, [body], parse_without_template=True)
    for at in range(1, len(body), 3):
        assert read(id, [body[:at], body[at:]]) == parsed


@needs_recordings
@pytest.mark.parametrize("id", STREAMS)
def test_what_a_batch_adds_up_to_is_the_sum_of_its_chunks(id: str) -> None:
    if "completions" in id:
        return
    reading: Reading[Any] = Reading(decoder_for(id))
    try:
        for batch, total in reading.feed(load_recording(id).body):
            assert merge_chunks(list(batch)) == total
    except ProviderError:
        assert not reading.decoder.ended


def test_a_body_without_events_is_not_held_for_ever() -> None:
    reading: Reading[Any] = Reading(decoder_for("anthropic-"))
    line = b": " + b"x" * 999_997 + b"\n"
    assert [list(reading.feed(line)) for _ in range(8)] == [[]] * 8
    assert sum(map(len, reading._rest)) < 5_000_000
    text = b'data: {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "a"}}\n\n'
    assert [chunk.content for batch, _ in reading.feed(text) for chunk in batch] == ["a"]


# Streams that nobody has recorded

TEXTS = st.text(max_size=6) | st.sampled_from(
    [
        '"',
        "\\",
        "\n",
        "}}",
        '"}}',
        '\\"',
        "\u2028",
        "\u3000",
        "\x00",
        "\x7f",
        "😀",
        '"},"logprobs":null',
        '"text":"',
        " ",
    ]
)


def anthropic_event(kind: str, text: str, index: int) -> Any:
    block = {
        "text": {"type": "text", "text": ""},
        "tool": {"type": "tool_use", "id": f"c{index}", "name": "f", "input": {}},
    }
    delta = {
        "text": {"type": "text_delta", "text": text},
        "args": {"type": "input_json_delta", "partial_json": text},
        "thought": {"type": "thinking_delta", "thinking": text},
    }
    if kind.startswith("open "):
        kind = kind.removeprefix("open ")
        opened = block.get(kind, {"type": "thinking", "thinking": "", "signature": ""})
        return {"type": "content_block_start", "index": index, "content_block": opened}
    if kind in delta:
        return {"type": "content_block_delta", "index": index, "delta": delta[kind]}
    return {"ping": {"type": "ping"}, "close": {"type": "content_block_stop", "index": index}}.get(
        kind, {"type": "message_delta", "delta": {"stop_reason": text}, "usage": {"output_tokens": index}}
    )


def openai_event(kind: str, text: str, index: int) -> Any:
    delta = {
        "text": {"content": text},
        "text with role": {"role": "assistant", "content": text},
        "thought": {"content": "", "reasoning_content": text},
        "thought twice": {"reasoning": text, "reasoning_details": [{"type": "reasoning.text", "text": text}]},
        "args": {"tool_calls": [{"index": index, "function": {"arguments": text}}]},
        "args again": {"tool_calls": [{"index": index, "id": "", "function": {"name": "", "arguments": text}}]},
        "call": {"tool_calls": [{"index": index, "id": f"c{index}", "function": {"name": "f", "arguments": ""}}]},
        "refusal": {"content": None, "refusal": text},
        "both": {"content": text, "reasoning_content": "same"},
        "two contents": {"content": text, "reasoning_content": None},
    }
    choice = {"index": 0, "delta": delta.get(kind, {}), "logprobs": None, "finish_reason": None}
    payload = {"id": "a", "object": "chat.completion.chunk", "model": "m", "choices": [choice], "usage": None}
    if kind == "end":
        choice["finish_reason"] = "stop"
    elif kind == "swapped":
        payload["choices"] = [{**choice, "index": 1, "delta": {"content": text}}, {**choice, "delta": {"content": " "}}]
    elif kind == "scored":
        choice |= {"delta": {"content": text}, "logprobs": {"content": [{"token": "x"}]}}
    elif kind == "two contents":
        payload = {"content": "", **payload}
    elif kind == "padded":
        choice["delta"] = {"content": text}
        payload["obfuscation"] = "x" * index
    elif kind == "other choice":
        choice |= {"index": 1, "delta": {"content": text}}
    elif kind == "counted":
        choice["delta"] = {"content": text}
        payload["usage"] = {"prompt_tokens": index, "completion_tokens": 1, "total_tokens": index + 1}
    elif kind == "renamed":
        choice["delta"] = {"content": text}
        payload["id"] = text
    return payload


ANTHROPIC = ["text", "args", "thought", "open text", "open tool", "open thinking", "close", "ping", "end"]
OPENAI = [
    "text",
    "text with role",
    "thought",
    "thought twice",
    "args",
    "args again",
    "call",
    "refusal",
    "end",
    "padded",
]
OPENAI += ["other choice", "counted", "renamed", "two contents", "both", "scored", "swapped"]


BETWEEN = [b"", b"", b": ping\n\n", b"id: 7\n\n", b"\n\n", b"event: error\n", b'data: {"}}\n\n', b'data: ["}]}\n\n']


@st.composite
def bodies(draw: Callable[..., Any], kinds: Sequence[str], event: Callable[[str, str, int], Any]) -> bytes:
    """Events in runs, for like ones follow each other; written in this or that way, some of them damaged."""
    body = b""
    ascii, compact, backwards, raw = (draw(st.booleans()) for _ in range(4))
    for _ in range(draw(st.integers(1, 5))):
        kind, index = draw(st.sampled_from(kinds)), draw(st.integers(0, 2))
        for text in draw(st.lists(TEXTS, min_size=1, max_size=5)):
            payload = event(kind, text, index)
            if backwards:
                payload = dict(reversed(payload.items()))
            written = json.dumps(payload, ensure_ascii=ascii, separators=(",", ":") if compact else None)
            written = written[:-1] + " " * draw(st.sampled_from([0, 0, 0, 3])) + "}"
            if raw:
                written = written.replace("\\u0000", "\0")  # which no JSON may hold
            named = f"event: {payload['type']}\n" if "type" in payload else ""
            body += f"{named}data: {written}\n\n".encode()
        body += draw(st.sampled_from(BETWEEN))
    if draw(st.booleans()):
        at = draw(st.integers(0, len(body) - 1))
        body = body[:at] + draw(st.sampled_from([b"", b'"', b"\\", b"\xff", b"\n", b"\r", b"}", b" "])) + body[at + 1 :]
    return body + draw(st.sampled_from([b"", b"data: [DONE]\n\n", b'data: {"type": "message_stop"}\n\n']))


def check_bytes(id: str, start: bytes, body: bytes, size: int) -> None:
    parsed = read(id, [start, body], parse_without_template=True)
    assert read(id, [start, body]) == parsed
    assert read(id, [start, *in_pieces(body, size)]) == parsed


START = b'data: {"type": "message_start", "message": {"id": "m", "model": "c", "usage": {"input_tokens": 1}}}\n\n'


@given(body=bodies(ANTHROPIC, anthropic_event), size=st.integers(1, 80))
@settings(max_examples=200, deadline=None)
def test_any_stream_of_anthropic_gives_what_parsing_each_event_gives(body: bytes, size: int) -> None:
    check_bytes("anthropic-", START, body, size)


@given(body=bodies(OPENAI, openai_event), size=st.integers(1, 80))
@settings(max_examples=200, deadline=None)
def test_any_stream_of_chat_completions_gives_what_parsing_each_event_gives(body: bytes, size: int) -> None:
    check_bytes("openai-chat-", b"", body, size)
