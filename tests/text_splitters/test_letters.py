"""Where a text may be cut."""

from __future__ import annotations

import pytest

from runlet.text_splitters.letters import letters, may_cut


@pytest.mark.parametrize(
    "letter",
    [
        "a",
        "中",
        "e\u0301",
        "👍🏽",
        "👨\u200d👩\u200d👧\u200d👦",
        "🇨🇳",
        "❤\ufe0f",
        "1\ufe0f\u20e3",
        "\r\n",
        "\u1112\u1161\u11ab",
        "각\u11a8",
        "🏴\U000e0067\U000e0062\U000e007f",
        "\ud83d\ude00",
        "かﾞ",
        "नि",
    ],
)
def test_a_letter_of_several_characters_is_whole(letter):
    text = f"x{letter}中"
    assert [text[start:end] for start, end in letters(text, 0, len(text))] == ["x", letter, "中"]


def test_flags_are_cut_from_each_other():
    text = "🇨🇳🇳🇴🇫"
    assert [text[start:end] for start, end in letters(text, 0, len(text))] == ["🇨🇳", "🇳🇴", "🇫"]


def test_the_ends_of_a_text_are_cuts():
    assert may_cut("a", 0)
    assert may_cut("a", 1)
    assert may_cut("", 0)
