"""``PyPDFLoader``: the pages of a PDF file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

from prill.document_loaders.errors import LoadError, LoadFormatError, LoadPasswordError
from prill.document_loaders.files import FileLoader, clean, open_file
from prill.document_loaders.tolerant import OnError
from prill.documents import Document
from prill.documents.base import PathLike
from prill.errors import ConfigError
from prill.text_splitters.optional import import_extra


class PyPDFLoader(FileLoader):
    """Reads the text of a PDF file with pypdf, page by page.

    The metadata have ``source``, ``page`` (from 0), ``page_label`` (as it is printed), ``total_pages``, and what the
    file says of itself: ``title``, ``author``, ``creator``, ``producer``, ``creationdate`` …

        for page in PyPDFLoader("report.pdf").lazy_load():
            print(page.metadata["page"], page.page_content[:80])

    Args:
        file_path: the file.
        password: what opens an encrypted file.
        mode: ``"page"`` gives a document for each page, ``"single"`` one document for all.
        pages_delimiter: is put between two pages of a single document.
        extraction_mode: ``"plain"``, or ``"layout"``, which keeps columns where they stand.
        extraction_kwargs: arguments of pypdf's ``extract_text``.
        on_error: see ``TolerantLoader``; a page that cannot be read is an error of its own.

    Raises:
        MissingDependencyError: pypdf is not installed, which the extra ``pdf`` does.
        LoadSourceError: the file cannot be read.
        LoadPasswordError: the file is encrypted, and the password is missing or wrong.
        LoadFormatError: the file is damaged, or has no text, as one that was scanned.
    """

    def __init__(
        self,
        file_path: PathLike,
        password: str | bytes | None = None,
        *,
        mode: Literal["page", "single"] = "page",
        pages_delimiter: str = "\n\f",
        extraction_mode: Literal["plain", "layout"] = "plain",
        extraction_kwargs: Mapping[str, Any] | None = None,
        on_error: OnError = "raise",
    ) -> None:
        if mode not in ("page", "single"):
            raise ConfigError(f"mode must be 'page' or 'single', not {mode!r:.60}")
        super().__init__(file_path, on_error=on_error)
        self._password = password
        self.mode = mode
        self.pages_delimiter = pages_delimiter
        self._options = {"extraction_mode": extraction_mode, **(extraction_kwargs or {})}

    def _read(self) -> Iterator[Document | LoadError]:
        pypdf = import_extra("pypdf", "pdf", "PyPDFLoader")
        with open_file(self.source) as file:
            reader = self._open(pypdf, file)
            known = {**self._call(lambda: _read_facts(reader), "its metadata"), "source": self.source}
            known["total_pages"] = total = self._call(lambda: len(reader.pages), "its list of pages")
            pages = self._having_text(self._pages(reader, known), total)
            if self.mode == "page":
                yield from pages
            else:
                yield from self._join(pages, known)

    def _open(self, pypdf: Any, file: Any) -> Any:
        reader = self._call(lambda: pypdf.PdfReader(file), "it")
        if reader.is_encrypted:
            self._decrypt(pypdf, reader)
        return reader

    def _decrypt(self, pypdf: Any, reader: Any) -> None:
        try:
            opened_by = reader.decrypt(self._password or "")
        except pypdf.errors.DependencyError as error:
            raise LoadPasswordError(f"it is encrypted: {error}", source=self.source) from error
        except Exception as error:
            raise self._broken("its encryption", error) from error
        if not opened_by:
            wrong = "this password does not open it" if self._password else "give its password"
            raise LoadPasswordError(f"it is encrypted: {wrong}", source=self.source)

    def _pages(self, reader: Any, known: dict[str, Any]) -> Iterator[Document | LoadError]:
        for number in range(known["total_pages"]):
            try:
                page = reader.pages[number]
                text = clean(page.extract_text(**self._options) or "")
                label = reader.page_labels[number]
            except Exception as error:  # pypdf raises all kinds over damaged files
                yield self._broken(f"page {number}", error)
                continue
            yield Document(text, metadata={**known, "page": number, "page_label": label})

    def _having_text(self, pages: Iterator[Document | LoadError], total: int) -> Iterator[Document | LoadError]:
        """Hold pages without text back until one has some: where none has, the file is an error."""
        empty: list[Document] = []
        found = False
        for page in pages:
            if isinstance(page, LoadError):
                found = True
                yield page
            elif not (found := found or bool(page.page_content.strip())):
                empty.append(page)
            else:
                yield from empty
                empty = []
                yield page
        if not found:
            reason = f"none of its {total} pages has text: they are pictures (scans); recognize their text first (OCR)"
            raise LoadFormatError(reason if total else "it has no pages", source=self.source)
        yield from empty

    def _join(self, pages: Iterator[Document | LoadError], known: dict[str, Any]) -> Iterator[Document | LoadError]:
        texts: list[str] = []
        for page in pages:
            if isinstance(page, LoadError):
                yield page
            else:
                texts.append(page.page_content)
        if texts:
            yield Document(self.pages_delimiter.join(texts), metadata=known)

    def _call(self, function: Any, what: str) -> Any:
        try:
            return function()
        except Exception as error:
            raise self._broken(what, error) from error

    def _broken(self, what: str, error: Exception) -> LoadFormatError:
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return LoadFormatError(f"{what} cannot be read as PDF: {said}", source=self.source)


def _read_facts(reader: Any) -> dict[str, Any]:
    """What a file says of itself, under names in small letters."""
    found = {}
    for key, value in (reader.metadata or {}).items():
        name = str(key).lstrip("/").lower()
        if name in ("creationdate", "moddate"):
            date = reader.metadata.creation_date if name == "creationdate" else reader.metadata.modification_date
            value = date.isoformat() if isinstance(date, datetime) else value
        if value:
            found[name] = clean(str(value))
    return found
