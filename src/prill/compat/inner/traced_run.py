"""``langchain_core.tracers.schemas``: the record that a tracer of another package keeps of a run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from prill.compat.inner.merging import uuid7


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


class Run(BaseModel):
    """One run: ``inputs`` and ``outputs`` are dicts, ``error`` is a text with the traceback.

    ``dotted_order`` sorts the runs of a trace: the times and ids of the runs around this one and its own.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="allow", protected_namespaces=())

    id: UUID = Field(default_factory=uuid7)
    name: str = "Unnamed"
    run_type: str = "chain"
    start_time: datetime = Field(default_factory=now)
    end_time: datetime | None = None
    serialized: Any = None
    inputs: Any = Field(default_factory=dict)
    outputs: Any = Field(default_factory=dict)
    error: str | None = None
    extra: Any = Field(default_factory=dict)
    events: list[Any] = Field(default_factory=list)
    tags: list[str] | None = Field(default_factory=list)
    parent_run_id: UUID | None = None
    parent_run: Any = Field(default=None, exclude=True, repr=False)
    trace_id: UUID | None = None
    dotted_order: str = ""
    child_runs: list[Any] = Field(default_factory=list)
    reference_example_id: UUID | None = None
    session_name: str | None = None
    attachments: Any = None

    @property
    def metadata(self) -> dict[str, Any]:
        """The part of ``extra`` that users gave."""
        if self.extra is None:
            self.extra = {}
        kept: dict[str, Any] = self.extra.setdefault("metadata", {})
        return kept

    @property
    def latency(self) -> float | None:
        """The seconds that the run took; ``None`` while it runs."""
        return (self.end_time - self.start_time).total_seconds() if self.end_time is not None else None

    def add_event(self, name: str, **facts: Any) -> None:
        """Note that something happened now."""
        event = {"name": name, "time": now()}
        self.events.append({**event, "kwargs": facts} if facts else event)

    def place(self, parent: Run | None) -> Self:
        """Put the run into the trace of the run around it; without one it is the first of its own."""
        own = f"{self.start_time:%Y%m%dT%H%M%S%fZ}{self.id}"
        if parent is None:
            self.trace_id, self.dotted_order, self.parent_run_id = self.id, own, None
            return self
        self.trace_id, self.dotted_order = parent.trace_id, f"{parent.dotted_order}.{own}"
        self.parent_run = parent
        parent.child_runs.append(self)
        return self
