"""An agent as a tool of another one, and agents that take over a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prill.agents.interrupts import ACTIVE, INTERRUPT, ActiveCall, Command, Interrupt
from prill.callbacks.config import RunnableConfig
from prill.errors import ConfigError
from prill.messages import AIMessage
from prill.tools.structured import StructuredTool


def make_agent_tool(agent: Any, name: str | None, description: str | None) -> StructuredTool:
    """A tool that gives ``agent`` a task and returns the text of its answer."""

    def call(input: str, config: RunnableConfig) -> str:
        return _answer(agent.invoke(_task(input), config))

    async def acall(input: str, config: RunnableConfig) -> str:
        return _answer(await agent.ainvoke(_task(input), config))

    tool_name = name or agent.name
    if not tool_name:
        raise ConfigError("an agent that is a tool needs a name: create_agent(..., name='researcher')")
    text = description or f"Give {tool_name} a task, in words, and get its answer."
    return StructuredTool.from_function(call, acall, tool_name, text)


def _task(input: str) -> Any:
    """The input of the inner agent; what it is resumed with, if it had paused in this call."""
    active = ACTIVE.get()
    if active is not None and active.paused is not None:
        state, answer = active.paused, active.answers[-1]
        active.asked = len(active.answers)
        return Command(resume=answer, update=state)
    return {"messages": [("user", input)]}


def _answer(output: dict[str, Any]) -> str:
    """The text of an agent's answer; where it has paused, the agent around it pauses with it."""
    if asked := output.get(INTERRUPT):
        active = ACTIVE.get()
        if active is None or active.call is None:
            raise ConfigError("an agent in a tool has paused, and no agent runs the tool that could pause with it")
        active.ask(*_question(output, asked))
    if (value := output.get("structured_response")) is not None:
        return str(value)
    answers = [message for message in output["messages"] if isinstance(message, AIMessage)]
    return str(answers[-1].text) if answers else ""


def _question(output: dict[str, Any], asked: list[Interrupt]) -> tuple[Any, dict[str, Any]]:
    """What a paused agent asks, and the state from which it is resumed."""
    told = [each.to_dict() for each in asked]
    return asked[0].value if len(asked) == 1 else told, {**output, INTERRUPT: told}


class Handoff:
    """An agent that can take over the conversation of another one."""

    def __init__(self, agent: Any) -> None:
        self.agent = agent
        self.name: str = agent.name

    def make_tool(self) -> StructuredTool:
        """The tool with which a model hands over."""
        target = self.name

        def hand_over() -> Command:
            return Command(goto=target)

        return StructuredTool.from_function(
            hand_over,
            name=f"transfer_to_{target}",
            description=f"Hand the conversation over to {target}, who goes on with it.",
        )

    async def take_over(self, turn: Any, call: Mapping[str, Any], history: list[Any]) -> Any:
        """Run the agent on a conversation, or resume it, and return its state; ``None`` where it has paused."""
        answers = turn.answers.get(call["id"], ())
        paused = turn.paused_states.get(call["id"])
        given: Any = {"messages": history} if paused is None else Command(resume=answers[-1], update=paused)
        token = ACTIVE.set(ActiveCall(turn, call))
        try:
            output = await self.agent._step(given, turn.child(self.name))
        finally:
            ACTIVE.reset(token)
        if not (asked := output.get(INTERRUPT)):
            return output
        value, state = _question(output, asked)
        turn.interrupts.append(Interrupt(value, f"{call['id']}:{len(answers)}", call["id"], tuple(answers), state))
        return None


def read_handoffs(agents: Any) -> dict[str, Handoff]:
    """The agents that can take over, by name.

    Raises:
        ConfigError: one is not an agent, or has no name.
    """
    handoffs: dict[str, Handoff] = {}
    for agent in agents:
        if not getattr(agent, "_is_agent", False):
            raise ConfigError(f"handoffs are agents, not {agent!r:.80}")
        if not agent.name:
            raise ConfigError("an agent that takes over needs a name: create_agent(..., name='billing')")
        if agent.name in handoffs:
            raise ConfigError(f"two agents that take over are called {agent.name!r}")
        handoffs[agent.name] = Handoff(agent)
    return handoffs
