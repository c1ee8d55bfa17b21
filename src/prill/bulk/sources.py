"""Where rows come from: iterables, files of JSON lines, CSV and Parquet, folders; each is read as it is needed."""

from __future__ import annotations

import csv
import glob
import gzip
import io
import os
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sized
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from pydantic_core import from_json

from prill.bulk.rows import Record
from prill.document_loaders.base import BaseLoader
from prill.document_loaders.tolerant import TolerantLoader
from prill.documents import Document
from prill.errors import ConfigError, MissingDependencyError
from prill.io import closing, get_asyncio_mode

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes; a longer line of a file is a row error."""


class Source(Protocol):
    """Gives records. ``total`` is their number, ``None`` where it is not known before the end; ``is_once`` says that
    it can be read only once."""

    total: int | None
    is_once: bool

    def read(self) -> Iterator[Record] | AsyncIterator[Record]:
        """Iterate the records, from the start."""

    def fraction(self) -> float | None:
        """How much of it was read, between 0 and 1; ``None`` where it is not known."""


def open_source(source: Any) -> Source:
    """The source that a path, a pattern of paths, a folder, a loader of documents or an iterable stands for.

    Raises:
        ConfigError: there is no such file, or its form is not known.
    """
    if isinstance(source, str | os.PathLike):
        return _Files(_find_files(os.fspath(source)))
    if isinstance(source, Mapping) and all(hasattr(part, "column_names") for part in source.values()):
        raise ConfigError(f"this data set has the parts {', '.join(map(str, source))}: give one, dataset['train']")
    if isinstance(source, BaseLoader):
        return _Documents(source)
    if isinstance(source, bytes | Mapping):
        raise ConfigError(f"a source is a path or an iterable of rows, not {type(source).__name__}")
    if isinstance(source, AsyncIterable):
        return _AsyncRows(source)
    if isinstance(source, Iterable):
        return _Rows(source)
    raise ConfigError(f"a source is a path or an iterable of rows, not {type(source).__name__}")


class _Rows:
    """An iterable in this program: a list, a generator, a data set."""

    def __init__(self, rows: Iterable[Any]) -> None:
        self._rows = rows
        self._read = 0
        self.is_once = isinstance(rows, Iterator)
        self.total = len(rows) if isinstance(rows, Sized) else None

    def read(self) -> Iterator[Record]:
        self._read = 0
        for number, value in enumerate(self._rows):
            self._read = number + 1
            yield Record(f"row {number}", value)

    def fraction(self) -> float | None:
        return None if not self.total else self._read / self.total


class _AsyncRows:
    """An async iterable."""

    total: int | None = None
    is_once = True

    def __init__(self, rows: AsyncIterable[Any]) -> None:
        self._rows = rows

    async def read(self) -> AsyncIterator[Record]:
        number = 0
        async for value in self._rows:
            yield Record(f"row {number}", value)
            number += 1

    def fraction(self) -> float | None:
        return None


class _Documents:
    """A loader of documents: each is a row, and what is broken is one that cannot be read."""

    total: int | None = None
    is_once = False

    def __init__(self, loader: BaseLoader) -> None:
        self._loader = loader

    async def read(self) -> AsyncIterator[Record]:
        number = 0
        async with closing(self._outcomes()) as outcomes:
            async for outcome in outcomes:
                if isinstance(outcome, Document):
                    yield Record(f"document {number} ({outcome.metadata.get('source')})", outcome)
                else:
                    yield Record(f"document {number} ({outcome.source})", None, str(outcome))
                number += 1

    def _outcomes(self) -> AsyncIterator[Any]:
        if isinstance(self._loader, TolerantLoader):
            return get_asyncio_mode().pull(self._loader.lazy_outcomes)
        return self._loader.alazy_load()

    def fraction(self) -> float | None:
        return None


class _Files:
    """Files, one after the other."""

    is_once = False

    def __init__(self, paths: list[Path]) -> None:
        self._files = [(path, _find_reader(path)) for path in paths]
        self._sizes = [path.stat().st_size for path in paths]
        self._place: Callable[[], int] = lambda: 0
        self._before = 0
        counts = [_count(path) for path in paths]
        self.total = sum(count or 0 for count in counts) if None not in counts else None

    def read(self) -> Iterator[Record]:
        self._before = 0
        for (path, reader), size in zip(self._files, self._sizes, strict=True):
            with path.open("rb") as file:
                self._place = file.tell
                try:
                    yield from reader(path, file)
                finally:  # also where the rest is not wanted
                    self._place = lambda: 0
            self._before += size

    def fraction(self) -> float | None:
        whole = sum(self._sizes)
        return min(1.0, (self._before + self._place()) / whole) if whole else 1.0


def _find_files(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        found = sorted(part for part in path.rglob("*") if part.is_file() and not part.name.startswith("."))
    elif glob.has_magic(name) and not path.exists():
        found = sorted(Path(part) for part in glob.glob(name, recursive=True) if os.path.isfile(part))
    else:
        found = [path]
    if not found or not found[0].exists():
        raise ConfigError(f"there is no file {name!r} to read rows from")
    return found


_Reader = Callable[[Path, Any], Iterator[Record]]


def _find_reader(path: Path) -> _Reader:
    """The function that reads a file; one whose ending says nothing is a row: its path and its text."""
    return _READERS.get("".join(path.suffixes[-2:]).lower()) or _READERS.get(path.suffix.lower()) or _read_text


def _read_json_lines(path: Path, file: Any) -> Iterator[Record]:
    name = path.name
    for number, line in enumerate(_lines(file), 1):
        place = f"{name}:{number}"
        if isinstance(line, str):
            yield Record(place, None, line)
        elif line.strip():
            try:
                yield Record(place, from_json(line))
            except ValueError as error:
                yield Record(place, None, f"the line is not JSON: {error}")


def _lines(file: Any) -> Iterator[bytes | str]:
    """The lines of a file; in the place of one that cannot be read, what is wrong with it."""
    try:
        while line := file.readline(LONGEST_LINE + 1):
            if len(line) <= LONGEST_LINE:
                yield line
                continue
            while line and not line.endswith(b"\n"):
                line = file.readline(LONGEST_LINE)
            yield f"the line is longer than {LONGEST_LINE // 1024**2} MB"
    except (EOFError, OSError, zlib.error) as error:
        yield f"the file cannot be read any further: {error}"


def _read_csv(path: Path, file: Any) -> Iterator[Record]:
    # What is not UTF-8 is seen in the row that holds it, and does not end the file.
    text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
    try:
        yield from _read_cells(path, text)
    finally:  # also where the rest is not wanted
        text.detach()


def _read_cells(path: Path, text: io.TextIOWrapper) -> Iterator[Record]:
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_LINE))
    reader = csv.reader(text, strict=False)
    names: list[str] | None = None
    while True:
        place = f"{path.name}:{reader.line_num + 1}"
        try:
            cells = next(reader)
        except StopIteration:
            break
        except (csv.Error, EOFError, OSError, zlib.error) as error:
            yield Record(place, None, f"the line cannot be read: {error}")
            if not isinstance(error, csv.Error):
                break
            continue
        if not cells:
            continue
        if names is None:
            names = cells
        elif len(cells) != len(names):
            yield Record(place, None, f"the line has {len(cells)} cells, the first line has {len(names)} names")
        elif any("\udc80" <= character <= "\udcff" for cell in cells if not cell.isascii() for character in cell):
            yield Record(place, None, "the line is not UTF-8")
        else:
            yield Record(place, dict(zip(names, cells, strict=True)))


def _gzipped(reader: _Reader) -> _Reader:
    def read(path: Path, file: Any) -> Iterator[Record]:
        with gzip.open(file) as unpacked:
            yield from reader(path, unpacked)

    return read


def _read_parquet(path: Path, file: Any) -> Iterator[Record]:
    number = 0
    for batch in _parquet_file(path).iter_batches(batch_size=1024):
        for value in batch.to_pylist():
            number += 1
            yield Record(f"{path.name}:row {number}", value)


def _parquet_file(path: Path) -> Any:
    try:
        parquet = import_module("pyarrow.parquet")
    except ImportError as error:
        raise MissingDependencyError(
            f"{path.name} is a Parquet file, which needs the package pyarrow: pip install 'prill[parquet]'"
        ) from error
    try:
        return parquet.ParquetFile(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as Parquet: {error}") from error


def _read_text(path: Path, file: Any) -> Iterator[Record]:
    if os.fstat(file.fileno()).st_size > LONGEST_LINE:
        yield Record(path.name, None, f"the file is longer than {LONGEST_LINE // 1024**2} MB")
        return
    try:
        yield Record(path.name, {"path": str(path), "text": file.read().decode()})
    except UnicodeDecodeError as error:
        yield Record(path.name, None, f"the file is not UTF-8: {error}")


def _count(path: Path) -> int | None:
    """The number of rows in a file that says it."""
    reader = _find_reader(path)
    if reader is _read_parquet:
        return int(_parquet_file(path).metadata.num_rows)
    return 1 if reader is _read_text else None


_READERS: dict[str, _Reader] = {
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".jsonl.gz": _gzipped(_read_json_lines),
    ".ndjson.gz": _gzipped(_read_json_lines),
    ".csv": _read_csv,
    ".csv.gz": _gzipped(_read_csv),
    ".parquet": _read_parquet,
}
