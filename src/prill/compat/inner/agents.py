"""``langchain_core.agents``: the decisions of agents of the older kind, as data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from prill.load.serializable import Serializable
from prill.messages import AIMessage, BaseMessage, FunctionMessage, HumanMessage


class _Decision(Serializable):
    @classmethod
    def is_lc_serializable(cls) -> bool:
        return True

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        return ["langchain", "schema", "agent"]


class AgentAction(_Decision):
    """A call of a tool that an agent decided on, with what the model said about it."""

    tool: str
    tool_input: str | dict[Any, Any]
    log: str
    type: Literal["AgentAction"] = "AgentAction"

    def __init__(self, tool: str, tool_input: str | dict[Any, Any], log: str, **kwargs: Any) -> None:
        super().__init__(tool=tool, tool_input=tool_input, log=log, **kwargs)

    @property
    def messages(self) -> Sequence[BaseMessage]:
        """The messages that stand for this decision."""
        return _convert_agent_action_to_messages(self)


class AgentActionMessageLog(AgentAction):
    """The same with the model's messages."""

    message_log: Sequence[BaseMessage]
    type: Literal["AgentActionMessageLog"] = "AgentActionMessageLog"  # type: ignore[assignment]  # its own name


class AgentFinish(_Decision):
    """An agent's answer."""

    return_values: dict[Any, Any]
    log: str
    type: Literal["AgentFinish"] = "AgentFinish"

    def __init__(self, return_values: dict[Any, Any], log: str, **kwargs: Any) -> None:
        super().__init__(return_values=return_values, log=log, **kwargs)

    @property
    def messages(self) -> Sequence[BaseMessage]:
        """The messages that stand for this answer."""
        return [AIMessage(content=self.log)]


class AgentStep(Serializable):
    """A decision and what came of it."""

    action: AgentAction
    observation: Any

    @property
    def messages(self) -> Sequence[BaseMessage]:
        """The messages that stand for what came of it."""
        return _convert_agent_observation_to_messages(self.action, self.observation)


def _convert_agent_action_to_messages(agent_action: AgentAction) -> Sequence[BaseMessage]:
    if isinstance(agent_action, AgentActionMessageLog):
        return agent_action.message_log
    return [AIMessage(content=agent_action.log)]


def _convert_agent_observation_to_messages(agent_action: AgentAction, observation: Any) -> Sequence[BaseMessage]:
    if isinstance(agent_action, AgentActionMessageLog):
        return [_create_function_message(agent_action, observation)]
    return [HumanMessage(content=_text_for(observation))]


def _create_function_message(agent_action: AgentAction, observation: Any) -> FunctionMessage:
    return FunctionMessage(name=agent_action.tool, content=_text_for(observation))


def _text_for(observation: Any) -> str:
    if isinstance(observation, str):
        return observation
    try:
        return json.dumps(observation, ensure_ascii=False)
    except (TypeError, ValueError):
        return str(observation)
