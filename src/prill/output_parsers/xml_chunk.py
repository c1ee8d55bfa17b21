"""A piece of an XML text, as a dictionary that knows where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from prill.runnables.engine.chunks import AddableDict


class Leaf(NamedTuple):
    """An element without children, or a text between elements.

    ``path`` leads to it from the root: the number and the name of each element; a text between has the name ``None``.
    """

    path: tuple[tuple[int, str | None], ...]
    value: str | None


class XMLChunk(AddableDict):
    """One leaf of an XML text inside the elements around it: ``{"films": [{"film": [{"name": "Jaws"}]}]}``.

    The chunks of one text add up to its whole value, since they know in which elements they stand.
    """

    __slots__ = ("leaves",)

    def __init__(self, leaves: tuple[Leaf, ...]) -> None:
        super().__init__(nested(leaves))
        self.leaves = leaves

    def __reduce__(self) -> tuple[Any, ...]:
        return XMLChunk, (self.leaves,)

    def __add__(self, other: Mapping[str, Any]) -> AddableDict:
        return XMLChunk.merge_many([self, other])

    @staticmethod
    def merge_many(chunks: Iterable[Mapping[str, Any]]) -> AddableDict:
        """Add up many at once, in time linear in their size."""
        given = list(chunks)
        leaves: list[Leaf] = []
        for chunk in given:
            if not isinstance(chunk, XMLChunk):
                return AddableDict.merge_many(given)
            leaves += chunk.leaves
        return XMLChunk(tuple(leaves))


def nested(leaves: Iterable[Leaf]) -> dict[str, Any]:
    """Return the value that the leaves of a text make, in the order of the text."""
    whole: list[Any] = []
    open_elements: list[tuple[int, list[Any]]] = []
    for path, value in leaves:
        depth = 0
        for (number, _), (wanted, _) in zip(open_elements, path[:-1], strict=False):
            if number != wanted:
                break
            depth += 1
        del open_elements[depth:]
        inside = open_elements[-1][1] if open_elements else whole
        for number, name in path[depth:-1]:
            children: list[Any] = []
            inside.append({name: children})
            open_elements.append((number, children))
            inside = children
        name = path[-1][1]
        inside.append(value if name is None else {name: value})
    return whole[0] if whole else {}
