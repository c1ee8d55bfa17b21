"""``langchain_core.agents``: the decisions of agents of the older kind, and how they become messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prill.agents.actions import (
    AgentAction,
    AgentActionMessageLog,
    AgentFinish,
    AgentStep,
    observation_text,
)
from prill.messages import BaseMessage, FunctionMessage

__all__ = ["AgentAction", "AgentActionMessageLog", "AgentFinish", "AgentStep"]


def _convert_agent_action_to_messages(agent_action: AgentAction) -> Sequence[BaseMessage]:
    return agent_action.messages


def _convert_agent_observation_to_messages(agent_action: AgentAction, observation: Any) -> Sequence[BaseMessage]:
    return AgentStep(action=agent_action, observation=observation).messages


def _create_function_message(agent_action: AgentAction, observation: Any) -> FunctionMessage:
    return FunctionMessage(name=agent_action.tool, content=observation_text(observation))
