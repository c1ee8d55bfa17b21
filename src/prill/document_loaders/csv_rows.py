"""``CSVLoader``: the rows of a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from prill.document_loaders.errors import LoadEncodingError, LoadError, LoadFormatError, LoadLimitError
from prill.document_loaders.files import FileLoader, guess_encoding, open_file
from prill.document_loaders.tolerant import OnError
from prill.documents import Document
from prill.documents.base import PathLike
from prill.errors import ConfigError

LONGEST = 16 * 1024 * 1024
"""Characters; a longer field of a CSV file, or bytes; a longer line of JSON, is an error."""

_SAMPLE = 1024 * 1024


class CSVLoader(FileLoader):
    """Reads a CSV file row by row, as it is needed; each row is a document of lines ``column: value``.

    The metadata have ``source`` and ``row`` (from 0).

    Args:
        file_path: the file.
        source_column: the column that is the ``source`` of its row, in place of the file's path.
        metadata_columns: columns that go to the metadata, and not to the text.
        csv_args: arguments of ``csv.DictReader``, such as ``{"delimiter": ";"}``.
        encoding: of the file; by default UTF-8.
        autodetect_encoding: find the encoding out of the first megabyte; see ``TextLoader``.
        content_columns: the only columns that go to the text.
        on_error: see ``TolerantLoader``; each row that is broken is an error of its own.

    Raises:
        LoadSourceError: the file cannot be read.
        LoadFormatError: a row has more or fewer fields than there are columns (unless ``csv_args`` have ``restkey`` or
            ``restval``), or there is no such column.
        LoadEncodingError: the file has another encoding.
        LoadLimitError: a field has more than 16 million characters, as where a quotation mark is never closed.
    """

    _has_rows = True

    def __init__(
        self,
        file_path: PathLike,
        source_column: str | None = None,
        metadata_columns: Sequence[str] = (),
        csv_args: Mapping[str, Any] | None = None,
        encoding: str | None = None,
        autodetect_encoding: bool = False,
        *,
        content_columns: Sequence[str] = (),
        on_error: OnError = "raise",
    ) -> None:
        if isinstance(metadata_columns, str) or isinstance(content_columns, str):
            raise ConfigError("metadata_columns and content_columns are lists of names of columns")
        super().__init__(file_path, on_error=on_error)
        self.source_column = source_column
        self.metadata_columns = metadata_columns
        self.content_columns = content_columns
        self.csv_args = dict(csv_args or {})
        self.encoding = encoding
        self.autodetect_encoding = autodetect_encoding

    def _read(self) -> Iterator[Document | LoadError]:
        with open_file(self.source) as file, self._text(file) as text:
            csv.field_size_limit(max(csv.field_size_limit(), LONGEST))
            reader = csv.DictReader(text, **self.csv_args)
            names = self._header(reader)
            columns = [*names, *([reader.restkey] if reader.restkey else [])]
            labels = {name: f"{_strip(name)}: " for name in columns if self._is_content(name)}
            number = 0
            while names:
                try:
                    row = next(reader)
                except StopIteration:
                    break
                except csv.Error as error:
                    yield self._broken(error, reader, number)
                else:
                    yield self._make(row, labels, number, reader.line_num)
                number += 1

    def _text(self, file: BinaryIO) -> io.TextIOWrapper:
        encoding = self.encoding
        if self.autodetect_encoding:
            encoding = guess_encoding(file.read(_SAMPLE), whole=False)
            file.seek(0)
        try:
            # What is not in this encoding is seen in the row that holds it, and does not end the file.
            return io.TextIOWrapper(file, encoding or "utf-8-sig", errors="surrogateescape", newline="")
        except LookupError as error:
            raise LoadEncodingError(f"there is no encoding {encoding!r}", source=self.source) from error

    def _header(self, reader: csv.DictReader[str]) -> Sequence[str]:
        try:
            names = reader.fieldnames or ()
        except csv.Error as error:
            raise self._broken(error, reader, None) from error
        asked = [*self.metadata_columns, *self.content_columns, *([self.source_column] if self.source_column else [])]
        missing = [name for name in asked if name not in names]
        if missing and names:
            reason = f"there is no column {missing[0]!r}; there are {', '.join(map(str, names))}"[:300]
            raise LoadFormatError(reason, source=self.source)
        return names

    def _make(self, row: dict[Any, Any], labels: dict[Any, str], number: int, line: int) -> Document | LoadError:
        if None in row or (None in row.values() and "restval" not in self.csv_args):
            kind = "more" if None in row else "fewer"
            reason = f"row {number} (up to line {line}) has {kind} fields than there are columns"
            return LoadFormatError(reason, source=self.source)
        text = "\n".join([label + _strip(row[name]) for name, label in labels.items() if name in row])
        known = {"source": row[self.source_column] if self.source_column else self.source, "row": number}
        known |= {name: row[name] for name in self.metadata_columns}
        in_doubt = not text.isascii() or self.metadata_columns or self.source_column
        if in_doubt and any(_is_undecoded(value) for value in row.values()):
            hint = "give its encoding, or autodetect_encoding=True"
            reason = f"row {number} (up to line {line}) has another encoding: {hint}"
            return LoadEncodingError(reason, source=self.source)
        return Document(text, metadata=known)

    def _is_content(self, name: Any) -> bool:
        return name in self.content_columns if self.content_columns else name not in self.metadata_columns

    def _broken(self, error: csv.Error, reader: csv.DictReader[str], number: int | None) -> LoadError:
        place = "the header" if number is None else f"row {number}"
        kind = LoadLimitError if "field limit" in str(error) else LoadFormatError
        return kind(f"{place} (up to line {reader.line_num}) cannot be read: {error}", source=self.source)


def _strip(value: Any) -> str:
    return ",".join(map(_strip, value)) if isinstance(value, list) else str(value).strip()


def _is_undecoded(value: Any) -> bool:
    text = str(value)
    return not text.isascii() and any("\udc80" <= character <= "\udcff" for character in text)
