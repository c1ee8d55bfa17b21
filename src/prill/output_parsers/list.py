"""Lists that a model writes, item by item."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar

from prill.callbacks.run import Run, inside
from prill.io import closing
from prill.output_parsers.comma_items import CommaItems
from prill.output_parsers.inputs import as_text
from prill.output_parsers.line_items import Items, LineItems, MatchedItems, ParsedItems
from prill.output_parsers.transform import BaseTransformOutputParser
from prill.runnables.engine.streams import ADD, Combine, Stream

_NUMBERED = r"\d+\.\s([^\n]+)"
_BULLETS = r"^\s*[-*]\s([^\n]+)$"


class ListOutputParser(BaseTransformOutputParser[list[str]]):
    """A parser of lists, that streams item by item: each chunk is a list with the next item.

    Yours defines ``parse``, and ``parse_iter`` if its items can be found by a pattern. While streaming, an item counts
    as whole when the next one has begun.
    """

    _combine: ClassVar[Combine] = ADD

    def parse_iter(self, text: str) -> Iterator[re.Match[str]]:
        """The matches of the items in a text; group 1 of each is the item."""
        raise NotImplementedError(f"{type(self).__name__} does not find its items by a pattern")

    def _items(self) -> Items:
        """What finds the items of one stream."""
        if type(self).parse_iter is ListOutputParser.parse_iter:
            return ParsedItems(self.parse)
        return MatchedItems(self.parse_iter)

    async def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        items = self._items()
        async with closing(inputs):
            async for chunk in inputs:
                with inside(run):
                    whole = items.feed(as_text(chunk))
                for item in whole:
                    yield [item]
        with inside(run):
            whole = items.finish()
        for item in whole:
            yield [item]


class CommaSeparatedListOutputParser(ListOutputParser):
    """Reads ``a, b, c``. An item in double quotes may hold commas; line ends separate items too.

    >>> CommaSeparatedListOutputParser().invoke('red, "light, blue", green')
    ['red', 'light, blue', 'green']
    """

    def parse(self, text: str) -> list[str]:
        """All items of a text."""
        items = CommaItems()
        return [*items.feed(text), *items.finish()]

    def _items(self) -> Items:
        return ParsedItems(self.parse) if "parse" in self._custom else CommaItems()

    def get_format_instructions(self) -> str:
        """Ask for items between commas."""
        return "Answer with the items only, on one line, with commas between them, like this: `red, green, blue`"

    @property
    def _type(self) -> str:
        return "comma-separated-list"


class _PatternListOutputParser(ListOutputParser):
    pattern: str

    def parse(self, text: str) -> list[str]:
        """All items of a text."""
        return [match[1] for match in self.parse_iter(text)]

    def parse_iter(self, text: str) -> Iterator[re.Match[str]]:
        """The matches of ``pattern`` in a text; group 1 of each is the item."""
        return re.finditer(self.pattern, text, re.MULTILINE)

    def _items_by(self, pattern: str, opens: str) -> Items:
        if self._custom or self.pattern != pattern or _users(self):
            return super()._items()
        return LineItems(pattern, opens)


def _users(parser: _PatternListOutputParser) -> bool:
    return type(parser).parse_iter is not _PatternListOutputParser.parse_iter


class NumberedListOutputParser(_PatternListOutputParser):
    """Reads the items of a numbered list, ``1. first``, one to a line; other text is left out.

    ``pattern`` finds an item, as its group 1.
    """

    pattern: str = _NUMBERED

    def _items(self) -> Items:
        return self._items_by(_NUMBERED, r"\d\.$")

    def get_format_instructions(self) -> str:
        """Ask for a numbered list."""
        return "Answer with a numbered list, one item to a line, like this:\n\n1. red\n2. green\n3. blue"

    @property
    def _type(self) -> str:
        return "numbered-list"


class MarkdownListOutputParser(_PatternListOutputParser):
    """Reads the items of a Markdown list, ``- first`` or ``* first``, one to a line; other text is left out.

    ``pattern`` finds an item, as its group 1.
    """

    pattern: str = _BULLETS

    def _items(self) -> Items:
        return self._items_by(_BULLETS, r"^\s*[-*]$")

    def get_format_instructions(self) -> str:
        """Ask for a Markdown list."""
        return "Answer with a Markdown list, one item to a line, like this:\n\n- red\n- green\n- blue"

    @property
    def _type(self) -> str:
        return "markdown-list"
