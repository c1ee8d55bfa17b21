"""What an agent decided to do, and what came of it, as ``AgentExecutor`` shows them."""

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
    """A tool that an agent wants to run.

    ``log`` is what the model wrote about it, as far as it is text.

        >>> AgentAction(tool="search", tool_input="the weather", log="Action: search").tool
        'search'
    """

    tool: str
    tool_input: str | dict[Any, Any]
    log: str
    type: Literal["AgentAction"] = "AgentAction"

    def __init__(self, tool: str, tool_input: str | dict[Any, Any], log: str, **kwargs: Any) -> None:
        super().__init__(tool=tool, tool_input=tool_input, log=log, **kwargs)

    @property
    def messages(self) -> Sequence[BaseMessage]:
        """The messages that led to the action."""
        return [AIMessage(content=self.log)]


class AgentActionMessageLog(AgentAction):
    """An action whose model wrote a message, not a text: ``message_log`` holds the message."""

    message_log: Sequence[BaseMessage]
    type: Literal["AgentActionMessageLog"] = "AgentActionMessageLog"  # type: ignore[assignment]  # names the subclass

    @property
    def messages(self) -> Sequence[BaseMessage]:
        return self.message_log


class ToolAgentAction(AgentActionMessageLog):
    """An action that stands for one tool call of a message."""

    tool_call_id: str | None


class AgentStep(Serializable):
    """An action, and what its tool returned."""

    action: AgentAction
    observation: Any

    @property
    def messages(self) -> Sequence[BaseMessage]:
        """The observation as a message."""
        if isinstance(self.action, AgentActionMessageLog):
            return [FunctionMessage(name=self.action.tool, content=observation_text(self.observation))]
        return [HumanMessage(content=observation_text(self.observation))]


class AgentFinish(_Decision):
    """The end of an agent's work: ``return_values`` is its output, ``log`` what the model wrote."""

    return_values: dict[Any, Any]
    log: str
    type: Literal["AgentFinish"] = "AgentFinish"

    def __init__(self, return_values: dict[Any, Any], log: str, **kwargs: Any) -> None:
        super().__init__(return_values=return_values, log=log, **kwargs)

    @property
    def messages(self) -> Sequence[BaseMessage]:
        """The answer as a message."""
        return [AIMessage(content=self.log)]


def observation_text(observation: Any) -> str:
    """An observation as a model reads it: text as it is, other values as JSON where they have one."""
    if isinstance(observation, str):
        return observation
    try:
        return json.dumps(observation, ensure_ascii=False)
    except (TypeError, ValueError):
        return str(observation)
