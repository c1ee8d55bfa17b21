"""Unions while their JSON streams in: which of its types a value is, as soon as that is sure.

With a discriminator it is sure once that is whole. Without one each part that is whole rules out the types in which it
is not valid, until one is left. Until then nothing is shown of the value, so that what is shown never turns out to be
something else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from prill.output_parsers.type_shapes import OpenPath, PartialValueBuilder, TypeShape, Validate, fits, newly_closed
from prill.transducers.partial_json import NOTHING


class Member(NamedTuple):
    """One of the types of a union: its shape, and the discriminators that lead to it, each with its key in JSON."""

    shape: TypeShape
    tags: Sequence[tuple[str, TypeShape]] = ()


class UnionShape(TypeShape):
    """A value of one of several types, which ``members`` gives when they are first needed.

    With ``ordered`` it is of the first type in which it is valid, without of the one that fits best.
    """

    def __init__(self, validate: Validate, members: Callable[[], Sequence[Member]], *, ordered: bool = False) -> None:
        super().__init__(validate)
        self._make_members = members
        self._ordered = ordered

    @cached_property
    def members(self) -> Sequence[Member]:
        return self._make_members()

    def builder(self) -> PartialValueBuilder:
        return _PartialUnionBuilder(self)

    def build(self, raw: Any, open_path: OpenPath, depth: int) -> Any:
        """Return what to show of a scalar."""
        able = [member.shape for member in self.members if member.shape.takes(raw)]
        if len(able) == 1:
            return able[0].build(raw, open_path, depth)
        if self._ordered or any(shape.kinds is None for shape in able):
            return NOTHING
        # Of several types the one fits best in which a value is valid as it is.
        return next((shape.build(raw, open_path, depth) for shape in able if shape.is_sure_of(raw)), NOTHING)

    def takes(self, raw: Any) -> bool:
        return any(member.shape.takes(raw) for member in self.members)

    def refuses(self, key: str | int, raw: Any) -> bool:
        return all(member.shape.refuses(key, raw) for member in self.members)

    def still_possible(self, among: Sequence[Member], key: str | int, raw: Any) -> Sequence[Member]:
        """Return those that are possible for a value with the whole value ``raw`` at ``key``."""
        return [member for member in among if not member.shape.refuses(key, raw)]


class TaggedUnion(UnionShape):
    """A union with a discriminator: a field whose value selects the type."""

    def still_possible(self, among: Sequence[Member], key: str | int, raw: Any) -> Sequence[Member]:
        if not any(key == tag for member in self.members for tag, _ in member.tags):
            return among
        return [member for member in among if any(key == tag and fits(shape, raw) for tag, shape in member.tags)]


class _PartialUnionBuilder(PartialValueBuilder):
    def __init__(self, shape: UnionShape) -> None:
        self._shape = shape
        self._left: Sequence[Member] | None = None
        self._looked_at: set[str | int] = set()
        self._chosen: PartialValueBuilder | None = None

    def build(self, raw: Any, open_path: OpenPath, depth: int) -> Any:
        if not isinstance(raw, list | dict):
            return self._shape.build(raw, open_path, depth)
        if self._chosen is None:
            self._rule_out(raw, open_path.open_at(depth))
        return NOTHING if self._chosen is None else self._chosen.build(raw, open_path, depth)

    def _rule_out(self, raw: Any, open_key: Any) -> None:
        if self._left is None:
            self._left = [member for member in self._shape.members if member.shape.takes(raw)]
        for key in newly_closed(raw, open_key, self._looked_at):
            self._looked_at.add(key)
            self._left = self._shape.still_possible(self._left, key, raw[key])
        if len(self._left) == 1:
            self._chosen = self._left[0].shape.builder()
