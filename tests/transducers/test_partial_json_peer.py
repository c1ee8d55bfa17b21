"""At each prefix of a JSON text the value is the one that users of ``parse_partial_json`` know."""

import json
from typing import Any

import pytest
from langchain_core.output_parsers import JsonOutputParser
from langchain_core.utils.json import parse_json_markdown, parse_partial_json

from prill.transducers.partial_json import NOTHING, PartialJSON

COUNTRIES = {"countries": [{"name": "France", "population": 67081000}, {"name": "日本", "tags": [], "eu": False}]}
DOCUMENTS = [
    json.dumps(COUNTRIES, ensure_ascii=False),
    json.dumps(COUNTRIES, indent=2, ensure_ascii=False),
    '{"a": -12.5e+3, "b": [true, null, "x\\n\\"\\\\y", {}], "a": 1e-2, "": {"": [[], [[0]]]}}',
    '"hi \\t there"',
    "-120.25E2",
    "[NaN, Infinity, -Infinity, -0, 0.5]",
    '{"line": "one\ntwo\tthree"}',
    "[1 2]",
    '{"a": 1,}',
    "[tru3]",
    "{a: 1}",
    '{"a" "b"}',
]
# Whole and cut nowhere behind a space or a backtick of a string: the peer's stream shows those a piece late.
STREAMED = [*DOCUMENTS[:3], *DOCUMENTS[4:6]]
MARKDOWN = [
    'Here:\n```json\n{"a": [1, "```", 2]}\n```\nDone {x}',
    'Here:\n```json\n{"a": [1, "x", 2]}\n```\nDone {x}',
    '```\n{"a": 1}\n```',
    '{"a": 1}\n\nHere you go',
    '```json\n"text"\n```',
]


def see(text: str) -> Any:
    parser = PartialJSON()
    parser.feed(text)
    return parser.value


def watch(pieces: list[str]) -> list[Any]:
    parser = PartialJSON()
    return [parser.value for piece in pieces if parser.feed(piece)]


@pytest.mark.parametrize("text", DOCUMENTS)
def test_each_prefix_shows_the_same(text: str) -> None:
    for end in range(1, len(text) + 1):
        try:
            expected = parse_partial_json(text[:end])
        except ValueError:
            continue
        assert repr(see(text[:end])) == repr(expected), text[:end]


@pytest.mark.parametrize("text", [*STREAMED, *MARKDOWN[1:]])
@pytest.mark.parametrize("size", [1, 4, 1000])
def test_a_stream_shows_the_same_values(text: str, size: int) -> None:
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    assert list(map(repr, watch(pieces))) == list(map(repr, JsonOutputParser().transform(iter(pieces))))


@pytest.mark.parametrize("text", [*DOCUMENTS[:2], *MARKDOWN[1:]])
@pytest.mark.parametrize("size", [3, 10])
def test_patches_have_the_same_shape(text: str, size: int) -> None:
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    parser = PartialJSON()
    seen = [parser.patch() for piece in pieces if parser.feed(piece)]
    assert seen == list(JsonOutputParser(diff=True).transform(iter(pieces)))


@pytest.mark.parametrize("text", MARKDOWN)
def test_the_json_of_a_whole_text_is_the_same(text: str) -> None:
    parser = PartialJSON()
    parser.feed(text)
    assert parser.finish() == parse_json_markdown(text)


@pytest.mark.parametrize(
    ("text", "theirs", "ours"),
    [
        ('["x\\u00', [], ["x"]),  # a half escape hides itself, not the whole string
        ('["\\ud83d', ["\ud83d"], [""]),  # half an emoji waits for the other half
        ('{"a": 1}}', None, {"a": 1}),  # a bracket too many does not hide the value; ``finish`` raises
    ],
)
def test_these_prefixes_differ_on_purpose(text: str, theirs: Any, ours: Any) -> None:
    assert parse_partial_json(text) == theirs
    assert see(text) == ours


def test_the_streams_differ_on_purpose() -> None:
    theirs = JsonOutputParser()
    assert list(theirs.transform(iter(['"two ', 'words"']))) == ["two", "two words"]
    assert watch(['"two ', 'words"']) == ["two ", "two words"]  # a space is shown when it comes
    assert list(theirs.transform(iter(['["\\u00', "e9", '"]']))) == [[], ["é"]]
    assert watch(['["\\u00', "e9", '"]']) == [[""], ["é"]]  # the string is there before its first character
    assert list(theirs.transform(iter(["[1", ".", "0]"]))) == [[1]]
    assert repr(watch(["[1", ".", "0]"])) == "[[1], [1.0]]"  # the last value of a stream is the right one
    assert list(theirs.transform(iter(["nul", "l"]))) == []
    assert watch(["nul", "l"]) == [None]


@pytest.mark.parametrize("text", ["", "nul", "-"])
def test_where_there_is_no_value_yet_both_show_none(text: str) -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        parse_partial_json(text)
    assert see(text) is NOTHING
