"""Merging of dictionaries, lists and contents."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prill.transducers.merge import merge_content, merge_dicts, merge_lists, merge_metadata

texts = st.text("ab", max_size=3)
blocks = st.one_of(
    texts,
    st.fixed_dictionaries({"type": st.just("text"), "text": texts}),
    st.fixed_dictionaries({"type": st.sampled_from(["text", "reasoning"]), "text": texts, "index": st.integers(0, 2)}),
    st.fixed_dictionaries({"type": st.just("input_json_delta"), "partial_json": texts, "index": st.just(7)}),
)
contents = st.one_of(texts, st.lists(blocks, max_size=4))
kwargs = st.fixed_dictionaries(
    {},
    optional={
        "text": st.none() | texts,
        "id": texts,
        "count": st.integers(0, 3),
        "list": st.lists(blocks, max_size=2),
        "inner": st.fixed_dictionaries({}, optional={"name": texts, "arguments": texts}),
    },
)


@settings(max_examples=150)
@given(contents, contents, contents)
def test_merging_contents_is_associative(a, b, c):
    whole = merge_content(a, b, c)
    assert merge_content(merge_content(a, b), c) == whole
    assert merge_content(a, merge_content(b, c)) == whole


@settings(max_examples=100)
@given(kwargs, kwargs, kwargs)
def test_merging_dictionaries_is_associative(a, b, c):
    for merge in (merge_dicts, merge_metadata):
        whole = merge(a, b, c)
        assert merge(merge(a, b), c) == whole
        assert merge(a, merge(b, c)) == whole


@given(st.lists(contents, min_size=1, max_size=5))
def test_no_text_is_lost(parts):
    def text(content):
        if isinstance(content, str):
            return content
        return "".join(b if isinstance(b, str) else b.get("text", "") + b.get("partial_json", "") for b in content)

    assert sorted(text(merge_content(*parts))) == sorted("".join(map(text, parts)))


def test_text_is_joined_and_the_rest_lengthened():
    merged = merge_dicts({"reasoning": "a", "list": [1]}, {"reasoning": "b", "list": [2]})
    assert merged == {"reasoning": "ab", "list": [1, 2]}


def test_identifiers_are_not_joined():
    piece = {"type": "function", "id": "call_1", "name": "f", "index": 0, "arguments": "{"}
    again = {"type": "function", "id": "", "name": "f", "index": 0, "arguments": "}"}
    assert merge_dicts(piece, again) == {**piece, "arguments": "{}"}


def test_none_gives_way():
    assert merge_dicts({"a": None, "b": 1, "c": None}, {"a": 1, "b": None}) == {"a": 1, "b": 1, "c": None}


def test_the_later_number_stays():
    assert merge_dicts({"a": 1, "b": True, "c": 1.5}, {"a": 2, "b": False, "c": 2.5}) == {"a": 2, "b": False, "c": 2.5}


def test_values_of_different_kinds_are_refused_by_name():
    with pytest.raises(TypeError, match=r"'key'.*str, list"):
        merge_dicts({"key": "text"}, {"key": ["list"]})


def test_metadata_is_said_once_and_the_last_word_counts():
    first = {"finish_reason": "stop", "model_name": "m-1", "fingerprint": "x", "usage": {"in": 1}}
    last = {"finish_reason": "stop", "model_name": "m-2", "fingerprint": "", "usage": {"out": 2}}
    assert merge_metadata(first, last) == {
        "finish_reason": "stop",
        "model_name": "m-2",
        "fingerprint": "x",
        "usage": {"in": 1, "out": 2},
    }


def test_metadata_lists_are_lengthened():
    assert merge_metadata({"logprobs": [1]}, {"logprobs": [1]}) == {"logprobs": [1, 1]}


def test_blocks_of_one_index_but_different_types_or_ids_stay_apart():
    assert len(merge_lists([{"index": 0, "type": "text"}], [{"index": 0, "type": "reasoning"}])) == 2
    assert len(merge_lists([{"index": 0, "id": "1"}], [{"index": 0, "id": "2"}])) == 2


def test_a_delta_goes_on_with_the_block_of_its_index():
    start = {"type": "tool_use", "id": "1", "name": "f", "input": {}, "index": 1}
    delta = {"type": "input_json_delta", "partial_json": "{}", "index": 1}
    assert merge_lists([start], [delta]) == [{**start, "partial_json": "{}"}]


def test_an_id_that_comes_late_belongs_to_the_block():
    assert merge_lists([{"index": 0, "text": "a"}], [{"index": 0, "id": "m"}]) == [{"index": 0, "text": "a", "id": "m"}]


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        (("a", "b"), "ab"),
        (("a", ["b"]), ["ab"]),
        (([], "x"), ["x"]),
        (("", [{"type": "text", "text": "b"}]), [{"type": "text", "text": "b"}]),
        (([{"type": "text", "text": "a", "index": 0}], "x"), [{"type": "text", "text": "a", "index": 0}, "x"]),
        (([], ""), []),
    ],
)
def test_contents(parts, whole):
    assert merge_content(*parts) == whole


def test_what_is_merged_shares_nothing_with_its_pieces():
    piece = {"inner": {"list": [1]}}
    merge_dicts(piece, {"other": 1})["inner"]["list"].append(2)
    merge_metadata(piece, {"other": 1})["inner"]["list"].append(2)
    merge_lists([piece], [])[0]["inner"]["list"].append(2)
    assert piece == {"inner": {"list": [1]}}
