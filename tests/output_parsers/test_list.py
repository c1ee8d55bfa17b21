"""The list parsers: item by item, however the text is cut."""

import re
from collections.abc import Iterator
from typing import Any

import langchain_core.output_parsers as peer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prill.errors import OutputParserException
from prill.messages.ai import AIMessageChunk
from prill.output_parsers import (
    CommaSeparatedListOutputParser,
    ListOutputParser,
    MarkdownListOutputParser,
    NumberedListOutputParser,
)

PAIRS = [
    (CommaSeparatedListOutputParser, peer.CommaSeparatedListOutputParser, 'ab ,,"\n'),
    (NumberedListOutputParser, peer.NumberedListOutputParser, "a1.. \n\n"),
    (MarkdownListOutputParser, peer.MarkdownListOutputParser, "a-* \n\n"),
]


@pytest.mark.parametrize(("ours", "theirs", "alphabet"), PAIRS)
def test_a_whole_text_gives_the_items_of_the_peer_and_a_stream_the_same_however_it_is_cut(
    ours: Any, theirs: Any, alphabet: str
) -> None:
    @settings(max_examples=150, deadline=None)
    @given(st.lists(st.text(alphabet, max_size=6), max_size=6))
    def check(pieces: list[str]) -> None:
        text = "".join(pieces)
        expected = theirs().invoke(text)
        if not expected and text.strip():  # the peer gives an empty list
            with pytest.raises(OutputParserException, match="no item"):
                ours().invoke(text)
            with pytest.raises(OutputParserException, match="no item"):
                list(ours().transform(iter(pieces)))
            return
        assert ours().invoke(text) == ours().parse(text) == expected
        assert list(ours().transform(iter(pieces))) == [[item] for item in expected]

    check()


def test_an_item_leaves_as_soon_as_it_is_whole(colour: Any, tracked: Any) -> None:
    for parser, chunks in [
        (CommaSeparatedListOutputParser(), ["a,", "b,", "c"]),
        (NumberedListOutputParser(), ["1. a\n", "2. b\n", "3. c"]),
        (MarkdownListOutputParser(), ["- a\n", "- b\n", "- c"]),
    ]:
        assert colour.stream(parser, [AIMessageChunk(chunk) for chunk in chunks]) == [["a"], ["b"], ["c"]]
        source = tracked(chunks)
        asked = [(item, source.asked) for item in parser.transform(iter(source))]
        assert asked == [(["a"], 1), (["b"], 2), (["c"], 3)]


def test_quotes_keep_commas_and_line_ends_in_an_item(colour: Any) -> None:
    text = 'a, "b, ""c""\nd", e'
    assert colour.invoke(CommaSeparatedListOutputParser(), text) == ["a", 'b, "c"\nd', "e"]
    assert colour.stream(CommaSeparatedListOutputParser(), list(text)) == [["a"], ['b, "c"\nd'], ["e"]]


def test_an_item_may_be_longer_than_the_csv_modules_limit() -> None:
    text = "x" * 200_000
    assert CommaSeparatedListOutputParser().invoke(f"{text},y") == [text, "y"]


def test_carriage_returns_end_a_line() -> None:
    assert CommaSeparatedListOutputParser().invoke("a,b\r\nc\rd") == ["a", "b", "c", "d"]


def test_a_pattern_of_ones_own_may_span_lines(colour: Any) -> None:
    parser = NumberedListOutputParser(pattern=r"<([^>]*)>")
    assert colour.invoke(parser, "<a\nb> <c>") == ["a\nb", "c"]
    assert colour.stream(parser, list("<a\nb> <c>\n<d")) == [["a\nb"], ["c"]]


class Bars(ListOutputParser):
    def parse(self, text: str) -> list[str]:
        return text.split("|")


def test_a_list_parser_of_ones_own_streams_by_its_parse(colour: Any) -> None:
    assert colour.stream(Bars(), list("a|b|c")) == [["a"], ["b"], ["c"]]
    assert colour.invoke(Bars(), "a|b") == ["a", "b"]
    with pytest.raises(NotImplementedError, match="by a pattern"):
        Bars().parse_iter("a")


def test_a_list_parser_of_ones_own_streams_by_its_parse_iter_if_it_has_one(colour: Any) -> None:
    class Stars(NumberedListOutputParser):
        def parse_iter(self, text: str) -> Iterator[re.Match[str]]:
            return re.finditer(r"\*(\w+)", text)

    assert colour.stream(Stars(), ["*a *b", "c *d"]) == [["a"], ["bc"], ["d"]]
    assert colour.invoke(Stars(), "*a *b") == ["a", "b"]


def test_a_subclass_that_overrides_parse_is_obeyed(colour: Any) -> None:
    class Upper(CommaSeparatedListOutputParser):
        def parse(self, text: str) -> list[str]:
            return [item.upper() for item in super().parse(text)]

    assert colour.invoke(Upper(), "a, b") == ["A", "B"]
    assert colour.stream(Upper(), ["a, ", "b"]) == [["A"], ["B"]]


@pytest.mark.parametrize(("ours", "theirs", "alphabet"), PAIRS)
def test_instructions_show_a_list_that_the_parser_itself_reads(ours: Any, theirs: Any, alphabet: str) -> None:
    instructions = ours().get_format_instructions()
    assert ours().invoke(instructions.split(":", 1)[1].strip(" `")) == ["red", "green", "blue"]
    assert ours().asdict()["_type"] == theirs()._type
