"""``SummarizationMiddleware``: the older part of a long conversation gives way to its summary."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from prill.agents.binding import resolve_model
from prill.agents.history import find_open_calls
from prill.agents.interrupts import ACTIVE
from prill.agents.middleware import AgentMiddleware
from prill.agents.state import REMOVE_ALL_MESSAGES
from prill.errors import ConfigError
from prill.messages import (
    BaseMessage,
    HumanMessage,
    RemoveMessage,
    ToolMessage,
    count_tokens_approximately,
    get_buffer_string,
    trim_messages,
)

Size = tuple[Literal["fraction", "tokens", "messages"], float]

SUMMARY_PROMPT = """Write a summary of the conversation below for the assistant, who will go on with it and will not see
the conversation itself. Keep what was asked, what was decided and found out, and what is still to be done; leave out
what no longer matters. Reply with the summary alone.

<conversation>
{messages}
</conversation>"""

_PREFIX = "A summary of the conversation so far:\n\n"


class SummarizationMiddleware(AgentMiddleware):
    """Replaces the older messages with a summary when a conversation is too long; calls stay with their answers.

    The tokens of the system prompt and of the tools are counted too, and the last question is never summarised.

    Args:
        model: the model that writes the summary, or its name.
        trigger: when: ``("tokens", 4000)``, ``("messages", 50)``, ``("fraction", 0.8)`` of ``max_input_tokens``, or a
            list of such, of which one is enough. ``None`` is never.
        keep: how much of the end is kept, in the same form.
        token_counter: counts the tokens of a list of messages; by default an estimate.
        summary_prompt: what the model is asked, with ``{messages}`` in it.
        trim_tokens_to_summarize: how many tokens of the older messages are summarised, the last ones; ``None`` for all.
        max_input_tokens: the size of the agent's model, for fractions.
    """

    _awaits_only_handlers = True

    def __init__(
        self,
        model: Any,
        *,
        trigger: Size | Sequence[Size] | None = None,
        keep: Size = ("messages", 20),
        token_counter: Callable[[Any], int] | None = None,
        summary_prompt: str = SUMMARY_PROMPT,
        trim_tokens_to_summarize: int | None = 4000,
        max_input_tokens: int | None = None,
    ) -> None:
        self.model = resolve_model(model)
        self._triggers = _read_sizes(trigger, max_input_tokens)
        self._keep = _read_sizes(keep, max_input_tokens)[0]
        self._count = token_counter or count_tokens_approximately
        self.summary_prompt = summary_prompt
        self._trim = trim_tokens_to_summarize

    async def before_model(self, state: Mapping[str, Any], runtime: Any) -> dict[str, Any] | None:
        active, messages = ACTIVE.get(), state["messages"]
        if active is None or not self._is_too_long(messages, active.turn.agent):
            return None
        cut = self._find_cut(messages)
        if cut <= 0:
            return None
        older = messages[:cut]
        if self._trim is not None:
            older = trim_messages(
                older, max_tokens=self._trim, token_counter=self._count, strategy="last", allow_partial=True
            )
        asked = self.summary_prompt.replace("{messages}", get_buffer_string(older))
        answer = await active.turn.ask(self.model, [HumanMessage(content=asked)], "summarization")
        summary = HumanMessage(content=f"{_PREFIX}{answer.text}")
        return {"messages": [RemoveMessage(id=REMOVE_ALL_MESSAGES), summary, *messages[cut:]]}

    def _is_too_long(self, messages: Sequence[BaseMessage], agent: Any) -> bool:
        tokens: int | None = None
        for kind, size in self._triggers:
            if kind == "messages":
                if len(messages) >= size:
                    return True
                continue
            if tokens is None:
                system = [] if agent.system_message is None else [agent.system_message]
                tokens = self._count([*system, *messages]) + count_tokens_approximately([], tools=agent.offered_tools)
            if tokens >= size:
                return True
        return False

    def _find_cut(self, messages: Sequence[BaseMessage]) -> int:
        """Where the part starts that is kept: not between a call and its answers, nor behind the last question."""
        kind, size = self._keep
        if kind == "messages":
            cut = len(messages) - int(size)
        else:
            cut = len(messages)
            while cut > 0 and self._count(list(messages[cut - 1 :])) <= size:
                cut -= 1
        questions = [place for place, message in enumerate(messages) if message.type == "human"]
        cut = min(cut, questions[-1] if questions else cut, len(messages) - 1)
        while cut > 0 and isinstance(messages[cut], ToolMessage):
            cut -= 1
        start, _ = find_open_calls(messages)
        return max(0, min(cut, start) if start >= 0 else cut)


def _read_sizes(given: Any, most: int | None) -> list[tuple[str, float]]:
    """Sizes in messages or tokens."""
    if given is None:
        return []
    sizes = [given] if isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], str) else list(given)
    read: list[tuple[str, float]] = []
    for kind, size in sizes:
        if kind not in ("fraction", "tokens", "messages") or not isinstance(size, int | float) or size <= 0:
            raise ConfigError(f"a size is ('tokens', n), ('messages', n) or ('fraction', f), not ({kind!r}, {size!r})")
        if kind == "fraction" and most is None:
            raise ConfigError("a fraction needs max_input_tokens, the size of the agent's model")
        read.append(("tokens", size * most) if kind == "fraction" and most is not None else (kind, size))
    return read
