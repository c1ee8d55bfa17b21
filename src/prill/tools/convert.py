"""``tool``: functions and runnables as tools."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    Literal,
    NamedTuple,
    ParamSpec,
    Protocol,
    TypedDict,
    TypeVar,
    Unpack,
    overload,
)

from prill.callbacks.config import RunnableConfig
from prill.errors import ConfigError
from prill.messages import ToolCall, ToolMessage
from prill.runnables.base import Runnable
from prill.tools.base import Approve, ArgsSchema, BaseTool, Handler
from prill.tools.from_runnable import convert_runnable_to_tool
from prill.tools.simple import Tool
from prill.tools.structured import StructuredTool, find_description

P = ParamSpec("P")
R = TypeVar("R")


class AgentSettings(TypedDict, total=False):
    """Settings of a tool for agents that run it; see ``BaseTool``."""

    approve: Approve
    alone: bool
    timeout: float | None


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
    **for_agents: Unpack[AgentSettings],
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
    **for_agents: Unpack[AgentSettings],
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
    **for_agents: Unpack[AgentSettings],
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
    **for_agents: Unpack[AgentSettings],
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
    **for_agents: Unpack[AgentSettings],
) -> Any:
    """Decorate a function to make it a tool; its docstring is the description, its parameters are the arguments.

    Parameters ``callbacks``, ``run_manager`` and ``config`` (annotated ``RunnableConfig``, or not at all) are set
    by the run; the model does not see them, nor those marked with ``InjectedToolArg``, which the program sets.

    Args:
        name_or_callable: the function, or the tool's name (by default the function's).
        runnable: a Runnable to make the tool of, instead of a function.
        description: by default the docstring.
        return_direct: for agents: the output of the tool is their answer.
        args_schema: a pydantic class or a JSON schema of the arguments; by default read from the function.
        infer_schema: ``False`` makes a tool with one text argument, a ``Tool``.
        response_format: ``"content_and_artifact"`` for a function that returns the text for the model and an artifact.
        parse_docstring: take the descriptions of the arguments from the docstring; ``True`` requires them there.
        error_on_invalid_docstring: with ``parse_docstring``, raise ``ConfigError`` for a docstring that does not fit.
        extras: more settings for providers.
        handle_tool_error: the answer when the function raises ``ToolException``: ``True`` for the text of the error, a
            text, or a function of the error. By default the error is raised.
        handle_validation_error: the same for invalid arguments.
        for_agents: ``approve``, ``alone`` and ``timeout`` of calls that an agent runs; see ``BaseTool``.

    >>> @tool
    ... def reverse(word: str) -> str:
    ...     "Reverse a word."
    ...     return word[::-1]
    >>> reverse.invoke("hello")
    'olleh'
    """
    settings = {
        "return_direct": return_direct,
        "response_format": response_format,
        "extras": extras,
        "handle_tool_error": handle_tool_error,
        "handle_validation_error": handle_validation_error,
        **for_agents,
    }
    make = _Maker(description, args_schema, infer_schema, (parse_docstring, error_on_invalid_docstring), settings)
    if runnable is not None:
        if not isinstance(name_or_callable, str):
            raise ConfigError("a tool made of a Runnable needs a name: tool('search', runnable)")
        return make(runnable, name_or_callable)
    if name_or_callable is None or isinstance(name_or_callable, str):
        return lambda source: make(source, name_or_callable)
    return make(name_or_callable)


def _require_description(name: str, function: Callable[..., Any]) -> str:
    found = find_description(function)
    if not found:
        raise ConfigError(f"the tool {name} has no description, which models need: give description= or a docstring")
    return found


class _Maker(NamedTuple):
    """Makes tools with the settings that ``tool`` was given."""

    description: str | None
    args_schema: ArgsSchema | None
    infer_schema: bool
    docstring: tuple[bool | None, bool]
    settings: dict[str, Any]

    def __call__(self, source: Any, name: str | None = None) -> BaseTool:
        """Make a tool of a function or a Runnable."""
        if isinstance(source, Runnable):
            if self.args_schema is not None and not isinstance(self.args_schema, type):
                raise ConfigError("the args_schema of a tool made of a Runnable must be a pydantic class")
            made = convert_runnable_to_tool(source, self.args_schema, name=name, description=self.description)
            return made.model_copy(update=self.settings)
        if not callable(source):
            raise ConfigError(f"a tool is made of a function or a Runnable, not of {source!r:.80}")
        if not self.infer_schema and self.args_schema is None:
            name = name or source.__name__
            text = self.description or _require_description(name, source)
            return Tool.from_function(source, name, text, **self.settings)
        if self.description is None and self.args_schema is None and not isinstance(source, type):
            _require_description(name or str(getattr(source, "__name__", type(source).__name__)), source)
        return StructuredTool.from_function(
            source,
            name=name,
            description=self.description,
            args_schema=self.args_schema,
            parse_docstring=self.docstring[0],
            error_on_invalid_docstring=self.docstring[1],
            **self.settings,
        )
