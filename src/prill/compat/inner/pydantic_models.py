"""``langchain_core.utils.pydantic``: what packages ask about pydantic models. Prill takes pydantic 2 alone."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard, TypeVar

import pydantic
from packaging.version import Version
from pydantic import BaseModel, ConfigDict, RootModel, model_validator

PYDANTIC_VERSION = Version(pydantic.VERSION)
TypeBaseModel = type[BaseModel]
PydanticBaseModel = BaseModel
TBaseModel = TypeVar("TBaseModel", bound=BaseModel)

PYDANTIC_MAJOR_VERSION, PYDANTIC_MINOR_VERSION = (int(part) for part in pydantic.VERSION.split(".")[:2])
IS_PYDANTIC_V1 = False
IS_PYDANTIC_V2 = True
_V1_HOME = "pydantic.v1.main"


def get_pydantic_major_version() -> int:
    """The first number of pydantic's version."""
    return PYDANTIC_MAJOR_VERSION


def is_pydantic_v1_subclass(cls: type) -> bool:
    """Whether a class is a model of the first version's API."""
    return any(base.__module__ == _V1_HOME and base.__name__ == "BaseModel" for base in getattr(cls, "__mro__", ()))


def is_pydantic_v2_subclass(cls: type) -> TypeGuard[type[BaseModel]]:
    """Whether a class is a model."""
    return isinstance(cls, type) and issubclass(cls, BaseModel)


def is_basemodel_subclass(cls: Any) -> bool:
    """Whether ``cls`` is a class, and a model of either version's API."""
    # In Python 3.10 and before, list[int] is an instance of type.
    return isinstance(cls, type) and (is_pydantic_v2_subclass(cls) or is_pydantic_v1_subclass(cls))


def is_basemodel_instance(obj: Any) -> bool:
    """Whether an object is one of a model."""
    return is_basemodel_subclass(type(obj))


def get_fields(model: Any) -> dict[str, Any]:
    """The fields of a model, or of an object of one, by name."""
    kind = model if isinstance(model, type) else type(model)
    if not is_basemodel_subclass(kind):
        raise TypeError(f"expected a pydantic model, got {kind!r}")
    fields = getattr(kind, "model_fields", None)
    return dict(fields if fields is not None else getattr(kind, "__fields__", {}))


def model_json_schema(model: Any) -> dict[str, Any]:
    """The JSON schema of a model."""
    schema: dict[str, Any] = model.model_json_schema() if is_pydantic_v2_subclass(model) else model.schema()
    return schema


def model_validate(model: Any, obj: Any) -> Any:
    """An object of a model, made from ``obj``."""
    return model.model_validate(obj) if is_pydantic_v2_subclass(model) else model.parse_obj(obj)


def pre_init(func: Callable[[Any, dict[str, Any]], Any]) -> Any:
    """A validator that is called with all values, those of defaults too, before an object is made."""

    @functools.wraps(func)
    def wrapper(cls: type[BaseModel], values: dict[str, Any]) -> Any:
        for name, field in cls.model_fields.items():
            if name in values or field.is_required() or (field.alias and field.alias in values):
                continue
            values[name] = field.get_default(call_default_factory=True)
        by_alias = {
            field.alias: name for name, field in cls.model_fields.items() if field.alias and field.alias != name
        }
        known = {
            by_alias.get(name, name) if by_alias.get(name) not in values else name: each
            for name, each in values.items()
        }
        return func(cls, known)

    return model_validator(mode="before")(classmethod(wrapper))  # type: ignore[arg-type]  # it takes a class method


def _create_subset_model(
    name: str,
    model: type[BaseModel],
    field_names: list[str],
    *,
    descriptions: Mapping[str, str] | None = None,
    fn_description: str | None = None,
) -> type[BaseModel]:
    """A model with some of another one's fields."""
    fields: dict[str, Any] = {}
    for each in field_names:
        field = model.model_fields[each]
        annotation = model.__annotations__.get(each, field.annotation)
        if descriptions and each in descriptions:
            field = field._copy() if hasattr(field, "_copy") else field
            field.description = descriptions[each]
        fields[each] = (annotation if not isinstance(annotation, str) else field.annotation, field)
    made: type[BaseModel] = pydantic.create_model(name, __config__=ConfigDict(arbitrary_types_allowed=True), **fields)
    made.__doc__ = fn_description or model.__doc__ or ""
    return made


_create_subset_model_v2 = _create_subset_model

_SchemaConfig = ConfigDict(arbitrary_types_allowed=True, frozen=True, protected_namespaces=())


def create_model(model_name: str, module_name: str | None = None, /, **field_definitions: Any) -> type[BaseModel]:
    """A model with fields; with the one field ``__root__``, a ``RootModel``."""
    root = field_definitions.pop("__root__", None)
    return create_model_v2(model_name, module_name=module_name, field_definitions=field_definitions, root=root)


def create_model_v2(
    model_name: str,
    *,
    module_name: str | None = None,
    field_definitions: dict[str, Any] | None = None,
    root: Any = None,
) -> type[BaseModel]:
    """The same with the fields in a dict; ``root`` is a type, or a type and its default."""
    if root is not None:
        type_, *default = root if isinstance(root, tuple) else (root,)
        space: dict[str, Any] = {
            "__module__": module_name or __name__,
            "model_config": {"arbitrary_types_allowed": True},
        }
        if default:
            space |= {"root": default[0], "__annotations__": {"root": type_}}
        return type(model_name, (RootModel[type_],), space)  # type: ignore[valid-type]  # a type that is made here
    made: type[BaseModel] = pydantic.create_model(
        model_name, __config__=_SchemaConfig, __module__=module_name or __name__, **(field_definitions or {})
    )
    return made
