"""Values as JSON text of a limited size, without secrets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from prill.callbacks.secrets import wrap_secrets
from prill.tracers.plain_json import as_json

_DEEPEST = 50
_ENTRY = 2  # characters that an item of a list or of a mapping takes at least


class _Budget:
    """How many characters may still be taken."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left


def take_snapshot(value: Any, limit: int) -> str:
    """``value`` as JSON text of about ``limit`` characters at most; what was cut says so in its place. Never raises.

    Texts under the names of secrets, and all headers but harmless ones, become ``**********``.

    >>> take_snapshot({"question": "a" * 9, "api_key": "sk-1"}, 100)
    '{"question": "aaaaaaaaa", "api_key": "**********"}'
    """
    if not value and type(value) in _EMPTY:  # tags and metadata of most runs
        return _EMPTY[type(value)]
    try:
        if type(value) is str:
            return _encode(_cut(value, _Budget(limit)))
        # ``wrap_secrets`` may only see what is small already: it copies what it is given.
        plain = wrap_secrets(_take(value, _Budget(limit), 0))
        return _encode(plain)
    except Exception as error:
        return json.dumps({"type": type(value).__name__, "repr": f"<not recorded: {type(error).__name__}>"})


_encoder = json.JSONEncoder(ensure_ascii=False, default=str)
_EMPTY: dict[type, str] = {dict: "{}", list: "[]"}


def _encode(plain: Any) -> str:
    text = _encoder.encode(plain)
    # A lone surrogate cannot be written to a file.
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _take(value: Any, budget: _Budget, depth: int) -> Any:
    if isinstance(value, str):
        return _cut(value, budget)
    budget.left -= _ENTRY
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return {"type": type(value).__name__, "size": len(value)}
    if depth > _DEEPEST:
        return {"type": type(value).__name__, "repr": "…"}
    if isinstance(value, BaseModel):
        fields = {name: getattr(value, name, None) for name in type(value).model_fields}
        return _take_items({**fields, **(value.model_extra or {})}, budget, depth)
    if isinstance(value, Mapping):
        return _take_items(value, budget, depth)
    if isinstance(value, list | tuple | set | frozenset):
        return _take_list(value, len(value), budget, depth)
    return _take_other(value, budget)


def _take_other(value: Any, budget: _Budget) -> Any:
    plain = as_json(value)
    if isinstance(plain, dict):
        return {name: _cut(text, budget) if isinstance(text, str) else text for name, text in plain.items()}
    return plain


def _take_items(items: Mapping[Any, Any], budget: _Budget, depth: int) -> dict[str, Any]:
    taken: dict[str, Any] = {}
    for name, value in items.items():
        if budget.left <= 0:
            taken["…"] = f"cut: {len(items) - len(taken)} more of {len(items)} entries"
            break
        shown = name if type(name) is str else repr(name)
        budget.left -= len(shown)
        taken[shown] = _take(value, budget, depth + 1)
    return taken


def _take_list(items: Iterable[Any], size: int, budget: _Budget, depth: int) -> list[Any]:
    taken: list[Any] = []
    for item in items:
        if budget.left <= 0:
            taken.append(f"… cut: {size - len(taken)} more of {size} items")
            break
        taken.append(_take(item, budget, depth + 1))
    return taken


def _cut(text: str, budget: _Budget) -> str:
    kept = max(budget.left, 0)
    budget.left -= len(text) + _ENTRY
    if len(text) <= kept or len(text) < 64:  # a note would be longer
        return text
    return f"{text[:kept]}… cut: {len(text):,} characters in all"
