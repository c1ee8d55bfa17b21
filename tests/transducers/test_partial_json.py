"""JSON is seen as it grows, linear in the text, and what was seen never changes."""

import copy
import json
import pickle
from itertools import pairwise
from typing import Any

import jsonpatch
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prill.errors import OutputParserException
from prill.transducers.partial_json import NOTHING, PartialJSON, parse_partial, parse_strict

TEXT = st.text(st.sampled_from('ab"\\/\n\t\u00e9日😀\ud83d\ude00`{'), max_size=6)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)
TEXTS = st.builds(
    lambda value, ascii_only, indent: json.dumps(value, ensure_ascii=ascii_only, indent=indent),
    VALUES,
    st.booleans(),
    st.sampled_from([None, 2]),
)
BROKEN = st.text(st.sampled_from('{}[]:,"\\u12d8ea-+.0trunlfse \n`'), max_size=16)


def split(text: str, size: int) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text), size)]


def watch(pieces: list[str], **options: Any) -> list[Any]:
    parser = PartialJSON(**options)
    return [parser.value for piece in pieces if parser.feed(piece)]


def see(text: str, **options: Any) -> Any:
    parser = PartialJSON(**options)
    parser.feed(text)
    return parser.value


# --- what is seen ---------------------------------------------------------------------------------------------------


def test_a_value_grows_as_its_text_does() -> None:
    pieces = ['{"', 'countries": ', "[", "{", '"name": "', 'France", "popu', 'lation": 67', "0", "8}", ", {", "}]}"]
    assert watch(pieces) == [
        {},
        {"countries": []},
        {"countries": [{}]},
        {"countries": [{"name": ""}]},
        {"countries": [{"name": "France"}]},
        {"countries": [{"name": "France", "population": 67}]},
        {"countries": [{"name": "France", "population": 670}]},
        {"countries": [{"name": "France", "population": 6708}]},
        {"countries": [{"name": "France", "population": 6708}, {}]},
    ]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("", NOTHING),
        (" \n", NOTHING),
        ("nul", NOTHING),
        ("null", None),
        ("-", NOTHING),
        ("[-", []),
        ("[-0", [0]),
        ("[1.", [1]),
        ("[1e", [1]),
        ("[1.5e+", [1.5]),
        ("[tru", []),
        ("[true", [True]),
        ("[-Inf", []),
        ("[-Infinity", [float("-inf")]),
        ('"', ""),
        ('{"a', {}),
        ('{"a"', {}),
        ('{"a":', {}),
        ('{"a": "x\\', {"a": "x"}),
        ('{"a": "x\\u00e', {"a": "x"}),
        ('["x\\ud83d', ["x"]),
        ('["x\\ud83d\\ude0', ["x"]),
        ('["x\\ud83d\\ude00', ["x😀"]),
        ('["\\ud83dx', ["\ud83dx"]),
        ('["\\ud83d\\n', ["\ud83d\n"]),
        ('["\\ud83d\\u0041', ["\ud83dA"]),
        ('["line\nbreak\t', ["line\nbreak\t"]),
        ('{"a": 1, "a": ', {"a": 1}),
        ('{"a": 1, "b": 0, "a": "', {"a": "", "b": 0}),
        ("[1, 2,", [1, 2]),
    ],
)
@pytest.mark.parametrize("size", [1, 100])
def test_an_unfinished_text_shows_what_is_sure(text: str, seen: Any, size: int) -> None:
    parser = PartialJSON()
    for piece in split(text, size):
        parser.feed(piece)
    assert repr(parser.value) == repr(seen)


def test_a_number_that_becomes_a_float_is_a_change() -> None:
    assert [repr(value) for value in watch(list("1.00"))] == ["1", "1.0"]


def test_a_repeated_key_with_an_equal_value_is_no_change() -> None:
    assert watch(['{"a": 1', ', "a"', ": ", "1", ', "b"', ": 2}"]) == [{"a": 1}, {"a": 1, "b": 2}]
    assert watch(['{"a": [1]', ', "a": ', "[", "1", "]}"]) == [{"a": [1]}, {"a": []}, {"a": [1]}]


