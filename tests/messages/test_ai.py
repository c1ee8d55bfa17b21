"""The model's answer and its pieces."""

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from prill.errors import CompositionError, ConfigError
from prill.messages import (
    AIMessage,
    AIMessageChunk,
    HumanMessageChunk,
    ai_chunk,
    merge_chunks,
    message_chunk_to_message,
    text_chunk,
)
from prill.messages.ai import add_ai_message_chunks, add_usage, args_chunks, subtract_usage


def piece(name=None, args=None, id=None, index=0):
    return {"name": name, "args": args, "id": id, "index": index}


def calls_chunk(*pieces, **more):
    return AIMessageChunk("", tool_call_chunks=list(pieces), **more)


@st.composite
def streams(draw):
    """The pieces of an answer with interleaved tool calls, as a provider might send them."""
    indexes = draw(st.lists(st.sampled_from([0, 1, 2, "a", "b"]), unique=True, max_size=3))
    repeat_name, empty = draw(st.booleans()), draw(st.sampled_from([None, ""]))
    todo = [[piece(f"tool{i}", "", f"id{i}", i)] for i in indexes]
    for i, call in zip(indexes, todo, strict=True):
        fragments = draw(st.lists(st.sampled_from(['{"a":', "1", "}", ""]), max_size=4))
        call += [piece(f"tool{i}" if repeat_name else empty, text, empty, i) for text in fragments]
    chunks = []
    while any(todo):
        call = draw(st.sampled_from([call for call in todo if call]))
        chunks.append(ai_chunk(tool_call_chunks=[call.pop(0)], id="run-1"))
    for _ in range(draw(st.integers(0, 4))):
        chunk = draw(
            st.builds(
                lambda text, meta, kwargs, usage, id: ai_chunk(
                    text, response_metadata=meta, additional_kwargs=kwargs, usage_metadata=usage, id=id
                ),
                st.one_of(st.text("xy", max_size=2), st.just([{"type": "text", "text": "z", "index": 0}])),
                st.sampled_from([{}, {"finish_reason": "stop"}, {"model_name": "m"}, {"model_name": "n"}]),
                st.sampled_from([{}, {"reasoning_content": "r"}]),
                st.sampled_from(
                    [None, {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}],
                ),
                st.sampled_from([None, "run-1", "lc_1", "lc_run-2"]),
            )
        )
        chunks.insert(draw(st.integers(0, len(chunks))), chunk)
    return chunks


@settings(max_examples=100)
@given(streams().filter(lambda chunks: len(chunks) > 1), st.data())
def test_adding_chunks_is_associative_and_the_same_as_merging_them_at_once(chunks, data):
    whole = merge_chunks(chunks)
    total = chunks[0]
    for chunk in chunks[1:]:
        total = total + chunk
    assert total == whole
    cut = data.draw(st.integers(1, len(chunks) - 1))
    assert merge_chunks(chunks[:cut]) + merge_chunks(chunks[cut:]) == whole
    assert chunks[0] + chunks[1:] == whole


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from("fg"), st.lists(st.sampled_from(["a", "b"]), max_size=3)), min_size=1), st.data()
)
def test_calls_that_share_one_index_are_told_apart_by_their_ids(calls, data):
    chunks = []
    for number, (name, fragments) in enumerate(calls):
        chunks.append(calls_chunk(piece(name, "", f"id{number}")))
        chunks += [calls_chunk(piece(data.draw(st.sampled_from([None, "", name])), text, "")) for text in fragments]
    whole = merge_chunks([ai_chunk(), *chunks])
    assert [(c["name"], c["args"]) for c in whole.tool_call_chunks] == [(n, "".join(f)) for n, f in calls]
    cut = data.draw(st.integers(1, len(chunks)))
    assert merge_chunks([ai_chunk(), *chunks[:cut]]) + merge_chunks([ai_chunk(), *chunks[cut:]]) == whole


