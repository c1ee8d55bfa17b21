"""Dumping the fields that an object has, in place of those of the type that the field around it names."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, GetCoreSchemaHandler, SerializationInfo, SerializerFunctionWrapHandler
from pydantic_core import CoreSchema, core_schema

__all__ = ["dump_options", "dump_own_fields"]


def dump_own_fields(cls: type[BaseModel], source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
    """The schema of ``cls`` for ``__get_pydantic_core_schema__``: objects of a subclass keep all their fields in dumps.

    A serializer of the model that a user has written stays.
    """
    made = handler(source)
    model: Any = handler.resolve_ref_schema(made)
    while model["type"] != "model":
        model = model["schema"]  # below the validators of the whole model
    if model["cls"] is cls and "serialization" not in model:
        model["serialization"] = core_schema.wrap_serializer_function_ser_schema(_dump_as(cls), info_arg=True)
    return made


def _dump_as(cls: type[BaseModel]) -> Any:
    # Without a return annotation pydantic keeps the JSON schema of the fields.
    def dump(value: Any, handler: SerializerFunctionWrapHandler, info: SerializationInfo):  # type: ignore[no-untyped-def]
        own = type(value)
        if own is not cls and isinstance(value, cls):
            return own.__pydantic_serializer__.to_python(value, **dump_options(info))
        return handler(value)

    return dump


def dump_options(info: SerializationInfo) -> dict[str, Any]:
    """The options of the dump that is going on, for another serializer."""
    return {
        "mode": info.mode,
        "include": info.include,
        "exclude": info.exclude,
        "by_alias": info.by_alias,
        "exclude_unset": info.exclude_unset,
        "exclude_defaults": info.exclude_defaults,
        "exclude_none": info.exclude_none,
        "round_trip": info.round_trip,
        "context": info.context,
    }