@settings(max_examples=150)
@given(TEXTS, st.data())
def test_any_split_ends_with_what_json_loads_gives(text: str, draw: st.DataObject) -> None:
    cuts = sorted(draw.draw(st.sets(st.integers(0, len(text)), max_size=30)))
    parser = PartialJSON()
    for i, j in zip([0, *cuts], [*cuts, len(text)], strict=True):
        parser.feed(text[i:j])
    assert repr(parser.finish()) == repr(json.loads(text)) == repr(parse_strict(text))
    assert parser.complete
    assert parser.open_path() is None


@pytest.mark.parametrize("text", ["0{}.", "0[]a"])
def test_a_value_that_turns_out_to_be_none_is_taken_back(text: str) -> None:
    parser = PartialJSON()
    changes = [parser.feed(character) for character in text]
    assert changes == [True, False, True, True]
    assert parser.value is NOTHING


@settings(max_examples=150)
@given(TEXTS | BROKEN | st.builds("see ```json\n{}\n``` ok".format, TEXTS), st.integers(1, 5))
def test_each_prefix_shows_what_it_shows_when_fed_at_once(text: str, size: int) -> None:
    parser = PartialJSON()
    end, last = 0, repr(NOTHING)
    for piece in split(text, size):
        end += len(piece)
        changed = parser.feed(piece)
        now = repr(parser.value)
        assert now == repr(see(text[:end]))
        assert changed == (now != last)
        last = now


@settings(max_examples=150)
@given(TEXTS, st.integers(1, 5), st.data())
def test_values_that_were_handed_out_never_change(text: str, size: int, draw: st.DataObject) -> None:
    seen, copies = [], []
    parser = PartialJSON()
    for piece in split(text, size):
        if parser.feed(piece) and draw.draw(st.booleans()):
            seen.append(parser.value)
            copies.append(copy.deepcopy(seen[-1]))
    assert repr(seen) == repr(copies)


@settings(max_examples=150)
@given(TEXTS)
def test_whether_anyone_looks_makes_no_difference(text: str) -> None:
    looked, unlooked = PartialJSON(), PartialJSON()
    for piece in split(text, 3):
        changed = looked.feed(piece)
        assert changed is unlooked.feed(piece)
        assert looked.value is looked.value
    assert repr(unlooked.finish()) == repr(looked.finish())


def test_finished_parts_are_shared_from_view_to_view() -> None:
    values = watch(split('{"a": {"x": "long enough"}, "b": [[1, 2, 3], 4]}', 2))
    for before, after in pairwise(values):
        for key in list(before)[:-1]:
            assert after[key] is before[key]
    assert values[-1]["b"][0] is values[-2]["b"][0]


def test_values_are_plain_dicts_and_lists() -> None:
    value = see('{"a": [' + "{}," * 200)
    assert type(value) is dict
    assert type(value["a"]) is list
    assert pickle.loads(pickle.dumps(value)) == json.loads(json.dumps(value)) == value


def test_nothing_is_one_object_and_false() -> None:
    assert pickle.loads(pickle.dumps(NOTHING)) is NOTHING
    assert copy.deepcopy(NOTHING) is NOTHING
    assert not NOTHING


# --- where the text is open -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", ()),
        ('"a', ()),
        ("{", ()),
        ('{"a"', ()),
        ('{"a":', ()),
        ('{"a": 1', ("a",)),
        ('{"a": 1,', ()),
        ('{"a": tr', ()),
        ('{"a": "', ("a",)),
        ('{"a": [1, 2', ("a", 1)),
        ('{"a": [1, 2,', ("a",)),
        ('{"a": [1, 2], "b', ()),
        ('{"a": [{"b": []', ("a", 0)),
        ("{}", None),
        ("[1] ", None),
        ("12 ", None),
    ],
)
def test_the_open_path_leads_to_what_may_still_grow(text: str, path: tuple[str | int, ...] | None) -> None:
    parser = PartialJSON()
    parser.feed(text)
    assert parser.open_path() == path


