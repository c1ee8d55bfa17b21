"""Pieces of tool calls as providers cut them, and the calls that they make."""

from __future__ import annotations

import json
from functools import reduce
from operator import add
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prill.messages import AIMessage, AIMessageChunk, merge_chunks, message_chunk_to_message
from prill.messages.ai import as_interrupted
from prill.messages.call_assembly import ToolCallStream, merge_tool_call_chunks

TextDelta = tuple[str | None, str | None, str | None, Any]


def pieces(*given: TextDelta) -> list[dict[str, Any]]:
    return [{"name": name, "args": args, "id": id, "index": index} for name, args, id, index in given]


def streamed(*given: TextDelta) -> AIMessage:
    """The message of a provider's stream, whose pieces a decoder passes through ``ToolCallStream``."""
    calls = ToolCallStream()
    chunks = [AIMessageChunk("", tool_call_chunks=calls.feed([piece])) for piece in pieces(*given)]
    return message_chunk_to_message(merge_chunks([*chunks, AIMessageChunk("", chunk_position="last")]))


def added(*given: TextDelta) -> AIMessage:
    """The message of chunks of a model of one's own, added one after the other."""
    chunks = [AIMessageChunk("", tool_call_chunks=[piece]) for piece in pieces(*given)]
    return message_chunk_to_message(reduce(add, [*chunks, AIMessageChunk("", chunk_position="last")]))


def valid(message: AIMessage) -> list[tuple[str, dict[str, Any]]]:
    return [(call["name"], call["args"]) for call in message.tool_calls]


ONE_CALL: dict[str, list[TextDelta]] = {
    "fresh ids": [("f", "", "a", 0), (None, '{"x"', "b", 0), (None, ": 1}", "c", 0)],
    "fresh ids, no index": [("f", "", "a", None), (None, '{"x"', "b", None), (None, ": 1}", "c", None)],
    "fresh indices": [("f", "", "a", 0), (None, '{"x"', "a", 1), (None, ": 1}", "a", 2)],
    "a split name": [("", None, "a", 0), ("f", "", "a", 0), (None, '{"x": 1}', None, 0)],
    "a repeated name": [("f", '{"x"', "a", 0), ("f", ": 1}", None, 0)],
    "a name and an id in each piece": [("f", "", "a", 0), ("f", '{"x"', "b", 0), ("f", ": 1}", "c", 0)],
    "braces first": [("f", "{}", "a", 0), (None, '{"x": 1}', None, 0)],
    "null first": [("f", "null", "a", 0), (None, '{"x": 1}', None, 0)],
    "another id each time, and no index": [("f", "", "a", None), ("f", '{"x"', "b", None), ("f", ": 1}", "c", None)],
    "another index each time": [("f", "", "a", 0), (None, '{"x"', None, 1), (None, ": 1}", None, 2)],
    "each piece repeats the ones before": [
        ("f", "", "a", 0),
        ("f", '{"x', "a", 0),
        ("f", '{"x": ', "a", 0),
        ("f", '{"x": 1}', "a", 0),
    ],
    "each piece repeats the ones before, no index": [("f", "{", "a", None), (None, '{"x": 1}', None, None)],
    "encoded twice, in pieces": [("f", '"{\\"x\\"', "a", 0), (None, ': 1}"', None, 0)],
    "whole and in pieces": [("f", '{"x": 1}', "a", 0), (None, '{"x"', None, 0), (None, ": 1}", None, 0)],
    "a late id": [("f", "", None, 0), (None, '{"x": 1}', "a", 0)],
    "a late name": [(None, '{"x"', "a", 0), ("f", ": 1}", "a", 0)],
    "a late name without an id": [(None, '{"x"', None, 0), ("f", ": 1}", None, 0)],
    "an index of text": [("f", "", "a", "call-0"), (None, '{"x": 1}', None, "call-0")],
}


@pytest.mark.parametrize("given", ONE_CALL.values(), ids=ONE_CALL.keys())
def test_the_pieces_of_one_call_make_that_call(given: list[TextDelta]) -> None:
    message = streamed(*given)
    assert (valid(message), message.invalid_tool_calls) == ([("f", {"x": 1})], [])
    if given[0][1] != "null":  # which only a provider's decoder takes for no arguments
        assert valid(added(*given)) == [("f", {"x": 1})]


