"""``langchain_core.chat_sessions``, ``chat_loaders`` and ``agents``: classes that packages derive from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

from typing_extensions import TypedDict

from prill.agents.actions import AgentAction, AgentActionMessageLog, AgentFinish, AgentStep, observation_text
from prill.messages import BaseMessage, FunctionMessage

__all__ = ["AgentAction", "AgentActionMessageLog", "AgentFinish", "AgentStep", "BaseChatLoader", "ChatSession"]


class ChatSession(TypedDict, total=False):
    """A conversation: its messages, and the functions that the model could call."""

    messages: Sequence[BaseMessage]
    functions: Sequence[dict[str, object]]


class BaseChatLoader(ABC):
    """Reads conversations: a subclass writes ``lazy_load``.

    >>> class Greetings(BaseChatLoader):
    ...     def lazy_load(self):
    ...         yield {"messages": [HumanMessage("Hello")]}
    """

    @abstractmethod
    def lazy_load(self) -> Iterator[ChatSession]:
        """Read the conversations, one by one."""

    def load(self) -> list[ChatSession]:
        """Read all conversations.

        Returns:
            The conversations, in the order in which ``lazy_load`` yields them.
        """
        return list(self.lazy_load())


# ``langchain_core.agents``


def _convert_agent_action_to_messages(agent_action: AgentAction) -> Sequence[BaseMessage]:
    return agent_action.messages


def _convert_agent_observation_to_messages(agent_action: AgentAction, observation: Any) -> Sequence[BaseMessage]:
    return AgentStep(action=agent_action, observation=observation).messages


def _create_function_message(agent_action: AgentAction, observation: Any) -> FunctionMessage:
    return FunctionMessage(name=agent_action.tool, content=observation_text(observation))
