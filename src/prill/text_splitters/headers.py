"""``MarkdownHeaderTextSplitter``: documents whose metadata are the headings above them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prill.documents import Document
from prill.errors import ConfigError
from prill.text_splitters.markdown import find_headings, split_lines


class MarkdownHeaderTextSplitter:
    """Splits Markdown at its headings; each part's metadata are the headings above it.

        >>> splitter = MarkdownHeaderTextSplitter([("#", "chapter"), ("##", "section")])
        >>> splitter.split_text("# Sky\\nBlue.\\n## Night\\nBlack.")[1]
        Document(metadata={'chapter': 'Sky', 'section': 'Night'}, page_content='Black.')

    ``headers_to_split_on`` are the marks with the names that their headings get. ``return_each_line`` gives a document
    for each line, ``strip_headers=False`` leaves the headings in the text. Headings are those
    of `CommonMark <https://spec.commonmark.org>`_, underlined ones too; in code, HTML, lists and quotations are none.
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
        lines, start = split_lines(text), 0
        for heading in find_headings(lines):
            if heading.level not in self._names:
                continue
            yield self._named(above), lines[start : heading.start]
            higher = {level: title for level, title in above.items() if level < heading.level}
            above = {**higher, heading.level: heading.title.replace("\n", " ")}
            start = heading.end if self._strip_headers else heading.start
        yield self._named(above), lines[start:]

    def _named(self, above: dict[int, str]) -> dict[str, str]:
        return {self._names[level]: title for level, title in above.items()}
