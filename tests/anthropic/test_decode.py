"""Anthropic's events as message chunks."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prill.anthropic.decode import AnthropicDecoder, make_events, wants_blocks
from prill.messages import AIMessage, AIMessageChunk, merge_chunks, message_chunk_to_message
from prill.providers.streams import ProviderError
from prill.transducers.sse import ServerSentEvent

Event = dict[str, Any]

START: Event = {
    "type": "message_start",
    "message": {"id": "msg_1", "model": "claude-test", "content": [], "usage": {"input_tokens": 7, "output_tokens": 1}},
}
STOP: Event = {"type": "message_stop"}


def end(reason: str = "end_turn", **usage: Any) -> Event:
    delta = {"stop_reason": reason, "stop_sequence": None}
    return {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 5, **usage}}


def block(index: int, start: Event, *deltas: Event) -> list[Event]:
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def text(*pieces: str) -> list[Event]:
    return [{"type": "text_delta", "text": piece} for piece in pieces]


def args(*pieces: str) -> list[Event]:
    return [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


CALL = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}


def chunks_of(events: Iterable[Event], *, blocks: bool = False, count_tokens: bool = True) -> list[AIMessageChunk]:
    decoder = AnthropicDecoder(blocks=blocks, count_tokens=count_tokens)
    sent = [ServerSentEvent(event["type"], json.dumps(event).encode()) for event in events]
    return [chunk for event in sent for chunk in decoder.feed(event)]


def answer(*blocks_: list[Event], reason: str = "end_turn", blocks: bool = False) -> AIMessage:
    events = [START, *(event for one in blocks_ for event in one), end(reason), STOP]
    return message_chunk_to_message(merge_chunks(chunks_of(events, blocks=blocks)))  # type: ignore[return-value]


def test_each_text_delta_is_a_chunk_of_text() -> None:
    chunks = chunks_of([START, *block(0, {"type": "text", "text": ""}, *text("Hel", "lo")), end(), STOP])
    assert [chunk.content for chunk in chunks] == ["", "Hel", "lo", ""]
    assert {chunk.id for chunk in chunks} == {"msg_1"}


def test_only_the_last_chunk_says_that_it_is_the_last_and_it_comes_with_the_stop() -> None:
    chunks = chunks_of([START, end()])
    assert [chunk.chunk_position for chunk in chunks] == [None]
    chunks = chunks_of([START, end("stop_sequence"), STOP])
    assert [chunk.chunk_position for chunk in chunks] == [None, "last"]
    assert chunks[-1].response_metadata["stop_reason"] == "stop_sequence"


def test_pings_and_events_of_unknown_kinds_are_passed_over() -> None:
    assert chunks_of([{"type": "ping"}, {"type": "shiny_new_event", "content": 1}]) == []


def test_an_error_event_raises_with_what_the_provider_said() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    with pytest.raises(ProviderError) as caught:
        chunks_of([START, error])
    assert caught.value.payload == error


@pytest.mark.parametrize("data", [b'{"type":"content_block_del', b"[1]", b'{"type":"content_block_delta"}', b"hello"])
def test_what_is_not_in_the_protocol_is_an_error(data: bytes) -> None:
    with pytest.raises((ValueError, KeyError, AttributeError, TypeError)):
        list(AnthropicDecoder().feed(ServerSentEvent(None, data)))


def test_a_delta_without_a_block_is_an_error() -> None:
    with pytest.raises(ValueError, match="block 0, which is not open"):
        chunks_of([START, {"type": "content_block_delta", "index": 0, "delta": args("{}")[0]}])


# Tool calls


def test_the_pieces_of_a_tool_call_have_the_index_of_their_block() -> None:
    chunks = chunks_of([START, *block(2, CALL, *args("", '{"a"', ": 1}")), end("tool_use"), STOP])
    pieces = [(piece["index"], piece["name"], piece["args"]) for chunk in chunks for piece in chunk.tool_call_chunks]
    assert pieces == [(2, "f", ""), (2, None, '{"a"'), (2, None, ": 1}")]


def test_a_call_without_any_arguments_is_a_call_without_arguments() -> None:
    message = answer(block(0, CALL, *args("")), reason="tool_use")
    assert [call["args"] for call in message.tool_calls] == [{}]


def test_the_input_that_came_with_the_start_holds_where_no_pieces_follow() -> None:
    message = answer(block(0, {**CALL, "input": {"a": 1}}, *args("")), reason="tool_use")
    assert [call["args"] for call in message.tool_calls] == [{"a": 1}]


def test_a_call_that_the_token_limit_cut_is_no_tool_call() -> None:
    for pieces in (['{"city": "Par'], [""], []):
        message = answer(block(0, CALL, *args(*pieces)), reason="max_tokens")
        assert message.tool_calls == []
        assert [call["id"] for call in message.invalid_tool_calls] == ["toolu_1"]


def test_in_a_list_a_call_appears_when_its_input_is_whole() -> None:
    chunks = chunks_of([START, *block(0, CALL, *args('{"a"', ": 1}")), end("tool_use"), STOP], blocks=True)
    assert [chunk.content for chunk in chunks if chunk.content] == [[{**CALL, "input": {"a": 1}, "index": 0}]]


def test_in_a_list_the_text_of_broken_input_is_kept() -> None:
    message = answer(block(0, CALL, *args('{"a"')), reason="tool_use", blocks=True)
    assert message.content == [{**CALL, "input": {}, "partial_json": '{"a"', "index": 0}]
    assert message.tool_calls == []


def test_a_call_that_is_not_ended_is_ended_with_the_message() -> None:
    message = answer(block(0, {**CALL, "type": "server_tool_use"}, *args('{"a": 1}'))[:-1])
    assert message.content == [{**CALL, "type": "server_tool_use", "input": {"a": 1}, "index": 0}]


def test_blocks_that_overlap_are_kept_apart() -> None:
    first, second = block(0, CALL, *args('{"a"', ": 1}")), block(1, {**CALL, "id": "toolu_2"}, *args('{"b"', ": 2}"))
    mixed = [event for pair in zip(first, second, strict=True) for event in pair]
    for blocks in (False, True):
        message = answer(mixed, reason="tool_use", blocks=blocks)
        assert [(call["id"], call["args"]) for call in message.tool_calls] == [
            ("toolu_1", {"a": 1}),
            ("toolu_2", {"b": 2}),
        ]


def test_without_indexes_the_blocks_are_counted() -> None:
    events = [*block(0, CALL, *args('{"a": 1}')), *block(1, {**CALL, "id": "toolu_2"}, *args('{"b": 2}'))]
    for event in events:
        del event["index"]
    assert [call["args"] for call in answer(events, reason="tool_use").tool_calls] == [{"a": 1}, {"b": 2}]


# Blocks


def test_thinking_is_a_block_with_its_signature() -> None:
    deltas = [{"type": "thinking_delta", "thinking": "hm"}, {"type": "thinking_delta", "thinking": "m"}]
    start = {"type": "thinking", "thinking": "", "signature": ""}
    signature = {"type": "signature_delta", "signature": "abc"}
    message = answer(block(0, start, *deltas, signature), block(1, {"type": "text", "text": ""}, *text("x")))
    assert message.content == [
        {"type": "thinking", "thinking": "hmm", "signature": "abc", "index": 0},
        {"type": "text", "text": "x", "index": 1},
    ]
    assert message.content_blocks[0]["type"] == "reasoning"


def test_thinking_that_is_not_shown_keeps_its_signature() -> None:
    start = {"type": "thinking", "thinking": "", "signature": ""}
    message = answer(block(0, start, {"type": "signature_delta", "signature": "abc"}))
    assert message.content == [{"type": "thinking", "thinking": "", "signature": "abc", "index": 0}]


@pytest.mark.parametrize(
    "whole",
    [
        {"type": "redacted_thinking", "data": "xyz"},
        {
            "type": "web_search_tool_result",
            "tool_use_id": "srv_1",
            "content": [{"type": "web_search_result", "url": "u"}],
        },
        {"type": "shiny_new_block", "some": "thing"},
    ],
)
def test_a_block_that_arrives_whole_is_kept_as_it_is(whole: Event) -> None:
    assert answer(block(0, whole)).content == [{**whole, "index": 0}]


def test_a_compaction_is_put_together() -> None:
    deltas = [{"type": "compaction_delta", "content": "so "}, {"type": "compaction_delta", "content": "far"}]
    message = answer(block(0, {"type": "compaction", "content": None}, *deltas))
    assert message.content == [{"type": "compaction", "content": "so far", "index": 0}]


def test_citations_belong_to_the_text_they_come_before() -> None:
    first, second = {"type": "page_location", "cited_text": "a"}, {"type": "page_location", "cited_text": "b"}
    cited = [{"type": "citations_delta", "citation": citation} for citation in (first, second)]
    message = answer(block(0, {"type": "text", "text": "", "citations": []}, *cited, *text("x", "y")))
    assert message.content == [{"type": "text", "text": "xy", "citations": [first, second], "index": 0}]


def test_an_unknown_delta_is_added_to_its_block() -> None:
    deltas = [{"type": "shiny_delta", "shine": "br"}, {"type": "shiny_delta", "shine": "ight"}]
    message = answer(block(0, {"type": "shiny", "id": "s"}, *deltas))
    assert message.content == [{"type": "shiny", "id": "s", "shine": "bright", "index": 0}]


def test_text_before_the_first_other_block_stays_in_front_of_it() -> None:
    message = answer(
        block(0, {"type": "text", "text": ""}, *text("I ", "search")),
        block(1, {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}, *args('{"q": 1}')),
        block(2, {"type": "text", "text": ""}, *text("done")),
    )
    assert message.content == [
        "I search",
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": 1}, "index": 1},
        {"type": "text", "text": "done", "index": 2},
    ]
    assert message.text == "I searchdone"


# Usage


def test_the_chunks_add_up_to_the_usage_that_the_end_tells() -> None:
    start = {**START["message"], "usage": {"input_tokens": 4, "cache_read_input_tokens": 10, "output_tokens": 3}}
    last = end(
        input_tokens=6, cache_read_input_tokens=10, output_tokens=20, output_tokens_details={"thinking_tokens": 8}
    )
    chunks = chunks_of([{**START, "message": start}, last, STOP])
    assert chunks[0].usage_metadata == {
        "input_tokens": 14,
        "output_tokens": 3,
        "total_tokens": 17,
        "input_token_details": {"cache_read": 10},
    }
    assert merge_chunks(chunks).usage_metadata == {
        "input_tokens": 16,
        "output_tokens": 20,
        "total_tokens": 36,
        "input_token_details": {"cache_read": 10},
        "output_token_details": {"reasoning": 8},
    }


def test_an_end_that_counts_only_the_output_leaves_the_input_as_the_start_told_it() -> None:
    merged = merge_chunks(chunks_of([START, end(), STOP]))
    assert merged.usage_metadata is not None
    assert (merged.usage_metadata["input_tokens"], merged.usage_metadata["output_tokens"]) == (7, 5)


def test_tokens_are_not_counted_where_that_is_not_wanted() -> None:
    assert [chunk.usage_metadata for chunk in chunks_of([START, end(), STOP], count_tokens=False)] == [None, None]


# Streams and answers in one piece

_TEXT = st.text(max_size=6)
_SOME = st.text(min_size=1, max_size=6)
_BLOCKS = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, _SOME),
    st.builds(lambda text, sign: {"type": "thinking", "thinking": text, "signature": sign}, _TEXT, _SOME),
    st.builds(lambda data: {"type": "redacted_thinking", "data": data}, _TEXT),
    st.builds(
        lambda kind, id, input: {"type": kind, "id": f"id_{id}", "name": "f", "input": input},
        st.sampled_from(["tool_use", "server_tool_use"]),
        st.integers(0, 10**6),
        st.dictionaries(_TEXT, st.integers() | _TEXT, max_size=2),
    ),
)


def _streamed(index: int, whole: Event, cut: int) -> list[Event]:
    if whole["type"] == "text":
        return block(index, {"type": "text", "text": ""}, *text(whole["text"][:cut], whole["text"][cut:]))
    if whole["type"] == "thinking":
        deltas = [
            {"type": "thinking_delta", "thinking": part} for part in (whole["thinking"][:cut], whole["thinking"][cut:])
        ]
        signature = {"type": "signature_delta", "signature": whole["signature"]}
        return block(index, {"type": "thinking", "thinking": "", "signature": ""}, *deltas, signature)
    if "input" in whole:
        json_text = json.dumps(whole["input"]) if whole["input"] else ""
        return block(index, {**whole, "input": {}}, *args(json_text[:cut], json_text[cut:]))
    return block(index, whole)


@given(st.lists(_BLOCKS, max_size=5, unique_by=lambda one: one.get("id", id(one))), st.integers(0, 9), st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_streamed_answer_is_the_same_as_one_in_one_piece(content: list[Event], cut: int, blocks: bool) -> None:
    usage = {"input_tokens": 7, "output_tokens": 5}
    whole = {"id": "msg_1", "model": "claude-test", "content": content, "stop_reason": "end_turn"}
    whole |= {"stop_sequence": None, "usage": usage}
    decoder = AnthropicDecoder(blocks=blocks)
    at_once = merge_chunks([chunk for event in make_events(whole) for chunk in decoder.read(event)])
    streamed = [event for index, one in enumerate(content) for event in _streamed(index, one, cut)]
    in_pieces = merge_chunks(chunks_of([START, *streamed, end(), STOP], blocks=blocks))
    assert message_chunk_to_message(in_pieces) == message_chunk_to_message(at_once)


# What a request asks for


@pytest.mark.parametrize(
    ("request_", "wanted"),
    [
        ({"messages": []}, False),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, True),
        ({"thinking": {"type": "adaptive"}}, True),
        ({"thinking": {"type": "disabled"}}, False),
        ({"tools": [{"name": "f", "input_schema": {}}, {"type": "bash_20250124", "name": "bash"}]}, False),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, True),
        ({"mcp_servers": [{"type": "url", "url": "https://example.com"}]}, True),
        ({"messages": [{"role": "user", "content": [{"type": "document", "citations": {"enabled": True}}]}]}, True),
        ({"messages": [{"role": "user", "content": [{"type": "document", "source": {}}]}]}, False),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "tool_result",
                                "content": [{"type": "search_result", "citations": {"enabled": True}}],
                            }
                        ],
                    }
                ]
            },
            True,
        ),
    ],
)
def test_a_request_for_more_than_text_and_tools_is_known(request_: dict[str, Any], wanted: bool) -> None:
    assert wants_blocks(request_) is wanted


@pytest.mark.parametrize(
    ("deltas", "start", "content"),
    [
        (text("so ", "\ud83d"), {"type": "text", "text": ""}, "so \ufffdnext"),
        (
            [{"type": "thinking_delta", "thinking": "hm\ud83d"}],
            {"type": "thinking", "thinking": ""},
            [{"type": "thinking", "thinking": "hm\ufffd", "index": 0}, {"type": "text", "text": "next", "index": 1}],
        ),
    ],
    ids=["text", "thinking"],
)
def test_half_a_character_at_the_end_of_a_block_is_replaced(deltas: Any, start: Event, content: Any) -> None:
    message = answer(block(0, start, *deltas), block(1, {"type": "text", "text": ""}, *text("next")))
    assert message.content == content


def test_half_a_character_at_the_end_of_a_call_is_replaced() -> None:
    message = answer(block(0, CALL, *args('{"a": "x', "\ud83d")), reason="max_tokens")
    assert message.invalid_tool_calls[0]["args"] == '{"a": "x\ufffd'


def test_halves_of_a_character_come_together_around_a_ping() -> None:
    events = block(0, {"type": "text", "text": ""}, *text("\ud83d", "\ude00"))
    events.insert(2, {"type": "ping"})
    assert answer(events).content == "😀"
