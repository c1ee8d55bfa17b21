"""Values as JSON and back: what a client is sent, and what a request may hold.

Every verb and protocol writes values in one way:

| Value | Its JSON |
|---|---|
| text, int, bool, ``None``, list, dict | itself; keys that are not texts become texts |
| float | itself; ``NaN`` and the infinities are the texts ``"NaN"``, ``"Infinity"``, ``"-Infinity"`` |
| tuple, set, frozenset, generator | a list |
| message, document, prompt value, any pydantic model | its fields; messages have a ``type`` |
| dataclass | its fields |
| datetime, date, time, timedelta | ISO 8601 |
| bytes | base64 with ``-`` and ``_`` (RFC 4648, section 5) |
| UUID, Decimal, path, enum member, exception | their texts; an enum member its value |
| anything else | an error that names its place: ``output.docs[3].meta`` |
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, from_json, to_json

from prill.errors import RequestError, SerializationError


def encode(value: Any, place: str = "output") -> bytes:
    """Write ``value`` as JSON; ``place`` is its name in errors.

    Raises:
        SerializationError: the value, or a part of it, has no form in JSON.
    """
    try:
        return to_json(value, inf_nan_mode="strings", bytes_mode="base64", fallback=_write_other)
    except (PydanticSerializationError, ValueError, RecursionError, UnicodeError) as error:
        raise _explain(value, place, error) from None


def to_plain(value: Any, place: str = "output") -> Any:
    """The same as values of the types that JSON has.

    Raises:
        SerializationError: as ``encode``.
    """
    return from_json(encode(value, place))


def _write_other(value: Any) -> Any:
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"a {type(value).__name__} has no form in JSON")


def _explain(value: Any, place: str, error: Exception) -> SerializationError:
    where = _find_fault(value, place, ()) or place
    if isinstance(error, RecursionError):
        return SerializationError(f"{place} is nested too deeply to be written as JSON", place=place)
    kind = type(_follow(value, place, where)).__name__
    return SerializationError(
        f"{where} is a {kind}, which has no form in JSON: return a dict, a model or a text", place=where
    )


def _follow(value: Any, place: str, where: str) -> Any:
    """The part of ``value`` at ``where``, which starts with ``place``."""
    for name, part in _parts(value):
        inner = place + name
        if where == inner:
            return part
        if where.startswith(inner) and where[len(inner)] in ".[":
            return _follow(part, inner, where)
    return value


def _find_fault(value: Any, place: str, around: tuple[int, ...]) -> str | None:
    """The place of the innermost part that cannot be written."""
    if id(value) in around:
        return place
    for name, part in _parts(value):
        found = _find_fault(part, place + name, (*around, id(value)))
        if found is not None:
            return found
    try:
        to_json(value, inf_nan_mode="strings", bytes_mode="base64", fallback=_write_other)
    except (PydanticSerializationError, ValueError, RecursionError, UnicodeError):
        return place
    return None


def _parts(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, BaseModel):
        return [(f".{name}", getattr(value, name)) for name in type(value).model_fields]
    if isinstance(value, Mapping):
        return [(f".{key}" if isinstance(key, str) else f"[{key!r}]", item) for key, item in value.items()]
    if isinstance(value, list | tuple | set | frozenset):
        return [(f"[{index}]", item) for index, item in enumerate(value)]
    if is_dataclass(value) and not isinstance(value, type):
        return [(f".{each.name}", getattr(value, each.name)) for each in fields(value)]
    return []


def decode_body(body: bytes) -> Any:
    """Read the JSON of a request strictly: UTF-8, no key twice, no number that JSON has not.

    Raises:
        RequestError: 422, with what is wrong and not with what was sent.
    """
    try:
        if b"\\ud" in body or b"\\uD" in body:
            from_json(body)  # refuses halves of surrogate pairs, which cannot be written as UTF-8 again
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_read_object, parse_constant=_refuse, parse_float=_read_float
        )
    except RecursionError:
        raise invalid_json("the JSON is nested too deeply") from None
    except UnicodeDecodeError:
        raise invalid_json("the body is not UTF-8") from None
    except RequestError:
        raise
    except ValueError as error:
        raise invalid_json(f"the body is not JSON: {str(error)[:100]}") from None
    return value


def invalid_json(message: str) -> RequestError:
    """The error for a body that cannot be read; ``detail`` has the form that LangServe gives it."""
    return RequestError(message, status=422, code="invalid_json", detail=["Invalid JSON body"])


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise invalid_json("an object has one key twice")
    return made


def _refuse(name: str) -> Any:
    raise invalid_json(f"JSON has no {name}")


def _read_float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise invalid_json("a number is too large")
    return number
