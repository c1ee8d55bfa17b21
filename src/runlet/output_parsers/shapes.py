"""How a value of a type looks while its JSON streams in.

A ``Shape`` is made of an annotation once; a ``Grower`` follows one value. Everything that is whole is validated when
it closes, and never looked at again; only what is on the open path is made anew, so the whole is linear.
"""

from __future__ import annotations

import dataclasses
import types
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints, is_typeddict

from pydantic import BaseModel, ConfigDict, PydanticUserError, TypeAdapter, ValidationError
from typing_extensions import is_typeddict as is_typeddict_extension

from runlet.output_parsers.marks import CompleteOnly, RequiredFirst, has_mark
from runlet.output_parsers.partials import partial_of
from runlet.transducers.partial_json import NOTHING

Path = tuple[str | int, ...]


class Misfit(Exception):
    """A part of the value that is whole, but not valid; ``place`` is the path to it."""

    def __init__(self, error: ValidationError, place: Path = ()) -> None:
        super().__init__(str(error))
        self.error = error
        self.place = place


class View:
    """One look at a growing value: the open path, and whether anything that is shown has changed."""

    __slots__ = ("changed", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.changed = False


class Grower(ABC):
    """Follows one value that is open."""

    @abstractmethod
    def see(self, raw: Any, view: View, depth: int) -> Any:
        """What to show of it; ``NOTHING`` for nothing. The open path goes on at ``depth``."""


class Shape(Grower):
    """What is known of a type. As a grower it shows an open value never, or as it comes; that needs no state."""

    def __init__(self, validate: Callable[[Any], Any], shown: tuple[type, ...] | None = ()) -> None:
        self._validate = validate
        self._shown = shown

    def grower(self) -> Grower:
        return self

    def whole(self, raw: Any) -> Any:
        """The valid value of one that is whole."""
        try:
            return self._validate(raw)
        except ValidationError as error:
            raise Misfit(error) from error

    def see(self, raw: Any, view: View, depth: int) -> Any:
        if self._shown is not None and type(raw) not in self._shown:
            return NOTHING
        view.changed = True
        return raw


def _as_it_is(raw: Any) -> Any:
    return raw


RAW = Shape(_as_it_is, None)
"""JSON that is shown as it comes."""


class _Items(Shape):
    """A list, or an object with any keys: all items have one shape."""

    def __init__(self, validate: Callable[[Any], Any], item: Callable[[], Shape], kind: type) -> None:
        super().__init__(validate)
        self._make_item = item
        self.kind = kind

    @cached_property
    def item(self) -> Shape:
        return self._make_item()

    def grower(self) -> Grower:
        return _GrowingList(self.item) if self.kind is list else _GrowingDict(lambda key: Field(key, self.item, False))


class Field(NamedTuple):
    """A key of an object: the name under which it is shown, its shape, whether it must be there first.

    ``held``: it is not shown before the object is whole.
    """

    name: str
    shape: Shape
    first: bool
    held: bool = False


class ObjectShape(Shape):
    """An object with known fields: of a pydantic class, a dataclass, a ``TypedDict``."""

    def __init__(self, validate: Callable[[Any], Any], kind: Any, make: Callable[[dict[str, Any]], Any]) -> None:
        super().__init__(validate)
        self.kind = kind
        self._make = make

    @cached_property
    def fields(self) -> dict[str, Field]:
        """The fields by their keys in JSON; made when first needed, as classes may hold themselves."""
        return dict(_fields_of(self.kind))

    def grower(self) -> Grower:
        first = frozenset(field.name for field in self.fields.values() if field.first)
        return _GrowingDict(self.fields.get, self._make, first)


class _GrowingList(Grower):
    def __init__(self, item: Shape) -> None:
        self._item = item
        self._done: list[Any] = []
        self._open: Grower | None = None
        self._begun = False

    def see(self, raw: Any, view: View, depth: int) -> Any:
        if not isinstance(raw, list):
            return NOTHING
        done, path = self._done, view.path
        end = path[depth] if depth < len(path) else len(raw)
        assert isinstance(end, int)
        if not self._begun or len(done) < min(end, len(raw)):
            self._begun = view.changed = True
            for index in range(len(done), min(end, len(raw))):
                done.append(_whole(self._item, raw[index], index))
                self._open = None
        if end < len(raw):
            self._open = self._open or self._item.grower()
            shown = self._open.see(raw[end], view, depth + 1)
            if shown is not NOTHING:
                return [*done, shown]
        return done.copy()


class _GrowingDict(Grower):
    def __init__(
        self,
        field: Callable[[str], Field | None],
        make: Callable[[dict[str, Any]], Any] = dict,
        first: frozenset[str] = frozenset(),
    ) -> None:
        self._field = field
        self._make = make
        self._waits_for = first
        self._done: dict[str, Any] = {}
        self._closed: set[str] = set()
        self._open: Grower | None = None
        self._begun = False

    def see(self, raw: Any, view: View, depth: int) -> Any:
        if not isinstance(raw, dict):
            return NOTHING
        path = view.path
        key = path[depth] if depth < len(path) else None
        changed = view.changed
        if not self._begun:
            self._begun = view.changed = True
        if len(raw) > len(self._closed) + (key in raw):
            self._close(raw, key, view)
        values = self._done.copy()
        if key in raw and key not in self._closed:
            field = self._field(str(key))
            if field is not None and not field.held:
                self._open = self._open or field.shape.grower()
                shown = self._open.see(raw[key], view, depth + 1)
                if shown is not NOTHING:
                    values[field.name] = shown
        if not self._waits_for <= self._done.keys():
            view.changed = changed  # of what is not shown nothing has changed
            return NOTHING
        return self._make(values)

    def _close(self, raw: dict[str, Any], open_key: Any, view: View) -> None:
        for key, value in raw.items():
            if key in self._closed or key == open_key:
                continue
            self._closed.add(key)
            self._open = None
            field = self._field(key)
            if field is not None and not field.held:
                self._done[field.name] = _whole(field.shape, value, key)
                view.changed = True


def _whole(shape: Shape, raw: Any, place: str | int) -> Any:
    try:
        return shape.whole(raw)
    except Misfit as misfit:
        misfit.place = (place, *misfit.place)
        raise


# From annotations to shapes


@lru_cache(maxsize=512)
def shape_of_class(kind: Any) -> Shape:
    """The shape of a pydantic class, a dataclass or a ``TypedDict``."""
    validate: Callable[[Any], Any] = TypeAdapter(kind).validate_python
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        validators = kind.__pydantic_decorators__.model_validators.values()
        if kind.__pydantic_root_model__ or any(each.info.mode != "after" for each in validators):
            return Shape(validate)  # what such a validator makes of the input cannot be known before its end
        return ObjectShape(validate, kind, lambda values: partial_of(kind, values))
    if _is_typed_dict(kind):
        return ObjectShape(validate, kind, dict)
    return ObjectShape(validate, kind, lambda values: partial_of(kind, values))


def shape_of(annotation: Any, marks: Iterable[Any] = (), config: ConfigDict | None = None) -> Shape:
    """The shape of values of a type."""
    marks = tuple(marks)
    if get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        return shape_of(annotation, (*more, *marks), config)
    validate = _validator(annotation, marks, config)
    if has_mark(marks, CompleteOnly):
        return Shape(validate)
    inner = _without_none(annotation)
    if inner is Any:
        return Shape(validate, None)
    if _is_object(inner):
        shape = shape_of_class(inner)
        if not isinstance(shape, ObjectShape):
            return shape
        return ObjectShape(validate, shape.kind, shape._make)
    origin, args = get_origin(inner) or inner, get_args(inner)
    if origin is list:
        return _Items(validate, lambda: shape_of(args[0]) if args else RAW, list)
    if origin is dict and (not args or args[0] is str):
        return _Items(validate, lambda: shape_of(args[1]) if args else RAW, dict)
    return Shape(validate, _shown_types(inner))


def _shown_types(annotation: Any) -> tuple[type, ...]:
    """The types of JSON values that may be shown while they are open."""
    members = get_args(annotation) if _is_union(annotation) else (annotation,)
    kinds = {get_args(each)[0] if get_origin(each) is Annotated else each for each in members}
    shown: tuple[type, ...] = (str,) if str in kinds else ()
    return (*shown, int, float) if kinds & {int, float} else shown


def _validator(annotation: Any, marks: tuple[Any, ...], config: ConfigDict | None) -> Callable[[Any], Any]:
    marked: Any = Annotated[(annotation, *marks)] if marks else annotation
    try:
        return TypeAdapter(marked, config=config).validate_python
    except PydanticUserError:  # a class that has its own config
        return TypeAdapter(marked).validate_python


def _fields_of(kind: Any) -> Iterable[tuple[str, Field]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        validated = {
            name for each in kind.__pydantic_decorators__.field_validators.values() for name in each.info.fields
        }
        for name, info in kind.model_fields.items():
            marks = (
                *info.metadata,
                *(get_args(info.annotation)[1:] if get_origin(info.annotation) is Annotated else ()),
            )
            shape = shape_of(info.annotation, info.metadata, kind.model_config)
            alias = info.validation_alias
            # What a validator of the class makes of a value is known at the object's end.
            held = name in validated or "*" in validated or not (alias is None or isinstance(alias, str))
            field = Field(name, shape, has_mark(marks, RequiredFirst), held)
            yield alias if isinstance(alias, str) else name, field
            if isinstance(alias, str) and kind.model_config.get("populate_by_name"):
                yield name, field
        return
    config = getattr(kind, "__pydantic_config__", None)
    for name, hint in get_type_hints(kind, include_extras=True).items():
        while getattr(get_origin(hint), "_name", "") in ("Required", "NotRequired", "ReadOnly"):
            hint = get_args(hint)[0]
        marks = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
        yield name, Field(name, shape_of(hint, (), config), has_mark(marks, RequiredFirst))


def _is_object(kind: Any) -> bool:
    if not isinstance(kind, type):
        return False
    return issubclass(kind, BaseModel) or dataclasses.is_dataclass(kind) or _is_typed_dict(kind)


def _is_typed_dict(kind: Any) -> bool:
    return is_typeddict(kind) or is_typeddict_extension(kind)


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def _without_none(annotation: Any) -> Any:
    if not _is_union(annotation):
        return annotation
    rest = [each for each in get_args(annotation) if each is not type(None)]
    if len(rest) != 1:
        return annotation
    return get_args(rest[0])[0] if get_origin(rest[0]) is Annotated else rest[0]
