"""Shapes of annotations: what is known of a type before a value of it has come; and the marks on its fields."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import typing
import uuid
from collections import abc
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from functools import lru_cache, partial
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    ForwardRef,
    Literal,
    NewType,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    PlainValidator,
    PydanticUserError,
    RootModel,
    Tag,
    TypeAdapter,
    WrapValidator,
)
from pydantic import Field as described
from pydantic.fields import FieldInfo
from typing_extensions import TypeAliasType
from typing_extensions import is_typeddict as is_typeddict_extension

from prill.output_parsers.partials import make_partial
from prill.output_parsers.type_shapes import (
    RAW,
    SCALARS,
    Field,
    ItemsShape,
    ObjectShape,
    RootShape,
    TypeShape,
    Validate,
    unchanged,
)
from prill.output_parsers.unions import Member, TaggedUnion, UnionShape


class CompleteOnly:
    """The field is shown once it is whole: no half number, no half text, no half list.

    ``Annotated[str, CompleteOnly]``; an instance does the same, as it does for ``RequiredFirst``.
    """


class RequiredFirst:
    """The object around the field is shown once this field is whole, not before."""


def has_mark(marks: Any, kind: type) -> bool:
    """Return whether one of ``marks`` is ``kind``, or an instance of it."""
    return any(mark is kind or isinstance(mark, kind) for mark in marks)


Marks = tuple[Any, ...]

_VALIDATORS = (AfterValidator, BeforeValidator, PlainValidator, WrapValidator)
_CHANGES_OF_TEXT = ("strip_whitespace", "to_lower", "to_upper")
_HARMLESS = (FieldInfo, Tag, Discriminator)
_LISTS = (list, abc.Sequence, abc.MutableSequence)
_DICTS = (dict, abc.Mapping, abc.MutableMapping)
_SCALAR_TYPES = (
    *(str, int, float, bytes, Enum, decimal.Decimal, uuid.UUID),
    *(datetime.date, datetime.time, datetime.timedelta),
)


def shape_for(annotation: Any, marks: Iterable[Any] = (), config: ConfigDict | None = None) -> TypeShape:
    """Return the shape of values of a type; ``marks`` are what stands beside it in ``Annotated``."""
    kind, marks = _unwrapped(annotation, tuple(marks))
    validate = _validator(annotation, marks, config)
    if _may_change(kind, marks, config):
        return TypeShape(validate)
    shape = _union(kind, marks, validate, config) if _is_union(kind) else _shape(kind, marks, validate, config)
    return shape.hidden() if has_mark(marks, CompleteOnly) else shape


def _shape(kind: Any, marks: Marks, validate: Validate, config: ConfigDict | None) -> TypeShape:
    origin, args = get_origin(kind) or kind, get_args(kind)
    if kind in (Any, object):
        return TypeShape(validate, None)
    if _has_fields(origin):
        return shape_for_class(kind).validated_by(validate)
    if origin in _LISTS:
        return ItemsShape(validate, lambda: shape_for(args[0], (), config) if args else RAW, list)
    if origin in _DICTS and (not args or args[0] is str):
        return ItemsShape(validate, lambda: shape_for(args[1], (), config) if args else RAW, dict)
    if kind is NoneType:
        return TypeShape(validate, kinds=(NoneType,))
    if origin is Literal or _is_class(origin, _SCALAR_TYPES):
        checks = [mark for mark in marks if not isinstance(mark, str | FieldInfo)]
        return TypeShape(validate, _SHOWN.get(kind, ()), SCALARS, sure=not checks)
    return TypeShape(validate)


_SHOWN: dict[Any, tuple[type, ...]] = {str: (str,), int: (int, float), float: (int, float)}
"""What is shown of a scalar as it comes."""


def _union(kind: Any, marks: Marks, validate: Validate, config: ConfigDict | None) -> TypeShape:
    types = [each for each in get_args(kind) if each is not NoneType]
    if len(types) == 1:
        return shape_for(types[0], (), config).validated_by(validate)
    discriminator = next((mark.discriminator for mark in marks if getattr(mark, "discriminator", None)), None)
    if isinstance(discriminator, Discriminator):
        discriminator = discriminator.discriminator
    if isinstance(discriminator, str):
        name = discriminator
        return TaggedUnion(
            validate, lambda: [Member(shape_for(each, (), config), [*_tags(each, name)]) for each in types]
        )
    ordered = any(getattr(mark, "union_mode", None) == "left_to_right" for mark in marks)
    shape = UnionShape(validate, lambda: [Member(shape_for(each, (), config)) for each in types], ordered=ordered)
    # What a function makes of the value is known at its end.
    return shape if discriminator is None else shape.hidden()


def _tags(annotation: Any, name: str) -> Iterator[tuple[str, TypeShape]]:
    """Return where the discriminator of a member stands in JSON, and what it may be."""
    kind, _ = _unwrapped(annotation, ())
    if _is_union(kind):
        for each in get_args(kind):
            yield from _tags(each, name)
    elif _has_fields(get_origin(kind) or kind):
        yield from ((key, field.shape) for key, field in _get_fields(kind).items() if field.name == name)


@lru_cache(maxsize=512)
def shape_for_class(kind: Any) -> TypeShape:
    """Return the shape of a pydantic class, a dataclass or a ``TypedDict``."""
    origin = get_origin(kind) or kind
    validate: Validate = TypeAdapter(kind).validate_python
    decorators = getattr(origin, "__pydantic_decorators__", None)
    if decorators is not None and any(each.info.mode != "after" for each in decorators.model_validators.values()):
        return TypeShape(validate)  # what such a validator makes of the input cannot be known before its end
    if _is_class(origin, (RootModel,)):
        return _root_shape(origin, validate)
    closed = (_get_config(origin) or {}).get("extra") == "forbid"
    make = unchanged if _is_typed_dict(origin) else partial(make_partial, origin)
    return ObjectShape(validate, lambda: _get_fields(kind), make, closed=closed)


def _root_shape(kind: type[RootModel[Any]], validate: Validate) -> TypeShape:
    if kind.__pydantic_decorators__.field_validators:
        return TypeShape(validate)
    return RootShape(validate, lambda: _get_fields(kind)["root"].shape, lambda root: make_partial(kind, {"root": root}))


def _get_fields(kind: Any) -> dict[str, Field]:
    """Return the fields of a class, by their keys in JSON."""
    origin = get_origin(kind) or kind
    if _is_class(origin, (BaseModel,)) and not origin.__pydantic_complete__:
        origin.model_rebuild(raise_errors=False)
    infos = getattr(origin, "model_fields", None) or getattr(origin, "__pydantic_fields__", None)
    return dict(_of_infos(origin, infos) if infos else _of_hints(kind, origin))


def _of_infos(kind: Any, infos: Mapping[str, FieldInfo]) -> Iterator[tuple[str, Field]]:
    config = _get_config(kind)
    validators = kind.__pydantic_decorators__.field_validators.values()
    validated = {name for each in validators for name in each.info.fields}
    by_name = config.get("populate_by_name") or config.get("validate_by_name")
    for name, info in infos.items():
        extra = (described(discriminator=info.discriminator),) if info.discriminator else ()
        shape = shape_for(info.annotation, (*info.metadata, *extra), config)
        marks = (*info.metadata, *_get_marks(info.annotation))
        alias = info.validation_alias
        # What a validator of the class makes of a value is known at the object's end.
        held = name in validated or "*" in validated or not (alias is None or isinstance(alias, str))
        field = Field(name, shape, has_mark(marks, RequiredFirst), held)
        if alias is None or by_name or not isinstance(alias, str):
            yield name, field
        if isinstance(alias, str):
            yield alias, field


def _of_hints(kind: Any, origin: Any) -> Iterator[tuple[str, Field]]:
    config = _get_config(origin)
    given = dict(zip(getattr(origin, "__parameters__", ()), get_args(kind), strict=False))
    named = {each.name for each in dataclasses.fields(origin)} if dataclasses.is_dataclass(origin) else None
    for name, hint in get_type_hints(origin, include_extras=True).items():
        if named is not None and name not in named:
            continue  # a ClassVar or an InitVar
        while getattr(get_origin(hint), "_name", "") in ("Required", "NotRequired", "ReadOnly"):
            hint = get_args(hint)[0]
        hint = _filled(hint, given)
        yield name, Field(name, shape_for(hint, (), config), has_mark(_get_marks(hint), RequiredFirst))


# Annotations


def _unwrapped(annotation: Any, marks: Marks) -> tuple[Any, Marks]:
    """Return the type in an annotation, and all that is said beside it."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation, *more = get_args(annotation)
            marks = (*more, *marks)
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif isinstance(origin or annotation, _ALIASES):
            alias = origin or annotation
            value = _filled(alias.__value__, dict(zip(alias.__type_params__, get_args(annotation), strict=False)))
            if _is_open(value):  # it names something that only its own module knows
                return annotation, _spread(marks)
            annotation = value
        else:
            return annotation, _spread(marks)


