"""Any value as JSON, whatever it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

_LONGEST_REPR = 2000


def as_json(value: Any) -> Any:
    """``value`` in the types that JSON has; what has no such form becomes ``{"type": …, "repr": …}``. Never raises."""
    return _plain(value, ())


def _plain(value: Any, around: tuple[int, ...]) -> Any:
    kind = type(value)
    if value is None or kind is bool or kind is str or kind is int:
        return value
    if kind is float:
        return value if math.isfinite(value) else _marked(value)
    if id(value) in around or len(around) > 100:
        return {"type": kind.__name__, "repr": "…"}  # a value that holds itself
    try:
        return _inside(value, (*around, id(value)))
    except Exception:
        return _marked(value)


def _inside(value: Any, around: tuple[int, ...]) -> Any:
    if isinstance(value, BaseModel):
        fields = {name: getattr(value, name) for name in type(value).model_fields}
        extra = value.model_extra or {}
        return {name: _plain(each, around) for name, each in {**fields, **extra}.items()}
    if isinstance(value, Mapping):
        return {key if type(key) is str else repr(key): _plain(each, around) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each, around) for each in value]
    return _marked(value)


def _marked(value: Any) -> dict[str, str]:
    try:
        shown = repr(value)
    except Exception as error:
        shown = f"<its repr failed: {type(error).__name__}>"
    if len(shown) > _LONGEST_REPR:
        shown = shown[:_LONGEST_REPR] + "…"
    # A lone surrogate cannot be written to a file.
    return {"type": type(value).__name__, "repr": shown.encode("utf-8", "replace").decode()}
