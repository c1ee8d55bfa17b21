"""Lists that a model writes, item by item."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar

from prill.callbacks.run import Run, inside
from prill.errors import OutputParserException
from prill.io import closing
from prill.output_parsers.comma_items import CommaItems
from prill.output_parsers.inputs import as_text
from prill.output_parsers.line_items import AnswerItems, Items, LineItemReader, MatchedItems, ParsedItems
from prill.output_parsers.transform import BaseTransformOutputParser
from prill.runnables.engine.streams import ADD, Combine, Stream
from prill.transducers.reasoning import strip_reasoning

# One digit is enough: matching all digits of a number is quadratic where no full stop follows.
_NUMBERED = r"(?:\d\.|^[^\S\n]*\d{1,9}\))(?:\r\n|\s)([^\r\n]+)"
_NUMBER_ALONE = r"(?:\d\.|^\s*\d{1,9}\))\r?$"
_BULLETS = r"(?:^|(?<=\r))[^\S\r\n]*[-*+•](?:\r\n|\s)([^\r\n]+)"
_BULLET_ALONE = r"^\s*[-*+•]\r?$"


class ListOutputParser(BaseTransformOutputParser[list[str]]):
    """Base of parsers of lists, which stream item by item: each chunk is a list with the next item.

    A subclass defines ``parse``, and ``parse_iter`` if a pattern finds its items. While streaming, an item is complete
    when the next one has started.
    """

    _combine: ClassVar[Combine] = ADD

    def parse_iter(self, text: str) -> Iterator[re.Match[str]]:
        """Return the matches of the items in a text; group 1 of each is the item."""
        raise NotImplementedError(f"{type(self).__name__} does not find its items by a pattern")

    def _items(self) -> Items:
        """Return a reader of the items of one stream."""
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

    Reasoning (``<think>...</think>``) is left out.

    >>> CommaSeparatedListOutputParser().invoke('red, "light, blue", green')
    ['red', 'light, blue', 'green']
    """

    def parse(self, text: str) -> list[str]:
        """Return all items of a text."""
        items = AnswerItems(CommaItems)
        return [*items.feed(text), *items.finish()]

    def _items(self) -> Items:
        return ParsedItems(self.parse) if "parse" in self._custom else AnswerItems(CommaItems)

    def get_format_instructions(self) -> str:
        """Ask for items between commas."""
        return "Answer with the items only, on one line, with commas between them, like this: `red, green, blue`"

    @property
    def _type(self) -> str:
        return "comma-separated-list"


class _PatternListOutputParser(ListOutputParser):
    pattern: str

    def parse(self, text: str) -> list[str]:
        """Return all items of a text."""
        items = [match[1] for match in self.parse_iter(strip_reasoning(text))]
        if not items and text.strip():
            raise self._no_items(text)
        return items

    def parse_iter(self, text: str) -> Iterator[re.Match[str]]:
        """Return the matches of ``pattern`` in a text; group 1 of each is the item."""
        return re.finditer(self.pattern, text, re.MULTILINE)

    def _no_items(self, text: str) -> OutputParserException:
        return OutputParserException(
            f"no item of a {self._type.replace('-', ' ')} in the text {text!r:.80}", llm_output=text
        )

    def _items_by(self, pattern: str, alone: str) -> Items:
        if self._custom or type(self).parse_iter is not _PatternListOutputParser.parse_iter:
            return super()._items()
        if self.pattern != pattern:
            return AnswerItems(super()._items, no_items=self._no_items)
        return AnswerItems(lambda: LineItemReader(pattern, alone), no_items=self._no_items)


class NumberedListOutputParser(_PatternListOutputParser):
    """Reads the items of a numbered list, ``1. first`` or ``1) first``, one to a line; other text is left out.

    Reasoning (``<think>...</think>``) is left out too. ``pattern`` finds an item, as its group 1.

    Raises:
        OutputParserException: there is text, but no item in it.
    """

    pattern: str = _NUMBERED

    def _items(self) -> Items:
        return self._items_by(_NUMBERED, _NUMBER_ALONE)

    def get_format_instructions(self) -> str:
        """Ask for a numbered list."""
        return "Answer with a numbered list, one item to a line, like this:\n\n1. red\n2. green\n3. blue"

    @property
    def _type(self) -> str:
        return "numbered-list"


class MarkdownListOutputParser(_PatternListOutputParser):
    """Reads the items of a Markdown list, ``- first``, ``* first`` or ``+ first``, one to a line.

    Other text and reasoning (``<think>...</think>``) are left out. ``pattern`` finds an item, as its group 1.

    Raises:
        OutputParserException: there is text, but no item in it.
    """

    pattern: str = _BULLETS

    def _items(self) -> Items:
        return self._items_by(_BULLETS, _BULLET_ALONE)

    def get_format_instructions(self) -> str:
        """Ask for a Markdown list."""
        return "Answer with a Markdown list, one item to a line, like this:\n\n- red\n- green\n- blue"

    @property
    def _type(self) -> str:
        return "markdown-list"
