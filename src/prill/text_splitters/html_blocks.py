"""The headings and paragraphs of a page, in order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from prill.text_splitters.optional import import_extra

_INLINE = frozenset(
    (
        *("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "button", "cite", "code", "data", "del", "dfn", "em"),
        *("font", "i", "img", "input", "ins", "kbd", "label", "map", "mark", "meter", "nobr", "output", "picture"),
        *("progress", "q", "rp", "rt", "ruby", "s", "samp", "select", "small", "span", "strike", "strong", "sub"),
        *("sup", "svg", "time", "tt", "u", "var", "wbr"),
    )
)
"""Elements within a paragraph; all others start a new one."""
_HIDDEN = frozenset(["script", "style", "template", "noscript", "head", "title"])


class Block(NamedTuple):
    """A heading, or a paragraph, whose ``level`` is 0; ``above`` are the headings that it is under, itself too."""

    text: str
    level: int
    above: tuple[tuple[int, str], ...]


class _Heading:
    """A heading that counts, until the element ``within`` ends; ``used`` says that something in there followed it."""

    def __init__(self, level: int, title: str, within: Any) -> None:
        self.level = level
        self.title = title
        self.within = within
        self.used = False


def read_blocks(html: str | bytes) -> Iterator[Block]:
    """Return the headings and paragraphs of a page one by one; their white space is one blank each."""
    bs4 = import_extra("bs4", "html", "splitting HTML")
    return _Walk(bs4.element.Tag, bs4.element.PreformattedString).read(bs4.BeautifulSoup(html, "html.parser"))


class _Walk:
    def __init__(self, tag: Any, hidden: Any) -> None:
        self._tag = tag
        self._hidden = hidden  # comments, declarations
        self._above: list[_Heading] = []
        self._words: list[str] = []

    def read(self, soup: Any) -> Iterator[Block]:
        """Walk through the elements, without a call for each level: pages may be nested deeply."""
        stack = [iter(soup.contents)]
        inside = [soup]
        while stack:
            node = next(stack[-1], None)
            if node is None:
                stack.pop()
                element = inside.pop()
                if element.name not in _INLINE:
                    yield from self._paragraph()
                    self._leave(element)
            elif not isinstance(node, self._tag):
                if not isinstance(node, self._hidden):
                    self._words.append(str(node))
            elif node.name not in _HIDDEN:
                if node.name not in _INLINE:
                    yield from self._paragraph()
                if len(node.name) == 2 and node.name[0] == "h" and node.name[1] in "123456":
                    yield from self._heading(node, inside[-1])
                else:
                    stack.append(iter(node.contents))
                    inside.append(node)

    def _paragraph(self) -> Iterator[Block]:
        text = " ".join("".join(self._words).split())
        self._words = []
        if text:
            for heading in self._above:
                heading.used = True
            yield Block(text, 0, self._titles())

    def _heading(self, node: Any, within: Any) -> Iterator[Block]:
        title = " ".join("".join(self._pieces(node)).split())
        level = int(node.name[1])
        if title:
            self._above = [each for each in self._above if each.level < level]
            self._above.append(_Heading(level, title, within))
            yield Block(title, level, self._titles())

    def _pieces(self, node: Any) -> Iterator[str]:
        """The texts in a heading; where another line starts, a blank."""
        for inner in node.descendants:
            if isinstance(inner, self._tag):
                yield "" if inner.name in _INLINE else " "
            elif not isinstance(inner, self._hidden) and inner.parent.name not in _HIDDEN:
                before = inner.previous_sibling
                yield f" {inner}" if isinstance(before, self._tag) and before.name not in _INLINE else str(inner)

    def _titles(self) -> tuple[tuple[int, str], ...]:
        return tuple((each.level, each.title) for each in self._above)

    def _leave(self, element: Any) -> None:
        """End the headings of an element; one that nothing followed in there counts in the element around."""
        kept = []
        for heading in self._above:
            if heading.within is element:
                if heading.used:
                    continue
                heading.within = element.parent
            kept.append(heading)
        self._above = kept
