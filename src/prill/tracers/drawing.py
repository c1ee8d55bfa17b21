"""Shared by all drawings of runs and chains: a colour for each kind of step, and the width of text."""

from __future__ import annotations

from unicodedata import east_asian_width

COLOURS = {
    "chain": "#8b95a7",
    "prompt": "#2bb3c0",
    "chat_model": "#a46be8",
    "llm": "#a46be8",
    "parser": "#4f8df0",
    "tool": "#e0a12f",
    "retriever": "#3fae6a",
}
"""By kind of step; any other kind has the colour of ``chain``."""

_WIDE = 1.75  # a Chinese, Japanese or Korean letter is as wide as the font is high, others a little over half of that


def letters(text: str) -> float:
    """How many narrow letters would take the room of ``text``."""
    if text.isascii():
        return len(text)
    return sum(_WIDE if east_asian_width(letter) in "WF" else 1 for letter in text)


def shortened(text: str, longest: float) -> str:
    """``text``, or its beginning and ``…``, in the room of ``longest`` narrow letters."""
    if letters(text) <= longest:
        return text
    while letters(text) > longest - 1:
        text = text[:-1]
    return text + "…"
