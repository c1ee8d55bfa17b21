"""JSON schemas whose references are put in their places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prill.errors import ConfigError

__all__ = ["dereference_refs"]

Schema = dict[str, Any]


def dereference_refs(
    schema_obj: Mapping[str, Any],
    *,
    full_schema: Mapping[str, Any] | None = None,
    skip_keys: Sequence[str] | None = None,
) -> Schema:
    """A copy of a schema in which what ``$ref`` refers to stands in its place; what stands beside a ``$ref`` goes over.

    References lead into ``full_schema``, or into the schema itself (``#/$defs/Name``, a JSON Pointer, RFC 6901).
    Nothing is done below the ``skip_keys``, by default ``$defs``. Where a schema refers to itself the inner ``$ref``
    stays. Raises ``ConfigError`` for a reference that leads nowhere, or out of the schema.
    """
    skipped = frozenset(["$defs"] if skip_keys is None else skip_keys)
    made: Schema = _resolve(schema_obj, full_schema if full_schema is not None else schema_obj, skipped, ())
    return made


def _resolve(node: Any, whole: Mapping[str, Any], skipped: frozenset[str], path: tuple[str, ...]) -> Any:
    if isinstance(node, list | tuple):
        return [_resolve(item, whole, skipped, path) for item in node]
    if not isinstance(node, Mapping):
        return node
    reference = node.get("$ref")
    if not isinstance(reference, str):  # a property may be called $ref: then it is a schema
        return {key: value if key in skipped else _resolve(value, whole, skipped, path) for key, value in node.items()}
    if reference in path:
        return dict(node)
    beside = {key: value for key, value in node.items() if key != "$ref"}
    target = _resolve(_target(whole, reference), whole, skipped, (*path, reference))
    if not beside:
        return target
    return {**(target if isinstance(target, Mapping) else {}), **_resolve(beside, whole, skipped, path)}


def _target(whole: Any, reference: str) -> Any:
    if not reference.startswith("#"):
        raise ConfigError(f"the reference {reference!r} points outside the schema: references inside it start with #")
    found = whole
    for part in reference.removeprefix("#").removeprefix("/").split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping) and key in found:
            found = found[key]
        elif key.isdecimal() and _has_number(found, int(key)):
            found = found[int(key)]
        elif reference != "#":
            raise ConfigError(f"the schema has no {reference!r}, which it refers to")
    return found


def _has_number(node: Any, number: int) -> bool:
    """Whether a list is that long, or a mapping has the number for a key, as one that YAML reads may."""
    return number in node if isinstance(node, Mapping) else isinstance(node, list) and number < len(node)
