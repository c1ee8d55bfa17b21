"""Checks a value against a JSON schema: types, required keys, values of an enum, items, unions.

The words of https://json-schema.org/draft/2020-12/json-schema-validation that models are given; of others none is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

_TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}


class Fault(NamedTuple):
    """A part of a value that is not valid."""

    place: tuple[str | int, ...]
    expected: str
    found: Any


def find_faults(value: Any, schema: Any, root: Mapping[str, Any] | None = None) -> Iterator[Fault]:
    """Return everything in which ``value`` is not as ``schema`` says."""
    if not isinstance(schema, Mapping):
        return
    root = schema if root is None else root
    schema = _resolved(schema, root)
    kinds = schema.get("type")
    if kinds is not None and not any(_is(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        yield Fault((), f"a value of type {kinds if isinstance(kinds, str) else ' or '.join(kinds)}", value)
        return
    if "enum" in schema and value not in schema["enum"]:
        yield Fault((), f"one of {', '.join(map(repr, schema['enum']))}", value)
    if "const" in schema and value != schema["const"]:
        yield Fault((), repr(schema["const"]), value)
    for word in ("anyOf", "oneOf"):
        options = schema.get(word)
        if options and not any(next(find_faults(value, option, root), None) is None for option in options):
            yield Fault((), f"a value that is valid for one of the {len(options)} schemas in {word}", value)
    for part in schema.get("allOf", ()):
        yield from find_faults(value, part, root)
    if isinstance(value, dict):
        yield from _in_object(value, schema, root)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _below(index, find_faults(item, schema.get("items"), root))


def _in_object(value: dict[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[Fault]:
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties")
    for name in schema.get("required", ()):
        if name not in value:
            yield Fault((name,), "a value, as it is required", None)
    for name, item in value.items():
        if name in properties:
            yield from _below(name, find_faults(item, properties[name], root))
        elif others is False:
            yield Fault((name,), f"no other keys than {', '.join(properties)}", item)
        else:
            yield from _below(name, find_faults(item, others, root))


def _below(key: str | int, faults: Iterator[Fault]) -> Iterator[Fault]:
    for fault in faults:
        yield Fault((key, *fault.place), fault.expected, fault.found)


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return kind not in _TYPES or isinstance(value, _TYPES[kind])


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return schema
    found: Any = root
    for part in reference[2:].split("/"):
        found = found.get(part, {}) if isinstance(found, Mapping) else {}
    return found if isinstance(found, Mapping) else schema
