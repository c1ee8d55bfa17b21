"""On the same inputs Prill and langchain-core give the same outcome, where they ought to agree."""

import langchain_core.messages as peer
import langchain_core.messages.utils as peer_utils
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import prill.messages as ours
import prill.messages.utils as our_utils

BOTH = ours, peer
ids = st.sampled_from(["c1", "c2", "c3"])
contents = st.sampled_from(
    ["", "a", "bb\ncc\nd", "hello\nworld", [{"type": "text", "text": "x\ny"}, {"type": "text", "text": "z"}]]
)
calls = st.lists(ids, max_size=2, unique=True).map(
    lambda found: {"tool_calls": [{"name": "f", "args": {"x": 1}, "id": id} for id in found]}
)
named = st.fixed_dictionaries({}, optional={"id": st.sampled_from("123"), "name": st.sampled_from("nm")})
kinds = st.one_of(
    st.tuples(st.sampled_from(["HumanMessage", "SystemMessage"]), contents, st.just({})),
    st.tuples(st.just("AIMessage"), contents, calls),
    st.tuples(st.just("ToolMessage"), contents, st.fixed_dictionaries({"tool_call_id": ids})),
)
specs = st.lists(st.tuples(kinds, named).map(lambda two: (two[0][0], two[0][1], two[0][2] | two[1])), max_size=6)


def make(library, spec):
    return [getattr(library, kind)(content, **more) for kind, content, more in spec]


def plain(messages):
    return [(type(message).__name__, message.model_dump()) for message in messages]


@settings(max_examples=60)
@given(specs)
def test_writing(spec):
    mine, theirs = make(ours, spec), make(peer, spec)
    assert ours.get_buffer_string(mine) == peer.get_buffer_string(theirs)
    assert ours.get_buffer_string(mine, format="xml") == peer.get_buffer_string(theirs, format="xml")
    assert ours.messages_to_dict(mine) == peer.messages_to_dict(theirs)
    assert our_utils.count_tokens_approximately(mine) == peer_utils.count_tokens_approximately(theirs)
    for options in ({}, {"text_format": "block", "include_id": True}):
        assert ours.convert_to_openai_messages(mine, **options) == peer.convert_to_openai_messages(theirs, **options)


FILTERS = {
    "include_names": st.just(["n"]),
    "exclude_names": st.just(["n"]),
    "include_types": st.sampled_from([["human"], ["ai", "tool"]]),
    "exclude_types": st.just(["tool"]),
    "include_ids": st.just(["1", "2"]),
    "exclude_ids": st.just(["3"]),
    "exclude_tool_calls": st.sampled_from([True, False, ["c1"], ["c1", "c2"]]),
}


@settings(max_examples=80)
@given(specs, st.fixed_dictionaries({}, optional=FILTERS))
def test_filtering(spec, options):
    mine, theirs = make(ours, spec), make(peer, spec)
    assert plain(ours.filter_messages(mine, **options)) == plain(peer.filter_messages(theirs, **options))


def count(messages):
    return sum(2 + len(message.text) for message in messages)


kinds_to_meet = st.sampled_from(["human", ["ai", "human"]])


@settings(max_examples=150)
@given(
    specs,
    st.fixed_dictionaries(
        {"max_tokens": st.integers(0, 25), "allow_partial": st.booleans()}, optional={"end_on": kinds_to_meet}
    ),
    st.one_of(
        st.just({"strategy": "first"}),
        st.fixed_dictionaries({"include_system": st.booleans()}, optional={"start_on": kinds_to_meet}),
    ),
)
def test_trimming(spec, options, more):
    mine, theirs = make(ours, spec), make(peer, spec)
    options = options | more | {"token_counter": count}
    if any(isinstance(message, ours.ToolMessage) for message in mine):
        return  # there the peer parts calls from their results
    assert plain(ours.trim_messages(mine, **options)) == plain(peer.trim_messages(theirs, **options))


@settings(max_examples=60)
@given(specs)
def test_merging_runs(spec):
    # Where ours differs on purpose: names are kept apart, texts beside lists stay items.
    if any(isinstance(content, list) for _, content, _ in spec):
        return
    spec = [
        (kind, content or "e", {k: v for k, v in more.items() if k not in ("name", "id")})
        for kind, content, more in spec
    ]
    mine, theirs = make(ours, spec), make(peer, spec)
    assert plain(ours.merge_message_runs(mine)) == plain(peer.merge_message_runs(theirs))


CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}


