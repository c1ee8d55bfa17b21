"""Functions as tools."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Literal, overload

from pydantic import BaseModel, Field

from runlet.errors import ConfigError
from runlet.tools.base import BaseTool


class StructuredTool(BaseTool):
    """A tool that is made of a function: ``func``, and ``coroutine``, its asyncio form; one of them is enough."""

    func: Callable[..., Any] | None = Field(default=None, repr=False)
    coroutine: Callable[..., Any] | None = Field(default=None, repr=False)

    def _forms(self) -> tuple[Callable[..., Any] | None, Callable[..., Any] | None]:
        return self.func, self.coroutine

    @classmethod
    def from_function(
        cls,
        func: Callable[..., Any] | None = None,
        coroutine: Callable[..., Any] | None = None,
        name: str | None = None,
        description: str | None = None,
        **kwargs: Any,
    ) -> StructuredTool:
        """Make a tool of a plain function, an async one, or both; name and docstring are taken from it."""
        function = func or coroutine
        if function is None:
            raise ConfigError("a tool is made of a function: give func, or coroutine, or both")
        if func is not None and inspect.iscoroutinefunction(func):
            func, coroutine = None, func
        name = name or getattr(function, "__name__", None) or type(function).__name__
        schema = kwargs.get("args_schema")
        description = description or inspect.getdoc(function) or _doc_of(schema) or ""
        return cls(name=name, description=description, func=func, coroutine=coroutine, **kwargs)


@overload
def tool(
    name_or_callable: Callable[..., Any],
    *,
    description: str | None = None,
    return_direct: bool = False,
    args_schema: type[BaseModel] | dict[str, Any] | None = None,
    response_format: Literal["content", "content_and_artifact"] = "content",
) -> StructuredTool: ...
@overload
def tool(
    name_or_callable: str | None = None,
    *,
    description: str | None = None,
    return_direct: bool = False,
    args_schema: type[BaseModel] | dict[str, Any] | None = None,
    response_format: Literal["content", "content_and_artifact"] = "content",
) -> Callable[[Callable[..., Any]], StructuredTool]: ...
def tool(
    name_or_callable: str | Callable[..., Any] | None = None,
    *,
    description: str | None = None,
    return_direct: bool = False,
    args_schema: type[BaseModel] | dict[str, Any] | None = None,
    response_format: Literal["content", "content_and_artifact"] = "content",
) -> StructuredTool | Callable[[Callable[..., Any]], StructuredTool]:
    """Decorate a function to make it a tool; its docstring is the description, its parameters are the arguments.

    Parameters ``callbacks``, ``run_manager`` and ``config`` (annotated ``RunnableConfig``, or not at all) are filled
    by the run and are no arguments.

    >>> @tool
    ... def reverse(word: str) -> str:
    ...     "Reverse a word."
    ...     return word[::-1]
    >>> reverse.invoke("hello")
    'olleh'
    """
    name = name_or_callable if isinstance(name_or_callable, str) else None

    def make(function: Callable[..., Any]) -> StructuredTool:
        return StructuredTool.from_function(
            function,
            name=name,
            description=description,
            return_direct=return_direct,
            args_schema=args_schema,
            response_format=response_format,
        )

    return make if name_or_callable is None or name is not None else make(name_or_callable)  # type: ignore[arg-type]


def _doc_of(schema: Any) -> str | None:
    return schema.get("description") if isinstance(schema, dict) else inspect.getdoc(schema) if schema else None
