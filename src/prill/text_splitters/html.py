"""Splitters of HTML at its headings."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from prill.documents import Document
from prill.errors import ConfigError
from prill.text_splitters.character import RecursiveCharacterTextSplitter
from prill.text_splitters.html_blocks import Block, read_blocks

Headers = list[tuple[str, str]]
"""Tags, ``h1`` to ``h6``, with the names that their headings get in the metadata."""


class _HTMLSplitter:
    """What the splitters of HTML share."""

    def __init__(self, headers_to_split_on: Headers) -> None:
        for tag, _ in headers_to_split_on:
            if tag not in ("h1", "h2", "h3", "h4", "h5", "h6"):
                raise ConfigError(f"the tag of a heading must be h1 to h6, not {tag!r:.60}")
        self._names = {int(tag[1]): name for tag, name in headers_to_split_on}

    def split_text(self, text: str) -> list[Document]:
        """Return a document for each part of a page."""
        return list(self._split(read_blocks(text)))

    def split_text_from_file(self, file: str | os.PathLike[str] | IO[Any]) -> list[Document]:
        """Return a document for each part of a page in a file, given by its path or open."""
        data = Path(file).read_bytes() if isinstance(file, str | os.PathLike) else file.read()
        return list(self._split(read_blocks(data)))

    def _split(self, blocks: Iterable[Block]) -> Iterator[Document]:
        raise NotImplementedError

    def _metadata(self, block: Block) -> dict[str, str]:
        return {self._names[level]: title for level, title in block.above if level in self._names}


class HTMLHeaderTextSplitter(_HTMLSplitter):
    """Splits HTML at its headings; each part's metadata are the headings above it. A heading is a part of its own.

        >>> splitter = HTMLHeaderTextSplitter([("h1", "chapter")])
        >>> splitter.split_text("<h1>Sky</h1><p>Blue.</p>")[1]
        Document(metadata={'chapter': 'Sky'}, page_content='Blue.')

    A heading counts up to the next one of its level or a higher one, and not beyond the element that it stands in,
    unless that holds nothing but headings. The paragraphs of a part are apart by the line end of Markdown,
    ``"  \\n"``; with ``return_each_element`` each is a document.

    Raises:
        ConfigError: a tag is not that of a heading.
        MissingDependencyError: Beautiful Soup is not installed, which the extra ``html`` does.
    """

    def __init__(self, headers_to_split_on: Headers, return_each_element: bool = False) -> None:
        super().__init__(headers_to_split_on)
        self._each_element = return_each_element

    def _split(self, blocks: Iterable[Block]) -> Iterator[Document]:
        texts: list[str] = []
        known: dict[str, str] = {}
        for block in blocks:
            metadata = self._metadata(block)
            is_heading = block.level in self._names
            if texts and (is_heading or self._each_element or metadata != known):
                yield Document("  \n".join(texts), metadata=dict(known))
                texts = []
            known = metadata
            if is_heading:
                yield Document(block.text, metadata=metadata)
            else:
                texts.append(block.text)
        if texts:
            yield Document("  \n".join(texts), metadata=known)


class HTMLSectionSplitter(_HTMLSplitter):
    """Splits HTML into sections: a heading with all up to the next one. The metadata have the heading alone.

    ``split_documents`` and ``create_documents`` split sections further that are too long, with a
    ``RecursiveCharacterTextSplitter`` of the arguments ``kwargs``.

        >>> HTMLSectionSplitter([("h1", "chapter")]).split_text("<h1>Sky</h1><p>Blue.</p>")
        [Document(metadata={'chapter': 'Sky'}, page_content='Sky\\nBlue.')]

    Raises:
        ConfigError: a tag is not that of a heading.
        MissingDependencyError: Beautiful Soup is not installed, which the extra ``html`` does.
    """

    def __init__(self, headers_to_split_on: Headers, **kwargs: Any) -> None:
        super().__init__(headers_to_split_on)
        self._splitter = RecursiveCharacterTextSplitter(**kwargs)

    def _split(self, blocks: Iterable[Block]) -> Iterator[Document]:
        texts: list[str] = []
        known: dict[str, str] = {}
        for block in blocks:
            if block.level in self._names:
                if texts:
                    yield Document("\n".join(texts), metadata=dict(known))
                texts, known = [], {self._names[block.level]: block.text}
            texts.append(block.text)
        if texts:
            yield Document("\n".join(texts), metadata=known)

    def create_documents(self, texts: list[str], metadatas: list[dict[Any, Any]] | None = None) -> list[Document]:
        """Return a document for each part of each page, with a copy of the metadata of its page."""
        given = metadatas or [{} for _ in texts]
        return self.split_documents(Document(text, metadata=known) for text, known in zip(texts, given, strict=True))

    def split_documents(self, documents: Iterable[Document]) -> list[Document]:
        """Return a document for each part of each page, with a copy of the metadata of its page."""
        sections = [
            Document(section.page_content, metadata={**page.metadata, **section.metadata})
            for page in documents
            for section in self.split_text(page.page_content)
        ]
        return self._splitter.split_documents(sections)
