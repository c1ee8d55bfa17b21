"""Pausing an agent, and what it is resumed with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from prill.errors import ConfigError, Interrupted
from prill.messages.tool import ToolOutputMixin

INTERRUPT = "__interrupt__"
"""The key of a paused agent's output that has its ``Interrupt`` objects."""


@dataclass(frozen=True)
class Interrupt:
    """A question for which an agent pauses: ``value`` is for the person or program that answers it.

    ``id`` names it in ``Command(resume={id: answer})``. ``tool_call_id`` is that of the tool that asked, ``None`` for
    the approval of calls. ``answers`` are those that the tool was given before, ``state`` is that of an agent which
    paused inside of the tool.
    """

    value: Any
    id: str
    tool_call_id: str | None = None
    answers: tuple[Any, ...] = ()
    state: Any = None

    def to_dict(self) -> dict[str, Any]:
        """The interrupt as a dict, of which ``from_dict`` makes it again."""
        return {
            "value": self.value,
            "id": self.id,
            "tool_call_id": self.tool_call_id,
            "answers": list(self.answers),
            "state": self.state,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Interrupt:
        """The interrupt that ``to_dict`` describes.

        Raises:
            ConfigError: the dict is not one of an interrupt.
        """
        if not isinstance(values, Mapping) or not isinstance(values.get("id"), str):
            raise ConfigError(f"{INTERRUPT} holds interrupts, or dicts of them with an 'id', not {values!r:.80}")
        known = {name: values[name] for name in ("value", "id", "tool_call_id", "state") if name in values}
        return cls(**{"value": None, **known}, answers=tuple(values.get("answers") or ()))


@dataclass(frozen=True)
class Command(ToolOutputMixin):
    """What an agent is to do: as the input of a run it resumes a paused one, as a tool's result it changes the state.

    - ``resume``: the decisions on calls, or the answer to ``interrupt``.
    - ``update``: changes of the state; with ``resume`` the state of a paused agent that has no threads.
    - ``goto``: the name of the agent that goes on with the conversation, or ``"__end__"``.
    - ``graph``: accepted for programs that have it; ``Command.PARENT`` is the agent itself.
    """

    PARENT: ClassVar[Literal["__parent__"]] = "__parent__"

    graph: str | None = None
    update: Any = None
    resume: Any = None
    goto: str | Sequence[str] = ()

    @property
    def targets(self) -> list[str]:
        """The names in ``goto``."""
        return [self.goto] if isinstance(self.goto, str) else [str(target) for target in self.goto]


@dataclass
class ActiveCall:
    """The call of a tool, or the hook, that runs now within a turn of an agent."""

    turn: Any
    call: Mapping[str, Any] | None = None
    answers: Sequence[Any] = ()
    paused: Any = None
    asked: int = field(default=0)

    def ask(self, value: Any, state: Any = None) -> Any:
        """Return the answer to ``value``; pause the agent where there is none yet."""
        place, self.asked = self.asked, self.asked + 1
        if place < len(self.answers):
            return self.answers[place]
        raise Interrupted("the agent pauses for an answer", value=value, state=state)


ACTIVE: ContextVar[ActiveCall | None] = ContextVar("prill_active_call", default=None)
"""What runs now within an agent, in this task or thread."""


def interrupt(value: Any) -> Any:
    """Pause the agent that runs this tool, and return the answer with which it is resumed.

    The agent's output has the question, ``{"__interrupt__": [Interrupt(value, id)]}``; ``Command(resume=answer)``
    answers it. The tool then runs again from its start, where this returns the answer: what it does before runs twice.
    Declare an approval instead (``create_agent(approve=...)``) where that matters.

    Raises:
        ConfigError: no agent runs this.
    """
    active = ACTIVE.get()
    if active is None or active.call is None:
        raise ConfigError("interrupt() pauses an agent: call it in a tool that an agent runs")
    return active.ask(value)