@pytest.mark.parametrize("index", [0, None])
def test_a_name_that_is_continued_is_one_name(index: int | None) -> None:
    given: list[TextDelta] = [("open_", "", "a", index), ("page", "", None, index), (None, '{"x": 1}', None, index)]
    assert valid(streamed(*given)) == valid(added(*given)) == [("open_page", {"x": 1})]


@pytest.mark.parametrize("id", ["a", None])
def test_a_name_that_grows_is_its_last_form(id: str | None) -> None:
    given: list[TextDelta] = [("open", "", "a", 0), ("open_pa", "", id, 0), ("open_page", '{"x": 1}', id, 0)]
    assert valid(streamed(*given)) == valid(added(*given)) == [("open_page", {"x": 1})]


def test_two_calls_with_one_id_get_two() -> None:
    calls = streamed(("f", "{}", "a", 0), ("g", "{}", "a", 1)).tool_calls
    assert [call["name"] for call in calls] == ["f", "g"]
    assert calls[0]["id"] == "a" != calls[1]["id"]


TWO_CALLS: dict[str, list[TextDelta]] = {
    "one index": [("f", '{"x": 1}', "a", 0), ("g", '{"y": 2}', "b", 0)],
    "one index, no ids": [("f", '{"x": 1}', None, 0), ("g", '{"y": 2}', None, 0)],
    "no index": [("f", '{"x": 1}', "a", None), ("g", '{"y": 2}', "b", None)],
    "neither": [("f", '{"x": 1}', None, None), ("g", '{"y": 2}', None, None)],
    "interleaved": [("f", "", "a", 0), ("g", "", "b", 1), (None, '{"x": 1}', None, 0), (None, '{"y": 2}', None, 1)],
    "interleaved by id": [("f", "", "a", 0), ("g", "", "b", 0), (None, '{"x": 1}', "a", 0), (None, '{"y": 2}', "b", 0)],
}


@pytest.mark.parametrize("given", TWO_CALLS.values(), ids=TWO_CALLS.keys())
def test_the_pieces_of_two_calls_make_two(given: list[TextDelta]) -> None:
    assert valid(streamed(*given)) == valid(added(*given)) == [("f", {"x": 1}), ("g", {"y": 2})]


def test_a_name_after_a_name_without_arguments_ids_and_indices_runs_neither() -> None:
    given: list[TextDelta] = [("f", "", None, None), ("g", '{"x": 1}', None, None)]
    assert valid(streamed(*given)) == valid(added(*given)) == [("fg", {"x": 1})]


def test_a_piece_that_looks_whole_inside_an_object_is_a_part_of_it() -> None:
    given: list[TextDelta] = [("f", '{"x": ', "a", 0), ("f", '{"y": 1}', "b", 0), ("f", "}", "c", 0)]
    assert valid(streamed(*given)) == valid(added(*given)) == [("f", {"x": {"y": 1}})]


@pytest.mark.parametrize(
    "args",
    [
        '{"x": 1, "y": 2{"x": 1}',
        '{"x": 1{"x": {"x": 1}}',
        '{"x": 1}{"x": 1, "y": 2}',
        '"{\\"x\\": "',
        '"[1]"',
        '"\\"x\\""',
        '{"x": 1}</call>',
        '{"x": 1}}',
    ],
)
def test_arguments_of_which_it_is_not_certain_what_they_are_make_no_call(args: str) -> None:
    for message in (streamed(("f", args, "a", 0)), added(("f", args, "a", 0))):
        assert message.tool_calls == []
        assert [call["args"] for call in message.invalid_tool_calls] == [args]


def test_arguments_that_are_encoded_more_than_once_are_the_object() -> None:
    text = '{"x": "{\\"y\\": 1}"}'
    for _ in range(3):
        assert valid(streamed(("f", text, "a", 0))) == [("f", {"x": '{"y": 1}'})]
        text = json.dumps(text)


def test_many_braces_before_the_arguments_end_do_not_take_long() -> None:
    assert valid(streamed(("f", '{"x": ' * 100_000, "a", 0))) == []


