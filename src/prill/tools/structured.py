"""``StructuredTool``: a tool that is made of a function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from pydantic import Field, field_serializer

from prill.errors import AsyncRequiredError, ConfigError
from prill.io import get_asyncio_mode
from prill.tools.arguments import (
    args_model,
    check_docstring,
    create_schema_from_function,
    injected_parameters,
)
from prill.tools.base import ArgsSchema, BaseTool
from prill.tools.docstring import read_docstring
from prill.tools.parameters import unwrapped


class StructuredTool(BaseTool):
    """A tool that is made of a function: ``func``, and ``coroutine``, its asyncio form; one of them is enough."""

    func: Callable[..., Any] | None = Field(default=None, repr=False)
    coroutine: Callable[..., Any] | None = Field(default=None, repr=False)

    @field_serializer("func", "coroutine", when_used="json")
    def _function_as_json(self, function: Callable[..., Any] | None) -> str | None:
        return None if function is None else repr(function)

    def _functions(self) -> tuple[Callable[..., Any] | None, Callable[..., Any] | None]:
        return self.func, self.coroutine

    # For subclasses that write one of these and call it with super()

    def _run(self, *args: Any, config: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        return call_function(self, self.func, args, kwargs, config, run_manager)

    async def _arun(self, *args: Any, config: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        if self.coroutine is None:
            plain = functools.partial(call_function, self, self.func, args, kwargs, config, run_manager)
            return await get_asyncio_mode().call(plain)
        return await call_function(self, self.coroutine, args, kwargs, config, run_manager)

    @classmethod
    def from_function(
        cls,
        func: Callable[..., Any] | None = None,
        coroutine: Callable[..., Any] | None = None,
        name: str | None = None,
        description: str | None = None,
        return_direct: bool = False,
        args_schema: ArgsSchema | None = None,
        infer_schema: bool = True,
        *,
        parse_docstring: bool | None = None,
        error_on_invalid_docstring: bool = True,
        **kwargs: Any,
    ) -> StructuredTool:
        """Make a tool of a plain function, an async one, or both, or of generators.

        Name, description and arguments are taken from it where they are not given. See ``tool`` for the arguments.
        """
        function = func or coroutine
        if function is None:
            raise ConfigError("a tool is made from a function: give func, coroutine or both")
        if func is not None and (inspect.iscoroutinefunction(func) or inspect.isasyncgenfunction(func)):
            func, coroutine = None, coroutine or func
        name = name or getattr(unwrapped(function), "__name__", None) or type(function).__name__
        if parse_docstring and error_on_invalid_docstring:
            check_docstring(name, function)
        described = parse_docstring is not False
        if args_schema is None and infer_schema:
            text = description or find_description(function, described)
            args_schema = args_model(name, function, text) if described else create_schema_from_function(name, function)
        elif args_schema is None:
            args_schema = {"type": "object", "properties": {}, "additionalProperties": True}
        description = description or find_description(function, described) or find_description(args_schema) or ""
        return cls(
            name=name,
            description=description,
            func=func,
            coroutine=coroutine,
            args_schema=args_schema,
            return_direct=return_direct,
            **kwargs,
        )


def call_function(
    tool: BaseTool,
    function: Callable[..., Any] | None,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    config: Any,
    run_manager: Any,
) -> Any:
    """Call a tool's function from an override of ``_run``, with the parameters that the run fills where it has them."""
    if function is None:
        raise AsyncRequiredError(f"the tool {tool.name} has only a coroutine: call it with ainvoke, or override _arun")
    values = {
        "config": config or {},
        "run_manager": run_manager,
        "callbacks": run_manager.get_child() if run_manager is not None else None,
    }
    filled = {name: values[what] for name, what in injected_parameters(function).items()}
    return function(*args, **{**filled, **kwargs})


def find_description(what: Any, described: bool = True) -> str | None:
    """The description in a docstring or a JSON schema, without the section on arguments."""
    if isinstance(what, dict):
        return what.get("description")
    # A class without a docstring of its own would show that of its base.
    what = unwrapped(what)
    text = (what.__dict__.get("__doc__") if isinstance(what, type) else inspect.getdoc(what)) if what else None
    if not text and callable(what) and not isinstance(what, type):
        text = type(what).__call__.__doc__ if not inspect.isroutine(what) else None
    if not text:
        return None
    description, arguments = read_docstring(text)
    return description if arguments and described else inspect.cleandoc(text)
