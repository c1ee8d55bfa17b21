"""Messages and values of a state as plain JSON, and back.

What JSON has no form for is an object with a tag, ``{"$": "bytes", "v": "aGk="}``. The tags are a closed table: reading
runs no code and imports nothing that the data names. What has no tag cannot be written, and the error says where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from math import isfinite
from typing import Any, TypeAlias

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from prill.agents.threads.tags import DUMPERS, LOADERS, MAX_TEXT, MESSAGE_TAGS, message_fields
from prill.documents import Document
from prill.errors import ConfigError, ThreadDataError, ThreadValueError
from prill.messages.base import BaseMessage, BaseMessageChunk
from prill.messages.kinds import CHUNK_TYPES, MESSAGE_TYPES, message_chunk_to_message

MAX_DEPTH = 100
"""How deep lists and objects may lie in one another."""

_MAX_BITS = 10_000  # Python refuses to read integers of more than 4,300 digits

Json: TypeAlias = Any


class StoredTypes:
    """The classes of a program that its threads may hold, beside those that Prill knows.

    Args:
        types: pydantic models, dataclasses, enums or named tuples. Each is stored under the name of its class, so two
            of one name raise ``ConfigError``, and a class that was renamed is not found again.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Answer:
    ...     city: str
    >>> types = StoredTypes(Answer)
    >>> stored = dump_value({"answer": Answer("Rome")}, types=types)
    >>> stored
    {'answer': {'$': 'object', 'v': ['Answer', {'city': 'Rome'}]}}
    >>> load_value(stored, types=types)["answer"].city
    'Rome'
    """

    def __init__(self, *types: type[Any]) -> None:
        self._adapters: dict[str, TypeAdapter[Any]] = {}
        self._types = frozenset(types)
        for kind in types:
            if kind.__name__ in self._adapters:
                raise ConfigError(f"two classes of one name cannot be told apart in a thread: {kind.__name__}")
            self._adapters[kind.__name__] = TypeAdapter(kind)

    def __contains__(self, kind: object) -> bool:
        return kind in self._types

    def dump(self, value: Any, path: str) -> Json:
        """The stored form of an object of one of the classes; raises ``ThreadValueError`` for any other."""
        kind = type(value)
        if kind not in self:
            raise ThreadValueError(
                f"{path} is {_an(kind)}, which a thread cannot hold. Store plain data instead, or name the class in "
                "StoredTypes if it is a pydantic model, a dataclass, an enum or a named tuple"
            )
        try:
            fields = self._adapters[kind.__name__].dump_python(value, mode="json", by_alias=True, round_trip=True)
        except (PydanticSerializationError, ValueError) as error:
            raise ThreadValueError(f"{path} is {_an(kind)} that has no form in JSON: {error}") from error
        return {"$": "object", "v": [kind.__name__, fields]}

    def load(self, stored: Json, path: str) -> Any:
        """The object of a stored form; raises ``ThreadDataError`` for a name that is not in the table."""
        if not isinstance(stored, list) or len(stored) != 2 or not isinstance(stored[0], str):
            raise ThreadDataError(f"{path} is damaged: an object is stored as its name and its fields")
        name, fields = stored
        if name not in self._adapters:
            raise ThreadDataError(f"{path} is an object of the class {name!r:.80}: name the class in StoredTypes")
        try:
            return self._adapters[name].validate_python(fields)
        except ValidationError as error:
            raise ThreadDataError(f"{path} does not fit the class {name}: {_first_fault(error)}") from error


NO_TYPES = StoredTypes()


def dump_value(value: Any, *, types: StoredTypes = NO_TYPES, path: str = "state") -> Json:
    """A value as plain JSON that ``load_value`` reads again, as an equal value of the same type.

    Args:
        value: ``None``, booleans, numbers, texts, bytes, lists, tuples, sets, dicts, dates and times, ``Decimal``,
            ``UUID``, messages and documents, one inside of the other. A chunk of a message is stored as the whole
            message, and a subclass of a number, a text, a list or a dict as that.
        types: classes of the program that may occur.
        path: the name of the value in errors.

    Raises ``ThreadValueError``, which names the place, for any other value, and where it is nested too deeply.

    >>> dump_value({"seen": {3}})
    {'seen': {'$': 'set', 'v': [3]}}
    """
    return _Writer(types).write(value, (path,), 0)


def load_value(stored: Json, *, types: StoredTypes = NO_TYPES, path: str = "record") -> Any:
    """The value of plain JSON that ``dump_value`` made.

    Raises ``ThreadDataError``, which names the place, for a tag or a class that is not in the tables, for fields that
    do not fit, and where the data is nested too deeply.

    >>> load_value({"$": "tuple", "v": [1, 2]})
    (1, 2)
    """
    return _Reader(types).read(stored, (path,), 0)


Path: TypeAlias = tuple[Any, ...]
"""The place of a value: the path of what holds it, and the last part. Text is made of it for an error only."""


def show_path(path: Path) -> str:
    """The path of a value as text, shortened in its middle."""
    parts = []
    while len(path) > 1:
        path, part = path
        parts.append(part if isinstance(part, str) else f"[{part[0]!r:.80}]")
    text = path[0] + "".join(reversed(parts))
    return text if len(text) <= 400 else f"{text[:300]} … {text[-80:]}"


class _Writer:
    def __init__(self, types: StoredTypes) -> None:
        self._types = types

    def write(self, value: Any, path: Path, depth: int) -> Json:
        kind = type(value)
        if value is None or kind is str or kind is bool:
            return value
        if depth > MAX_DEPTH:
            raise ThreadValueError(f"{show_path(path)} is nested more than {MAX_DEPTH} deep, or contains itself")
        write = _WRITERS.get(kind)
        if write is not None:
            return write(self, value, path, depth)
        if kind in DUMPERS:
            tag, dump = DUMPERS[kind]
            return {"$": tag, "v": dump(value)}
        return self._write_other(value, path, depth)

    def _write_other(self, value: Any, path: Path, depth: int) -> Json:
        if isinstance(value, BaseMessage):
            return self._write_message(value, path, depth)
        if type(value) not in self._types and not isinstance(value, Enum):
            for base, plain in _PLAIN.items():
                if isinstance(value, base):
                    return self.write(plain(value), path, depth)
        return self._types.dump(value, show_path(path))

    def _write_message(self, message: BaseMessage, path: Path, depth: int) -> Json:
        kinds: Any = CHUNK_TYPES if isinstance(message, BaseMessageChunk) else MESSAGE_TYPES
        if type(message) not in kinds.values():
            raise ThreadValueError(
                f"{show_path(path)} is {_an(type(message))}, a kind of message that would not come back as itself. "
                "Store one of the messages of prill.messages"
            )
        message = message_chunk_to_message(message)
        fields = {
            name: self.write(value, (path, f".{name}"), depth + 1) for name, value in message_fields(message).items()
        }
        return {"$": MESSAGE_TAGS[type(message)], "v": fields}

    def write_int(self, value: int, path: Path, depth: int) -> Json:
        if value.bit_length() > _MAX_BITS:
            raise ThreadValueError(f"{show_path(path)} is an integer of more than {_MAX_BITS} bits")
        return value

    def write_float(self, value: float, path: Path, depth: int) -> Json:
        return value if isfinite(value) else {"$": "float", "v": repr(value)}

    def write_decimal(self, value: Decimal, path: Path, depth: int) -> Json:
        if len(text := str(value)) > MAX_TEXT:
            raise ThreadValueError(f"{show_path(path)} is a Decimal of more than {MAX_TEXT} characters")
        return {"$": "decimal", "v": text}

    def write_list(self, value: Any, path: Path, depth: int) -> Json:
        return [self.write(item, (path, (place,)), depth + 1) for place, item in enumerate(value)]

    def write_dict(self, value: dict[Any, Any], path: Path, depth: int) -> Json:
        if "$" not in value and all(type(key) is str for key in value):
            return {key: self.write(item, (path, (key,)), depth + 1) for key, item in value.items()}
        pairs = [
            [self.write(key, (path, " (a key)"), depth + 1), self.write(item, (path, (key,)), depth + 1)]
            for key, item in value.items()
        ]
        return {"$": "dict", "v": pairs}

    def write_items(self, value: Any, path: Path, depth: int) -> Json:
        return {"$": type(value).__name__, "v": self.write_list(value, path, depth)}

    def write_document(self, value: Document, path: Path, depth: int) -> Json:
        fields = {"id": value.id, "metadata": value.metadata, "page_content": value.page_content}
        return {"$": "document", "v": self.write_dict(fields, path, depth + 1)}


_WRITERS: dict[type[Any], Callable[[_Writer, Any, Path, int], Json]] = {
    int: _Writer.write_int,
    float: _Writer.write_float,
    Decimal: _Writer.write_decimal,
    list: _Writer.write_list,
    dict: _Writer.write_dict,
    tuple: _Writer.write_items,
    set: _Writer.write_items,
    frozenset: _Writer.write_items,
    Document: _Writer.write_document,
}

_PLAIN: dict[type[Any], Callable[[Any], Any]] = {str: str.__str__, int: int, float: float, dict: dict, list: list}
"""How a subclass of these becomes the type itself."""


class _Reader:
    def __init__(self, types: StoredTypes) -> None:
        self._types = types

    def read(self, stored: Json, path: Path, depth: int) -> Any:
        kind = type(stored)
        if stored is None or kind in (str, bool, int, float):
            return stored
        if depth > 2 * MAX_DEPTH + 2:  # each level of a value may be two of its JSON
            raise ThreadDataError(f"{show_path(path)} is nested too deeply")
        if kind is list:
            return [self.read(item, (path, (place,)), depth + 1) for place, item in enumerate(stored)]
        if kind is not dict:
            raise ThreadDataError(f"{show_path(path)} is {_an(kind)}, which is not JSON")
        if "$" in stored:
            return self._read_tagged(stored, path, depth)
        return {key: self.read(item, (path, (key,)), depth + 1) for key, item in stored.items()}

    def _read_tagged(self, stored: Mapping[str, Any], path: Path, depth: int) -> Any:
        tag = stored["$"]
        if len(stored) != 2 or "v" not in stored or not isinstance(tag, str):
            raise ThreadDataError(f"{show_path(path)} is damaged: beside a tag there is its value, and nothing else")
        if tag == "object":
            return self._types.load(stored["v"], show_path(path))
        make = LOADERS.get(tag)
        if make is None:
            raise ThreadDataError(
                f"{show_path(path)} has the unknown tag {tag!r:.80}; it was written by a newer version, or is damaged"
            )
        value = self.read(stored["v"], path, depth + 1)
        try:
            return make(value)
        except ValidationError as error:
            raise ThreadDataError(f"{show_path(path)} is not a valid {tag}: {_first_fault(error)}") from error
        except (TypeError, ValueError, AttributeError, ArithmeticError) as error:
            raise ThreadDataError(f"{show_path(path)} is not a valid {tag}: {error!s:.200}") from error


def _an(kind: type[Any]) -> str:
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _first_fault(error: ValidationError) -> str:
    """Where the first fault is, without the value: what a thread holds may be secret."""
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(map(str, fault['loc'])) or 'all of it'}: {fault['msg']}"
