"""Limits on the calls of models and tools, in a run and in a whole thread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from prill.agents.history import get_calls, make_answer
from prill.agents.interrupts import ACTIVE
from prill.agents.middleware import AgentMiddleware
from prill.agents.state import AgentState, PrivateStateAttr
from prill.errors import AgentLimitError, ConfigError
from prill.messages import AIMessage

_ALL = "__all__"


class ModelCallLimitState(AgentState, total=False):
    """The keys of the state that ``ModelCallLimitMiddleware`` counts in."""

    thread_model_call_count: Annotated[int, PrivateStateAttr]
    run_model_call_count: Annotated[int, PrivateStateAttr]


class ToolCallLimitState(AgentState, total=False):
    """The keys of the state that ``ToolCallLimitMiddleware`` counts in, by the name of the tool."""

    thread_tool_call_count: Annotated[dict[str, int], PrivateStateAttr]
    run_tool_call_count: Annotated[dict[str, int], PrivateStateAttr]


class ModelCallLimitExceededError(AgentLimitError):
    """A ``ModelCallLimitMiddleware`` reached its limit."""


class ToolCallLimitExceededError(AgentLimitError):
    """A ``ToolCallLimitMiddleware`` reached its limit."""


def _check(what: str, limits: Mapping[str, int | None], behavior: str, behaviors: tuple[str, ...]) -> None:
    if all(limit is None for limit in limits.values()):
        raise ConfigError(f"{what} needs thread_limit, run_limit or both")
    for name, limit in limits.items():
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
            raise ConfigError(f"{name} of {what} is a number of calls, not {limit!r}")
    if behavior not in behaviors:
        raise ConfigError(f"exit_behavior of {what} is one of {', '.join(behaviors)}, not {behavior!r}")


def _reached(counts: Mapping[str, int], limits: Mapping[str, int | None]) -> list[str]:
    return [
        f"{name} limit ({counts[name]}/{limit})"
        for name, limit in limits.items()
        if limit is not None and counts[name] >= limit
    ]


class ModelCallLimitMiddleware(AgentMiddleware):
    """Ends a run when the model was called ``run_limit`` times in it, or ``thread_limit`` times in its thread.

    ``exit_behavior``: ``"end"`` ends it with a message, ``"error"`` raises ``ModelCallLimitExceededError``.
    """

    state_schema = ModelCallLimitState

    def __init__(
        self,
        *,
        thread_limit: int | None = None,
        run_limit: int | None = None,
        exit_behavior: Literal["end", "error"] = "end",
    ) -> None:
        self._limits = {"thread": thread_limit, "run": run_limit}
        self.exit_behavior = exit_behavior
        given = {"thread_limit": thread_limit, "run_limit": run_limit}
        _check("ModelCallLimitMiddleware", given, exit_behavior, ("end", "error"))

    _awaits_only_handlers = True

    async def before_model(self, state: Mapping[str, Any], runtime: Any) -> dict[str, Any] | None:
        counts = {"thread": state.get("thread_model_call_count", 0), "run": _calls_of_run()}
        reached = _reached(counts, self._limits)
        if not reached:
            return None
        text = f"Model call limits exceeded: {', '.join(reached)}"
        if self.exit_behavior == "error":
            raise ModelCallLimitExceededError(text, limit="model_calls", used=counts["run"], partial=dict(state))
        return {"jump_to": "end", "messages": [AIMessage(content=text)]}

    async def after_model(self, state: Mapping[str, Any], runtime: Any) -> dict[str, Any]:
        return {
            "thread_model_call_count": state.get("thread_model_call_count", 0) + 1,
            "run_model_call_count": _calls_of_run(),
        }


def _calls_of_run() -> int:
    active = ACTIVE.get()
    return 0 if active is None else int(active.turn.meter.model_calls)


class ToolCallLimitMiddleware(AgentMiddleware):
    """Allows ``run_limit`` calls of tools in a run, ``thread_limit`` in a thread; with ``tool_name`` of that tool.

    ``exit_behavior``: ``"continue"`` answers further calls with an error, ``"end"`` ends the run with a message,
    ``"error"`` raises ``ToolCallLimitExceededError``.
    """

    state_schema = ToolCallLimitState

    def __init__(
        self,
        *,
        tool_name: str | None = None,
        thread_limit: int | None = None,
        run_limit: int | None = None,
        exit_behavior: Literal["continue", "error", "end"] = "continue",
    ) -> None:
        self.tool_name = tool_name
        self._limits = {"thread": thread_limit, "run": run_limit}
        self.exit_behavior = exit_behavior
        given = {"thread_limit": thread_limit, "run_limit": run_limit}
        _check("ToolCallLimitMiddleware", given, exit_behavior, ("continue", "error", "end"))

    @property
    def name(self) -> str:
        return type(self).__name__ + (f"[{self.tool_name}]" if self.tool_name else "")

    _awaits_only_handlers = True

    async def before_agent(self, state: Mapping[str, Any], runtime: Any) -> dict[str, Any] | None:
        key = self.tool_name or _ALL
        counts = state.get("run_tool_call_count") or {}
        return {"run_tool_call_count": {**counts, key: 0}} if counts.get(key) else None

    async def after_model(self, state: Mapping[str, Any], runtime: Any) -> dict[str, Any] | None:
        calls = [
            call
            for call in get_calls(state["messages"][-1])
            if self.tool_name in (None, call["name"]) and call.get("type") != "invalid_tool_call"
        ]
        if not calls:
            return None
        key = self.tool_name or _ALL
        counts = {name: dict(state.get(f"{name}_tool_call_count") or {}) for name in self._limits}
        left = [limit - counts[name].get(key, 0) for name, limit in self._limits.items() if limit is not None]
        allowed = min(len(calls), max(0, min(left)))
        counts["thread"][key] = counts["thread"].get(key, 0) + allowed
        counts["run"][key] = counts["run"].get(key, 0) + len(calls)
        update: dict[str, Any] = {f"{name}_tool_call_count": count for name, count in counts.items()}
        blocked = calls[allowed:]
        return {**update, **self._stop(blocked, counts["run"][key], state)} if blocked else update

    def _stop(self, blocked: list[Any], used: int, state: Mapping[str, Any]) -> dict[str, Any]:
        what = f"Do not call '{self.tool_name}' again." if self.tool_name else "Do not make additional tool calls."
        if self.exit_behavior == "error":
            text = f"Tool call limit exceeded: {self.name} allows {self._limits}"
            raise ToolCallLimitExceededError(text, limit="tool_calls", used=used, partial=dict(state))
        answers: list[Any] = [make_answer(call, f"Tool call limit exceeded. {what}") for call in blocked]
        if self.exit_behavior == "continue":
            return {"messages": answers}
        ended = AIMessage(content=f"Tool call limit exceeded: {blocked[0]['name']} was called too often.")
        return {"messages": [*answers, ended], "jump_to": "end"}
