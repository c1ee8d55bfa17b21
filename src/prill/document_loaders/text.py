"""``TextLoader`` and ``MarkdownLoader``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from prill.document_loaders.errors import LoadError
from prill.document_loaders.files import FileLoader, read_text
from prill.document_loaders.tolerant import OnError
from prill.documents import Document
from prill.documents.base import PathLike
from prill.errors import ConfigError
from prill.text_splitters import MarkdownHeaderTextSplitter
from prill.text_splitters.markdown import find_headings, split_lines


class TextLoader(FileLoader):
    """Reads a text file as one document; its metadata have ``source``. An empty file is an empty document.

    Args:
        file_path: the file.
        encoding: of the text; by default UTF-8, or what a byte order mark says.
        autodetect_encoding: where the text is not in ``encoding``, take it for Chinese (GB 18030) if all of it can be,
            else for that of Western Europe (Windows-1252).
        on_error: see ``TolerantLoader``.

    Raises:
        LoadSourceError: the file cannot be read.
        LoadEncodingError: its text has another encoding.
        LoadFormatError: it is not text.
    """

    def __init__(
        self,
        file_path: PathLike,
        encoding: str | None = None,
        autodetect_encoding: bool = False,
        *,
        on_error: OnError = "raise",
    ) -> None:
        super().__init__(file_path, on_error=on_error)
        self.encoding = encoding
        self.autodetect_encoding = autodetect_encoding

    def _read(self) -> Iterator[Document | LoadError]:
        text = read_text(self.source, self.encoding, self.autodetect_encoding)
        yield Document(text, metadata={"source": self.source})


_LEVELS = [("#" * level, f"Header {level}") for level in range(1, 7)]


class MarkdownLoader(FileLoader):
    """Reads a Markdown file; its markup stays, as models and splitters understand it.

    Args:
        file_path: the file.
        mode: ``"single"`` gives one document; ``"sections"`` one for the text below each heading, whose metadata have
            the headings above it as ``Header 1`` to ``Header 6``.
        encoding: see ``TextLoader``, as for the other arguments.

    The metadata have ``source``, and ``title``: the first heading of the first level, if there is one.
    """

    def __init__(
        self,
        file_path: PathLike,
        mode: Literal["single", "sections"] = "single",
        encoding: str | None = None,
        autodetect_encoding: bool = False,
        *,
        on_error: OnError = "raise",
    ) -> None:
        if mode not in ("single", "sections"):
            raise ConfigError(f"mode must be 'single' or 'sections', not {mode!r:.60}")
        super().__init__(file_path, on_error=on_error)
        self.mode = mode
        self.encoding = encoding
        self.autodetect_encoding = autodetect_encoding

    def _read(self) -> Iterator[Document | LoadError]:
        text = read_text(self.source, self.encoding, self.autodetect_encoding)
        title = next((found.title for found in find_headings(split_lines(text)) if found.level == 1), None)
        known = {"source": self.source, **({"title": title} if title else {})}
        parts = [Document(text)] if self.mode == "single" else MarkdownHeaderTextSplitter(_LEVELS).split_text(text)
        for part in parts:
            yield Document(part.page_content, metadata={**known, **part.metadata})
