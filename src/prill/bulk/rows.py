"""Rows of a bulk run: what is asked, under which key, and from where it came."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple, TypeAlias

from pydantic_core import to_json

from prill.documents import Document
from prill.errors import ConfigError

Key: TypeAlias = str | Callable[[Any], Any] | None
"""A column, a function of the row, or ``None`` for the row's position in the source."""

Choose: TypeAlias = str | Callable[[Any], Any] | None
"""What the chain is given: a column, a function of the row, or ``None`` for the row itself."""


class Record(NamedTuple):
    """A row as the source has it; ``problem`` says why it cannot be read."""

    place: str
    value: Any
    problem: str | None = None


@dataclass(slots=True)
class Row:
    """A row to be asked. ``problem`` says why it cannot be; ``digest`` is the hash of its key."""

    number: int
    place: str
    key: Any
    digest: bytes
    input: Any = None
    kept: Mapping[str, Any] | None = None
    problem: str | None = None
    same: bytes | None = None
    """The hash of the input, where equal inputs are asked once."""


def digest(text: bytes) -> bytes:
    """The hash under which the ledger knows a key or an input."""
    return blake2b(text, digest_size=16).digest()


class RowMaker:
    """Makes rows of records: chooses their key, their input, and the columns that go to the output."""

    def __init__(self, key: Key, choose: Choose, keep: Sequence[str], dedup: bool) -> None:
        self._key = key
        self._choose = choose
        self._keep = tuple(keep)
        self._dedup = dedup

    def make(self, number: int, record: Record) -> Row:
        """The row of a record with its key; its ``input`` is the record's value until ``fill``.

        Never an error: what is wrong is the row's ``problem``.
        """
        place, value, problem = record
        if problem is None:
            try:
                key = number if self._key is None else self._get_key(value)
                return Row(number, place, key, digest(_spell(key)), value)
            except _Problem as error:
                problem = str(error)
        return Row(number, place, place, digest(b"place " + place.encode()), problem=problem)

    def fill(self, row: Row) -> None:
        """Choose the input of a row that is to be asked, and the columns that go to the output."""
        value = row.input
        try:
            row.input = _pick(value, self._choose, "input")
            if isinstance(row.input, Mapping):
                _check_numbers(row.input)
            if self._keep:
                row.kept = {name: _column(value, name) for name in self._keep}
            if self._dedup:
                row.same = digest(to_json(row.input, fallback=repr))
        except _Problem as error:
            row.problem = str(error)

    def _get_key(self, value: Any) -> Any:
        key = _pick(value, self._key, "key")
        if key is None or key == "" or key != key:
            named = f"the key {self._key!r}" if isinstance(self._key, str) else "its key"
            raise _Problem(f"{named} is empty")
        if type(key) is not str and not isinstance(key, str | int | float | bool | list | tuple | dict):
            key = str(key)
        return key


class _Problem(Exception):
    """What is wrong with a row."""


def _pick(value: Any, choose: Choose, what: str) -> Any:
    if choose is None:
        return value
    if isinstance(choose, str):
        # Most rows are plain dicts, and many rows are only looked up.
        found = value[choose] if type(value) is dict and choose in value else _column(value, choose)
        if found is None or found != found:
            raise _Problem(f"the column {choose!r} is empty")
        return found
    try:
        return choose(value)
    except Exception as error:
        raise _Problem(f"the function for the {what} raised {type(error).__name__}: {error}") from error


def _column(value: Any, name: str) -> Any:
    if isinstance(value, Document):
        value = {"page_content": value.page_content, **value.metadata}
    if not isinstance(value, Mapping):
        raise _Problem(f"the row is not a table's, it is {type(value).__name__}: it has no column {name!r}")
    if name not in value:
        raise _Problem(f"there is no column {name!r}; the row has {', '.join(map(str, value))}"[:300])
    return value[name]


def _check_numbers(value: Mapping[str, Any]) -> None:
    for name, item in value.items():
        if item != item and isinstance(item, float):
            raise _Problem(f"the column {name!r} is NaN")


def _spell(key: Any) -> bytes:
    """A key as bytes: a file of CSV has the same keys as one of JSON, so ``1`` is ``"1"``."""
    if isinstance(key, str):
        return key.encode("utf-8", "surrogatepass")
    return str(key).encode() if isinstance(key, int) else to_json(key, fallback=repr)


def check_columns(key: Key, choose: Choose, keep: Sequence[str]) -> None:
    """Refuse what cannot be a key, an input or a list of columns."""
    for name, value in (("key", key), ("input", choose)):
        if value is not None and not isinstance(value, str) and not callable(value):
            raise ConfigError(f"{name} is the name of a column or a function of the row, not {value!r:.60}")
    if isinstance(keep, str) or not all(isinstance(name, str) for name in keep):
        raise ConfigError(f"keep is a list of names of columns, not {keep!r:.60}")