def test_the_fast_constructors_make_what_validation_makes():
    assert text_chunk("a", "run-1") == AIMessageChunk("a", id="run-1")
    assert AIMessageChunk.text_chunk("a") == AIMessageChunk("a")
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    fast = ai_chunk("", tool_call_chunks=[piece("f", "{")], usage_metadata=usage, chunk_position="last")
    slow = AIMessageChunk("", tool_call_chunks=[piece("f", "{")], usage_metadata=usage, chunk_position="last")
    assert fast == slow
    assert fast.model_dump() == slow.model_dump()
    assert repr(fast) == repr(slow)


FAST = [
    (lambda: text_chunk("a", "run-1"), lambda: AIMessageChunk("a", id="run-1")),
    (lambda: args_chunks(['{"a'], 0, "run-1")[0], lambda: calls_chunk(piece(None, '{"a'), id="run-1")),
    (
        lambda: args_chunks(["}"], "x", "1", blocks=True)[0],
        lambda: AIMessageChunk([], tool_call_chunks=[piece(None, "}", None, "x")], id="1"),
    ),
    (lambda: ai_chunk("a", id="1", name="n"), lambda: AIMessageChunk("a", id="1", name="n")),
]

USES = {
    "compared": lambda chunk: chunk,
    "shown": repr,
    "dumped": lambda chunk: chunk.model_dump(),
    "dumped as it was given": lambda chunk: chunk.model_dump(exclude_unset=True),
    "written": lambda chunk: chunk.model_dump_json(),
    "iterated": dict,
    "copied": copy.copy,
    "copied deeply": copy.deepcopy,
    "copied by pydantic": lambda chunk: chunk.model_copy(update={"name": "n"}),
    "pickled": lambda chunk: pickle.loads(pickle.dumps(chunk)),
    "validated": AIMessageChunk.model_validate,
    "added": lambda chunk: chunk + text_chunk("b", chunk.id),
    "its fields": lambda chunk: chunk.model_fields_set,
    "its extras": lambda chunk: chunk.model_extra,
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize(("fast", "slow"), FAST)
def test_a_fast_chunk_is_used_as_a_validated_one(fast, slow, use):
    assert use(fast()) == use(slow())


@pytest.mark.parametrize(("fast", "slow"), FAST)
def test_a_fast_chunk_is_changed_as_a_validated_one(fast, slow):
    one, other = fast(), slow()
    for chunk in (one, other):
        chunk.name = "n"
        chunk.of_the_users_own = 1
    assert one == other
    assert one.model_fields_set == other.model_fields_set
    assert one.model_dump() == other.model_dump()
    assert fast().model_fields_set == slow().model_fields_set
    assert not hasattr(one, "of_nobody")


CALL = {"type": "tool_call", "name": "f", "args": {"x": [1]}, "id": "1"}


@pytest.mark.parametrize(
    "given",
    [
        {"tool_calls": [CALL]},
        {"tool_calls": [CALL, {**CALL, "id": "2"}], "id": "run-1", "chunk_position": "last"},
        {"tool_calls": [{"name": "f", "args": {}, "id": None}]},
        {"tool_calls": [CALL], "tool_call_chunks": [piece("f", "{")]},
        {"additional_kwargs": {"tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]}},
    ],
)
def test_a_chunk_with_calls_is_what_validation_makes(given):
    given = {"content": "", **given}
    fast, slow = AIMessageChunk(**given), AIMessageChunk.model_validate(given)
    assert fast == slow
    assert fast.tool_calls == slow.tool_calls
    assert fast.model_fields_set == slow.model_fields_set
    assert fast.model_dump() == slow.model_dump()


@pytest.mark.parametrize("wrong", [{**CALL, "args": {1: 2}}, {**CALL, "name": 1}, {**CALL, "args": "{}"}])
def test_a_chunk_with_wrong_calls_is_refused(wrong):
    with pytest.raises(ValidationError):
        AIMessageChunk(content="", tool_calls=[wrong])


def test_the_calls_of_a_chunk_are_its_own():
    chunk = AIMessageChunk(content="", tool_calls=[CALL])
    chunk.tool_calls[0]["args"]["y"] = 2
    assert CALL["args"] == {"x": [1]}


def test_fast_chunks_share_no_containers():
    one, other = text_chunk("a"), text_chunk("b")
    one.tool_calls.append({"name": "f", "args": {}, "id": "1"})
    one.additional_kwargs["x"] = 1
    assert other == AIMessageChunk("b")


def test_a_merged_chunk_shares_no_containers_with_its_pieces():
    first = ai_chunk("a", additional_kwargs={"x": {"y": [1]}})
    (first + text_chunk("b")).additional_kwargs["x"]["y"].append(2)
    assert first.additional_kwargs == {"x": {"y": [1]}}


def test_repr_shows_what_is_there():
    assert repr(text_chunk("The", "run-1")) == (
        "AIMessageChunk(content='The', additional_kwargs={}, response_metadata={}, id='run-1')"
    )


def test_metadata_names_and_finish_reasons_are_not_doubled():
    meta = {"finish_reason": "stop", "model_name": "m"}
    merged = ai_chunk("a", response_metadata=meta, name="n") + ai_chunk("b", response_metadata=dict(meta), name="n")
    assert merged.response_metadata == meta
    assert merged.name == "n"


@pytest.mark.parametrize(
    ("ids", "kept"),
    [
        (["lc_1", "lc_run-2", "msg_3", "msg_4"], "msg_3"),
        (["lc_1", "lc_run-2"], "lc_run-2"),
        ([None, "run-1"], "run-1"),
        ([None, None], None),
    ],
)
def test_the_providers_id_is_kept(ids, kept):
    assert merge_chunks([text_chunk("", id) for id in ids]).id == kept


def test_fields_that_are_not_declared_survive_merging():
    merged = AIMessageChunk("a", foo=1) + AIMessageChunk("b", bar=2)
    assert (merged.foo, merged.bar) == (1, 2)


def test_a_chunk_shows_its_tool_calls_as_far_as_they_have_come():
    chunk = calls_chunk(piece("f", "", "1")) + calls_chunk(piece(args='{"city": "Par'))
    assert chunk.tool_calls == [{"name": "f", "args": {"city": "Par"}, "id": "1", "type": "tool_call"}]
    assert calls_chunk(piece(args="}")).invalid_tool_calls[0]["args"] == "}"
    assert calls_chunk(piece("f", "[1", "1")).tool_calls == []


@pytest.mark.parametrize("cut", range(1, 14))
def test_a_call_that_was_cut_never_becomes_a_call(cut):
    text = '{"city": "Oslo"}'[:cut]
    for more in ({}, {"response_metadata": {"finish_reason": "length"}}, {"chunk_position": "last"}):
        message = message_chunk_to_message(calls_chunk(piece("f", text, "1"), **more))
        assert message.tool_calls == []
        assert message.invalid_tool_calls[0]["args"] == text
        assert message.invalid_tool_calls[0]["error"]


def test_the_last_chunk_reads_its_calls_strictly():
    chunk = calls_chunk(piece("f", '{"a": 1', "1")) + ai_chunk(chunk_position="last")
    assert chunk.tool_calls == []
    assert chunk.invalid_tool_calls[0]["id"] == "1"


def test_a_call_at_the_token_limit_says_so():
    chunk = calls_chunk(piece("f", '{"a', "1"), response_metadata={"stop_reason": "max_tokens"})
    assert "token limit" in message_chunk_to_message(chunk).invalid_tool_calls[0]["error"]


@pytest.mark.parametrize(
    ("more", "whole"),
    [
        ({}, False),
        ({"response_metadata": {"finish_reason": "tool_calls"}}, True),
        ({"chunk_position": "last"}, True),
        ({"response_metadata": {"finish_reason": "length"}}, False),
        ({"response_metadata": {"finish_reason": "length"}, "chunk_position": "last"}, False),
    ],
)
def test_no_arguments_are_a_call_only_if_the_answer_has_ended(more, whole):
    message = message_chunk_to_message(calls_chunk(piece("f", "", "1"), **more))
    assert bool(message.tool_calls) is whole
    assert bool(message.invalid_tool_calls) is not whole


@pytest.mark.parametrize("args", ["[1]", "1", "null", "{} {}", '{"a": NaN}', "{'a': 1}", '"x"'])
def test_only_a_json_object_makes_a_call(args):
    message = message_chunk_to_message(calls_chunk(piece("f", args, "1"), chunk_position="last"))
    assert message.tool_calls == []
    assert message.invalid_tool_calls[0]["error"]


def test_a_call_without_a_name_is_invalid():
    message = message_chunk_to_message(calls_chunk(piece(None, "{}", "1"), chunk_position="last"))
    assert "no tool" in message.invalid_tool_calls[0]["error"]


def test_an_id_or_a_name_may_come_late():
    late_id = merge_chunks([calls_chunk(piece("f", '{"a"')), calls_chunk(piece(None, ":1}", "1"))])
    late_name = merge_chunks([calls_chunk(piece(None, '{"a"')), calls_chunk(piece("f", ":1}", "1"))])
    for chunk in (late_id, late_name):
        assert message_chunk_to_message(chunk).tool_calls == [
            {"name": "f", "args": {"a": 1}, "id": "1", "type": "tool_call"}
        ]


def test_without_an_index_whole_calls_stay_apart_and_pieces_go_on():
    whole = calls_chunk(piece("f", "{}", None, None)) + calls_chunk(piece("f", "{}", None, None))
    assert len(whole.tool_calls) == 2
    pieces = calls_chunk(piece("f", '{"a"', "1", None)) + calls_chunk(piece(None, ":1}", None, None))
    assert pieces.tool_calls[0]["args"] == {"a": 1}


def test_interleaved_calls_of_one_index_are_joined_by_id():
    ids = ["1", "2", "1", "2"]
    chunk = merge_chunks([calls_chunk(piece("f", text, id)) for id, text in zip(ids, "{{}}", strict=True)])
    assert [call["args"] for call in chunk.tool_call_chunks] == ["{}", "{}"]


def test_calls_put_into_a_chunk_by_hand_survive_merging():
    chunk = AIMessageChunk("", tool_calls=[{"name": "f", "args": {"x": 1}, "id": "1"}])
    assert (chunk + text_chunk("a")).tool_calls == chunk.tool_calls
    by_hand = text_chunk("a")
    by_hand.tool_calls.append({"name": "f", "args": {}, "id": "1", "type": "tool_call"})
    assert (by_hand + text_chunk("b")).tool_calls[0]["name"] == "f"


def test_a_chunk_of_another_kind_is_refused():
    with pytest.raises(CompositionError, match="HumanMessageChunk into a AIMessageChunk"):
        text_chunk("a") + HumanMessageChunk("b")
    for other in ("b", AIMessage("b")):
        with pytest.raises(TypeError):
            text_chunk("a") + other


def test_merging_nothing_is_refused():
    with pytest.raises(ConfigError, match="at least one"):
        merge_chunks([])


@pytest.mark.parametrize(
    "message",
    [
        text_chunk("a", "1"),
        ai_chunk("", tool_call_chunks=[piece("f", '{"a": 1}', "1")]),
        AIMessage([{"type": "text", "text": "x"}], tool_calls=[{"name": "f", "args": {}, "id": None}], foo=1),
        merge_chunks([calls_chunk(piece("f", "{", "1")), text_chunk("b")]),
    ],
    ids=["text", "call", "whole", "merged"],
)
def test_round_trips(message):
    assert pickle.loads(pickle.dumps(message)) == message
    assert copy.deepcopy(message) == message
    assert type(message).model_validate(message.model_dump()) == message
    assert type(message).model_validate_json(message.model_dump_json()) == message


def test_tool_calls_in_openai_form_are_read():
    function = {"name": "f", "arguments": '{"q": 1}'}
    good = AIMessage("", additional_kwargs={"tool_calls": [{"id": "1", "type": "function", "function": function}]})
    assert good.tool_calls == [{"name": "f", "args": {"q": 1}, "id": "1", "type": "tool_call"}]
    cut = {"name": "f", "arguments": '{"q": '}
    bad = AIMessage("", additional_kwargs={"tool_calls": [{"id": "1", "type": "function", "function": cut}]})
    assert bad.tool_calls == []
    assert bad.invalid_tool_calls[0]["error"]


def test_the_json_schema_names_the_fields():
    assert "tool_call_chunks" in AIMessageChunk.model_json_schema(mode="serialization")["properties"]


def test_a_whole_message_has_the_chunks_values():
    chunk = AIMessageChunk("x", id="1", response_metadata={"a": 1}, foo=2)
    assert message_chunk_to_message(chunk) == AIMessage("x", id="1", response_metadata={"a": 1}, foo=2)


def test_a_whole_message_does_not_change_with_its_chunk():
    chunk = AIMessageChunk("x", response_metadata={"a": 1})
    message_chunk_to_message(chunk).response_metadata["b"] = 2
    assert chunk.response_metadata == {"a": 1}


def test_server_tool_calls_are_whole_in_the_last_chunk():
    block = {"type": "server_tool_call_chunk", "id": "s", "name": "search", "args": '{"q":', "index": 0}
    rest = {"type": "server_tool_call_chunk", "args": "1}", "index": 0}
    chunk = merge_chunks([ai_chunk([block]), ai_chunk([rest]), ai_chunk(chunk_position="last")])
    assert chunk.content == [{**block, "type": "server_tool_call", "args": {"q": 1}}]


def test_content_blocks_hold_reasoning_text_and_calls():
    message = AIMessage(
        "x", additional_kwargs={"reasoning_content": "r"}, tool_calls=[{"name": "f", "args": {}, "id": "1"}]
    )
    assert [block["type"] for block in message.content_blocks] == ["reasoning", "text", "tool_call"]


def test_usage_is_added_with_its_details():
    one = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "input_token_details": {"audio": 1}}
    other = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "input_token_details": {"cache_read": 2}}
    total = {
        "input_tokens": 2,
        "output_tokens": 4,
        "total_tokens": 6,
        "input_token_details": {"audio": 1, "cache_read": 2},
    }
    assert add_usage(one, other) == total
    assert add_usage(None, one) == one
    assert add_usage(None, None) == {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
    assert subtract_usage(one, total)["input_tokens"] == 0
    assert subtract_usage(total, one)["total_tokens"] == 3
    assert add_ai_message_chunks(ai_chunk(usage_metadata=one), ai_chunk(usage_metadata=other)).usage_metadata == total


def test_pretty_repr_lists_the_calls():
    message = AIMessage(
        "x",
        tool_calls=[{"name": "f", "args": {"q": 1}, "id": "1"}],
        invalid_tool_calls=[{"name": "g", "args": "{", "id": "2", "error": "cut"}],
    )
    shown = message.pretty_repr()
    assert shown.splitlines()[0].strip("=") == " Ai Message "
    assert "  f (1)\n Call ID: 1\n  Args:\n    q: 1" in shown
    assert "  g (2)\n Call ID: 2\n  Error: cut\n  Args:\n    {" in shown


@pytest.mark.parametrize(
    ("args", "read"),
    [
        ('{"text": "one\ntwo\tthree"}', {"text": "one\ntwo\tthree"}),
        ('{\n"text": "a\\"b\r\nc\\\\",\n"n": [1,\n2]}', {"text": 'a"b\r\nc\\', "n": [1, 2]}),
        ('{"text": "one\n', None),
        ('{"text": "half a character: \ud800"}', None),
        ('{"text": "half a character: \\ud800"}', None),
    ],
)
def test_line_ends_in_the_arguments_of_a_call_are_no_mistakes_but_half_characters_are(args: str, read: Any) -> None:
    chunk = AIMessageChunk("", tool_call_chunks=[{"name": "f", "args": args, "id": "1", "index": 0}])
    whole = message_chunk_to_message(chunk + AIMessageChunk("", chunk_position="last"))
    assert [call["args"] for call in whole.tool_calls] == ([] if read is None else [read])
    assert len(whole.invalid_tool_calls) == (read is None)
    shown = chunk.tool_calls
    assert shown == [] if "\\ud8" in args or "\ud800" in args else shown[0]["args"]["text"]
