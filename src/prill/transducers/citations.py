"""Marks of sources in a text, such as ``[1]``."""

from __future__ import annotations

import re
from typing import NamedTuple

_OPENING, _CLOSING = r"\[［【", r"\]］】"
_NUMBERS = r"\s{0,3}\d{1,4}(?:\s{0,3}[,，、;；]\s{0,3}\d{1,4}){0,20}\s{0,3}"
_FENCE = r"(?<=\n) {0,3}(?P<fence>`{3,}|~{3,})"
_TOKEN = re.compile(
    rf"{_FENCE}|(?P<ticks>`+)|(?P<lines>\n(?:[ \t]*\n)*)|[{_OPENING}](?P<numbers>{_NUMBERS})[{_CLOSING}]"
)
_UNFINISHED = re.compile(rf"(?:[{_OPENING}][\s\d,，、;；]{{0,140}}|\n[ \t\n]{{0,140}}[`~]{{0,140}}|`{{1,140}})\Z")


class Mark(NamedTuple):
    """A source that is named in a text: its number, and where the brackets start and end."""

    number: int
    start: int
    end: int


class CitationFinder:
    """Find marks of sources in a text that arrives in pieces.

    ``[1]``, ``[1, 3]`` and ``【2】`` are marks; one that names several sources is found as one mark for each. In code
    of Markdown there are none; see https://spec.commonmark.org/0.31.2/#code-spans.

    >>> finder = CitationFinder()
    >>> [finder.feed(piece) for piece in ["In a week [", "2], `x[1]`."]]
    [[], [Mark(number=2, start=10, end=13)]]
    """

    def __init__(self) -> None:
        self._held = "\n"  # in front of the text, so that its first line is found as the others are
        self._offset = -1  # where in the text the held part starts
        self._fence = ""  # what opened the block of code, which ends with the same
        self._in_info = False  # behind that, on its line
        self._ticks = 0  # how many opened the code within a line
        self._in_doubt: list[Mark] = []  # behind these: no marks if as many close it

    def feed(self, text: str) -> list[Mark]:
        """Take the next piece; return the marks that are closed in it."""
        text = self._held + text
        open_end = _UNFINISHED.search(text)
        end = open_end.start() if open_end else len(text)
        self._held = text[end:]
        return self._read(text[:end])

    def finish(self) -> list[Mark]:
        """Return the marks behind what looked like code, but did not end."""
        found = self._read(self._held)
        self._held = ""
        return found + self._end_span()

    def _read(self, text: str) -> list[Mark]:
        found: list[Mark] = []
        for token in _TOKEN.finditer(text):
            if token["numbers"]:
                found += self._mark(token)
            elif token["lines"]:
                self._in_info = False
                found += self._end_span() if token["lines"] != "\n" else []
            elif token["ticks"]:
                self._span(len(token["ticks"]))
            else:
                found += self._block(token["fence"])
        self._offset += len(text)
        return found

    def _mark(self, token: re.Match[str]) -> list[Mark]:
        start, end = self._offset + token.start(), self._offset + token.end()
        marks = [Mark(int(number), start, end) for number in re.findall(r"\d+", token["numbers"])]
        if self._fence:
            return []
        if self._ticks:
            self._in_doubt += marks
            return []
        return marks

    def _block(self, fence: str) -> list[Mark]:
        """A block of code starts or ends."""
        if not self._fence:
            self._fence, self._in_info = fence, True
            return self._end_span()
        if fence.startswith(self._fence):
            self._fence = ""
        return []

    def _span(self, ticks: int) -> None:
        """Code within a line starts or ends."""
        if self._fence:
            if self._in_info and ticks == len(self._fence):
                self._fence = ""  # it was within a line
        elif not self._ticks:
            self._ticks = ticks
        elif self._ticks == ticks:
            self._ticks, self._in_doubt = 0, []

    def _end_span(self) -> list[Mark]:
        """Return the marks behind what opened no code."""
        found, self._ticks, self._in_doubt = self._in_doubt, 0, []
        return found
