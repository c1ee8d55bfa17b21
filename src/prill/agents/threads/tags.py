"""The closed table of what a record may hold beside JSON: how each type is written, and how its tag is read."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache, partial
from typing import Any
from uuid import UUID

from prill.documents import Document
from prill.messages.ai import AIMessage
from prill.messages.base import BaseMessage
from prill.messages.kinds import MESSAGE_TYPES

MAX_TEXT = 5_000
"""The length of the longest number that is written as a text: to read one takes quadratic time."""


def _dump_timedelta(value: timedelta) -> list[int]:
    return [value.days, value.seconds, value.microseconds]


def _load_pairs(pairs: Any) -> dict[Any, Any]:
    loaded = dict(_sized(pairs))
    if len(loaded) != len(pairs):
        raise ValueError("a key is there twice")
    return loaded


def _load_float(text: Any) -> float:
    if text not in ("inf", "-inf", "nan"):
        raise ValueError("other numbers have a form in JSON")
    return float(text)


def _sized(items: Any) -> list[Any]:
    if not isinstance(items, list):
        raise TypeError("its items are not a list")
    return items


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise TypeError("its value is not a short text")
    return value


def _load_bytes(value: Any) -> bytes:
    if not isinstance(value, str):
        raise TypeError("its value is not a text")
    return b64decode(value, validate=True)


def _three(value: Any) -> list[int]:
    if not isinstance(value, list) or len(value) != 3 or not all(type(part) is int for part in value):
        raise TypeError("its value is not three integers")
    return value


def message_fields(message: BaseMessage) -> dict[str, Any]:
    """The fields of a message that do not hold their default, and those that were not declared."""
    defaults = _defaults(type(message))
    given = {
        name: value
        for name, value in message.__dict__.items()
        # Of one type, because an array compares item by item with other values.
        if not (name in defaults and type(value) is type(defaults[name]) and value == defaults[name])
    }
    return {**given, **(message.__pydantic_extra__ or {})}


def _fields(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(type(name) is str for name in value):
        raise TypeError("its fields are not an object")
    return value


def _load_document(value: Any) -> Document:
    return Document.model_validate(_fields(value))


def _load_message(tag: str, value: Any) -> BaseMessage:
    fields = _fields(value)
    kind = MESSAGE_TYPES[tag]
    if fields.get("type", tag) != tag:
        raise TypeError("its type is another one")
    message = kind.model_validate(fields)
    if isinstance(message, AIMessage) and not (fields.get("tool_calls") or fields.get("invalid_tool_calls")):
        # The calls in a provider's own data are no longer there to be run: the program may have removed them.
        message.tool_calls, message.invalid_tool_calls = [], []
    return message


@cache
def _defaults(kind: type[BaseMessage]) -> dict[str, Any]:
    fields = kind.model_fields.items()
    return {name: field.get_default(call_default_factory=True) for name, field in fields if not field.is_required()}


MESSAGE_TAGS: dict[type[BaseMessage], str] = {kind: tag for tag, kind in MESSAGE_TYPES.items()}

DUMPERS: dict[type[Any], tuple[str, Callable[[Any], Any]]] = {
    bytes: ("bytes", lambda value: b64encode(value).decode("ascii")),
    datetime: ("datetime", datetime.isoformat),
    date: ("date", date.isoformat),
    time: ("time", time.isoformat),
    timedelta: ("timedelta", _dump_timedelta),
    UUID: ("uuid", str),
}
"""The tag of a type, and the function that gives its plain value."""

LOADERS: dict[str, Callable[[Any], Any]] = {
    "bytes": _load_bytes,
    "date": lambda value: date.fromisoformat(_text(value)),
    "datetime": lambda value: datetime.fromisoformat(_text(value)),
    "decimal": lambda value: Decimal(_text(value)),
    "dict": _load_pairs,
    "document": _load_document,
    "float": _load_float,
    "frozenset": lambda value: frozenset(_sized(value)),
    "set": lambda value: set(_sized(value)),
    "time": lambda value: time.fromisoformat(_text(value)),
    "timedelta": lambda value: timedelta(*_three(value)),
    "tuple": lambda value: tuple(_sized(value)),
    "uuid": lambda value: UUID(_text(value)),
    **{tag: partial(_load_message, tag) for tag in MESSAGE_TYPES},
}
"""The function that makes a value of what was read under a tag; it raises ``ValueError`` or ``TypeError``."""
