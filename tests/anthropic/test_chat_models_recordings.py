"""Real answers, recorded: what they say arrives whole, and a cut one is never taken for a whole one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from tests.helpers import is_met, recorded, requires

from prill.anthropic import ChatAnthropic
from prill.anthropic.decode import AnthropicDecoder
from prill.errors import EmptyResponseError, ModelError, StreamInterrupted
from prill.messages import AIMessageChunk, HumanMessage, ToolMessage, merge_chunks, message_chunk_to_message
from prill.messages.ai import as_interrupted
from prill.testing import Faults, Recording, ReplayServer
from prill.transducers.sse import SSEDecoder
from recordings import list_recordings, load_recording

pytestmark = requires("recordings")

Make = Callable[..., ChatAnthropic]
THINKING = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
STREAM = {"content-type": "text/event-stream"}  # the sources of some recordings did not keep the headers
CUT = ["tool-use-2", "thinking-tool-loop-turn0-1", "parallel-tools-1"]


def ids(streaming: bool) -> list[str]:
    """The recordings of the messages API that went well."""
    if not is_met("recordings"):
        return recorded()
    known = list_recordings("anthropic.messages", streaming=streaming)
    return [id.removeprefix("anthropic-messages-") for id in known if "-error" not in id]


def load(id: str) -> Recording:
    return load_recording(f"anthropic-messages-{id}")


def decode(pieces: Iterable[bytes]) -> list[AIMessageChunk]:
    sse, decoder = SSEDecoder(), AnthropicDecoder()
    return [chunk for piece in pieces for event in sse.feed(piece) for chunk in decoder.feed(event)]


def read_stream(body: str) -> dict[str, Any]:
    """A recorded stream as one message, in the plainest way: line by line, each delta added to its block."""
    message: dict[str, Any] = {}
    for line in body.splitlines():
        if not line.startswith("data:"):
            continue
        event = json.loads(line.removeprefix("data:"))
        kind = event["type"]
        if kind == "message_start":
            message = event["message"]
        elif kind == "content_block_start":
            message["content"].append({**event["content_block"], "pieces": ""})
        elif kind == "content_block_delta":
            _add(message["content"][-1], event["delta"])
        elif kind == "content_block_stop":
            block = message["content"][-1]
            pieces = block.pop("pieces")
            if pieces:
                block["input"] = json.loads(pieces)
        elif kind == "message_delta":
            message |= event["delta"]
            message["usage"] |= event["usage"]
    return message


def _add(block: dict[str, Any], delta: dict[str, Any]) -> None:
    kind = delta["type"]
    if kind == "input_json_delta":
        block["pieces"] += delta["partial_json"]
    elif kind == "citations_delta":
        block["citations"] = [*(block.get("citations") or []), delta["citation"]]
    else:
        field = kind.removesuffix("_delta")
        block[field] = block.get(field, "") + delta[field]


def plain_blocks(content: str | list[Any]) -> list[dict[str, Any]]:
    """A message's content as the provider's blocks, without what only says where they stand or that there is none."""
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [
        {key: value for key, value in block.items() if key != "index" and value not in (None, [])} for block in blocks
    ]


def calls_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": block["name"], "args": block["input"], "id": block["id"], "type": "tool_call"}
        | ({"extras": {"caller": block["caller"]}} if "caller" in block else {})
        for block in message["content"]
        if block["type"] == "tool_use"
    ]


def text_of(message: dict[str, Any]) -> str:
    return "".join(block["text"] for block in message["content"] if block["type"] == "text")


def check(answer: Any, said: dict[str, Any]) -> None:
    """What is the same however the content is shown."""
    usage = said["usage"]
    input = sum(usage.get(key) or 0 for key in usage if key.endswith("input_tokens"))
    assert str(answer.text) == text_of(said)
    assert answer.tool_calls == calls_of(said)
    assert answer.invalid_tool_calls == []
    assert answer.id == answer.response_metadata["id"] == said["id"]
    assert answer.response_metadata["model_name"] == answer.response_metadata["model"] == said["model"]
    assert answer.response_metadata["stop_reason"] == said["stop_reason"]
    assert answer.response_metadata["stop_sequence"] == said["stop_sequence"]
    assert answer.usage_metadata["input_tokens"] == input
    assert answer.usage_metadata["output_tokens"] == usage["output_tokens"]
    assert answer.usage_metadata["total_tokens"] == input + usage["output_tokens"]
    assert answer.usage_metadata["input_token_details"].get("cache_read") == usage.get("cache_read_input_tokens")


@pytest.mark.parametrize("id", ids(streaming=True))
def test_a_recorded_stream_says_all_that_it_said(id: str, server: ReplayServer, make: Make, verbs: Any) -> None:
    recording = load(id)
    said = read_stream(recording.body.decode())
    server.recording(recording)
    chunks = verbs.stream(make(), "Hi")
    check(merge_chunks(chunks), said)
    assert [chunk.chunk_position for chunk in chunks].count("last") == 1
    assert chunks[-1].chunk_position == "last"


@pytest.mark.parametrize("id", ids(streaming=True))
def test_every_block_of_a_recorded_stream_is_kept(id: str, server: ReplayServer, make: Make) -> None:
    recording = load(id)
    said = read_stream(recording.body.decode())
    server.recording(recording)
    message = message_chunk_to_message(merge_chunks(list(make(**THINKING).stream("Hi"))))
    check(message, said)
    assert plain_blocks(message.content) == plain_blocks(said["content"])


@pytest.mark.parametrize("id", ids(streaming=True))
@pytest.mark.parametrize("settings", [{}, THINKING], ids=["", "blocks"])
def test_a_recorded_answer_goes_back_as_it_came(id: str, settings: Any, server: ReplayServer, make: Make) -> None:
    model = make(**settings)
    recording = load(id)
    said = read_stream(recording.body.decode())
    server.recording(recording)
    answer = merge_chunks(list(model.stream("Hi")))
    results = [ToolMessage(content="r", tool_call_id=call["id"]) for call in answer.tool_calls]
    model.invoke([HumanMessage(content="Hi"), answer, *(results or [HumanMessage(content="and then?")])])
    sent = server.requests[-1].json["messages"][1]
    assert sent["role"] == "assistant"
    if settings or isinstance(answer.content, list):
        assert joined(plain_blocks(sent["content"])) == joined(plain_blocks(said["content"]))
    else:
        texts = [block for block in plain_blocks(sent["content"]) if block["type"] == "text"]
        assert "".join(block["text"] for block in texts) == text_of(said)
        calls = [block for block in sent["content"] if block["type"] == "tool_use"] if results else []
        assert [(call["id"], call["input"]) for call in calls] == [
            (call["id"], call["args"]) for call in calls_of(said)
        ]


def joined(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Neighbouring plain texts as one, which is how they are kept before the first other block."""
    whole: list[dict[str, Any]] = []
    for block in blocks:
        if whole and block.keys() == whole[-1].keys() == {"type", "text"}:
            whole[-1] = {"type": "text", "text": whole[-1]["text"] + block["text"]}
        elif block != {"type": "text", "text": ""}:
            whole.append(block)
    return whole


