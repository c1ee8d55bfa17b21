"""Items found by a pattern, read while they arrive."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Protocol


class Items(Protocol):
    """Finds the items of a list in a text that arrives in pieces."""

    def feed(self, text: str) -> list[str]:
        """Take the next piece; return the items that are known to be whole now."""
        ...

    def finish(self) -> list[str]:
        """End the text; return the last items."""
        ...


class LineItems:
    """Find the matches of a pattern that stay within a line, at each line's end.

    ``opens`` matches at the end of a line whose item stands in the next one.
    """

    def __init__(self, pattern: str, opens: str) -> None:
        self._find = re.compile(pattern, re.MULTILINE).finditer
        self._opens = re.compile(opens).search
        self._pieces: list[str] = []

    def feed(self, text: str) -> list[str]:
        self._pieces.append(text)
        if "\n" not in text:
            return []
        text = "".join(self._pieces)
        end = text.rfind("\n") + 1
        if self._opens(text[text.rfind("\n", 0, end - 1) + 1 : end - 1]):
            self._pieces = [text]
            return []
        self._pieces = [text[end:]]
        return [match[1] for match in self._find(text, 0, end)]

    def finish(self) -> list[str]:
        return [match[1] for match in self._find("".join(self._pieces))]


class MatchedItems:
    """Find the matches of any pattern: one is whole when the next has begun."""

    def __init__(self, parse_iter: Callable[[str], Iterable[re.Match[str]]]) -> None:
        self._parse_iter = parse_iter
        self._text = ""

    def feed(self, text: str) -> list[str]:
        self._text += text
        whole = list(self._parse_iter(self._text))[:-1]
        if whole:
            self._text = self._text[whole[-1].end() :]
        return [match[1] for match in whole]

    def finish(self) -> list[str]:
        return [match[1] for match in self._parse_iter(self._text)]


class ParsedItems:
    """Cut the text with a function that cuts a whole text: an item is whole when the next has begun."""

    def __init__(self, parse: Callable[[str], list[str]]) -> None:
        self._parse = parse
        self._text = ""

    def feed(self, text: str) -> list[str]:
        self._text += text
        items = self._parse(self._text)
        if len(items) < 2:
            return []
        self._text = items[-1]
        return items[:-1]

    def finish(self) -> list[str]:
        return self._parse(self._text) if self._text else []
