"""``Tool``: a tool with one text as its argument."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import Field, field_serializer

from prill.errors import ConfigError, ToolException
from prill.io import get_asyncio_mode
from prill.tools.base import ArgsSchema, BaseTool
from prill.tools.structured import call_function

_INPUT = "tool_input"
_ONE_TEXT = {"type": "object", "properties": {_INPUT: {"type": "string"}}, "required": [_INPUT]}


class Tool(BaseTool):
    """A tool of a function with one argument, which is given by its place: ``Tool("upper", str.upper, "Upper case")``.

    Models see one text argument, ``tool_input``; the text, or the single value in a dict, is passed on.
    """

    description: str = ""
    func: Callable[..., Any] | None = Field(default=None, repr=False)
    coroutine: Callable[..., Any] | None = Field(default=None, repr=False)

    def __init__(self, name: str, func: Callable[..., Any] | None = None, description: str = "", **kwargs: Any) -> None:
        super().__init__(**{"name": name, "func": func, "description": description, **kwargs})

    @classmethod
    def from_function(
        cls,
        func: Callable[..., Any] | None,
        name: str,
        description: str,
        return_direct: bool = False,
        args_schema: ArgsSchema | None = None,
        coroutine: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> Tool:
        """Make a tool of a function with one argument; ``coroutine`` is its asyncio form."""
        if func is None and coroutine is None:
            raise ConfigError("a tool is made from a function: give func, coroutine or both")
        if func is not None and (inspect.iscoroutinefunction(func) or inspect.isasyncgenfunction(func)):
            func, coroutine = None, coroutine or func
        more = {"return_direct": return_direct, "args_schema": args_schema, "coroutine": coroutine, **kwargs}
        return cls(name, func, description, **more)

    def _forms(self) -> tuple[Callable[..., Any] | None, Callable[..., Any] | None]:
        forms = super()._forms()
        if self._runs_by_hooks:  # bound methods are made at each access: no cache would find them
            plain, asyncio_form = (None if form is None else _ByPlace(form) for form in forms)
            return plain, asyncio_form
        return _by_place(forms[0]), _by_place(forms[1])

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

    @property
    def args_model(self) -> Any:
        return self.args_schema if isinstance(self.args_schema, type) else None

    @property
    def tool_call_schema(self) -> ArgsSchema:
        return super().tool_call_schema or dict(_ONE_TEXT)

    def _read(self, given: Any, call_id: str | None) -> dict[str, Any]:
        args = super()._read(given, call_id) if isinstance(given, Mapping) or self.args_schema else {_INPUT: given}
        if len(args) != 1:
            raise ToolException(
                f"the tool {self.name} takes one argument, not {len(args)} ({', '.join(args) or 'none'}): "
                "for several arguments use StructuredTool.from_function or @tool"
            )
        return {_INPUT: next(iter(args.values()))}


@functools.lru_cache(maxsize=256)
def _by_place(function: Callable[..., Any] | None) -> Callable[..., Any] | None:
    """``function``, whose only argument can be given as ``tool_input``."""
    return None if function is None else _ByPlace(function)


class _ByPlace:
    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self._function = function

    def __call__(self, tool_input: Any, **kwargs: Any) -> Any:
        return self._function(tool_input, **kwargs)
