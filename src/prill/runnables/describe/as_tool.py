"""A Runnable as a tool that a model may call."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from pydantic import BaseModel, RootModel

from prill.runnables.base import Runnable
from prill.runnables.config import RunnableConfig
from prill.runnables.describe.schemas import object_model
from prill.runnables.parts import part

_ONLY = "input"


@part("as_tool")
def as_tool(
    step: Runnable[Any, Any],
    args_schema: type[BaseModel] | None,
    name: str | None,
    description: str | None,
    arg_types: Mapping[str, Any] | None,
) -> Any:
    """A ``StructuredTool`` that runs ``step``; what is no dict is given to it as the argument ``input``."""
    name = name or step.get_name()
    schema = args_schema or _arguments(step, name, arg_types)
    bare = _ONLY in schema.model_fields and issubclass(step.get_input_schema(), RootModel) and not arg_types

    def given(arguments: dict[str, Any]) -> Any:
        return arguments[_ONLY] if bare else arguments

    def call(config: RunnableConfig, **arguments: Any) -> Any:
        return step.invoke(given(arguments), config)

    async def acall(config: RunnableConfig, **arguments: Any) -> Any:
        return await step.ainvoke(given(arguments), config)

    # Tools are made of runnables' bases: their room is above this one, and is there when this is called.
    make = import_module("prill.tools").StructuredTool.from_function
    return make(call, acall, name, description or _told(step, name), args_schema=schema)


def _arguments(step: Runnable[Any, Any], name: str, arg_types: Mapping[str, Any] | None) -> type[BaseModel]:
    if arg_types:
        return object_model(name, {key: (hint, ...) for key, hint in arg_types.items()})
    schema = step.get_input_schema()
    if not issubclass(schema, RootModel):
        return schema
    return object_model(name, {_ONLY: (schema.model_fields["root"].annotation, ...)})


def _told(step: Runnable[Any, Any], name: str) -> str:
    function = getattr(step, "func", None) or getattr(step, "afunc", None)
    return (getattr(function, "__doc__", None) or f"Runs {name}.").strip()
