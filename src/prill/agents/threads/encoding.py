"""Records and ids as the bytes that stores keep."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any, Protocol, TypeAlias

from prill.agents.threads.records import MAX_DEPTH, Path, show_path
from prill.errors import ThreadDataError, ThreadValueError

Record: TypeAlias = dict[str, Any]
"""An object of plain JSON: dicts with texts as keys, lists, texts, finite numbers, booleans and ``None``."""

_LEVELS = 2 * MAX_DEPTH + 10  # each level of a value may be two of its JSON


class RecordCodec(Protocol):
    """Changes the bytes of each record on their way to the store and back: encrypts them, or compresses them.

    ``decode`` raises for bytes that ``encode`` has not made. A codec may be called from several threads.

    >>> import zlib
    >>> class Compressed:
    ...     def encode(self, data: bytes) -> bytes:
    ...         return zlib.compress(data)
    ...     def decode(self, data: bytes) -> bytes:
    ...         return zlib.decompress(data)
    """

    def encode(self, data: bytes) -> bytes: ...
    def decode(self, data: bytes) -> bytes: ...


class TooLarge:
    """Stands for the bytes of a record of which there are too many to be read."""

    def __init__(self, length: int) -> None:
        self._length = length

    def __len__(self) -> int:
        return self._length


def encode_record(record: Record, codec: RecordCodec | None, most: int, path: str) -> bytes:
    """A record as bytes, changed by ``codec``.

    Raises ``ThreadValueError``, which names the place, for what is not plain JSON and for more than ``most`` bytes.
    """
    if type(record) is not dict:
        raise ThreadValueError(f"{path} is a {type(record).__name__}; a record is a dict")
    _check_plain(record, (path,), 0)
    try:
        text = json.dumps(record, ensure_ascii=False, separators=(",", ":"), check_circular=False)
    except ValueError as error:  # an integer with too many digits
        raise ThreadValueError(f"{path} cannot be written as JSON: {error}") from error
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > most:
        raise ThreadValueError(f"{path} has {len(data)} bytes; at most {most} are stored (max_record_bytes)")
    return data if codec is None else codec.encode(data)


def decode_record(data: Any, codec: RecordCodec | None, most: int, path: str) -> Record:
    """The record of bytes that ``encode_record`` made.

    Raises ``ThreadDataError`` for anything else, and for more than ``most`` bytes.
    """
    if codec is not None and isinstance(data, bytes):
        try:
            data = codec.decode(data)
        except Exception as error:
            raise ThreadDataError(f"{path} cannot be decoded: the codec raised {type(error).__name__}") from error
    if not isinstance(data, bytes | TooLarge):
        raise ThreadDataError(f"{path} is damaged: it is a {type(data).__name__}, not bytes")
    if isinstance(data, TooLarge) or len(data) > most:
        raise ThreadDataError(f"{path} has {len(data)} bytes; at most {most} are read (max_record_bytes)")
    try:
        record = json.loads(data.decode("utf-8", "surrogatepass"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ThreadDataError(f"{path} is damaged: it is not JSON ({error!s:.100})") from error
    if type(record) is not dict:
        raise ThreadDataError(f"{path} is damaged: it is a {type(record).__name__}, not an object")
    return record


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a number of JSON")


def _check_plain(value: Any, path: Path, depth: int) -> None:
    kind = type(value)
    if value is None or kind is str or kind is bool or kind is int:
        return
    if depth > _LEVELS:
        raise ThreadValueError(f"{show_path(path)} is nested too deeply, or contains itself")
    if kind is dict:
        for key, item in value.items():
            if type(key) is not str:
                raise ThreadValueError(f"{show_path(path)} has a key of the type {type(key).__name__}. {_HINT}")
            _check_plain(item, (path, (key,)), depth + 1)
    elif kind is list:
        for place, item in enumerate(value):
            _check_plain(item, (path, (place,)), depth + 1)
    elif kind is not float or not isfinite(value):
        raise ThreadValueError(f"{show_path(path)} is a {kind.__name__}, which JSON does not have. {_HINT}")


_HINT = "Use dump_value, which has a form for it"


def thread_key(thread_id: str) -> bytes:
    """The bytes under which a database keeps an id: it may have any characters, and the order stays the same."""
    return thread_id.encode("utf-8", "surrogatepass")


def read_key(key: Any) -> str:
    """The id that is kept under these bytes; raises ``ThreadDataError`` where they are not those of an id."""
    try:
        return bytes.decode(key, "utf-8", "surrogatepass")
    except (TypeError, UnicodeDecodeError) as error:
        raise ThreadDataError(f"the store of threads is damaged: {key!r:.80} is not the id of a thread") from error


def end_of_prefix(prefix: str) -> bytes | None:
    """The first key after all that start with ``prefix``; ``None`` if there is none."""
    key = thread_key(prefix)
    return key[:-1] + bytes([key[-1] + 1]) if key else None  # the last byte of UTF-8 is never 255
