"""A Runnable as a tool that a model may call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, RootModel

from prill.runnables.base import Runnable
from prill.runnables.config import RunnableConfig
from prill.runnables.describe.schemas import object_model
from prill.tools.base import BaseTool
from prill.tools.structured import StructuredTool

_ONLY = "input"
"""The argument of a tool whose Runnable does not take a dict."""


def convert_runnable_to_tool(
    runnable: Runnable[Any, Any],
    args_schema: type[BaseModel] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    arg_types: dict[str, Any] | None = None,
) -> BaseTool:
    """Return a tool that runs ``runnable``; the same as ``runnable.as_tool(...)``."""
    made: BaseTool = runnable.as_tool(args_schema, name=name, description=description, arg_types=arg_types)
    return made


def make_tool(
    step: Runnable[Any, Any],
    args_schema: type[BaseModel] | None,
    name: str | None,
    description: str | None,
    arg_types: Mapping[str, Any] | None,
) -> StructuredTool:
    """Return a ``StructuredTool`` that runs ``step``; an input that is not a dict is its argument ``input``."""
    name = name or step.get_name()
    schema = args_schema or _args_model(step, name, arg_types)
    only = _ONLY in schema.model_fields and issubclass(step.get_input_schema(), RootModel) and not arg_types

    def call(config: RunnableConfig, **arguments: Any) -> Any:
        return step.invoke(arguments[_ONLY] if only else arguments, config)

    async def acall(config: RunnableConfig, **arguments: Any) -> Any:
        return await step.ainvoke(arguments[_ONLY] if only else arguments, config)

    text = description or _describe(step, name)
    return StructuredTool.from_function(call, acall, name, text, args_schema=schema)


def _args_model(step: Runnable[Any, Any], name: str, arg_types: Mapping[str, Any] | None) -> type[BaseModel]:
    if arg_types:
        return object_model(name, {key: (hint, ...) for key, hint in arg_types.items()})
    schema = step.get_input_schema()
    if not issubclass(schema, RootModel):
        return schema
    return object_model(name, {_ONLY: (schema.model_fields["root"].annotation, ...)})


def _describe(step: Runnable[Any, Any], name: str) -> str:
    function = getattr(step, "func", None) or getattr(step, "afunc", None)
    return (getattr(function, "__doc__", None) or f"Runs {name}.").strip()
