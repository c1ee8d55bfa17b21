"""A Runnable as a tool that a model may call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

from pydantic import BaseModel, RootModel
from typing_extensions import is_typeddict as is_typeddict_extension

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
    keys = _root_fields(step)
    schema = args_schema or _args_model(step, name, arg_types, keys)
    only = _ONLY in schema.model_fields and _is_root(step.get_input_schema()) and keys is None and not arg_types
    optional = frozenset(key for key, (_, default) in (keys or {}).items() if default is None)

    def given(arguments: dict[str, Any]) -> Any:
        if only:
            return arguments[_ONLY]
        return {key: value for key, value in arguments.items() if value is not None or key not in optional}

    def call(config: RunnableConfig, **arguments: Any) -> Any:
        return step.invoke(given(arguments), config)

    async def acall(config: RunnableConfig, **arguments: Any) -> Any:
        return await step.ainvoke(given(arguments), config)

    text = description or _describe(step, name)
    return StructuredTool.from_function(call, acall, name, text, args_schema=schema)


def _args_model(
    step: Runnable[Any, Any], name: str, arg_types: Mapping[str, Any] | None, keys: dict[str, Any] | None
) -> type[BaseModel]:
    if arg_types:
        return object_model(name, {key: (hint, ...) for key, hint in arg_types.items()})
    schema = step.get_input_schema()
    if not _is_root(schema):
        return schema
    return object_model(name, {_ONLY: (schema.model_fields["root"].annotation, ...)} if keys is None else keys)


def _is_root(schema: type[BaseModel]) -> bool:
    return issubclass(schema, RootModel)


def _root_fields(step: Runnable[Any, Any]) -> dict[str, Any] | None:
    """The keys of an input that is a ``TypedDict``; ``None`` for one of another type."""
    schema = step.get_input_schema()
    inner: Any = schema.model_fields["root"].annotation if _is_root(schema) else None
    if not (is_typeddict(inner) or is_typeddict_extension(inner)):
        return None
    hints = get_type_hints(inner, include_extras=True)
    required: frozenset[str] = inner.__required_keys__
    return {key: (_bare(hint), ... if key in required else None) for key, hint in hints.items()}


def _bare(hint: Any) -> Any:
    """A type without ``Required`` and ``NotRequired``."""
    while getattr(get_origin(hint), "_name", None) in ("Required", "NotRequired", "ReadOnly"):
        hint = get_args(hint)[0]
    return hint


def _describe(step: Runnable[Any, Any], name: str) -> str:
    function = getattr(step, "func", None) or getattr(step, "afunc", None)
    return (getattr(function, "__doc__", None) or f"Runs {name}.").strip()