def get(value: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    children = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    return [path, *(found for key, child in children for found in paths(child, (*path, key)))]


@settings(max_examples=100)
@given(TEXTS)
def test_what_is_not_on_the_open_path_is_complete(text: str) -> None:
    parser = PartialJSON()
    final = json.loads(text)
    for piece in split(text, 3):
        parser.feed(piece)
        if parser.value is NOTHING:
            continue
        path = parser.open_path()
        for place in paths(parser.value):
            if path is None or place != path[: len(place)]:
                assert repr(get(parser.value, place)) == repr(get(final, place))


# --- Markdown -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        '\n {"a": 1}\n',
        '\ufeff{"a": 1}',
        '{"a": 1} Here you go.',
        '{"a": 1}\n```\nmore',
        '`{"a": 1}`',
        '```json\n{"a": 1}\n```',
        '```JSON\r\n{"a": 1}\r\n```\r\n',
        '```\n{"a": 1}\n```',
        '```{"a": 1}```',
        '````json\n{"a": 1}\n````',
        '```json {"a": 1}',
        'Here is [it] {x}:\n```json\n{"a": 1}\n```\nDone {"b": 2}',
        '[Note] see ```json\n{"a": 1}\n```',
        '"Quoted" prose ```json\n{"a": 1}\n```',
        '3 items, no more: ```json\n{"a": 1}\n```',
        'not this\n```python\nx = [1]\n```\nbut ```json\n{"a": 1}\n```',
        'run\n```\nls -l\n```\nto get\n```\n{"a": 1}\n```',
        '{"a": oops\n```json\n{"a": 1}\n```',
        '```json\n{"a": 1}\n``` and ```json\n{"b": 2}\n```',
    ],
)
@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_the_json_is_found_in_the_text(text: str, size: int) -> None:
    parser = PartialJSON()
    for piece in split(text, size):
        parser.feed(piece)
    assert parser.finish() == {"a": 1}


@pytest.mark.parametrize("text", ['{"a": "```json [1]```"}', '```json\n{"a": "```json [1]```"}\n```'])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_backticks_inside_a_string_end_nothing(text: str, size: int) -> None:
    parser = PartialJSON()
    for piece in split(text, size):
        parser.feed(piece)
    assert parser.finish() == {"a": "```json [1]```"}


@pytest.mark.parametrize(("text", "value"), [("```\n5\n```", 5), ("```true```", True), ("```json\n'x", None)])
def test_scalars_may_stand_in_a_fence(text: str, value: Any) -> None:
    if value is None:
        with pytest.raises(OutputParserException, match="expected a value"):
            parse_strict(text)
    else:
        assert parse_strict(text) is value or parse_strict(text) == value


def test_without_markdown_the_text_is_the_value_and_nothing_else() -> None:
    assert parse_strict(' {"a": 1}\n', markdown=False) == {"a": 1}
    for text in ('```json\n{"a": 1}\n```', '{"a": 1} tail', '{"a": 1}```', "5 `"):
        with pytest.raises(OutputParserException):
            parse_strict(text, markdown=False)


# --- errors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "character 0 .*expected a JSON value"),
        ("hello", "character 0 .*expected a JSON value"),
        ('Here: {"a": 1} {"b": 2}', "nothing more behind the JSON value"),
        ("nul", "the rest of a number or literal, but the text ends"),
        ("-", "the rest of a number or literal, but the text ends"),
        ('{"a": "x', "the rest of a string, but the text ends"),
        ('{"a', "the rest of a key, but the text ends"),
        ('{"a": 1', "',' or '}', but the text ends"),
        ("[1,", "a value, but the text ends"),
        ('{"a" "b"}', r"character 5 \(line 1, column 6\): expected ':', but found '\"b\"}' after '{\"a\" '"),
        ("{a: 1}", "a key in double quotes or '}', but found 'a: 1}'"),
        ('{"a": 1,}', "a key in double quotes, but found '}'"),
        ("[1,]", "a value, but found ']'"),
        ("[1 2]", "',' or ']', but found '2]'"),
        ('{"a": 1]', "',' or '}', but found ']'"),
        ("[\n01]", r"character 2 \(line 2, column 1\): expected a number"),
        ("[1.]", "a number"),
        ("[+1]", "a value"),
        ("[truth]", "a value"),
        ('["\\x"]', "an escape of JSON"),
        ('["\\u12g4"]', "an escape of JSON"),
        ('{"a": 1}{"b": 2}', "nothing more behind the JSON value, but found '{\"b\": 2}'"),
        ('{"a": 1}}', "nothing more behind the JSON value"),
        ("5 6", "nothing more behind the JSON value"),
        ('```json\n{"a": 1,}\n``` or ```json\n{}\n```', "a key in double quotes, but found '}"),
        ("[" * 300, "nested no deeper than 256"),
        ("[" + "1" * 4301 + "]", "a number of at most 4300 characters"),
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_what_is_no_json_is_named_with_its_place(text: str, message: str, size: int) -> None:
    parser = PartialJSON()
    for piece in split(text, size):
        parser.feed(piece)
    with pytest.raises(OutputParserException, match=message) as caught:
        parser.finish()
    assert caught.value.llm_output == text


