"""Readers of the items of a list, in a text that arrives in pieces."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Protocol

from prill.errors import OutputParserException
from prill.transducers.reasoning import ReasoningFilter


class Items(Protocol):
    """Reads the items of a list from a text that arrives in pieces."""

    def feed(self, text: str) -> list[str]:
        """Take the next piece; return the items that are known to be complete now."""
        ...

    def finish(self) -> list[str]:
        """End the text; return the last items."""
        ...


class AnswerItems:
    """Read the items of an answer: what is reasoning in the text is left out.

    Args:
        make: makes the reader of the items.
        no_items: makes the error of a text, not blank, without an item; ``None`` where this is not an error.
    """

    def __init__(
        self, make: Callable[[], Items], *, no_items: Callable[[str], OutputParserException] | None = None
    ) -> None:
        self._make = make
        self._items = make()
        self._no_items = no_items
        self._reasoning = ReasoningFilter(every_line=True)
        self._text: list[str] = []
        self._found = False

    def feed(self, text: str) -> list[str]:
        if not self._found:
            self._text.append(text)
        answer = self._reasoning.feed(text)
        if self._reasoning.closed_without_opening:
            if self._found:
                raise OutputParserException(
                    "the items so far stand in front of a </think>, so they are reasoning and not the answer: use "
                    "invoke, which waits for the whole text",
                    llm_output=text,
                )
            self._items = self._make()
        return self._note(self._items.feed(answer))

    def finish(self) -> list[str]:
        try:
            items = self._note(self._items.feed(self._reasoning.finish())) + self._note(self._items.finish())
        except OutputParserException as error:
            error.llm_output = error.llm_output or "".join(self._text)
            raise
        text = "" if self._found else "".join(self._text)
        if text.strip() and self._no_items is not None:
            raise self._no_items(text)
        return items

    def _note(self, items: list[str]) -> list[str]:
        if items and not self._found:
            self._found = True
            self._text.clear()
        return items


class LineItemReader:
    """Find the matches of a pattern that stay within a line, at each line's end.

    ``alone`` matches a line that is a list mark only, whose item is the next line.
    """

    def __init__(self, pattern: str, alone: str) -> None:
        self._find = re.compile(pattern, re.MULTILINE).finditer
        self._alone = re.compile(alone).search
        self._pieces: list[str] = []

    def feed(self, text: str) -> list[str]:
        self._pieces.append(text)
        if "\n" not in text:
            return []
        text = "".join(self._pieces)
        end = text.rfind("\n") + 1
        matches = list(self._find(text, 0, end))
        line = text.rfind("\n", 0, end - 1) + 1
        if (not matches or matches[-1].end() <= line) and self._alone(text[line : end - 1]):
            end = line
        self._pieces = [text[end:]]
        return [match[1] for match in matches]

    def finish(self) -> list[str]:
        return [match[1] for match in self._find("".join(self._pieces))]


class MatchedItems:
    """Find the matches of any pattern: one is complete when the next has started."""

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
    """Split the text with a function that splits a whole text: an item is complete when the next has started."""

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
