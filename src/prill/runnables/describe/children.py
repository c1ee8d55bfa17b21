"""Finds the Runnables that are inside another one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prill.runnables.base import Runnable


def find_children(step: Runnable[Any, Any]) -> list[tuple[str, Runnable[Any, Any]]]:
    """The Runnables in the attributes of ``step``, and in lists, tuples and dicts there, each with its name."""
    return [child for name, value in vars(step).items() for child in _find_runnables(name, value)]


def _find_runnables(name: str, value: Any) -> Iterator[tuple[str, Runnable[Any, Any]]]:
    if isinstance(value, Runnable):
        yield name, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _find_runnables(str(key), inner)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value, 1):
            yield from _find_runnables(f"{name} {index}", inner)


def walk(step: Runnable[Any, Any]) -> Iterator[Runnable[Any, Any]]:
    """``step`` and everything in it, outermost first, each object once."""
    seen: set[int] = set()
    ahead = [step]
    while ahead:
        found = ahead.pop(0)
        if id(found) not in seen:
            seen.add(id(found))
            yield found
            ahead += [child for _, child in found._children()]
