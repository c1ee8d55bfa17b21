"""What every provider asks of the description of a tool."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from prill.errors import ConfigError


def check_tool(name: Any, schema: Any, longest: int) -> None:
    """Check a tool's name, of at most ``longest`` characters, and the schema of its arguments (``None``: no arguments).

    Raises:
        ConfigError: every provider would refuse it.
    """
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise ConfigError(f"{name!r} cannot be a tool's name: it has letters (a-z), digits, _ and - only. Rename it.")
    if len(name) > longest:
        raise ConfigError(f"the tool's name {name!r} has {len(name)} characters; {longest} are allowed. Shorten it.")
    if schema is None or schema == {}:
        return
    if not isinstance(schema, Mapping) or schema.get("type") != "object":
        given = schema.get("type") if isinstance(schema, Mapping) else schema
        raise ConfigError(
            f"the arguments of the tool {name} must be a JSON schema with 'type': 'object', not {given!r}: "
            "put a single value into a property of such an object."
        )
    properties = schema.get("properties", {})
    if not isinstance(properties, Mapping):
        raise ConfigError(f"the schema of the tool {name} has 'properties' that are no dictionary: {properties!r:.80}")
    if unknown := [key for key in schema.get("required") or () if properties and key not in properties]:
        raise ConfigError(f"the schema of the tool {name} requires {unknown}, which are none of its properties.")


def check_names(names: Sequence[Any]) -> None:
    """Check that no two tools have one name: a call could not be assigned to one of them."""
    twice = sorted({str(name) for name in names if name is not None and names.count(name) > 1})
    if twice:
        raise ConfigError(f"several tools are named {', '.join(twice)}: give each a name of its own.")
