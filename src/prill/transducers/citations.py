"""Marks of sources in a text, such as ``[1]``."""

from __future__ import annotations

import re
from typing import NamedTuple

_OPENING, _CLOSING = r"\[［【", r"\]］】"
_NUMBERS = r"\s{0,3}\d{1,4}(?:\s{0,3}[,，、;；]\s{0,3}\d{1,4}){0,20}\s{0,3}"
_MARK = re.compile(rf"[{_OPENING}]({_NUMBERS})[{_CLOSING}]")
_UNFINISHED = re.compile(rf"[{_OPENING}][\s\d,，、;；]{{0,140}}\Z")


class Mark(NamedTuple):
    """A source that is named in a text: its number, and where the brackets start and end."""

    number: int
    start: int
    end: int


class CitationFinder:
    """Find marks of sources in a text that arrives in pieces.

    ``[1]``, ``[1, 3]`` and ``【2】`` are marks; one that names several sources is found as one mark for each.

    >>> finder = CitationFinder()
    >>> [finder.feed(piece) for piece in ["In a week [", "2]."]]
    [[], [Mark(number=2, start=10, end=13)]]
    """

    def __init__(self) -> None:
        self._held = ""
        self._offset = 0  # where in the text the held part starts

    def feed(self, text: str) -> list[Mark]:
        """Take the next piece; return the marks that are closed in it."""
        text = self._held + text
        found = [
            Mark(int(number), self._offset + mark.start(), self._offset + mark.end())
            for mark in _MARK.finditer(text)
            for number in re.findall(r"\d+", mark[1])
        ]
        open_mark = _UNFINISHED.search(text)
        self._held = open_mark[0] if open_mark else ""
        self._offset += len(text) - len(self._held)
        return found
