"""Where a text may be cut: between what a reader sees as letters, which may be several characters each.

After Unicode Standard Annex 29, section 3.1.1 (https://unicode.org/reports/tr29/). Where tables of characters would be
needed, more is kept together than the standard asks.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

_JOINER = "\u200d"
_PREPENDED = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e"
    "\U000110bd\U000110cd\U000111c2\U000111c3\U000113d1\U0001193f\U00011941\U00011a3a\U00011d46\U00011f02"
    "\U00011a84\U00011a85\U00011a86\U00011a87\U00011a88\U00011a89\u1cf5\u1cf6"
)
"""Signs that belong to the letter behind them."""
_LINKERS = frozenset(
    "\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d\u1039\u17d2\u1a60\u1b44\u1bab\ua9c0\uaaf6"
    "\U00010a3f\U00011133\U000113d0\U0001193e\U00011a47\U00011a99\U00011f42"
)
"""Signs that make one letter of the consonants before and behind them, in scripts of South and South-East Asia."""


def may_cut(text: str, at: int) -> bool:
    """Return whether ``text`` may be cut before its character number ``at``."""
    if at <= 0 or at >= len(text):
        return True
    before, after = text[at - 1], text[at]
    if before < "\u0300" and after < "\u0300":
        return not (before == "\r" and after == "\n")
    return not (
        _extends(after)
        or before == _JOINER
        or before in _PREPENDED
        or ("\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff")
        or (_is_flag_half(before) and _is_flag_half(after) and _flag_halves_before(text, at) % 2)
        or _is_syllable(before, after)
        or _is_conjunct(text, at)
    )


def letters(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Return the letters of a part of a text, as spans."""
    start_at = start
    flags, counted_to = 0, -1  # how many halves of flags there are in a row, so that a long row is read once
    for at in range(start + 1, end):
        if _is_flag_half(text[at]) and _is_flag_half(text[at - 1]):
            flags = flags + 1 if counted_to == at - 1 else _flag_halves_before(text, at)
            counted_to = at
            may = flags % 2 == 0
        else:
            may = may_cut(text, at)
        if may:
            yield start_at, at
            start_at = at
    if start_at < end:
        yield start_at, end


def _extends(char: str) -> bool:
    """Return whether it belongs to the letter before it: accents, variation selectors, skin tones, tags, the joiner."""
    return (
        char == _JOINER
        or char == "\u200c"
        or unicodedata.category(char) in ("Mn", "Me", "Mc")
        or "\U0001f3fb" <= char <= "\U0001f3ff"
        or "\U000e0020" <= char <= "\U000e007f"
        or char in "\uff9e\uff9f\u0e33\u0eb3"
    )


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _flag_halves_before(text: str, at: int) -> int:
    count = 0
    while count < at and _is_flag_half(text[at - count - 1]):
        count += 1
    return count


def _is_conjunct(text: str, at: int) -> bool:
    """Return whether a sign before it links a consonant to the one before."""
    if unicodedata.category(text[at]) != "Lo":
        return False
    while at > 0 and _extends(text[at - 1]):
        at -= 1
        if text[at] in _LINKERS:
            return True
    return False


def _is_syllable(before: str, after: str) -> bool:
    """Return whether two parts belong to one Korean syllable."""
    return _hangul(after) in _FOLLOWS.get(_hangul(before), ())


_FOLLOWS = {"L": ("L", "V", "LV", "LVT"), "V": ("V", "T"), "LV": ("V", "T"), "T": ("T",), "LVT": ("T",)}


def _hangul(char: str) -> str:
    """Return whether it is a leading consonant, a vowel, a trailing consonant, or a syllable of these; else ``""``."""
    if "\u1100" <= char <= "\u11ff":
        return "L" if char < "\u1160" else "V" if char < "\u11a8" else "T"
    if "\uac00" <= char <= "\ud7a3":
        return "LVT" if (ord(char) - 0xAC00) % 28 else "LV"
    if "\ua960" <= char <= "\ua97c":
        return "L"
    return ("V" if char <= "\ud7c6" else "T") if "\ud7b0" <= char <= "\ud7fb" else ""
