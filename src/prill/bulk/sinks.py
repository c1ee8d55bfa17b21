"""Where outcomes go: files of JSON lines, CSV and Parquet, a SQLite table, a function."""

from __future__ import annotations

import csv
import gzip
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from pydantic_core import from_json, to_json

from prill.bulk.cost import Prices, get_cost
from prill.bulk.ledger import Entry
from prill.errors import BulkError, ConfigError, MissingDependencyError

Sink: TypeAlias = str | os.PathLike[str] | Callable[[dict[str, Any]], object] | None

FACTS = (
    *("error", "error_type", "place", "attempts", "seconds", "model", "input_tokens", "output_tokens"),
    *("cached_tokens", "cost"),
)
"""The columns that each row has behind those of its output."""

_PART = 5000
"""Rows in a part of a Parquet file."""


class Columns:
    """Makes the columns of the output: the key, what is kept of the input, the output, and facts.

    An output that is a dict, as of a parser or of a Pydantic object, is columns; any other is the column ``output``.
    A name that is taken becomes ``output_<name>``.
    """

    def __init__(self, key: str | None, keep: Iterable[str], prices: Prices | None) -> None:
        self._key = key or "key"
        self._taken = {self._key, *keep, *FACTS}
        self._prices = prices

    def flatten(self, entry: Entry) -> dict[str, Any]:
        """The columns of an outcome."""
        record = from_json(entry.record)
        line = {self._key: from_json(entry.name)}
        if entry.kept is not None:
            line |= from_json(entry.kept)
        named: dict[str, Any] = {}
        if "output" in record:
            named = record["output"] if isinstance(record["output"], dict) else {"output": record["output"]}
        line |= {(f"output_{name}" if name in self._taken else name): value for name, value in named.items()}
        usage = record["usage"]
        line |= {
            "error": record.get("error"),
            "error_type": record.get("error_type"),
            "place": entry.place,
            "attempts": record["attempts"],
            "seconds": record["seconds"],
            "model": ", ".join(usage) or None,
            "input_tokens": sum(used["input_tokens"] for used in usage.values()),
            "output_tokens": sum(used["output_tokens"] for used in usage.values()),
            "cached_tokens": sum(
                (used.get("input_token_details") or {}).get("cache_read", 0) for used in usage.values()
            ),
            "cost": get_cost(usage, self._prices),
        }
        return line


_Read = Callable[[], Iterator[dict[str, Any]]]


def check_sink(sink: Any) -> None:
    """Refuse a sink that cannot be written, before anything is asked.

    Raises:
        ConfigError: its ending is not known, or its folder does not exist.
        MissingDependencyError: it needs a package that is not installed.
    """
    if sink is None or callable(sink):
        return
    if not isinstance(sink, str | os.PathLike):
        raise ConfigError(f"a sink is a path or a function of a row, not {type(sink).__name__}")
    if _find_writer(Path(sink)) is _write_parquet:
        _parquet()
    folder = Path(sink).absolute().parent
    if not folder.is_dir():
        raise ConfigError(f"the output {os.fspath(sink)!r} cannot be written: there is no folder {os.fspath(folder)!r}")


def write_sink(sink: Sink, read: _Read) -> None:
    """Write all rows that ``read`` iterates to a sink. A file is there as a whole, or is what it was before.

    Raises:
        BulkError: it cannot be written, as on a full disk.
    """
    if sink is None:
        return
    if callable(sink):
        for line in read():
            sink(line)
        return
    path = Path(sink)
    part = path.with_name(f".{path.name}.part")
    try:
        with _removed(part):
            _find_writer(path)(part, path, read)
            os.replace(part, path)
    except (OSError, sqlite3.Error) as error:
        raise BulkError(
            f"the output {os.fspath(sink)!r} cannot be written: {error}. All outcomes are in the checkpoint: make "
            "room, and start the run again, or write them elsewhere with bulk.export"
        ) from error


@contextmanager
def _removed(part: Path) -> Iterator[None]:
    with suppress(FileNotFoundError):
        part.unlink()
    try:
        yield
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


