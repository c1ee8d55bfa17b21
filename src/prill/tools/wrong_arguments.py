"""Describes the wrong arguments of a call, for the model that made it and for the user."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import ValidationError


def describe_wrong_arguments(
    tool: str, error: ValidationError, given: Mapping[Any, Any], arguments: Collection[str]
) -> str:
    """One line for each argument that is missing, does not fit, or does not exist."""
    lines = [f"the tool {tool} was called with wrong arguments:"]
    for fault in error.errors(include_url=False, include_context=False):
        place = ".".join(map(str, fault["loc"])) or "(all of them)"
        found = "is missing" if fault["type"] == "missing" else f"{fault['msg']}; found {fault['input']!r:.80}"
        lines.append(f"  {place}: {found}")
    unknown = [str(name) for name in given if name not in arguments]
    if unknown and arguments:
        lines.append(f"  {', '.join(unknown)}: no argument of this tool; it takes {', '.join(arguments)}")
    return "\n".join(lines)
