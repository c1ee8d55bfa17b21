"""Items between commas, read while they arrive."""

from __future__ import annotations

import re
from typing import Final

_unquoted_end: Final = re.compile(r"[,\r\n]")
_QUOTE: Final = '"'


class CommaItems:
    """Cut a text at its commas and line ends, by the rules of CSV with spaces after a comma skipped.

    An item in double quotes may hold commas and line ends, and quotes that are written twice. ``feed`` returns the
    items that ended in this piece, ``finish`` the last one. Empty lines hold no item; an empty place between commas
    is an empty item.
    """

    def __init__(self) -> None:
        self._item: list[str] = []
        self._state = "record"  # then "start" of an item, "plain", "quoted", "quote" (one that may end the quoting)

    def feed(self, text: str) -> list[str]:
        items: list[str] = []
        at = 0
        while at < len(text):
            at = self._plain(text, at, items) if self._state in ("plain", "quote") else self._step(text, at)
        return items

    def finish(self) -> list[str]:
        return [] if self._state == "record" else [self._take("record")]

    def _step(self, text: str, at: int) -> int:
        """Go on at the start of an item, or inside quotes."""
        if self._state == "quoted":
            end = text.find(_QUOTE, at)
            if end < 0:
                self._item.append(text[at:])
                return len(text)
            self._item.append(text[at:end])
            self._state = "quote"
            return end + 1
        char = text[at]
        if self._state == "record" and char in "\r\n":
            return at + 1
        if char == " ":
            self._state = "start"
            return at + 1
        if char == _QUOTE:
            self._state = "quoted"
            return at + 1
        self._state = "plain"
        return at

    def _plain(self, text: str, at: int, items: list[str]) -> int:
        """Go on outside quotes, up to the end of the item."""
        if self._state == "quote" and text[at] == _QUOTE:  # the second of two
            self._item.append(_QUOTE)
            self._state = "quoted"
            return at + 1
        self._state = "plain"
        end = _unquoted_end.search(text, at)
        if end is None:
            self._item.append(text[at:])
            return len(text)
        self._item.append(text[at : end.start()])
        items.append(self._take("start" if end[0] == "," else "record"))
        return end.end()

    def _take(self, state: str) -> str:
        item = "".join(self._item)
        self._item.clear()
        self._state = state
        return item
