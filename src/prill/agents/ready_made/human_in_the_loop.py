"""``HumanInTheLoopMiddleware``: calls of some tools wait for a person's decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from typing_extensions import TypedDict

from prill.agents.middleware import AgentMiddleware
from prill.errors import ConfigError


class InterruptOnConfig(TypedDict, total=False):
    """How calls of a tool are approved: which decisions are allowed, and what the person is shown."""

    allowed_decisions: list[Literal["approve", "edit", "reject", "respond"]]
    description: Any
    args_schema: dict[str, Any]
    when: Any


class HumanInTheLoopMiddleware(AgentMiddleware):
    """Calls of the tools in ``interrupt_on`` wait for a person's decision; the same as ``create_agent(approve=...)``.

    The agent itself keeps to the decisions, so that no other hook can run what was rejected.

    Args:
        interrupt_on: ``True``, or an ``InterruptOnConfig``, by the name of the tool.
        description_prefix: how descriptions of calls start.
        edit_notice: what the answer to an edited call starts with; by default it says what was called.
        interrupt_mode: ``"batched"`` asks for the decisions on all calls at once, ``"per_call"`` for each in an
            ``Interrupt`` of its own, whose id is that of the call.
    """

    def __init__(
        self,
        interrupt_on: Mapping[str, bool | InterruptOnConfig],
        *,
        description_prefix: str = "Tool execution requires approval",
        edit_notice: str | None = None,
        interrupt_mode: Literal["batched", "per_call"] = "batched",
    ) -> None:
        if interrupt_mode not in ("batched", "per_call"):
            raise ConfigError(f"interrupt_mode is 'batched' or 'per_call', not {interrupt_mode!r}")
        self.approval_rules = dict(interrupt_on)
        self.description_prefix = description_prefix
        self.edit_notice = edit_notice
        self.interrupt_mode = interrupt_mode