_ALIASES = (TypeAliasType, getattr(typing, "TypeAliasType", TypeAliasType))


def _spread(marks: Marks) -> Marks:
    """Return the marks, and those that stand in a ``Field()`` among them."""
    inner = [each for mark in marks if isinstance(mark, FieldInfo) for each in mark.metadata]
    return (*marks, *inner)


def _is_open(annotation: Any) -> bool:
    if isinstance(annotation, str | ForwardRef):
        return True
    return any(_is_open(each) for each in get_args(annotation) if get_origin(annotation) is not Literal)


def _filled(hint: Any, given: Mapping[Any, Any]) -> Any:
    """Return a type with its variables replaced."""
    if isinstance(hint, TypeVar):
        return given.get(hint, Any)
    names = getattr(hint, "__parameters__", ())
    return hint[tuple(given.get(each, Any) for each in names)] if names and get_origin(hint) else hint


def _get_marks(annotation: Any) -> Marks:
    return get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()


def _validator(annotation: Any, marks: Marks, config: ConfigDict | None) -> Validate:
    marked: Any = Annotated[(annotation, *marks)] if marks else annotation
    try:
        return TypeAdapter(marked, config=config).validate_python
    except PydanticUserError:  # a class that has its own config
        return TypeAdapter(marked).validate_python


def _may_change(kind: Any, marks: Marks, config: ConfigDict | None) -> bool:
    """Return whether a valid value may be another one than that in JSON, by more than its type."""
    for mark in marks:
        if isinstance(mark, _VALIDATORS) or any(getattr(mark, name, None) for name in _CHANGES_OF_TEXT):
            return True
        if hasattr(mark, "__get_pydantic_core_schema__") and not isinstance(mark, _HARMLESS):
            return True
    return kind is str and any((config or {}).get("str_" + name) for name in _CHANGES_OF_TEXT)


def _get_config(kind: Any) -> Any:
    return getattr(kind, "model_config", None) or getattr(kind, "__pydantic_config__", None) or {}


def _has_fields(kind: Any) -> bool:
    return (
        _is_class(kind, (BaseModel,))
        or (isinstance(kind, type) and dataclasses.is_dataclass(kind))
        or _is_typed_dict(kind)
    )


def _is_class(kind: Any, bases: tuple[type, ...]) -> bool:
    return isinstance(kind, type) and issubclass(kind, bases)


def _is_typed_dict(kind: Any) -> bool:
    return is_typeddict(kind) or is_typeddict_extension(kind)


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, UnionType)
