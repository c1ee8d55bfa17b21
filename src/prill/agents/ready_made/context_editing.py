"""``ContextEditingMiddleware``: the model is shown a shorter conversation than the one that is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from prill.agents.middleware import AgentMiddleware, ModelRequest
from prill.errors import ConfigError
from prill.language_models.base import copy_message
from prill.messages import AIMessage, BaseMessage, ToolMessage, count_tokens_approximately

Count = Callable[[Sequence[BaseMessage]], int]


class ContextEdit(Protocol):
    """Makes a conversation shorter, in place; the messages themselves are copies that it may replace."""

    def apply(self, messages: list[BaseMessage], *, count_tokens: Count) -> None: ...


@dataclass
class ClearToolUsesEdit:
    """Clears the output of older calls of tools when the conversation has more than ``trigger`` tokens.

    - ``clear_at_least``: how many tokens are to be saved; 0 clears all that may be cleared.
    - ``keep``: how many of the last outputs stay.
    - ``clear_tool_inputs``: whether the arguments of these calls are cleared too.
    - ``exclude_tools``: names of tools whose output stays.
    - ``placeholder``: what stands there instead.
    """

    trigger: int = 100_000
    clear_at_least: int = 0
    keep: int = 3
    clear_tool_inputs: bool = False
    exclude_tools: Sequence[str] = ()
    placeholder: str = "[cleared]"

    def apply(self, messages: list[BaseMessage], *, count_tokens: Count) -> None:
        """Clear what may be cleared."""
        before = count_tokens(messages)
        if before <= self.trigger:
            return
        places = [
            place
            for place, message in enumerate(messages)
            if isinstance(message, ToolMessage) and message.name not in self.exclude_tools
        ]
        for place in places[: len(places) - self.keep] if self.keep else places:
            answer: Any = copy_message(messages[place])
            if answer.content == self.placeholder:
                continue
            answer.__dict__["content"] = self.placeholder
            answer.__dict__["artifact"] = None
            messages[place] = answer
            if self.clear_tool_inputs:
                self._clear_input(messages, place, answer.tool_call_id)
            if self.clear_at_least and before - count_tokens(messages) >= self.clear_at_least:
                return

    def _clear_input(self, messages: list[BaseMessage], before: int, id: str) -> None:
        for place in range(before - 1, -1, -1):
            message = messages[place]
            if isinstance(message, AIMessage) and any(call["id"] == id for call in message.tool_calls):
                copy = copy_message(message)
                copy.__dict__["tool_calls"] = [
                    {**call, "args": {}} if call["id"] == id else call for call in message.tool_calls
                ]
                messages[place] = copy
                return


class ContextEditingMiddleware(AgentMiddleware):
    """Shows the model a shorter conversation; what the agent keeps stays as it is.

    ``edits`` are applied in order, by default a ``ClearToolUsesEdit``. ``token_count_method``: ``"approximate"``, or
    ``"model"`` for the count of the model.
    """

    _awaits_only_handlers = True

    def __init__(
        self,
        *,
        edits: Sequence[ContextEdit] | None = None,
        token_count_method: Literal["approximate", "model"] = "approximate",
    ) -> None:
        if token_count_method not in ("approximate", "model"):
            raise ConfigError(f"token_count_method is 'approximate' or 'model', not {token_count_method!r}")
        self.edits = [ClearToolUsesEdit()] if edits is None else list(edits)
        self.token_count_method = token_count_method

    async def wrap_model_call(self, request: ModelRequest, handler: Any) -> Any:
        messages = list(request.messages)
        system = [] if request.system_message is None else [request.system_message]

        def count(given: Sequence[BaseMessage]) -> int:
            if self.token_count_method == "model":
                return int(request.model.get_num_tokens_from_messages([*system, *given]))
            return count_tokens_approximately([*system, *given], tools=request.tools)

        for edit in self.edits:
            edit.apply(messages, count_tokens=count)
        return await handler(request.override(messages=messages))