@pytest.mark.parametrize(
    "given",
    [
        "hi",
        ("user", "x"),
        ("ai", "y"),
        ("developer", "d"),
        ["human", "x"],
        ("user", [{"type": "text", "text": "q"}]),
        {"role": "user", "content": "x", "name": "n", "id": "3", "foo": 1},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "assistant", "content": "x", "tool_calls": [{"name": "f", "args": {}, "id": "1"}]},
        {"role": "tool", "tool_call_id": "1", "content": "x"},
        {"type": "tool", "content": "x", "tool_call_id": "1", "artifact": 4, "status": "error"},
        {"type": "human", "content": "x"},
        {"role": "function", "name": "f", "content": "d"},
        {"role": "remove", "id": "1", "content": ""},
        {"role": "assistant", "content": "x", "additional_kwargs": {"a": 1}},
        {"role": "user", "content": "x", "response_metadata": {"q": 1}},
        {"role": "assistant", "content": "x", "function_call": {"name": "f", "arguments": ""}},
    ],
    ids=str,
)
def test_converting(given):
    assert plain(ours.convert_to_messages([given])) == plain(peer.convert_to_messages([given]))


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "url": "u"},
        {"type": "image", "base64": "AA", "mime_type": "image/png"},
        {"type": "image", "source_type": "base64", "data": "AA", "mime_type": "image/png"},
        {"type": "audio", "base64": "AA", "mime_type": "audio/wav"},
        {"type": "file", "base64": "AA", "mime_type": "application/pdf", "filename": "q"},
        {"type": "file", "base64": "AA", "mime_type": "application/pdf", "extras": {"filename": "q"}},
        {"type": "file", "file_id": "u"},
    ],
    ids=str,
)
def test_data_blocks(block):
    assert ours.is_data_content_block(block) == peer.is_data_content_block(block)
    for api in ("chat/completions", "responses"):
        assert ours.convert_to_openai_data_block(block, api) == peer.convert_to_openai_data_block(block, api)


@pytest.mark.parametrize(
    "blocks",
    [
        [{"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1}}, {"type": "text", "text": "q"}],
        [{"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": "r"}]}],
        [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}}],
        [{"type": "thinking", "thinking": "t", "signature": "s"}, {"type": "text", "text": "x"}],
        [{"type": "guard_content", "guard_content": {"text": "x"}}],
        [{"type": "json", "json": {"a": 1}}],
        [{"type": "media", "mime_type": "image/png", "data": b"xx"}],
        [{"image": {"format": "png", "source": {"bytes": b"xx"}}}, "text"],
        [{"type": "weird"}],
        ["a", "b"],
    ],
    ids=str,
)
def test_blocks_in_openai_form(blocks):
    kind = "AIMessage" if blocks[0] == "a" or blocks[0].get("type") in ("tool_use", "thinking") else "HumanMessage"
    mine, theirs = (getattr(library, kind)(blocks) for library in BOTH)
    assert ours.convert_to_openai_messages(mine) == peer.convert_to_openai_messages(theirs)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("a", "b"),
        ([{"type": "text", "text": "a", "index": 0}], [{"type": "text", "text": "b", "index": 0}]),
        ([{"type": "text", "text": "a"}], [{"type": "text", "text": "b"}]),
        ("a", [{"type": "text", "text": "b"}]),
        (["a"], "b"),
    ],
    ids=str,
)
def test_adding_contents(left, right):
    sums = [library.AIMessageChunk(left) + library.AIMessageChunk(right) for library in BOTH]
    assert sums[0].content == sums[1].content


@pytest.mark.parametrize(
    "pieces",
    [
        [("f", "", "1", 0), (None, '{"x"', None, 0), (None, ":1}", None, 0)],
        [("f", "{}", "1", 0), ("g", "{}", "2", 0)],
        [("f", "{}", "1", None), ("g", "{}", "2", None)],
        [("f", "{", "1", 0), ("g", "{", "2", 1), ("", "}", "", 0), (None, "}", None, 1)],
    ],
    ids=str,
)
def test_adding_tool_calls(pieces):
    sums = []
    for library in BOTH:
        chunks = [
            library.AIMessageChunk("", tool_call_chunks=[{"name": n, "args": a, "id": i, "index": x}])
            for n, a, i, x in pieces
        ]
        total = chunks[0]
        for chunk in chunks[1:]:
            total = total + chunk
        sums.append(total.model_dump())
    assert sums[0] == sums[1]


def test_every_public_name_is_there():
    assert [name for name in peer.__all__ if not hasattr(ours, name)] == []


OPENAI, ANTHROPIC = {"model_provider": "openai"}, {"model_provider": "anthropic"}
GOOGLE = {"model_provider": "google_genai"}
REFUSING = {
    "in the content": {"content": [{"type": "refusal", "refusal": "sorry"}, {"type": "text", "text": "hm"}]},
    "beside it": {"content": "", "additional_kwargs": {"refusal": "sorry"}, "response_metadata": OPENAI},
    "as the reason of the end": {"content": "hm", "response_metadata": {"stop_reason": "refusal", **ANTHROPIC}},
    "with details": {
        "content": "hm",
        "response_metadata": {
            "stop_reason": "refusal",
            "stop_details": {"category": "cyber", "explanation": "Blocked."},
            **ANTHROPIC,
        },
    },
    "for Google's safety": {
        "content": "part",
        "response_metadata": {"finish_reason": "SAFETY", "finish_message": "Blocked.", **GOOGLE},
    },
    "of a prompt that Google blocks": {
        "content": "",
        "response_metadata": {"prompt_feedback": {"block_reason": "SAFETY"}, **GOOGLE},
    },
    "for no reason": {"content": "hm", "response_metadata": {"finish_reason": "STOP", **GOOGLE}},
}


@pytest.mark.parametrize("way", REFUSING)
def test_a_refusal_is_a_standard_block(way):
    fields = REFUSING[way]
    assert ours.AIMessage(**fields).content_blocks == peer.AIMessage(**fields).content_blocks
