"""Middleware: what a program puts around an agent's calls of its model and of its tools, and between them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from inspect import isawaitable, iscoroutinefunction
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from prill.agents.interrupts import Command
from prill.agents.runtime import Runtime
from prill.errors import ConfigError
from prill.lazy import lazy_names
from prill.messages import AIMessage, BaseMessage, SystemMessage, ToolCall, ToolMessage
from prill.tools.base import BaseTool

JumpTo = Literal["tools", "model", "end"]

if not TYPE_CHECKING:  # a type checker would believe that every name exists
    # The ready-made middleware is documented in this module too; the files that define it import this one.
    __getattr__, __dir__, _ = lazy_names(
        __name__,
        {
            "prill.agents.ready_made.call_limits": "ModelCallLimitMiddleware ToolCallLimitMiddleware",
            "prill.agents.ready_made.context_editing": "ClearToolUsesEdit ContextEdit ContextEditingMiddleware",
            "prill.agents.ready_made.fallback": "ModelFallbackMiddleware ToolErrorMiddleware",
            "prill.agents.ready_made.human_in_the_loop": "HumanInTheLoopMiddleware InterruptOnConfig",
            "prill.agents.ready_made.pii": "PIIDetectionError PIIMatch PIIMiddleware",
            "prill.agents.ready_made.retries": "ModelRetryMiddleware ToolRetryMiddleware",
            "prill.agents.ready_made.summarization": "SummarizationMiddleware",
            "prill.agents.ready_made.tool_selection": "LLMToolSelectorMiddleware",
            "prill.agents.state": "AgentState PrivateStateAttr",
        },
    )

NODE_HOOKS = ("before_agent", "before_model", "after_model", "after_agent")
WRAP_HOOKS = ("wrap_model_call", "wrap_tool_call")


@dataclass
class ModelRequest:
    """A call of the model as middleware sees it; ``override`` makes another one.

    ``messages`` are without the system message. ``tools`` are those that the model may call, ``tool_choice`` what it is
    told about them, ``model_settings`` are bound to it.
    """

    model: Any
    messages: list[BaseMessage]
    system_message: SystemMessage | None = None
    tool_choice: Any = None
    tools: list[Any] = field(default_factory=list)
    response_format: Any = None
    state: Mapping[str, Any] = field(default_factory=dict)
    runtime: Runtime[Any] | None = None
    model_settings: dict[str, Any] = field(default_factory=dict)

    @property
    def system_prompt(self) -> str | None:
        """The text of the system message."""
        return None if self.system_message is None else str(self.system_message.text)

    def override(self, **changes: Any) -> ModelRequest:
        """A request with other values; ``system_prompt`` is a text for ``system_message``.

        Raises:
            ConfigError: a request has no such field.
        """
        if "system_prompt" in changes:
            prompt = changes.pop("system_prompt")
            changes["system_message"] = None if prompt is None else SystemMessage(content=prompt)
        changed: ModelRequest = _replace(self, changes)
        return changed


@dataclass
class ModelResponse:
    """What a call of the model gave: ``result`` is its message, and what else is to follow it."""

    result: list[BaseMessage]
    structured_response: Any = None


@dataclass
class ExtendedModelResponse:
    """A response, and with ``command`` changes of the state."""

    model_response: ModelResponse
    command: Command | None = None


@dataclass
class ToolCallRequest:
    """A call of a tool as middleware sees it; ``override`` makes another one. ``tool`` is ``None`` if there is none."""

    tool_call: ToolCall
    tool: BaseTool | None
    state: Mapping[str, Any]
    runtime: Runtime[Any]

    def override(self, **changes: Any) -> ToolCallRequest:
        """A request with other values.

        Raises:
            ConfigError: a request has no such field.
        """
        changed: ToolCallRequest = _replace(self, changes)
        return changed


def _replace(request: Any, changes: dict[str, Any]) -> Any:
    if unknown := changes.keys() - vars(request).keys():
        known = ", ".join(vars(request))
        raise ConfigError(f"a {type(request).__name__} has no field {sorted(unknown)[0]!r}; it has {known}")
    return replace(request, **changes)


ModelCallResult = ModelResponse | ExtendedModelResponse | AIMessage
ToolCallResult = ToolMessage | Command

ModelHandler = Callable[[ModelRequest], Any]
ToolHandler = Callable[[ToolCallRequest], Any]


class AgentMiddleware:
    """Changes what an agent does; a subclass writes the hooks that it needs, each plain or ``async``.

    - ``before_agent``, ``before_model``, ``after_model``, ``after_agent`` are given the state and the ``Runtime``, and
      return changes of the state or ``None``. A change ``{"jump_to": "end"}`` (``"model"``, ``"tools"``) says where the
      loop goes on.
    - ``wrap_model_call`` is given a ``ModelRequest`` and a handler that makes the call, ``wrap_tool_call`` a
      ``ToolCallRequest``; each returns what its handler returns, or something else. In an ``async`` hook the handler is
      awaited.

    One definition serves blocking code and asyncio. A hook with an ``a`` before its name is preferred in asyncio, where
    a plain one runs in a worker thread. The first middleware of an agent is the outermost: its ``before`` hooks run
    first, its ``after`` hooks last. ``state_schema`` adds keys to the state, ``tools`` are added to the agent's.
    """

    state_schema: Any = None
    tools: Sequence[Any] = ()

    _awaits_only_handlers: ClassVar[bool] = False
    """Whether its ``async`` hooks await nothing but their handlers and ``prill.io``: they then need no event loop."""

    @property
    def name(self) -> str:
        """The name in updates and errors."""
        return type(self).__name__

    # The hooks that subclasses write. Those that are not written are None here, which the agent checks.

    before_agent: ClassVar[Any] = None
    before_model: ClassVar[Any] = None
    after_model: ClassVar[Any] = None
    after_agent: ClassVar[Any] = None
    wrap_model_call: ClassVar[Any] = None
    wrap_tool_call: ClassVar[Any] = None
    abefore_agent: ClassVar[Any] = None
    abefore_model: ClassVar[Any] = None
    aafter_model: ClassVar[Any] = None
    aafter_agent: ClassVar[Any] = None
    awrap_model_call: ClassVar[Any] = None
    awrap_tool_call: ClassVar[Any] = None


class FunctionMiddleware(AgentMiddleware):
    """Middleware with one hook, a function; made by the decorators."""

    def __init__(
        self,
        hook: str,
        function: Callable[..., Any],
        name: str,
        state_schema: Any = None,
        tools: Any = None,
        is_direct: bool = False,
    ) -> None:
        self.__dict__[hook] = function
        self._name = name
        self._awaits_only_handlers = is_direct  # type: ignore[misc]  # of this object alone
        self.state_schema = state_schema
        self.tools = list(tools or ())

    @property
    def name(self) -> str:
        return self._name


def _decorator(hook: str) -> Callable[..., Any]:
    def decorate(
        function: Callable[..., Any] | None = None,
        *,
        state_schema: Any = None,
        tools: Sequence[Any] | None = None,
        can_jump_to: Sequence[JumpTo] | None = None,
        name: str | None = None,
    ) -> Any:
        def make(function: Callable[..., Any]) -> FunctionMiddleware:
            return FunctionMiddleware(hook, function, name or function.__name__, state_schema, tools)

        return make if function is None else make(function)

    decorate.__name__ = decorate.__qualname__ = hook
    decorate.__doc__ = f"""Decorate a function, plain or ``async``, to make it middleware with the hook ``{hook}``.

    ``can_jump_to`` is accepted for programs that have it: every hook may return ``jump_to``.
    """
    return decorate


before_agent = _decorator("before_agent")
before_model = _decorator("before_model")
after_model = _decorator("after_model")
after_agent = _decorator("after_agent")
wrap_model_call = _decorator("wrap_model_call")
wrap_tool_call = _decorator("wrap_tool_call")


def dynamic_prompt(function: Callable[[ModelRequest], str | SystemMessage | Awaitable[Any]]) -> FunctionMiddleware:
    """Decorate a function of the request, plain or ``async``, that returns the system prompt of each call.

    >>> @dynamic_prompt
    ... def prompt(request):
    ...     return f"Be brief. {len(request.messages)} messages so far."
    """

    async def wrap(request: ModelRequest, handler: ModelHandler) -> Any:
        prompt = function(request)
        if isawaitable(prompt):
            prompt = await prompt
        message = prompt if isinstance(prompt, SystemMessage) else SystemMessage(content=str(prompt))
        return await handler(request.override(system_message=message))

    name = getattr(function, "__name__", "dynamic_prompt")
    return FunctionMiddleware("wrap_model_call", wrap, name, is_direct=not iscoroutinefunction(function))


def hook_config(*, can_jump_to: Sequence[JumpTo] | None = None) -> Callable[[Any], Any]:
    """Accepted for programs that have it: every hook may return ``jump_to``."""
    return lambda function: function