@pytest.mark.parametrize("id", ids(streaming=True))
def test_an_answer_of_text_and_tool_calls_has_text_as_its_content(id: str, server: ReplayServer, make: Make) -> None:
    recording = load(id)
    said = read_stream(recording.body.decode())
    server.recording(recording)
    content = merge_chunks(list(make().stream("Hi"))).content
    plain = all(block["type"] in ("text", "tool_use") and not block.get("citations") for block in said["content"])
    assert isinstance(content, str) == plain


@pytest.mark.parametrize("id", ids(streaming=False))
def test_a_recorded_answer_in_one_piece_says_all_that_it_said(
    id: str, server: ReplayServer, make: Make, verbs: Any
) -> None:
    recording = load(id)
    said = json.loads(recording.body)
    server.recording(recording)
    check(verbs.invoke(make(), "Hi"), said)
    server.recording(recording)
    message = make(**THINKING).invoke("Hi")
    assert plain_blocks(message.content) == plain_blocks(said["content"])


@pytest.mark.parametrize("id", ids(streaming=False))
def test_a_recorded_answer_is_the_same_when_it_is_streamed(id: str, server: ReplayServer, make: Make) -> None:
    recording = load(id)
    said = json.loads(recording.body)
    for settings in ({}, THINKING):
        server.recording(recording)
        whole = make(**settings).invoke("Hi")
        server.queue(replace(recording, headers=STREAM, body=streamed(said)))
        chunks = list(make(**settings).stream("Hi"))
        assert message_chunk_to_message(merge_chunks(chunks)) == whole


def streamed(message: dict[str, Any]) -> bytes:
    """The stream in which the API would have sent a recorded answer, every text in two pieces."""
    start = {**message, "content": [], "stop_reason": None, "usage": {**message["usage"], "output_tokens": 1}}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for index, block in enumerate(message["content"]):
        first, deltas = _pieces(block)
        events.append({"type": "content_block_start", "index": index, "content_block": first})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    last = {key: message[key] for key in ("stop_reason", "stop_sequence")}
    events.append(
        {"type": "message_delta", "delta": last, "usage": {"output_tokens": message["usage"]["output_tokens"]}}
    )
    events.append({"type": "message_stop"})
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


