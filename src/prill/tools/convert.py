"""``tool``: functions and runnables as tools."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, Protocol, TypeVar, overload

from prill.callbacks.config import RunnableConfig
from prill.errors import ConfigError
from prill.messages import ToolCall, ToolMessage
from prill.runnables.base import Runnable
from prill.tools.base import ArgsSchema, BaseTool, Handler
from prill.tools.from_runnable import convert_runnable_to_tool
from prill.tools.simple import Tool
from prill.tools.structured import StructuredTool, find_description

P = ParamSpec("P")
R = TypeVar("R")

if TYPE_CHECKING:

    class FunctionTool(StructuredTool, Generic[P, R]):
        """A tool as type checkers see it, with the types of the function that it is made of."""

        func: Callable[P, R] | None
        coroutine: Callable[P, Coroutine[Any, Any, R]] | None

        @overload
        def invoke(self, input: ToolCall, config: RunnableConfig | None = None, **kwargs: Any) -> ToolMessage: ...
        @overload
        def invoke(self, input: str | dict[str, Any], config: RunnableConfig | None = None, **kwargs: Any) -> R: ...
        def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any: ...

        @overload
        async def ainvoke(
            self, input: ToolCall, config: RunnableConfig | None = None, **kwargs: Any
        ) -> ToolMessage: ...
        @overload
        async def ainvoke(
            self, input: str | dict[str, Any], config: RunnableConfig | None = None, **kwargs: Any
        ) -> R: ...
        async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any: ...

    class ToolDecorator(Protocol):
        """``tool("name")``: what makes a tool of a function or a Runnable."""

        @overload
        def __call__(self, made_of: Callable[P, Coroutine[Any, Any, R]]) -> FunctionTool[P, R]: ...
        @overload
        def __call__(self, made_of: Callable[P, R]) -> FunctionTool[P, R]: ...
        @overload
        def __call__(self, made_of: Runnable[Any, Any]) -> StructuredTool: ...


@overload
def tool(
    name_or_callable: Callable[P, Coroutine[Any, Any, R]],
    runnable: None = None,
    *,
    description: str | None = None,
    return_direct: bool = False,
    args_schema: ArgsSchema | None = None,
    infer_schema: Literal[True] = True,
    response_format: Literal["content", "content_and_artifact"] = "content",
    parse_docstring: bool | None = None,
    error_on_invalid_docstring: bool = True,
    extras: dict[str, Any] | None = None,
    handle_tool_error: Handler = None,
    handle_validation_error: Handler = None,
) -> FunctionTool[P, R]: ...
@overload
def tool(
    name_or_callable: Callable[P, R],
    runnable: None = None,
    *,
    description: str | None = None,
    return_direct: bool = False,
    args_schema: ArgsSchema | None = None,
    infer_schema: Literal[True] = True,
    response_format: Literal["content", "content_and_artifact"] = "content",
    parse_docstring: bool | None = None,
    error_on_invalid_docstring: bool = True,
    extras: dict[str, Any] | None = None,
    handle_tool_error: Handler = None,
    handle_validation_error: Handler = None,
) -> FunctionTool[P, R]: ...
@overload
def tool(
    name_or_callable: str,
    runnable: Runnable[Any, Any],
    *,
    description: str | None = None,
    return_direct: bool = False,
    args_schema: ArgsSchema | None = None,
    infer_schema: bool = True,
    response_format: Literal["content", "content_and_artifact"] = "content",
    parse_docstring: bool | None = None,
    error_on_invalid_docstring: bool = True,
    extras: dict[str, Any] | None = None,
    handle_tool_error: Handler = None,
    handle_validation_error: Handler = None,
) -> BaseTool: ...
@overload
def tool(
    name_or_callable: str | None = None,
    runnable: None = None,
    *,
    description: str | None = None,
    return_direct: bool = False,
    args_schema: ArgsSchema | None = None,
    infer_schema: bool = True,
    response_format: Literal["content", "content_and_artifact"] = "content",
    parse_docstring: bool | None = None,
    error_on_invalid_docstring: bool = True,
    extras: dict[str, Any] | None = None,
    handle_tool_error: Handler = None,
    handle_validation_error: Handler = None,
) -> ToolDecorator: ...
def tool(
    name_or_callable: str | Callable[..., Any] | None = None,
    runnable: Runnable[Any, Any] | None = None,
    *,
    description: str | None = None,
    return_direct: bool = False,
    args_schema: ArgsSchema | None = None,
    infer_schema: bool = True,
    response_format: Literal["content", "content_and_artifact"] = "content",
    parse_docstring: bool | None = None,
    error_on_invalid_docstring: bool = True,
    extras: dict[str, Any] | None = None,
    handle_tool_error: Handler = None,
    handle_validation_error: Handler = None,
) -> Any:
    """Decorate a function to make it a tool; its docstring is the description, its parameters are the arguments.

    Parameters ``callbacks``, ``run_manager`` and ``config`` (annotated ``RunnableConfig``, or not at all) are filled
    by the run and are not arguments; those marked with ``InjectedToolArg`` the program adds to the model's arguments.

    Args:
        name_or_callable: the function, or the tool's name (by default the function's).
        runnable: a Runnable that becomes the tool of that name, instead of a function.
        description: by default the docstring.
        return_direct: for agents: the tool's output is their answer.
        args_schema: a pydantic class or a JSON schema of the arguments, instead of the one read off the function.
        infer_schema: ``False`` makes a tool of one text argument, a ``Tool``.
        response_format: with ``"content_and_artifact"`` the function returns a pair: what the model reads, and what
            the program gets in the message's ``artifact``.
        parse_docstring: take the arguments' descriptions from the docstring, where they stand in the style of Google
            (``Args:``), NumPy or Sphinx, and leave them out of the tool's. By default where there are some; ``True``
            demands them.
        error_on_invalid_docstring: with ``parse_docstring``, raise ``ConfigError`` for a docstring that does not fit.
        extras: for providers: what goes along with the description.
        handle_tool_error: what the answer is when the function raises ``ToolException``: ``True`` for its text, a text,
            or a function of the error. Left out, it is raised. See ``BaseTool``.
        handle_validation_error: the same for arguments that do not fit.

    >>> @tool
    ... def reverse(word: str) -> str:
    ...     "Reverse a word."
    ...     return word[::-1]
    >>> reverse.invoke("hello")
    'olleh'
    """
    settings: dict[str, Any] = {
        "return_direct": return_direct,
        "response_format": response_format,
        "extras": extras,
        "handle_tool_error": handle_tool_error,
        "handle_validation_error": handle_validation_error,
    }

    def make(made_of: Any, name: str | None = None) -> BaseTool:
        if isinstance(made_of, Runnable):
            if args_schema is not None and not isinstance(args_schema, type):
                raise ConfigError("the args_schema of a tool made from a Runnable must be a pydantic class")
            own = convert_runnable_to_tool(made_of, args_schema, name=name, description=description)
            return own.model_copy(update=settings)
        if not callable(made_of):
            raise ConfigError(f"a tool is made from a function or a Runnable, not from {made_of!r:.80}")
        if not infer_schema and args_schema is None:
            name = name or made_of.__name__
            return Tool.from_function(made_of, name, description or _require_description(name, made_of), **settings)
        if description is None and args_schema is None and not isinstance(made_of, type):
            _require_description(name or str(getattr(made_of, "__name__", type(made_of).__name__)), made_of)
        return StructuredTool.from_function(
            made_of,
            name=name,
            description=description,
            args_schema=args_schema,
            parse_docstring=parse_docstring,
            error_on_invalid_docstring=error_on_invalid_docstring,
            **settings,
        )

    if runnable is not None:
        if not isinstance(name_or_callable, str):
            raise ConfigError("a tool made from a Runnable needs a name: tool('search', runnable)")
        return make(runnable, name_or_callable)
    if name_or_callable is None or isinstance(name_or_callable, str):
        return lambda made_of: make(made_of, name_or_callable)
    return make(name_or_callable)


def _require_description(name: str, function: Callable[..., Any]) -> str:
    found = find_description(function)
    if not found:
        raise ConfigError(f"the tool {name} has no description, which models need: give description= or a docstring")
    return found
