"""Agents with the arguments of ``langgraph.prebuilt.create_react_agent``, made by ``create_agent``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import iscoroutinefunction
from typing import Annotated, Any, ClassVar, TypedDict

from prill.agents.agent import Agent
from prill.agents.create import create_agent
from prill.agents.middleware import AgentMiddleware, ModelHandler, ModelRequest
from prill.agents.runtime import Runtime
from prill.agents.state import PrivateStateAttr
from prill.errors import ConfigError
from prill.messages import SystemMessage, convert_to_messages
from prill.prompt_values import PromptValue
from prill.runnables.base import Runnable, coerce_to_runnable

INPUT = "llm_input_messages"


def create_prebuilt(
    model: Any, tools: Sequence[Any], prompt: Any, before: Any, after: Any, options: Mapping[str, Any]
) -> Agent:
    """Make the agent; ``before`` and ``after`` are hooks around the model."""
    middleware: list[AgentMiddleware] = list(options.get("middleware") or ())
    if before is not None:
        middleware.append(_BeforeModel(before))
    if after is not None:
        middleware.append(_AfterModel(after))
    if prompt is not None and not isinstance(prompt, str | SystemMessage):
        middleware.append(_Prompt(prompt))
        prompt = None
    given = {name: value for name, value in options.items() if name != "middleware" and value is not None}
    agent = create_agent(model, tools, system_prompt=prompt, middleware=middleware, **given)
    agent.model_node = "agent"
    return agent


class _Step(AgentMiddleware):
    """A function or Runnable of the state, called by the hook ``hook`` or its asyncio form."""

    hook: ClassVar[str]

    def __init__(self, step: Any) -> None:
        self.step: Runnable[Any, Any] = coerce_to_runnable(step)
        if iscoroutinefunction(step):
            setattr(self, self.hook, None)  # blocking runs take the asyncio form too


class _InputState(TypedDict, total=False):
    llm_input_messages: Annotated[Any, PrivateStateAttr]


class _BeforeModel(_Step):
    name = "pre_model_hook"
    hook = "before_model"
    state_schema = _InputState

    def before_model(self, state: Any, runtime: Runtime[Any]) -> Any:
        return self._read(self.step.invoke(state))

    async def abefore_model(self, state: Any, runtime: Runtime[Any]) -> Any:
        return self._read(await self.step.ainvoke(state))

    def _read(self, update: Any) -> Any:
        if not isinstance(update, Mapping):
            raise ConfigError(f"pre_model_hook returned {update!r:.80}: return a dict of changes of the state")
        return {INPUT: None, **update}

    async def wrap_model_call(self, request: ModelRequest, handler: ModelHandler) -> Any:
        given = request.state.get(INPUT)
        return await handler(request if given is None else request.override(messages=convert_to_messages(given)))


class _AfterModel(_Step):
    name = "post_model_hook"
    hook = "after_model"

    def after_model(self, state: Any, runtime: Runtime[Any]) -> Any:
        return self.step.invoke(state)

    async def aafter_model(self, state: Any, runtime: Runtime[Any]) -> Any:
        return await self.step.ainvoke(state)


class _Prompt(_Step):
    """A prompt that makes all messages of a request from the state."""

    name = "prompt"
    hook = "wrap_model_call"

    def wrap_model_call(self, request: ModelRequest, handler: ModelHandler) -> Any:
        return handler(self._override(request, self.step.invoke(self._get_state(request))))

    async def awrap_model_call(self, request: ModelRequest, handler: ModelHandler) -> Any:
        return await handler(self._override(request, await self.step.ainvoke(self._get_state(request))))

    def _get_state(self, request: ModelRequest) -> dict[str, Any]:
        return {**request.state, "messages": request.messages}

    def _override(self, request: ModelRequest, made: Any) -> ModelRequest:
        messages = made.to_messages() if isinstance(made, PromptValue) else convert_to_messages(made)
        if messages and isinstance(messages[0], SystemMessage):
            return request.override(system_message=messages[0], messages=messages[1:])
        return request.override(system_message=None, messages=messages)
