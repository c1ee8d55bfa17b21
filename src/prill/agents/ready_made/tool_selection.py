"""``LLMToolSelectorMiddleware``: of many tools, a model chooses those that the agent's model is offered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from prill.agents.binding import resolve_model
from prill.agents.interrupts import ACTIVE
from prill.agents.middleware import AgentMiddleware, ModelRequest
from prill.errors import ConfigError, OutputParserException
from prill.messages import HumanMessage, SystemMessage
from prill.tools.base import BaseTool

SYSTEM_PROMPT = "Choose the tools that are needed to answer the question, the most useful first."


class LLMToolSelectorMiddleware(AgentMiddleware):
    """Has a model choose the tools that the agent's model is offered with each call.

    Args:
        model: the model that chooses, or its name; by default the agent's.
        system_prompt: what it is told.
        max_tools: how many tools it may choose; ``None`` for any number.
        always_include: names of tools that are offered in any case, and do not count.
        max_retries: how often it is asked again when its choice cannot be read.
        on_parsing_failure: what happens then: ``"error"`` raises, ``"all"`` offers all tools.
    """

    _awaits_only_handlers = True

    def __init__(
        self,
        *,
        model: Any = None,
        system_prompt: str = SYSTEM_PROMPT,
        max_tools: int | None = None,
        always_include: Sequence[str] | None = None,
        max_retries: int = 1,
        on_parsing_failure: Literal["error", "all"] = "error",
    ) -> None:
        if on_parsing_failure not in ("error", "all"):
            raise ConfigError(f"on_parsing_failure is 'error' or 'all', not {on_parsing_failure!r}")
        self.model = None if model is None else resolve_model(model)
        self.system_prompt = system_prompt
        self.max_tools = max_tools
        self.always_include = list(always_include or ())
        self.max_retries = max_retries
        self.on_parsing_failure = on_parsing_failure

    async def wrap_model_call(self, request: ModelRequest, handler: Any) -> Any:
        own = {tool.name: tool for tool in request.tools if isinstance(tool, BaseTool)}
        if unknown := [name for name in self.always_include if name not in own]:
            raise ConfigError(f"always_include names the tool {unknown[0]!r}, which the agent does not have")
        choice = [name for name in own if name not in self.always_include]
        questions = [message for message in request.messages if isinstance(message, HumanMessage)]
        if not choice or not questions or len(choice) <= (self.max_tools or 0):
            return await handler(request)
        chosen = await self._choose(request, [own[name] for name in choice], questions[-1])
        kept = {*self.always_include, *chosen}
        tools = [tool for tool in request.tools if not isinstance(tool, BaseTool) or tool.name in kept]
        return await handler(request.override(tools=tools))

    async def _choose(self, request: ModelRequest, tools: list[BaseTool], question: HumanMessage) -> list[str]:
        names = [tool.name for tool in tools]
        limit = "" if self.max_tools is None else f"\nChoose {self.max_tools} at most."
        listed = "\n".join(f"- {tool.name}: {tool.description}" for tool in tools)
        messages = [SystemMessage(content=f"{self.system_prompt}{limit}\n\nTools:\n{listed}"), question]
        model: Any = self.model or request.model
        asked = model.with_structured_output(_schema(names))
        active = ACTIVE.get()
        assert active is not None  # an agent calls the hook
        for attempt in range(self.max_retries + 1):
            try:
                answer = await active.turn.ask(asked, messages, "tool_selection")
            except OutputParserException:
                if attempt < self.max_retries:
                    continue
                if self.on_parsing_failure == "error":
                    raise
                return names
            chosen: list[str] = list(dict.fromkeys(answer["tools"]))
            return chosen if self.max_tools is None else chosen[: self.max_tools]
        return names


def _schema(names: list[str]) -> dict[str, Any]:
    return {
        "title": "ToolSelection",
        "description": "The tools that are needed, the most useful first.",
        "type": "object",
        "properties": {"tools": {"type": "array", "items": {"type": "string", "enum": names}}},
        "required": ["tools"],
    }
