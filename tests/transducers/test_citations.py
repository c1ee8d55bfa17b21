"""Marks of sources, found in pieces of text as in the whole."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies

from prill.transducers.citations import CitationFinder, Mark


def found(pieces):
    finder = CitationFinder()
    return [mark for piece in pieces for mark in finder.feed(piece)]


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("a [1].", [(1, 2, 5)]),
        ("[1][2]", [(1, 0, 3), (2, 3, 6)]),
        ("[1, 3; 2]", [(1, 0, 9), (3, 0, 9), (2, 0, 9)]),
        ("一周【2】。", [(2, 2, 5)]),
        ("［1，2］", [(1, 0, 5), (2, 0, 5)]),
        ("[ 12 ]", [(12, 0, 6)]),
        ("[a] [] [1 2] [1-3] x[i] [12345]", []),
        ("[[3]]", [(3, 1, 4)]),
        ("[1 [2]", [(2, 3, 6)]),
        ("", []),
    ],
)
def test_marks_are_found_in_the_whole_and_character_by_character(text, marks):
    expected = [Mark(*mark) for mark in marks]
    assert found([text]) == expected
    assert found(text) == expected


@given(strategies.lists(strategies.text(alphabet="[]1, 2x【】", max_size=6), max_size=20))
def test_how_the_text_is_cut_does_not_matter(pieces):
    assert found(pieces) == found(["".join(pieces)])


def test_an_open_bracket_does_not_hold_the_text_for_ever():
    finder = CitationFinder()
    for _ in range(1000):
        assert finder.feed("[" + "1," * 100) == []
    assert len(finder._held) < 200
