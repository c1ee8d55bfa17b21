"""Where a text may be cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.helpers import require

from prill.text_splitters import letters as module
from prill.text_splitters.letters import letters, may_cut


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
        "क्षि",
        "กำ",
        "\u06001",
    ],
)
def test_a_letter_of_several_characters_is_whole(letter):
    text = f"x{letter}中"
    assert [text[start:end] for start, end in letters(text, 0, len(text))] == ["x", letter, "中"]


def test_flags_are_cut_from_each_other():
    text = "🇨🇳🇳🇴🇫"
    assert [text[start:end] for start, end in letters(text, 0, len(text))] == ["🇨🇳", "🇳🇴", "🇫"]


PIECES = [
    *"a1 \r\n中각かカ\u00e9\u0301\u0308\u200d\u200c\ufe0f\u20e3\uff9e",
    *"\u1100\u1161\u11a8\ua960\ud7b0\ud7cb",
    *"🇨🇳👍🏽👩❤🏴\U000e0067\U000e007f",
    *"कषतिा\u094d\u093cকি\u09cdக\u0bcdగ\u0c4dക\u0d4dမ\u1039ក\u17d2กำລຳ",
    *"\u0600\u06dd\u070f\U000110bdعבِ",
    *"\u00ad\u2028\ufeff",
]


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_no_cut_is_inside_of_what_unicode_calls_a_letter(text):
    """The package regex knows all of the standard's rules; some of ours keep more together."""
    regex = require("regex")
    clusters = {0, *(found.end() for found in regex.finditer(r"\X", text))}
    assert {end for _, end in letters(text, 0, len(text))} <= clusters


def test_a_row_of_flags_is_read_once(monkeypatch):
    seen = []
    count = module._flag_halves_before
    monkeypatch.setattr(module, "_flag_halves_before", lambda text, at: seen.append(at) or count(text, at))
    text = "x" + "🇨🇳" * 50 + "x" + "🇳🇴" * 50
    assert len(list(letters(text, 0, len(text)))) == 102
    assert len(seen) <= 2


def test_the_ends_of_a_text_are_cuts():
    assert may_cut("a", 0)
    assert may_cut("a", 1)
    assert may_cut("", 0)
