"""``Docx2txtLoader``: the text of a Word file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from prill.document_loaders.errors import LoadError, LoadFormatError, LoadLimitError, LoadPasswordError
from prill.document_loaders.files import FileLoader, clean, read_bytes
from prill.document_loaders.tolerant import OnError
from prill.documents import Document
from prill.documents.base import PathLike
from prill.text_splitters.optional import import_extra

_OLD_FORMAT = b"\xd0\xcf\x11\xe0"
"""The start of files of Word before 2007, and of encrypted ones of today."""


class Docx2txtLoader(FileLoader):
    """Reads the text of a Word file (``.docx``) with python-docx, as one document.

    Paragraphs are apart by an empty line; a table is a line for each row, its cells apart by tabs. The metadata have
    ``source``, and ``title`` and ``author`` where the file says them.

    Args:
        file_path: the file.
        max_bytes: how much the file may hold once it is decompressed; a file made to fill the memory is refused.
        on_error: see ``TolerantLoader``.

    Raises:
        MissingDependencyError: python-docx is not installed, which the extra ``docx`` does.
        LoadSourceError: the file cannot be read.
        LoadFormatError: it is damaged, or not a Word file.
        LoadPasswordError: it is encrypted.
        LoadLimitError: it holds more than ``max_bytes``.
    """

    def __init__(self, file_path: PathLike, *, max_bytes: int = 256 * 1024**2, on_error: OnError = "raise") -> None:
        super().__init__(file_path, on_error=on_error)
        self.max_bytes = max_bytes

    def _read(self) -> Iterator[Document | LoadError]:
        docx = import_extra("docx", "docx", "Docx2txtLoader")
        data = read_bytes(self.source)
        self._check(data)
        try:
            document = docx.Document(io.BytesIO(data))
            text = "\n\n".join(_read_blocks(document))
            facts = {"title": document.core_properties.title, "author": document.core_properties.author}
        except Exception as error:  # python-docx raises all kinds over damaged files
            said = f"{type(error).__name__}: {error}"
            raise LoadFormatError(f"it cannot be read as DOCX: {said}", source=self.source) from error
        known = {name: clean(value) for name, value in facts.items() if value}
        yield Document(clean(text), metadata={"source": self.source, **known})

    def _check(self, data: bytes) -> None:
        if data.startswith(_OLD_FORMAT):
            reason = "it is encrypted, or of a version of Word before 2007: save it as .docx without a password"
            raise LoadPasswordError(reason, source=self.source)
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as parts:
                whole = sum(part.file_size for part in parts.infolist())
        except (zipfile.BadZipFile, ValueError, OSError) as error:
            raise LoadFormatError(f"it is not a DOCX file: {error}", source=self.source) from error
        if whole > self.max_bytes:
            reason = f"it holds {whole:,} bytes once it is decompressed; max_bytes allows {self.max_bytes:,}"
            raise LoadLimitError(reason, source=self.source)


def _read_blocks(container: Any) -> Iterator[str]:
    """The texts of the paragraphs and tables of a document or a cell, in order."""
    for block in container.iter_inner_content():
        if hasattr(block, "rows"):
            yield "\n".join(map(_join_row, block.rows))
        elif block.text:
            yield block.text


def _join_row(row: Any) -> str:
    cells, before = [], None
    for cell in row.cells:
        if cell._tc is not before:  # cells that were merged are given once for each column
            cells.append(" ".join(" ".join(_read_blocks(cell)).split()))
        before = cell._tc
    return "\t".join(cells)
