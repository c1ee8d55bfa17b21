"""Merging of pieces of messages: many at once, in time linear in their size, and associative.

``merge(a, b, c)`` equals ``merge(merge(a, b), c)`` and ``merge(a, merge(b, c))``. Nothing that is given is changed,
and nothing mutable of it is kept in the result.

The rules, by kind of value:

- text is joined;
- a dictionary is merged key by key, but under the keys of ``IDENTIFIERS`` the first non-empty value stays: a provider
  that repeats ``"type": "function"`` in every piece means it once;
- a list is lengthened; a dictionary in it that has an ``index`` joins the earlier one with this index, unless they
  have different ids or different types;
- of two numbers or flags the later one stays;
- ``None`` gives way to anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

IDENTIFIERS = frozenset({"id", "type", "name", "index"})


def merge_dicts(*dicts: Mapping[Any, Any]) -> dict[Any, Any]:
    """Merge dictionaries by the rules of this module.

    Raises ``TypeError`` if a key holds values of kinds that cannot be merged, such as text and a list.
    """
    return {key: _merge_values(key, values) for key, values in _gather(dicts).items()}


def merge_metadata(*dicts: Mapping[Any, Any]) -> dict[Any, Any]:
    """Merge facts *about* a response: of two different values the last non-empty one stays.

    Nothing is joined but lists (such as ``logprobs``): ``"stop"`` twice is ``"stop"``. Dictionaries are merged key
    by key.
    """
    return {key: _merge_facts(values) for key, values in _gather(dicts).items()}


def merge_lists(*lists: Iterable[Any]) -> list[Any]:
    """Lengthen a list by others, joining the dictionaries that have the same ``index``."""
    return _merge_elements(lists, join_text=False)


def merge_content(first: str | list[Any], *rest: str | list[Any]) -> str | list[Any]:
    """Merge the contents of messages.

    All texts: one text. Otherwise a list in which neighbouring texts are joined, empty ones are left out, and blocks
    with the same ``index`` are one block.
    """
    contents = (first, *rest)
    if all(isinstance(content, str) for content in contents):
        return "".join(contents)  # type: ignore[arg-type]  # all() does not narrow a tuple
    return _merge_elements(map(_elements, contents), join_text=True)


def _elements(content: str | list[Any]) -> Iterable[Any]:
    if isinstance(content, str):
        return (content,) if content else ()
    return content


def _gather(dicts: Iterable[Mapping[Any, Any]]) -> dict[Any, list[Any]]:
    gathered: dict[Any, list[Any]] = {}
    for one in dicts:
        for key, value in one.items():
            gathered.setdefault(key, []).append(value)
    return gathered


def _merge_values(key: Any, values: list[Any]) -> Any:
    values = [value for value in values if value is not None]
    if len(values) < 2:
        return _own(values[0]) if values else None
    if key in IDENTIFIERS:
        return next((value for value in values if value != ""), "")
    if all(isinstance(value, str) for value in values):
        return "".join(values)
    if all(isinstance(value, dict) for value in values):
        return merge_dicts(*values)
    if all(isinstance(value, list) for value in values):
        return merge_lists(*values)
    if any(isinstance(value, str | dict | list) for value in values):
        kinds = ", ".join(dict.fromkeys(type(value).__name__ for value in values))
        raise TypeError(f"cannot merge the values of {key!r}: they are of different kinds ({kinds})")
    return values[-1]


def _merge_facts(values: list[Any]) -> Any:
    if len(values) == 1:
        return _own(values[0])
    present = [value for value in values if value is not None and value != ""]
    if not present:
        return values[-1]
    if all(isinstance(value, dict) for value in present):
        return merge_metadata(*present)
    if all(isinstance(value, list) for value in present):
        return _own([element for value in present for element in value])
    return _own(present[-1])


def _own(value: Any) -> Any:
    """Copy the containers, so that a result shares none with what it was merged from."""
    if isinstance(value, dict):
        return {key: _own(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_own(inner) for inner in value]
    return value


class _Block:
    """The pieces of one element of a list, and the test whether another piece belongs to it."""

    __slots__ = ("id", "kind", "pieces")

    def __init__(self, piece: Any) -> None:
        self.pieces = [piece]
        self.id: Any = None
        self.kind: Any = None

    def joined(self) -> Any:
        first = self.pieces[0]
        if isinstance(first, str):
            return "".join(self.pieces)
        if isinstance(first, dict):
            return merge_dicts(*self.pieces)
        return _own(first)


class _Blocks:
    """The elements of a list that is being merged, in the order in which they first came."""

    def __init__(self) -> None:
        self.all: list[_Block] = []
        self._by_id: dict[tuple[int | str, Any], _Block] = {}
        self._by_kind: dict[tuple[int | str, Any], _Block] = {}
        self._last: dict[int | str, _Block] = {}

    def add(self, piece: Any) -> _Block:
        block = _Block(piece)
        self.all.append(block)
        return block

    def add_indexed(self, piece: dict[Any, Any], index: int | str) -> None:
        kind, id = piece.get("type"), piece.get("id") or None
        block = self._find(index, kind, id)
        if block is None:
            block = self.add(piece)
        else:
            block.pieces.append(piece)
        block.id, block.kind = block.id or id, block.kind or kind
        self._last[index] = self._by_kind[index, block.kind] = block
        if block.id:
            self._by_id[index, block.id] = block

    def _find(self, index: int | str, kind: Any, id: Any) -> _Block | None:
        if id and (index, id) in self._by_id:
            return self._by_id[index, id]
        # A ``*_delta`` continues with whatever block has its index; other types are kept apart.
        if not kind or str(kind).endswith("_delta"):
            block = self._last.get(index)
        else:
            block = self._by_kind.get((index, kind)) or self._by_kind.get((index, None))
        return None if block is not None and id and block.id else block


def _merge_elements(lists: Iterable[Iterable[Any]], *, join_text: bool) -> list[Any]:
    blocks = _Blocks()
    for elements in lists:
        for element in elements:
            if isinstance(element, dict) and isinstance(index := element.get("index"), int | str):
                blocks.add_indexed(element, index)
            elif join_text and isinstance(element, str) and blocks.all and _is_text(blocks.all[-1]):
                blocks.all[-1].pieces.append(element)
            else:
                blocks.add(element)
    return [block.joined() for block in blocks.all]


def _is_text(block: _Block) -> bool:
    return isinstance(block.pieces[0], str)
