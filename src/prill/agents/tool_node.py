"""``ToolNode``: the tools of an agent as a Runnable of their own, for loops that a program writes itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from prill.agents.calls import ErrorPolicy, Outcome, ToolRunner
from prill.agents.history import Call, get_calls, make_answer, with_unique_ids
from prill.agents.hooks import Hooks
from prill.agents.interrupts import Command
from prill.agents.middleware import FunctionMiddleware
from prill.agents.state import StateSchema
from prill.agents.tool_list import read_tools
from prill.agents.turn import Turn
from prill.callbacks.run import Run
from prill.errors import ConfigError, Interrupted
from prill.messages import AIMessage, BaseMessage, ToolMessage, convert_to_messages
from prill.runnables.base import Runnable
from prill.runnables.structure import Streaming


class ToolNode(Runnable[Any, Any]):
    """Runs the calls in the last message, and returns the answers.

    The input is a state, a dict with ``messages``; then the output is ``{"messages": answers}``. Given a list of
    messages, or of calls, it returns the list of answers. A tool that returns a ``Command`` gives that.

    Args:
        tools: as for ``create_agent``.
        name: the name in events.
        handle_tool_errors: which exceptions are answered; by default ``ToolException`` and wrong arguments.
        messages_key: the key of the messages.
        wrap_tool_call: a hook around each call, as of middleware; ``awrap_tool_call`` its asyncio form.
    """

    def __init__(
        self,
        tools: Sequence[Any],
        *,
        name: str = "tools",
        tags: Sequence[str] | None = None,
        handle_tool_errors: ErrorPolicy = None,
        messages_key: str = "messages",
        wrap_tool_call: Any = None,
        awrap_tool_call: Any = None,
    ) -> None:
        own, _ = read_tools(list(tools))
        self.name = name
        self._tags = list(tags or ())
        self._key = messages_key
        hooks = {"wrap_tool_call": wrap_tool_call, "awrap_tool_call": awrap_tool_call}
        around = [FunctionMiddleware(hook, each, hook) for hook, each in hooks.items() if each is not None]
        self._runner = ToolRunner(own, Hooks(around), handle_errors=handle_tool_errors)
        self._schema = StateSchema([])

    @property
    def tools_by_name(self) -> dict[str, Any]:
        """The tools."""
        return dict(self._runner.by_name)

    def _get_tags_and_metadata(self, kwargs: dict[str, Any]) -> tuple[list[str] | None, dict[str, Any] | None]:
        return self._tags or None, None

    def _describe_streaming(self) -> Streaming:
        return Streaming("buffers", False, "the calls of a message are known when it is whole")

    async def _work(self, input: Any, run: Run, *, store: Any = None, context: Any = None, **kwargs: Any) -> Any:
        is_state = isinstance(input, Mapping)
        messages, calls = self._read(input)
        state: dict[str, Any] = {**(input if is_state else {}), "messages": messages}
        turn = Turn(self.get_name(), run, state, self._schema, store=store, context=context)
        ready = [call for call in calls if call.get("type") != "invalid_tool_call"]
        outcomes = {id(call): outcome for call, outcome in await self._outcomes(ready, turn)}
        results = [result for call in calls for result in _results(call, outcomes.get(id(call)))]
        if not is_state:
            return results
        if any(isinstance(each, Command) for each in results):
            return [each if isinstance(each, Command) else {self._key: [each]} for each in results]
        return {self._key: results}

    async def _outcomes(self, calls: list[Call], turn: Turn) -> list[tuple[Call, Outcome]]:
        if not calls:
            return []
        outcomes = await self._runner.run(calls, turn, _ignore)
        for outcome in outcomes:
            if outcome.error is not None:
                raise outcome.error
            if outcome.interrupt is not None:
                raise Interrupted(f"the tool {outcome.call['name']} asks for an answer", value=outcome.interrupt.value)
        return list(zip(calls, outcomes, strict=True))

    def _read(self, input: Any) -> tuple[list[BaseMessage], list[Call]]:
        """The messages of an input, and the calls that are to be run."""
        if isinstance(input, list) and input and all(_is_call(each) for each in input):
            return [], list(input)
        if isinstance(input, Mapping) and self._key not in input:
            raise ConfigError(f"the input of {self.get_name()} has no key {self._key!r}; it has {', '.join(input)}")
        messages = convert_to_messages(input[self._key] if isinstance(input, Mapping) else input)
        last = next((message for message in reversed(messages) if isinstance(message, AIMessage)), None)
        if last is None:
            raise ConfigError(f"{self.get_name()} runs the calls of an AIMessage, and there is none in its input")
        answered = {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}
        return messages, [call for call in get_calls(with_unique_ids(last)) if call["id"] not in answered]


def _is_call(given: Any) -> bool:
    return isinstance(given, Mapping) and given.get("type") == "tool_call"


async def _ignore(outcome: Outcome) -> None:
    return None


def _results(call: Call, outcome: Outcome | None) -> list[Any]:
    if outcome is None:
        return [make_answer(call, f"not run: {call.get('error') or 'its arguments cannot be read'}")]
    if outcome.update or outcome.goto:
        update = {**outcome.update, "messages": outcome.messages}
        return [Command(update=update, goto=outcome.goto)]
    return outcome.messages


def tools_condition(state: Any, messages_key: str = "messages") -> Literal["tools", "__end__"]:
    """``"tools"`` if the last message of a state, or of a list of messages, has calls, else ``"__end__"``.

    Raises:
        ConfigError: there are no messages.
    """
    if isinstance(state, Mapping):
        messages = state.get(messages_key)
    else:
        messages = state if isinstance(state, list) else getattr(state, messages_key, None)
    if not messages:
        raise ConfigError(f"tools_condition looks at the last message, and there are none under {messages_key!r}")
    return "tools" if get_calls(messages[-1]) else "__end__"
