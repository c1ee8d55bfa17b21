"""``BSHTMLLoader``, and the text of a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prill.document_loaders.errors import LoadError, LoadFormatError
from prill.document_loaders.files import FileLoader, clean, open_file
from prill.document_loaders.tolerant import OnError
from prill.documents import Document
from prill.documents.base import PathLike
from prill.text_splitters.optional import import_extra


class BSHTMLLoader(FileLoader):
    """Reads the text of an HTML file with Beautiful Soup, as one document.

    Its metadata have ``source``; ``title``, ``description`` and ``language`` where the page says them.

    Args:
        file_path: the file.
        open_encoding: its encoding; by default what the file says, or what it looks like.
        bs_kwargs: arguments of ``BeautifulSoup``; by default ``{"features": "html.parser"}``.
        get_text_separator: is put between the texts of two elements.
        on_error: see ``TolerantLoader``.

    Raises:
        MissingDependencyError: Beautiful Soup is not installed, which the extra ``html`` does.
        LoadSourceError: the file cannot be read.
        LoadFormatError: it is not text.
    """

    def __init__(
        self,
        file_path: PathLike,
        open_encoding: str | None = None,
        bs_kwargs: Mapping[str, Any] | None = None,
        get_text_separator: str = "",
        *,
        on_error: OnError = "raise",
    ) -> None:
        super().__init__(file_path, on_error=on_error)
        self.open_encoding = open_encoding
        self.bs_kwargs = bs_kwargs
        self.get_text_separator = get_text_separator

    def _read(self) -> Iterator[Document | LoadError]:
        with open_file(self.source) as file:
            data = file.read()
        soup = parse(data, self.open_encoding, self.bs_kwargs, self.source)
        text = clean(soup.get_text(self.get_text_separator))
        yield Document(text, metadata={"source": self.source, **describe_page(soup)})


_ESCAPES = ("unicode-escape", "raw-unicode-escape", "unicode_escape", "raw_unicode_escape")
NOT_OF_PAGES = ("idna", "punycode", "undefined", *_ESCAPES)
"""Encodings of Python's that no page is in; to decode ``punycode`` takes hours for a page of some megabytes."""


def parse(data: bytes, encoding: str | None, bs_kwargs: Mapping[str, Any] | None, source: str) -> Any:
    """Return a page as Beautiful Soup has it; ``encoding`` is what is known of it."""
    bs4 = import_extra("bs4", "html", "reading HTML")
    head = data[:4]
    if b"\0" in data and not head.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")) and encoding is None:
        raise LoadFormatError("it has NUL bytes: it is binary, not HTML", source=source)
    options = {"features": "html.parser", "exclude_encodings": NOT_OF_PAGES, **(bs_kwargs or {})}
    try:
        return bs4.BeautifulSoup(data, from_encoding=encoding, **options)
    except (bs4.exceptions.ParserRejectedMarkup, RecursionError, AssertionError) as error:
        raise LoadFormatError(f"it cannot be read as HTML: {error}", source=source) from error


def describe_page(soup: Any) -> dict[str, str]:
    """The title, description and language of a page, those that it has."""
    described = soup.find("meta", attrs={"name": "description"})
    root = soup.find("html")
    found = {
        "title": soup.title.get_text().strip() if soup.title else None,
        "description": described.get("content") if described else None,
        "language": root.get("lang") if root else None,
    }
    return {name: clean(str(value)) for name, value in found.items() if value}
