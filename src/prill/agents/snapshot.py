"""``StateSnapshot``: the state of a thread, read without running anything."""

from __future__ import annotations

from typing import Any, NamedTuple

from prill.agents.approval import Approvals
from prill.agents.history import open_calls
from prill.agents.interrupts import Interrupt
from prill.agents.state import StateSchema
from prill.callbacks.config import RunnableConfig


class StateSnapshot(NamedTuple):
    """The state of a thread.

    - ``values``: the state; empty for a thread that does not exist.
    - ``next``: what a run that goes on does first: ``("tools",)``, ``("model",)``, or nothing after its end.
    - ``interrupts``: the questions for which the thread waits.
    - ``config``: names the thread; ``metadata`` has the number of its records.

    The other fields are there for programs that read them.
    """

    values: dict[str, Any]
    next: tuple[str, ...]
    config: RunnableConfig
    metadata: dict[str, Any]
    interrupts: tuple[Interrupt, ...]
    created_at: str | None = None
    parent_config: RunnableConfig | None = None
    tasks: tuple[Any, ...] = ()


def make_snapshot(stored: Any, schema: StateSchema, approvals: Approvals, config: RunnableConfig) -> StateSnapshot:
    """The snapshot of what is stored of a thread."""
    if not stored.length:
        return StateSnapshot({}, (), config, {}, ())
    calls = open_calls(stored.messages)
    interrupts = tuple(stored.interrupts)
    if calls and not interrupts:
        gated = [call for call in calls if approvals.needs(call)]
        interrupts = tuple(approvals.ask(gated, stored.values, None)) if gated else ()
    following = ("tools",) if calls else () if stored.ended else ("model",)
    values = schema.output({"messages": stored.messages, **stored.values})
    return StateSnapshot(values, following, config, {"length": stored.length}, interrupts)
