"""Where a text may be cut: between what a reader sees as letters, which may be several characters each.

After Unicode Standard Annex 29, section 3.1.1 (https://unicode.org/reports/tr29/), without the scripts of India's
conjuncts.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

_JOINER = "\u200d"


def may_cut(text: str, at: int) -> bool:
    """Whether ``text`` may be cut before its character number ``at``."""
    if at <= 0 or at >= len(text):
        return True
    before, after = text[at - 1], text[at]
    if before < "\u0300" and after < "\u0300":
        return not (before == "\r" and after == "\n")
    return not (
        _extends(after)
        or before == _JOINER
        or ("\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff")
        or (_is_flag_half(before) and _is_flag_half(after) and _flag_halves_before(text, at) % 2)
        or _is_syllable(before, after)
    )


def letters(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The letters of a part of a text, as spans."""
    begin = start
    for at in range(start + 1, end):
        if may_cut(text, at):
            yield begin, at
            begin = at
    if begin < end:
        yield begin, end


def _extends(char: str) -> bool:
    """Whether it belongs to the letter before it: accents, variation selectors, skin tones, tags, the joiner."""
    return (
        char == _JOINER
        or char == "\u200c"
        or unicodedata.category(char) in ("Mn", "Me", "Mc")
        or "\U0001f3fb" <= char <= "\U0001f3ff"
        or "\U000e0020" <= char <= "\U000e007f"
        or char in "\uff9e\uff9f"
    )


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _flag_halves_before(text: str, at: int) -> int:
    count = 0
    while count < at and _is_flag_half(text[at - count - 1]):
        count += 1
    return count


def _is_syllable(before: str, after: str) -> bool:
    """Whether two parts belong to one Korean syllable."""
    if "\u1160" <= after <= "\u11a7":
        return "\u1100" <= before <= "\u11a7" or ("\uac00" <= before <= "\ud7a3" and (ord(before) - 0xAC00) % 28 == 0)
    if "\u11a8" <= after <= "\u11ff":
        return "\u1160" <= before <= "\u11ff" or "\uac00" <= before <= "\ud7a3"
    return "\u1100" <= before <= "\u115f" and ("\u1100" <= after <= "\u115f" or "\uac00" <= after <= "\ud7a3")
