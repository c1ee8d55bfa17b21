"""What tools and hooks are given of the run that they are part of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic

from pydantic_core import core_schema
from typing_extensions import TypeVar

from prill.agents.interrupts import ACTIVE
from prill.callbacks.config import RunnableConfig
from prill.errors import ConfigError
from prill.tools.arguments import InjectedToolArg, get_annotations
from prill.tools.base import BaseTool
from prill.tools.parameters import get_hints, own

Context = TypeVar("Context", default=Any)
State = TypeVar("State", default=Any)

Writer = Callable[[Any], None]


class Runtime(Generic[Context]):
    """What a run of an agent was given beside its state.

    ``context`` is the value of the argument ``context``, ``store`` the agent's long-term store, ``stream_writer`` puts
    values into streams with ``stream_mode="custom"``, ``config`` is that of the run.
    """

    def __init__(self, context: Context, store: Any, stream_writer: Writer, config: RunnableConfig) -> None:
        self.context = context
        self.store = store
        self.stream_writer = stream_writer
        self.config = config


class ToolRuntime(InjectedToolArg, Generic[Context, State]):
    """A parameter of a tool, ``def tool(text: str, runtime: ToolRuntime)``, that the agent fills; models do not see it.

    ``state`` is the agent's state and ``tool_call_id`` the id of the call; the rest is that of ``Runtime``.
    """

    def __init__(
        self,
        state: State,
        context: Context,
        config: RunnableConfig,
        stream_writer: Writer,
        tool_call_id: str | None,
        store: Any = None,
    ) -> None:
        self.state = state
        self.context = context
        self.config = config
        self.stream_writer = stream_writer
        self.tool_call_id = tool_call_id
        self.store = store

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.any_schema()


class InjectedState(InjectedToolArg):
    """Marks a parameter of a tool that is given the agent's state, or one key of it.

    ``state: Annotated[dict, InjectedState]``, ``messages: Annotated[list, InjectedState("messages")]``.
    """

    def __init__(self, field: str | None = None) -> None:
        self.field = field


class InjectedStore(InjectedToolArg):
    """Marks a parameter of a tool that is given the agent's ``store``: ``store: Annotated[Any, InjectedStore()]``."""


def get_stream_writer() -> Writer:
    """The function that puts a value into the agent's stream with ``stream_mode="custom"``, in a tool or a hook.

    Where nobody reads that stream it has no effect.

    Raises:
        ConfigError: no agent runs this.
    """
    active = ACTIVE.get()
    if active is None:
        raise ConfigError("get_stream_writer() is for tools and hooks that an agent runs, and none runs this")
    writer: Writer = active.turn.write
    return writer


def find_injections(tool: BaseTool) -> dict[str, Any]:
    """The parameters that an agent fills: ``{name: mark}``, for ``ToolRuntime`` the class itself."""
    plain, asyncio_form = tool._forms()
    found: dict[str, Any] = {}
    for function in (asyncio_form, plain):
        if function is not None:
            hints = get_hints(own(function).function)
            found |= {name: mark for name, hint in hints.items() if (mark := _mark(get_annotations(hint))) is not None}
    model = tool.args_model
    for name, field in model.model_fields.items() if model is not None else ():
        if (mark := _mark((*field.metadata, *get_annotations(field.annotation)))) is not None:
            found[name] = mark
    return found


def _mark(marks: Any) -> Any:
    for mark in marks:
        kind = mark if isinstance(mark, type) else type(mark)
        if issubclass(kind, InjectedState | InjectedStore | ToolRuntime):
            return mark
    return None


def fill_injections(
    wanted: Mapping[str, Any], turn: Any, call_id: str | None, config: RunnableConfig
) -> dict[str, Any]:
    """The values of the parameters that an agent fills."""
    return {name: _value(mark, turn, call_id, config) for name, mark in wanted.items()}


def _value(mark: Any, turn: Any, call_id: str | None, config: RunnableConfig) -> Any:
    kind = mark if isinstance(mark, type) else type(mark)
    if issubclass(kind, InjectedStore):
        return turn.store
    state = turn.visible_state()
    if issubclass(kind, ToolRuntime):
        return ToolRuntime(state, turn.context, config, turn.write, call_id, turn.store)
    field = None if isinstance(mark, type) else mark.field
    if field is None:
        return state
    if field not in state:
        raise ConfigError(f"a tool asks for the key {field!r} of the state, which has {', '.join(state)}")
    return state[field]
