"""Values as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["comma_list", "sanitize_for_postgres", "stringify_dict", "stringify_value"]


def comma_list(items: Iterable[Any]) -> str:
    """The items with a comma and a space between them."""
    return ", ".join(map(str, items))


def stringify_value(val: Any) -> str:
    """A value as text: a dict line by line (see ``stringify_dict``), a list item by item, anything else with ``str``.

    It is for people and models to read; nothing reads it back.
    """
    if isinstance(val, dict):
        return "\n" + stringify_dict(val)
    if isinstance(val, list):
        return "\n".join(map(stringify_value, val))
    return str(val)


def stringify_dict(data: Mapping[Any, Any]) -> str:
    """A line ``key: value`` for each item of a dict."""
    return "".join(f"{key}: {stringify_value(value)}\n" for key, value in data.items())


def sanitize_for_postgres(text: str, replacement: str = "") -> str:
    """The text with its NUL characters replaced, which PostgreSQL cannot store in a ``text`` column."""
    return text.replace("\0", replacement)
