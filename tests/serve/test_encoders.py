"""Encoders over any stream of facts: what is opened is closed, and each run has one end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ag_ui.core import Event as AGUIEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from prill.messages import AIMessage, AIMessageChunk
from prill.serve.encoders import PROTOCOLS
from prill.serve.encoders.openai_chat import ChatCompletionsEncoder
from prill.serve.facts import (
    Chunk,
    Data,
    Event,
    Fact,
    Failure,
    Patch,
    Restarted,
    RunEnded,
    RunFailed,
    RunStarted,
    RunStopped,
    ToolCall,
    ToolResult,
    Usage,
)

ENCODERS = {**PROTOCOLS, "openai-chat": lambda: ChatCompletionsEncoder("m", 1, include_usage=True)}

texts = st.sampled_from(["", "a", "é\n", "data: x\n\n", "中"])
ids = st.sampled_from(["c1", "c2", "c3"])
indexes = st.sampled_from([0, 1, None])
pieces = st.builds(
    lambda id, name, args, index: {"id": id, "name": name, "args": args, "index": index, "type": "tool_call_chunk"},
    st.one_of(st.none(), ids),
    st.one_of(st.none(), st.just("f")),
    st.sampled_from(["", '{"x"', ": 1}", "{", None]),
    indexes,
)
thoughts = st.builds(lambda text: {"additional_kwargs": {"reasoning_content": text}}, texts)
chunks = st.builds(
    lambda text, calls, more: AIMessageChunk(text, tool_call_chunks=calls, **more),
    texts,
    st.lists(pieces, max_size=2),
    st.one_of(st.just({}), thoughts),
)
whole = st.builds(
    lambda text, id: AIMessage(text, tool_calls=[{"name": "f", "args": {"x": 1}, "id": id}] if id else []),
    texts,
    st.one_of(st.none(), ids),
)
values = st.one_of(texts, chunks, whole, st.just({"a": [1]}), st.just(None))
facts: st.SearchStrategy[Fact] = st.one_of(
    st.builds(Chunk, values, st.sampled_from(["", "r1", "r2"])),
    st.builds(ToolCall, ids, st.just("f"), st.sampled_from([{"x": 1}, "text", None])),
    st.builds(ToolResult, ids, st.just("f"), st.just("out"), st.one_of(st.none(), st.just("failed"))),
    st.builds(Data, st.just("plot"), st.just({"a": 1})),
    st.just(Usage(1, 2, 3)),
    st.just(Restarted(2)),
    st.just(Event({"event": "on_chain_stream", "data": {"chunk": "x"}})),
    st.just(Patch([{"op": "add", "path": "/a", "value": 1}])),
)
failure = Failure(500, "internal_error", "InternalError", "Internal Server Error")
ends: st.SearchStrategy[Fact | None] = st.sampled_from(
    [RunEnded(), RunFailed(failure), RunStopped("stopped"), RunStopped("shutdown"), None]
)
runs = st.tuples(st.lists(facts, max_size=12), ends)


def encode(name: str, run: tuple[list[Fact], Fact | None]) -> list[bytes]:
    encoder = ENCODERS[name]()
    given_facts, end = run
    frames = []
    for fact in [RunStarted("run", "request"), *given_facts, *([end] if end is not None else [])]:
        frames += encoder.feed(fact)
    frames += encoder.finish()
    assert encoder.feed(Chunk("late")) == encoder.finish() == []
    return frames


def payloads(frames: list[bytes]) -> list[Any]:
    """The JSON of frames, each of which is one event of lines that a client can read."""
    found = []
    for frame in frames:
        text = frame.decode().replace("\r\n", "\n")
        assert text.endswith("\n\n")
        assert text.count("\n\n") == 1
        fields = dict(line.split(": ", 1) for line in text.strip().split("\n"))
        data = fields.get("data", "null")
        found.append((fields.get("event"), data if data == "[DONE]" else json.loads(data)))
    return found


@given(runs)
def test_langserve_has_one_end(run: Any) -> None:
    events = [kind for kind, _ in payloads(encode("langserve", run))]
    assert sum(kind in ("end", "error") for kind in events) == 1
    assert events[0] == "metadata"
    assert events[-1] in ("end", "error")


@given(runs)
def test_chat_completions_have_one_end_and_whole_calls(run: Any) -> None:
    found = [data for _, data in payloads(encode("openai-chat", run))]
    assert found[-1] == "[DONE]"
    assert found.count("[DONE]") == 1
    *before, last = found[:-1]
    errors = [data for data in found[:-1] if "error" in data]
    reasons = [data for data in before if data.get("choices") and data["choices"][0]["finish_reason"]]
    assert len(errors) + len(reasons) == 1
    assert "error" in last or last["choices"] == []
    opened: set[int] = set()
    for data in found[:-1]:
        for choice in data.get("choices", []):
            for call in choice["delta"].get("tool_calls", []):
                assert ("id" in call) == (call["index"] not in opened)
                opened.add(call["index"])
    assert opened == set(range(len(opened)))


@given(runs)
def test_the_ai_sdk_gets_closed_blocks_and_one_end(run: Any) -> None:
    found = [data for _, data in payloads(encode("ai-sdk", run))]
    assert found[-1] == "[DONE]"
    parts = found[:-1]
    open_blocks: set[tuple[str, str]] = set()
    open_calls: set[str] = set()
    called: set[str] = set()
    for part in parts:
        kind, _, what = part["type"].rpartition("-")
        if kind in ("text", "reasoning"):
            key = (kind, part["id"])
            assert (key in open_blocks) == (what != "start")
            (open_blocks.add if what == "start" else open_blocks.discard if what == "end" else id)(key)  # type: ignore[operator]
        if part["type"] == "tool-input-start":
            assert part["toolCallId"] not in called
            called.add(part["toolCallId"])
            open_calls.add(part["toolCallId"])
        if part["type"].startswith("tool-output"):
            assert part["toolCallId"] in called
        if part["type"] in ("tool-input-available", "tool-input-error"):
            open_calls.discard(part["toolCallId"])
    assert open_blocks == set()
    assert open_calls == set()
    assert sum(part["type"] in ("finish", "error", "abort") for part in parts) == 1
    assert parts[-1]["type"] in ("finish", "error", "abort")


agui: TypeAdapter[Any] = TypeAdapter(AGUIEvent)


@given(runs)
def test_ag_ui_events_are_valid_closed_and_have_one_end(run: Any) -> None:
    found = [data for _, data in payloads(encode("ag-ui", run))]
    for event in found:
        agui.validate_python(event)
    kinds = [event["type"] for event in found]
    assert kinds[0] == "RUN_STARTED"
    assert kinds[-1] in ("RUN_FINISHED", "RUN_ERROR")
    assert kinds.count("RUN_STARTED") == kinds.count("RUN_FINISHED") + kinds.count("RUN_ERROR") == 1
    for block, key in (("TEXT_MESSAGE", "messageId"), ("REASONING_MESSAGE", "messageId"), ("TOOL_CALL", "toolCallId")):
        starts = [event[key] for event in found if event["type"] == f"{block}_START"]
        assert starts == [event[key] for event in found if event["type"] == f"{block}_END"] or block == "TOOL_CALL"
        assert sorted(starts) == sorted(event[key] for event in found if event["type"] == f"{block}_END")


@given(runs)
def test_responses_are_numbered_and_closed_and_have_one_end(run: Any) -> None:
    found = payloads(encode("openai-responses", run))
    assert [data["sequence_number"] for _, data in found] == list(range(len(found)))
    kinds = [kind for kind, _ in found]
    assert all(kind == data["type"] for kind, data in found)
    assert kinds[-1] in ("response.completed", "response.failed")
    assert kinds.count("response.completed") + kinds.count("response.failed") == 1
    for one, other in (("output_item.added", "output_item.done"), ("content_part.added", "content_part.done")):
        assert kinds.count(f"response.{one}") == kinds.count(f"response.{other}")


def test_calls_of_one_id_in_two_turns_are_two_calls_with_their_own_answers() -> None:
    run: list[Fact] = []
    for turn, output in (("r1", "one"), ("r2", "two")):
        run.append(Chunk(AIMessage("", tool_calls=[{"name": "f", "args": {"x": 1}, "id": "call_0"}]), turn))
        run += [ToolCall("call_0", "f", {"x": 1}), ToolResult("call_0", "f", output)]
    parts = [data for _, data in payloads(encode("ai-sdk", (run, RunEnded())))[:-1]]
    starts = [part["toolCallId"] for part in parts if part["type"] == "tool-input-start"]
    answers = {part["toolCallId"]: part["output"] for part in parts if part["type"] == "tool-output-available"}
    assert len(set(starts)) == 2
    assert [answers[id] for id in starts] == ["one", "two"]


@pytest.mark.parametrize("name", ENCODERS)
def test_a_stream_that_ends_without_an_end_is_a_failure(name: str) -> None:
    frames = encode(name, ([Chunk("x")], None))
    assert b"cut before its end" in b"".join(frames)


def test_importing_the_encoders_loads_no_framework() -> None:
    from tests.helpers import run_apart

    code = "import sys, prill.serve.encoders; print(*sorted({'starlette', 'asyncio', 'time'} & set(sys.modules)))"
    # ``time`` is loaded by the interpreter; what matters is that none of these modules uses it.
    assert run_apart({"encoders": code})["encoders"].split() in (["time"], [])
