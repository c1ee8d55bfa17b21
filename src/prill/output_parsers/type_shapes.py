"""How a value of a type looks while its JSON streams in.

A ``TypeShape`` is made of an annotation once (see ``shape_for``); a ``PartialValueBuilder`` follows one value.
Everything that is complete is validated when it closes, and never looked at again; only what is on the open path is
built again, so the whole is linear.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import takewhile
from typing import Any, NamedTuple, Self

from pydantic import ValidationError

from prill.transducers.json_values import OpenDict, OpenList
from prill.transducers.partial_json import NOTHING

Path = tuple[str | int, ...]
Validate = Callable[[Any], Any]
Kinds = tuple[type, ...] | None

SCALARS = (str, int, float, bool, type(None))


class InvalidPart(Exception):
    """A part of the value that is whole, but not valid; ``place`` is the path to it."""

    def __init__(self, error: ValidationError, place: Path = ()) -> None:
        super().__init__(str(error))
        self.error = error
        self.place = place


class OpenPath:
    """One look at a growing value: the open path, and whether anything that is shown has changed."""

    __slots__ = ("changed", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.changed = False

    def open_at(self, depth: int) -> str | int | None:
        """Return the key or index of what is open at a depth; ``None`` where all is closed."""
        return self.path[depth] if depth < len(self.path) else None


class PartialValueBuilder(ABC):
    """Follows one value that is open."""

    @abstractmethod
    def build(self, raw: Any, open_path: OpenPath, depth: int) -> Any:
        """Return what to show of it; ``NOTHING`` for nothing. The open path continues at ``depth``."""


class TypeShape(PartialValueBuilder):
    """What is known of a type. Used as a builder, it hides an open value or shows it unchanged, so it is stateless.

    ``shown`` are the types of JSON values that are shown as they come, ``None`` for all; ``sure`` says that these are
    valid always. ``kinds`` are the types of JSON values that may be valid, ``None`` for any.
    """

    def __init__(self, validate: Validate, shown: Kinds = (), kinds: Kinds = None, *, sure: bool = False) -> None:
        self._validate = validate
        self._shown = shown
        self._sure = sure
        self.kinds = kinds

    def builder(self) -> PartialValueBuilder:
        return self

    def whole(self, raw: Any) -> Any:
        """Return the valid value of one that is whole."""
        try:
            return self._validate(raw)
        except ValidationError as error:
            raise InvalidPart(error) from error

    def build(self, raw: Any, open_path: OpenPath, depth: int) -> Any:
        if self._shown is not None and type(raw) not in self._shown:
            return NOTHING
        open_path.changed = True
        return raw

    def takes(self, raw: Any) -> bool:
        """Return whether a JSON value of this type may be valid."""
        return self.kinds is None or isinstance(raw, self.kinds)

    def is_sure_of(self, raw: Any) -> bool:
        """Return whether a JSON value of this type is always valid, and stays what it is."""
        return self._sure and self._shown is not None and type(raw) in self._shown

    def refuses(self, key: str | int, raw: Any) -> bool:
        """Return whether no value is valid that has the whole value ``raw`` at ``key``."""
        return False

    def validated_by(self, validate: Validate) -> Self:
        """Return the same shape with another validator for what is whole."""
        other = copy.copy(self)
        other._validate = validate
        return other

    def hidden(self) -> TypeShape:
        """Return the same, of which nothing is shown before it is whole."""
        return _HiddenShape(self)


class _HiddenShape(TypeShape):
    def __init__(self, shape: TypeShape) -> None:
        super().__init__(shape.whole)
        self._shape = shape

    def takes(self, raw: Any) -> bool:
        return self._shape.takes(raw)


def unchanged(raw: Any) -> Any:
    return raw


RAW = TypeShape(unchanged, None)
"""JSON that is shown as it comes."""


def fits(shape: TypeShape, raw: Any) -> bool:
    """Return whether a whole value is valid."""
    try:
        shape.whole(raw)
    except InvalidPart:
        return False
    return True


class ItemsShape(TypeShape):
    """A list, or an object with any keys: all items have one shape."""

    def __init__(self, validate: Validate, item: Callable[[], TypeShape], kind: type) -> None:
        super().__init__(validate, kinds=(kind,))
        self._make_item = item
        self.kind = kind

    @cached_property
    def item(self) -> TypeShape:
        return self._make_item()

    def builder(self) -> PartialValueBuilder:
        return (
            _PartialListBuilder(self.item)
            if self.kind is list
            else _PartialDictBuilder(lambda key: Field(key, self.item))
        )

    def refuses(self, key: str | int, raw: Any) -> bool:
        return not fits(self.item, raw)


class Field(NamedTuple):
    """A key of an object: the name under which it is shown, its shape, whether it must be there first.

    ``held``: it is not shown before the object is whole.
    """

    name: str
    shape: TypeShape
    first: bool = False
    held: bool = False


class ObjectShape(TypeShape):
    """An object with known fields: of a pydantic class, a dataclass, a ``TypedDict``.

    ``fields`` gives them by their keys in JSON, when they are first needed, as classes may hold themselves. ``make``
    makes what is shown of the fields that have come. ``closed``: other keys are an error.
    """

    def __init__(
        self,
        validate: Validate,
        fields: Callable[[], Mapping[str, Field]],
        make: Callable[[dict[str, Any]], Any],
        *,
        closed: bool = False,
    ) -> None:
        super().__init__(validate, kinds=(dict,))
        self._make_fields = fields
        self._make = make
        self._is_closed = closed

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        return self._make_fields()

    def builder(self) -> PartialValueBuilder:
        first = frozenset(field.name for field in self.fields.values() if field.first)
        return _PartialDictBuilder(self.fields.get, self._make, first)

    def refuses(self, key: str | int, raw: Any) -> bool:
        field = self.fields.get(str(key))
        if field is None:
            return self._is_closed
        return not field.held and not fits(field.shape, raw)


class RootShape(TypeShape):
    """A ``RootModel``: a value of another type, with a class around it."""

    def __init__(self, validate: Validate, root: Callable[[], TypeShape], make: Callable[[Any], Any]) -> None:
        super().__init__(validate)
        self._make_root = root
        self._make = make

    @cached_property
    def root(self) -> TypeShape:
        return self._make_root()

    def builder(self) -> PartialValueBuilder:
        return _PartialRootBuilder(self.root.builder(), self._make)

    def takes(self, raw: Any) -> bool:
        return self.root.takes(raw)

    def refuses(self, key: str | int, raw: Any) -> bool:
        return self.root.refuses(key, raw)


class _PartialRootBuilder(PartialValueBuilder):
    def __init__(self, root: PartialValueBuilder, make: Callable[[Any], Any]) -> None:
        self._root = root
        self._make = make

    def build(self, raw: Any, open_path: OpenPath, depth: int) -> Any:
        shown = self._root.build(raw, open_path, depth)
        return shown if shown is NOTHING else self._make(shown)


class _PartialListBuilder(PartialValueBuilder):
    def __init__(self, item: TypeShape) -> None:
        self._item = item
        self._done = OpenList()
        self._open: PartialValueBuilder | None = None
        self._shown: Any = NOTHING  # of the open one
        self._started = False

    def build(self, raw: Any, open_path: OpenPath, depth: int) -> Any:
        if not isinstance(raw, list):
            return NOTHING
        done, end = self._done, open_path.open_at(depth)
        if end is None:
            end = len(raw)
        assert isinstance(end, int)
        if not self._started:
            self._started = open_path.changed = True
        for index in range(len(done.items), min(end, len(raw))):
            whole = _whole(self._item, raw[index], index)
            done.put(whole)
            open_path.changed |= _differs(self._shown, whole)
            self._open, self._shown = None, NOTHING
        seen = done.view()
        if end < len(raw):
            self._open = self._open or self._item.builder()
            self._shown = self._open.build(raw[end], open_path, depth + 1)
            if self._shown is not NOTHING:
                done.attach(seen, self._shown)
        return seen


class _PartialDictBuilder(PartialValueBuilder):
    def __init__(
        self,
        field: Callable[[str], Field | None],
        make: Callable[[dict[str, Any]], Any] = unchanged,
        first: frozenset[str] = frozenset(),
    ) -> None:
        self._field = field
        self._make = make
        self._waits_for = first
        self._done = OpenDict()
        self._closed: set[str | int] = set()
        self._open: PartialValueBuilder | None = None
        self._shown: Any = NOTHING  # of the open one
        self._started = False

    def build(self, raw: Any, open_path: OpenPath, depth: int) -> Any:
        if not isinstance(raw, dict):
            return NOTHING
        key = open_path.open_at(depth)
        changed = open_path.changed
        if len(raw) > len(self._closed) + (key in raw):
            self._close(raw, key, open_path)
        done = self._done
        field = self._field(str(key)) if key in raw and key not in self._closed else None
        if field is not None and not field.held:
            done.key = field.name
            self._open = self._open or field.shape.builder()
            self._shown = self._open.build(raw[key], open_path, depth + 1)
        seen = done.view()
        if self._shown is not NOTHING:
            done.attach(seen, self._shown)
        if not self._waits_for <= done.items.keys():
            open_path.changed = changed  # of what is not shown nothing has changed
            return NOTHING
        if not self._started:
            self._started = open_path.changed = True
        return self._make(seen)

    def _close(self, raw: dict[str, Any], open_key: Any, open_path: OpenPath) -> None:
        for key in newly_closed(raw, open_key, self._closed):
            self._closed.add(key)
            field = self._field(str(key))
            if field is not None and not field.held:
                whole = _whole(field.shape, raw[str(key)], key)
                self._done.key = field.name
                self._done.put(whole)
                open_path.changed |= _differs(self._shown, whole)
            self._open, self._shown = None, NOTHING


def newly_closed(raw: Any, open_key: Any, known: set[str | int]) -> list[str | int]:
    """Return the keys or indices of a growing object or list whose values are whole, and were not in ``known`` yet."""
    keys = reversed(raw) if isinstance(raw, dict) else reversed(range(len(raw)))
    # From the end: to go through all that is known each time would be quadratic.
    new = [key for key in takewhile(lambda key: key not in known, keys) if key != open_key]
    return new[::-1]


def _differs(shown: Any, whole: Any) -> bool:
    return type(shown) is not type(whole) or bool(shown != whole)


def _whole(shape: TypeShape, raw: Any, place: str | int) -> Any:
    try:
        return shape.whole(raw)
    except InvalidPart as invalid:
        invalid.place = (place, *invalid.place)
        raise
