"""Values in JSON by their path; jq for all that is more than a path."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeAlias

from prill.errors import ConfigError
from prill.text_splitters.optional import import_extra

Query: TypeAlias = Callable[[Any], Iterator[Any]]
"""Gives the values that are found in one; raises ``ValueError`` where it is not made as was expected."""

_STRING = r'"(?:[^"\\]|\\["\\/bfnrt])*"'
_STEP = re.compile(
    rf"\.?\[\]|\.?\[(?P<index>-?\d+)\]|\.?\[(?P<quoted>{_STRING})\]|\.(?P<name>[A-Za-z_]\w*|{_STRING})", re.A
)


def compile_query(expression: str) -> Query:
    """Return what finds the values that an expression of jq stands for.

    Raises:
        MissingDependencyError: it is more than a path, and jq is not installed.
        ConfigError: it is not an expression.
    """
    if not isinstance(expression, str):
        raise ConfigError(f"an expression of jq is a text, not {expression!r:.60}")
    steps = _parse(expression.strip())
    if steps is not None:
        return partial(_walk, steps)
    jq = import_extra("jq", "documents", f"the expression {expression!r:.60}")
    try:
        program = jq.compile(expression)
    except ValueError as error:
        raise ConfigError(f"{expression!r:.60} is not an expression of jq: {error}") from error
    return lambda value: iter(program.input_value(value))


def _parse(expression: str) -> list[str | int | None] | None:
    """The steps of a path: keys, indices, and ``None`` for all items; ``None`` if it is not a path."""
    if expression == ".":
        return []
    steps: list[str | int | None] = []
    at = 0
    while at < len(expression):
        found = _STEP.match(expression, at)
        if found is None or (at == 0 and expression[0] != "."):
            return None
        name = found["name"] or found["quoted"]
        index = int(found["index"]) if found["index"] else None
        steps.append(index if name is None else json.loads(name) if name[0] == '"' else name)
        at = found.end()
    return steps or None


def _walk(steps: list[str | int | None], value: Any) -> Iterator[Any]:
    if not steps:
        yield value
        return
    for part in _parts(steps[0], value):
        yield from _walk(steps[1:], part)


def _parts(step: str | int | None, value: Any) -> Iterator[Any]:
    if step is None:
        if not isinstance(value, dict | list):
            raise ValueError(f"[] asks for the items of {_name_kind(value)}")
        yield from value.values() if isinstance(value, dict) else value
    elif value is None:
        yield None  # as jq has it
    elif isinstance(step, str):
        if not isinstance(value, dict):
            raise ValueError(f"there is no key {step!r} in {_name_kind(value)}")
        yield value.get(step)
    elif not isinstance(value, list):
        raise ValueError(f"there is no item {step} in {_name_kind(value)}")
    else:
        yield value[step] if -len(value) <= step < len(value) else None


def _name_kind(value: Any) -> str:
    kinds = {type(None): "null", bool: "a boolean", str: "a string", list: "an array", dict: "an object"}
    return kinds.get(type(value), "a number")