def _pieces(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    if block["type"] == "tool_use":
        text = json.dumps(block["input"])
        halves = [{"type": "input_json_delta", "partial_json": half} for half in ("", text[:5], text[5:])]
        return {**block, "input": {}}, halves
    key = block["type"]
    deltas = [{"type": "citations_delta", "citation": citation} for citation in block.get("citations") or []]
    deltas += [{"type": f"{key}_delta", key: half} for half in (block[key][:3], block[key][3:])]
    first = {"type": key, key: ""}
    if "signature" in block:
        first["signature"] = ""
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    return first, deltas


@pytest.mark.parametrize("id", [*CUT, "utf8-1"])
def test_a_stream_split_anywhere_gives_the_same_chunks(id: str) -> None:
    body = load(id).body
    whole = decode([body])
    assert decode(body[at : at + 1] for at in range(len(body))) == whole
    for at in range(0, len(body), 7):
        assert decode([body[:at], body[at:]]) == whole


@pytest.mark.parametrize("id", CUT)
def test_a_stream_cut_at_any_byte_never_gives_a_wrong_tool_call(id: str) -> None:
    body = load(id).body
    calls = calls_of(read_stream(body.decode()))
    assert calls
    sse, decoder = SSEDecoder(), AnthropicDecoder()
    chunks: list[AIMessageChunk] = []
    for at in range(len(body)):
        new = [chunk for event in sse.feed(body[at : at + 1]) for chunk in decoder.feed(event)]
        chunks += new
        if new:
            found = message_chunk_to_message(merge_chunks(chunks)).tool_calls
            assert found == calls[: len(found)]
            assert decoder.ended == (chunks[-1].chunk_position == "last")
    assert found == calls


@pytest.mark.parametrize("id", CUT)
@pytest.mark.parametrize("way", ["broken", "ended early"])
def test_a_cut_stream_raises_with_what_had_arrived(
    id: str, way: str, server: ReplayServer, model: ChatAnthropic
) -> None:
    recording = load(id)
    body = recording.body
    calls = calls_of(read_stream(body.decode()))
    ends = {sum(map(len, recording.events[:count])) for count in range(len(recording.events))}
    step = 53 if way == "broken" else 211
    for at in sorted({*range(1, len(body) - 20, step), *(ends - {0})}):
        if way == "broken":
            server.recording(recording, faults=Faults(cut_after=at))
        else:
            server.queue(replace(recording, headers=STREAM, body=body[:at]))
        chunks: list[AIMessageChunk] = []
        with pytest.raises(ModelError) as caught:
            chunks.extend(model.stream("Hi"))
        assert isinstance(caught.value, StreamInterrupted | EmptyResponseError), at
        assert caught.value.retryable
        partial = caught.value.partial
        if partial is not None:
            assert chunks == [] or merge_chunks(chunks).text == partial.text
            found = message_chunk_to_message(partial).tool_calls
            assert found == calls[: len(found)]


def test_a_cut_stream_gives_every_chunk_before_it_raises(server: ReplayServer, model: ChatAnthropic) -> None:
    recording = load("parallel-tools-1")
    said = decode([recording.body])
    for first, second in pairwise(range(4, 20, 3)):
        seen: list[AIMessageChunk] = []
        cut = b"".join(recording.events[:second])
        server.queue(replace(recording, body=cut))
        with pytest.raises(StreamInterrupted) as caught:
            seen.extend(model.stream("Hi"))
        assert seen == said[: len(seen)]
        assert len(seen) >= first - 3
        assert caught.value.partial == as_interrupted(merge_chunks(seen))
        assert caught.value.usage == seen[0].usage_metadata


def test_recorded_errors_are_typed(server: ReplayServer, model: ChatAnthropic, verbs: Any) -> None:
    for id in list_recordings("anthropic.messages", streaming=False):
        if "-error" not in id:
            continue
        for verb in (verbs.invoke, verbs.stream):
            recording = server.recording(load_recording(id)) or load_recording(id)
            with pytest.raises(ModelError) as caught:
                verb(model, "Hi")
            words = json.loads(recording.body)["error"]
            assert caught.value.status == recording.status
            assert words["message"].split("\n")[0] in str(caught.value)
            assert caught.value.retryable == (recording.status == 429)
