"""``StructuredTool``: a tool that is made of a function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from pydantic import Field

from prill.errors import ConfigError
from prill.tools.arguments import args_model, check_docstring, create_schema_from_function, refuse_old_classes
from prill.tools.base import ArgsSchema, BaseTool
from prill.tools.docstring import read_docstring
from prill.tools.parameters import unwrapped


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
            raise ConfigError("a tool is made of a function: give func, or coroutine, or both")
        if func is not None and (inspect.iscoroutinefunction(func) or inspect.isasyncgenfunction(func)):
            func, coroutine = None, coroutine or func
        name = name or getattr(unwrapped(function), "__name__", None) or type(function).__name__
        if parse_docstring and error_on_invalid_docstring:
            check_docstring(name, function)
        refuse_old_classes(f"the args_schema of {name}", args_schema)
        described = parse_docstring is not False
        if args_schema is None and infer_schema:
            args_schema = args_model(name, function) if described else create_schema_from_function(name, function)
        elif args_schema is None:
            args_schema = {"type": "object", "properties": {}, "additionalProperties": True}
        description = description or description_of(function, described) or description_of(args_schema) or ""
        return cls(
            name=name,
            description=description,
            func=func,
            coroutine=coroutine,
            args_schema=args_schema,
            return_direct=return_direct,
            **kwargs,
        )


def description_of(what: Any, described: bool = True) -> str | None:
    """What a function's or a class's docstring, or a JSON schema, says of it, without the section on arguments."""
    if isinstance(what, dict):
        return what.get("description")
    # A class without a docstring of its own would show that of its base.
    what = unwrapped(what)
    text = (what.__dict__.get("__doc__") if isinstance(what, type) else inspect.getdoc(what)) if what else None
    if not text:
        return None
    description, arguments = read_docstring(text)
    return description if arguments and described else inspect.cleandoc(text)
