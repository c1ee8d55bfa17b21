"""What a block prints, read: values where lines spell values, text elsewhere; so that spacing and ids do not matter."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple


class Spelled(NamedTuple):
    """An object as its ``repr`` spells it. Fields that hold nothing (``{}``, ``[]``, ``None``) are left out."""

    name: str
    fields: dict[str, Any]


def read(texts: Iterable[str]) -> list[Any]:
    """The lines of what was printed, then the value that was shown; a line or value that is Python's is read as such.

    A list is read as its items, so that what was shown at once can be compared with what was printed line by line.
    """
    return [item for text in texts for item in _items(text.rstrip("\n"))]


def _items(text: str) -> list[Any]:
    found, value = _value(text)
    if found:
        return value if isinstance(value, list) else [value]
    return [_value(line)[1] for line in text.split("\n")]


def _value(text: str) -> tuple[bool, Any]:
    try:
        return True, _spelled(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError):
        return False, text


def _spelled(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant) and node.value is not ...:
        return node.value
    if isinstance(node, ast.List | ast.Tuple):
        return [_spelled(item) for item in node.elts]
    if isinstance(node, ast.Dict) and None not in node.keys:
        keys = [_spelled(key) for key in node.keys if key is not None]
        return dict(zip(keys, map(_spelled, node.values), strict=True))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.args:
        fields = {word.arg or "**": _spelled(word.value) for word in node.keywords}
        return Spelled(node.func.id, {name: value for name, value in fields.items() if value not in ({}, [], None)})
    raise ValueError(f"not the spelling of a value: {ast.dump(node)}")


def changed(value: Any, change: Callable[[Any], Any]) -> Any:
    """The value with every dictionary and object in it replaced by what ``change`` makes of it, from within."""
    if isinstance(value, list):
        return [changed(item, change) for item in value]
    if isinstance(value, dict):
        return change({key: changed(item, change) for key, item in value.items()})
    if isinstance(value, Spelled):
        return change(Spelled(value.name, {key: changed(item, change) for key, item in value.fields.items()}))
    return value


def without_ids(items: list[Any]) -> list[Any]:
    """Runs and messages numbered in the order in which they are met; documents without ids.

    So it is still compared which events are of one run, and which chunks of one message.
    """
    runs: dict[str, str] = {}
    messages: dict[str, str] = {}

    def run(id: str) -> str:
        return runs.setdefault(id, f"run {len(runs) + 1}")

    def change(value: Any) -> Any:
        if isinstance(value, Spelled):
            fields = dict(value.fields)
            id = fields.pop("id", None)
            if id is not None and value.name != "Document":
                fields["id"] = messages.setdefault(id, f"message {len(messages) + 1}")
            return Spelled(value.name, fields)
        value = dict(value)
        if "run_id" in value:
            value["run_id"] = run(value["run_id"])
        if "parent_ids" in value:
            value["parent_ids"] = [run(id) for id in value["parent_ids"]]
        return value

    return list(changed(items, change))