@pytest.mark.parametrize("reason", ["length", "max_tokens", "content_filter", "refusal", "SAFETY"])
def test_a_call_without_arguments_is_not_run_if_the_answer_was_cut_or_withheld(reason: str) -> None:
    facts = {"finish_reason": reason}
    for args in ("", "{}") if reason in ("length", "max_tokens") else ("",):
        calls = pieces(("f", '{"x": 1}', "a", 0), ("g", args, "b", 1))
        message = message_chunk_to_message(AIMessageChunk("", tool_call_chunks=calls, response_metadata=facts))
        assert valid(message) == [("f", {"x": 1})]
        assert [call["name"] for call in message.invalid_tool_calls] == ["g"]


def test_a_blank_name_names_no_tool() -> None:
    assert valid(streamed((" ", '{"x": 1}', "a", 0))) == []


UNCLEAR: dict[str, list[TextDelta]] = {
    "arguments at an index of their own": [("f", "", "a", 0), (None, '{"x": 1}', None, 1)],
    "arguments at another index after braces": [("f", "{}", "a", 0), (None, '{"x": 1}', None, 1)],
    "two calls at one index and arguments without ids": [
        ("f", "", "a", 0),
        ("g", "", "b", 0),
        (None, '{"x": 1}', None, 0),
        (None, '{"y": 2}', None, 0),
    ],
    "different arguments twice": [("f", '{"x": 1}', "a", 0), (None, '{"x": 2}', None, 0)],
}


@pytest.mark.parametrize("given", UNCLEAR.values(), ids=UNCLEAR.keys())
def test_a_call_that_may_lack_its_arguments_is_not_run(given: list[TextDelta]) -> None:
    for message in (streamed(*given), added(*given)):
        assert ("f", {}) not in valid(message)
        assert message.invalid_tool_calls
        assert all(call["error"] for call in message.invalid_tool_calls)


def test_a_call_without_an_id_gets_one_that_is_the_same_in_all_chunks() -> None:
    calls = ToolCallStream()
    given = pieces(("f", "", None, 0), (None, "{}", None, 0), ("g", "{}", None, 1))
    chunks = [AIMessageChunk("", tool_call_chunks=calls.feed([piece])) for piece in given]
    ids = [piece["id"] for chunk in chunks for piece in chunk.tool_call_chunks if piece["id"]]
    total = merge_chunks([*chunks, AIMessageChunk("", chunk_position="last")])
    assert [call["id"] for call in total.tool_calls] == ids
    assert len(set(ids)) == 2


def test_keys_that_only_the_provider_knows_stay_with_their_call() -> None:
    first: Any = {"name": "f", "args": "{", "id": "a", "index": 0, "extras": {"extra_content": {"google": {"x": 1}}}}
    second: Any = {"name": None, "args": "}", "id": None, "index": 0, "extras": {"extra_content": {"google": {"y": 2}}}}
    calls = ToolCallStream()
    chunks = [AIMessageChunk("", tool_call_chunks=calls.feed([piece])) for piece in (first, second)]
    message = message_chunk_to_message(merge_chunks([*chunks, AIMessageChunk("", chunk_position="last")]))
    assert message.tool_calls[0]["extras"] == {"extra_content": {"google": {"x": 1, "y": 2}}}


def test_an_answer_that_broke_off_has_only_whole_calls() -> None:
    given = pieces(("f", '{"x": 1}', "a", 0), ("g", '{"y', "b", 1))
    partial = as_interrupted(AIMessageChunk("", tool_call_chunks=given))
    assert [call["name"] for call in partial.tool_calls] == ["f"]
    assert [call["name"] for call in partial.invalid_tool_calls] == ["g"]
    braces = as_interrupted(AIMessageChunk("", tool_call_chunks=pieces(("f", "{}", "a", 0))))
    assert braces.tool_calls == []


NAMES = st.sampled_from([None, "f", "g"])
PIECES = st.lists(
    st.tuples(
        NAMES,
        st.sampled_from([None, "", "{", "}", "{}"]),
        st.sampled_from([None, "a", "b"]),
        st.sampled_from([0, 1, None]),
    ),
    max_size=7,
)


@settings(max_examples=200, deadline=None)
@given(PIECES, st.data())
def test_merging_step_by_step_is_merging_at_once(given: list[TextDelta], data: Any) -> None:
    all_pieces: Any = pieces(*given)
    at = data.draw(st.integers(0, len(all_pieces)))
    left = merge_tool_call_chunks(all_pieces[:at])
    assert merge_tool_call_chunks([*left, *all_pieces[at:]]) == merge_tool_call_chunks(all_pieces)
