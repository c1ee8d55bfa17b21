"""``MarkdownHeaderTextSplitter``: documents whose metadata are the headings above them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prill.documents import Document
from prill.errors import ConfigError

# Of backticks, what follows on the line holds none: else it is inline code (https://spec.commonmark.org/0.31.2/#info-string).
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")

_LINE_END = re.compile(r"\r\n|\n|\r")


class MarkdownHeaderTextSplitter:
    """Splits Markdown at its headings; each part's metadata are the headings above it.

        >>> splitter = MarkdownHeaderTextSplitter([("#", "chapter"), ("##", "section")])
        >>> splitter.split_text("# Sky\\nBlue.\\n## Night\\nBlack.")[1]
        Document(metadata={'chapter': 'Sky', 'section': 'Night'}, page_content='Black.')

    ``headers_to_split_on`` are the marks with the names that their headings get. ``return_each_line`` gives a document
    for each line, ``strip_headers=False`` leaves the headings in the text. Lines in a block of code are never headings.
    """

    def __init__(
        self,
        headers_to_split_on: list[tuple[str, str]],
        return_each_line: bool = False,
        strip_headers: bool = True,
    ) -> None:
        for mark, _ in headers_to_split_on:
            if not re.fullmatch("#{1,6}", mark):
                raise ConfigError(f"the mark of a heading must be # to ######, not {mark!r}")
        self._names = {len(mark): name for mark, name in headers_to_split_on}
        self._each_line = return_each_line
        self._strip_headers = strip_headers

    def split_text(self, text: str) -> list[Document]:
        """Return a document for each part."""
        documents: list[Document] = []
        for above, lines in self._parts(text):
            parts = [line.strip() for line in lines] if self._each_line else ["\n".join(lines).strip()]
            documents += [Document(part, metadata=dict(above)) for part in parts if part]
        return documents

    def _parts(self, text: str) -> Iterator[tuple[dict[str, str], list[str]]]:
        above: dict[int, str] = {}
        lines: list[str] = []
        fence = ""
        for line in _LINE_END.split(text.removeprefix("\ufeff")):
            fence, inside = _fenced(line, fence)
            heading = None if inside else re.match(r" {0,3}(#{1,6})(?:\s+(.*?))?(?:\s+#+)?\s*$", line)
            if heading is None or len(heading[1]) not in self._names:
                lines.append(line)
                continue
            yield self._named(above), lines
            level = len(heading[1])
            above = {**{other: title for other, title in above.items() if other < level}, level: heading[2] or ""}
            lines = [] if self._strip_headers else [line]
        yield self._named(above), lines

    def _named(self, above: dict[int, str]) -> dict[str, str]:
        return {self._names[level]: title for level, title in above.items()}


def _fenced(line: str, fence: str) -> tuple[str, bool]:
    """Return the fence that is open behind this line, and whether the line belongs to a block of code."""
    found = _FENCE.match(line)
    if not fence:
        return (found[1], True) if found else ("", False)
    closes = found is not None and found[1][0] == fence[0] and len(found[1]) >= len(fence)
    return ("" if closes and not line.strip().strip(fence[0]) else fence), True