def _find_writer(path: Path) -> Callable[[Path, Path, _Read], None]:
    for ending, writer in _WRITERS.items():
        if path.name.lower().endswith(ending):
            return writer
    raise ConfigError(f"the output {path.name!r} has an ending that is not one of {', '.join(_WRITERS)}")


def _write_json_lines(part: Path, path: Path, read: _Read) -> None:
    with gzip.open(part, "wb") if path.suffix == ".gz" else part.open("wb") as file:
        for line in read():
            file.write(to_json(line) + b"\n")


def _write_csv(part: Path, path: Path, read: _Read) -> None:
    names = _names(read())
    with part.open("w", encoding="utf8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        for line in read():
            writer.writerow({name: _as_cell(value) for name, value in line.items()})


def _names(lines: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names of all columns: rows with an error lack those of the output."""
    names: dict[str, None] = {}
    for line in lines:
        names |= dict.fromkeys(line)
    return [name for name in names if name not in FACTS] + [name for name in FACTS if name in names]


def _as_cell(value: Any) -> Any:
    return to_json(value).decode() if isinstance(value, dict | list) else value


def _parquet() -> Any:
    try:
        return import_module("pyarrow.parquet")
    except ImportError as error:
        raise MissingDependencyError(
            "a Parquet file needs the package pyarrow: pip install 'prill[parquet]'"
        ) from error


def _write_parquet(part: Path, path: Path, read: _Read) -> None:
    parquet, arrow = _parquet(), import_module("pyarrow")
    # Once over all rows for the types: the first part may be all errors, or all empty.
    kinds: dict[str, Any] = {}
    for lines in _parts(read()):
        for name in _names(lines):
            kinds[name] = _join_kinds(arrow, kinds.get(name), _kind(arrow, [line.get(name) for line in lines]))
    empty = [name for name in kinds if arrow.types.is_null(kinds[name])]
    schema = arrow.schema([(name, arrow.string() if name in empty else kind) for name, kind in kinds.items()])
    with parquet.ParquetWriter(part, schema) as writer:
        for lines in _parts(read()):
            columns = [_column(arrow, field.type, [line.get(field.name) for line in lines]) for field in schema]
            writer.write_table(arrow.Table.from_arrays(columns, schema=schema))


def _parts(lines: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while part := list(islice(lines, _PART)):
        yield part


def _kind(arrow: Any, values: list[Any]) -> Any:
    try:
        return arrow.infer_type(values)
    except (arrow.ArrowInvalid, arrow.ArrowTypeError):
        return arrow.string()


def _join_kinds(arrow: Any, one: Any, other: Any) -> Any:
    """A type for the values of both; text, as JSON, where there is none."""
    if one is None or one.equals(other):
        return other
    schemas = [arrow.schema([("x", kind)]) for kind in (one, other)]
    try:
        return arrow.unify_schemas(schemas, promote_options="permissive").field("x").type
    except (arrow.ArrowInvalid, arrow.ArrowTypeError):
        return arrow.string()


def _column(arrow: Any, kind: Any, values: list[Any]) -> Any:
    if arrow.types.is_string(kind):
        values = [value if value is None or isinstance(value, str) else to_json(value).decode() for value in values]
    return arrow.array(values, kind)


def _write_sqlite(part: Path, path: Path, read: _Read) -> None:
    names = _names(read())
    columns = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    database = sqlite3.connect(part)
    try:
        database.execute("PRAGMA journal_mode = OFF")  # the file is put in its place when it is whole
        database.execute(f"CREATE TABLE rows ({columns or 'key'})")
        insert = f"INSERT INTO rows VALUES ({', '.join('?' * len(names))})"
        database.executemany(insert, ([_as_cell(line.get(name)) for name in names] for line in read()))
        database.commit()
    finally:
        database.close()


_WRITERS: dict[str, Callable[[Path, Path, _Read], None]] = {
    ".jsonl": _write_json_lines,
    ".jsonl.gz": _write_json_lines,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    ".sqlite": _write_sqlite,
    ".db": _write_sqlite,
}
