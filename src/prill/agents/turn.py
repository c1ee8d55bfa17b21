"""One run of an agent while it lasts: its state, what it was given, and who reads its stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prill.agents.interrupts import ACTIVE, INTERRUPT, Interrupt
from prill.agents.limits import Limits, Meter
from prill.agents.runtime import Runtime
from prill.agents.state import StateSchema
from prill.agents.streaming import NO_STREAM
from prill.callbacks.run import Run
from prill.io.execution_mode import Emit
from prill.runnables.engine.runs import config_for_child

Fact = tuple[str, Any]
"""What happened in a run: the stream mode that shows it, and what it shows."""


class Turn:
    """One run of an agent, or of its tools alone."""

    def __init__(
        self,
        name: str,
        run: Run,
        state: dict[str, Any],
        schema: StateSchema,
        *,
        limits: Limits | None = None,
        context: Any = None,
        store: Any = None,
        modes: frozenset[str] = frozenset(),
    ) -> None:
        self.name = name
        self.run = run
        self.state = state
        self.schema = schema
        self.context = context
        self.store = store
        self.modes = modes
        active = ACTIVE.get()
        self.outer: Any = None if active is None else active.turn
        self.meter = Meter(limits or Limits(), None if self.outer is None else self.outer.meter)
        self.step = 0
        self.agent: Any = None
        self.sink: Any = None
        self.thread_id: str | None = None
        self.put: Emit | None = None
        self.pending: list[Fact] = []
        self.decisions: Mapping[str, Any] = {}
        self.answers: Mapping[str, Sequence[Any]] = {}
        self.paused_states: Mapping[str, Any] = {}
        self.interrupts: list[Interrupt] = []
        self.structured: Any = None
        self._runtime: Runtime[Any] | None = None

    @property
    def messages(self) -> list[Any]:
        """The messages so far."""
        messages: list[Any] = self.state["messages"]
        return messages

    @property
    def runtime(self) -> Runtime[Any]:
        """What hooks are given beside the state."""
        if self._runtime is None:
            self._runtime = Runtime(self.context, self.store, self.write, config_for_child(self.run))
        return self._runtime

    @property
    def streams_tokens(self) -> bool:
        """Whether the outermost run is a stream, so that the model's tokens are wanted while they come."""
        return self.run.observers is not None and self.run.root.streamed

    def child(self, node: str) -> Run:
        """Prepare the run of a model or a tool; observers see in its metadata what it is in the agent."""
        if self.run.observers is None:
            return self.run
        child = self.run.child()
        labels = {**(child.config.get("metadata") or {}), "langgraph_node": node, "langgraph_step": self.step}
        child.config = {**child.config, "metadata": labels}  # as configured() does it, in a tenth of the time
        return child

    async def ask(self, model: Any, messages: Any, node: str) -> Any:
        """Call a model of a middleware; its tokens are not shown with those of the agent."""
        run = self.child(node)
        run = run if run.observers is None else run.configured({"tags": [NO_STREAM]})
        return await model._step(messages, run)

    def visible_state(self) -> dict[str, Any]:
        """The state as tools and hooks see it; their changes of the lists and dicts do not change the agent's."""
        return {**self.state, "messages": list(self.state["messages"])}

    def output(self) -> dict[str, Any]:
        """What the run gives out."""
        output = self.schema.output(self.state)
        if self.interrupts:
            output[INTERRUPT] = list(self.interrupts)
        return output

    # The stream

    def wants(self, mode: str) -> bool:
        """Whether somebody reads the facts of ``mode``."""
        return mode in self.modes

    def write(self, value: Any) -> None:
        """Put a value into the stream with ``stream_mode="custom"``: into this agent's, and into that around it."""
        if self.wants("custom"):
            fact = ("custom", value)
            if self.put is None:
                self.pending.append(fact)
            else:
                self.put(fact)  # plain code cannot wait for the consumer
        if self.outer is not None:
            self.outer.write(value)

    async def emit(self, mode: str, value: Any) -> None:
        """Put a fact into the stream, if somebody reads its mode, and wait for the consumer if need be."""
        if mode not in self.modes:
            return
        if self.put is None:
            self.pending.append((mode, value))
        elif (notice := self.put((mode, value))) is not None:
            await notice

    def take_pending(self) -> list[Fact]:
        """The facts that no consumer has been given yet."""
        pending, self.pending = self.pending, []
        return pending

    def apply(self, update: Mapping[str, Any], source: str) -> None:
        """Change the state."""
        self.schema.apply(self.state, update, source)