def test_an_error_that_nothing_can_mend_is_known_before_the_end() -> None:
    parser = PartialJSON()
    parser.feed('```json\n{"a": 1, ')
    assert parser.error is None
    parser.feed("b: 2}")
    assert "a key in double quotes" in str(parser.error)
    assert parser.value == {"a": 1}
    assert not parser.feed('"c": 3}')


def test_the_depth_limit_is_a_choice() -> None:
    assert parse_strict("[[]]", max_depth=2) == [[]]
    with pytest.raises(OutputParserException, match="no deeper than 1"):
        parse_strict("[[]]", max_depth=1)


@settings(max_examples=200)
@given(BROKEN)
def test_a_text_is_accepted_without_markdown_exactly_when_json_loads_does(text: str) -> None:
    try:
        value = json.loads(text, strict=False)
    except ValueError:
        with pytest.raises(OutputParserException):
            parse_strict(text, markdown=False)
    else:
        assert repr(parse_strict(text, markdown=False)) == repr(value)


def test_parse_partial_shows_what_there_is_or_says_what_is_wrong() -> None:
    assert parse_partial('{"a": [1, {"b": "x') == {"a": [1, {"b": "x"}]}
    assert parse_partial("") is NOTHING
    with pytest.raises(OutputParserException, match="expected ':'"):
        parse_partial('```json\n{"a" 1}')


# --- patches --------------------------------------------------------------------------------------------------------


def patches(pieces: list[str]) -> list[list[dict[str, Any]]]:
    parser = PartialJSON()
    return [parser.patch() for piece in pieces if parser.feed(piece)]


def test_patches_begin_with_the_whole_and_go_on_with_what_changed() -> None:
    assert patches(['{"a/b": [', "1", "2, {", '"c": "x', 'y"}], "d": nu', "ll}"]) == [
        [{"op": "replace", "path": "", "value": {"a/b": []}}],
        [{"op": "add", "path": "/a~1b/0", "value": 1}],
        [{"op": "replace", "path": "/a~1b/0", "value": 12}, {"op": "add", "path": "/a~1b/1", "value": {}}],
        [{"op": "add", "path": "/a~1b/1/c", "value": "x"}],
        [{"op": "replace", "path": "/a~1b/1/c", "value": "xy"}],
        [{"op": "add", "path": "/d", "value": None}],
    ]


REPEATED = ['{"a": [1, 2', ', 3, 4], "a": [9, 9, 9, 9', '], "a": {"b": 1}, "b', '": 0, "a": []}']


@settings(max_examples=100)
@given(st.builds(split, TEXTS, st.integers(1, 9)) | st.just(REPEATED) | st.just(["[1, 2", " x ```", "[5, 2, 3]"]))
def test_patches_applied_one_after_the_other_give_each_value(pieces: list[str]) -> None:
    parser = PartialJSON()
    document: Any = None
    for piece in pieces:
        if parser.feed(piece):
            document = jsonpatch.apply_patch(document, copy.deepcopy(parser.patch()))
            assert repr(document) == repr(parser.value)
