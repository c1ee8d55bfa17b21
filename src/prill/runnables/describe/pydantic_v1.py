"""Classes of ``pydantic.v1``, pydantic's copy of its version 1, as pydantic 2 takes them."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

Schema = dict[str, Any]


def is_pydantic_v1(kind: Any) -> bool:
    """Return whether ``kind`` is a class that ``pydantic.v1`` made."""
    return any(base.__module__.startswith("pydantic.v1") for base in getattr(kind, "__mro__", ())[1:])


@lru_cache(maxsize=256)
def annotate_v1(kind: Any) -> Any:
    """Return a type whose valid values are the instances of ``kind``, a class of ``pydantic.v1``."""
    return Annotated[Any, _V1InstanceValidator(kind)]


@lru_cache(maxsize=256)
def convert_v1(kind: Any) -> type[BaseModel]:
    """Return a model of pydantic 2 with the fields, the JSON schema and the checks of a class of ``pydantic.v1``."""
    fields: dict[str, Any] = {
        name: (Any, Field(... if field.required else field.get_default(), description=field.field_info.description))
        for name, field in kind.__fields__.items()
    }
    model = create_model(kind.__name__, __base__=_ConvertedV1Model, __doc__=kind.__doc__, **fields)
    model._source = kind
    return model


class _ConvertedV1Model(BaseModel):
    model_config = ConfigDict(protected_namespaces=())
    _source: ClassVar[Any]

    @model_validator(mode="before")
    @classmethod
    def _validate_by_v1_class(cls, given: Any) -> dict[str, Any]:
        checked = _validate_v1(cls._source, given)
        return {name: getattr(checked, name) for name in cls.model_fields}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: Any) -> Schema:
        return _get_schema(cls._source)


class _V1InstanceValidator:
    """Checks values by a class of ``pydantic.v1``, and describes them by its JSON schema."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        write = core_schema.plain_serializer_function_ser_schema(lambda value: value.dict())
        return core_schema.no_info_plain_validator_function(partial(_validate_v1, self._kind), serialization=write)

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> Schema:
        return _get_schema(self._kind)


def _validate_v1(kind: Any, given: Any) -> Any:
    """Return an instance of ``kind``; its errors become those of pydantic 2, with the same places."""
    if isinstance(given, kind):
        return given
    try:
        return kind.parse_obj(given)
    except ValueError as error:
        faults: list[Any] = getattr(error, "errors", list)()
        details = [
            InitErrorDetails(
                type="missing"
                if fault["type"] == "value_error.missing"
                else PydanticCustomError("pydantic_v1", "{said}", {"said": fault["msg"]}),
                loc=() if fault["loc"] == ("__root__",) else fault["loc"],
                input=_find_value_at(given, fault["loc"]),
            )
            for fault in faults
        ]
        raise ValidationError.from_exception_data(kind.__name__, details) from None


def _find_value_at(given: Any, place: tuple[Any, ...]) -> Any:
    """Return what stands at a place in the input; where there is nothing, what is around it."""
    for key in place:
        try:
            given = given[key]
        except (KeyError, IndexError, TypeError):
            break
    return given


def _get_schema(kind: Any) -> Schema:
    schema = dict(kind.schema())
    definitions = schema.pop("definitions", {})
    made: Schema = _inline_definitions(schema, definitions, ())
    return made


def _inline_definitions(node: Any, definitions: Schema, path: tuple[str, ...]) -> Any:
    """Put the definitions in the places that refer to them; one that holds itself is any object there."""
    if isinstance(node, list):
        return [_inline_definitions(each, definitions, path) for each in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref")
    if isinstance(reference, str):
        name = reference.rpartition("/")[2]
        return (
            {"type": "object"} if name in path else _inline_definitions(definitions[name], definitions, (*path, name))
        )
    if isinstance(node.get("allOf"), list) and len(node["allOf"]) == 1:  # a reference with a description beside it
        rest = {key: value for key, value in node.items() if key != "allOf"}
        return {**_inline_definitions(node["allOf"][0], definitions, path), **rest}
    return {key: _inline_definitions(value, definitions, path) for key, value in node.items()}
