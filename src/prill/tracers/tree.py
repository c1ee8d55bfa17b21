"""Runs as trees of what happened, and when."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Iterator
from datetime import UTC, datetime
from time import perf_counter
from typing import Any
from uuid import UUID

from prill.callbacks.handled import model_arguments
from prill.callbacks.run import MaybeAwaitable, Observer, Run
from prill.tracers.recorded import MODELS, error_text, find_around, get_inputs, get_outputs, run_type

logger = logging.getLogger("prill.tracers")


class TracedRun:
    """The record of one run.

    ``inputs`` and ``outputs`` are dicts (``{"input": …}`` where the run's own was none), ``error`` is a line of text,
    ``usage`` the tokens that a model reported, ``chunks`` how many pieces were put out. Times are in seconds.
    """

    __slots__ = (
        "__weakref__",
        "_arguments",
        "_ended",
        "_first_chunk",
        "_last_chunk",
        "_parent",
        "_started",
        "cancelled",
        "child_runs",
        "chunks",
        "error",
        "id",
        "inputs",
        "kind",
        "metadata",
        "name",
        "outputs",
        "parent_run_id",
        "run_type",
        "start_time",
        "tags",
        "trace_id",
        "usage",
    )

    def __init__(self, run: Run, input: Any, parent: TracedRun | None) -> None:
        assert run.id is not None  # the run has started
        self.id: UUID = run.id
        self.name: str = run.name
        self.kind: str = run.kind
        self.run_type = run_type(run)
        self.tags: list[str] = run.tags
        self.metadata: dict[str, Any] = run.metadata
        self._arguments = model_arguments(run) if run.kind in MODELS else {}
        self.inputs = get_inputs(input)
        self.outputs: dict[str, Any] | None = None
        self.error: str | None = None
        self.cancelled = False
        self.usage: Any = None
        self.chunks = 0
        self.child_runs: list[TracedRun] = []
        self.parent_run_id = parent.id if parent is not None else None
        self.trace_id: UUID = parent.trace_id if parent is not None else run.id
        self._parent = weakref.ref(parent) if parent is not None else None
        self._first_chunk = self._last_chunk = self._ended = 0.0
        self.start_time = datetime.now(UTC)
        self._started = perf_counter()

    @property
    def parent(self) -> TracedRun | None:
        """The run around this one, while its tree is held."""
        return self._parent() if self._parent is not None else None

    @property
    def extra(self) -> dict[str, Any]:
        """The metadata; of a model also ``invocation_params``, ``options`` and ``batch_size``."""
        return {"metadata": self.metadata, **self._arguments}

    @property
    def status(self) -> str:
        """``running``, ``ok``, ``error`` or ``cancelled``."""
        if self.error is not None:
            return "error"
        if self.cancelled:
            return "cancelled"
        return "ok" if self._ended else "running"

    @property
    def started(self) -> float:
        """When it started, on the clock of ``time.perf_counter``."""
        return self._started

    @property
    def duration(self) -> float:
        """How long it took; so far, if it is running."""
        return (self._ended or perf_counter()) - self._started

    @property
    def end_time(self) -> datetime | None:
        if not self._ended:
            return None
        return datetime.fromtimestamp(self.start_time.timestamp() + self.duration, UTC)

    @property
    def time_to_first_chunk(self) -> float | None:
        """From the start to the first chunk; ``None`` where there was none."""
        return self._first_chunk - self._started if self.chunks else None

    @property
    def streamed(self) -> bool:
        """Whether the time of the first chunk is worth showing: of a model's output, or of one that came in pieces."""
        return self.chunks > 1 or (self.chunks == 1 and self.run_type == "llm")

    @property
    def chunks_per_second(self) -> float | None:
        """How fast chunks came after the first; ``None`` if it cannot be computed."""
        spent = self._last_chunk - self._first_chunk
        return (self.chunks - 1) / spent if self.chunks > 1 and spent > 0 else None

    def walk(self, depth: int = 0) -> Iterator[tuple[int, TracedRun]]:
        """This run and all within it, each with its depth."""
        yield depth, self
        for child in list(self.child_runs):
            yield from child.walk(depth + 1)

    def chunk(self) -> None:
        self._last_chunk = perf_counter()
        if not self.chunks:
            self._first_chunk = self._last_chunk
        self.chunks += 1

    def end(self) -> None:
        self._ended = perf_counter()

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name!r}: {self.status}, {len(self.child_runs)} child runs>"


class Recorder(Observer):
    """Makes a ``TracedRun`` of each run; keeps nothing of its own, so that it may live as long as it likes.

    Subclasses override ``opened`` and ``closed``. Exceptions in them are logged and does no harm to the run.
    """

    def opened(self, run: Run, traced: TracedRun) -> MaybeAwaitable:
        """A run has started."""
        return None

    def closed(self, run: Run, traced: TracedRun) -> MaybeAwaitable:
        """A run has ended, whichever way."""
        return None

    def on_start(self, run: Run, input: Any) -> MaybeAwaitable:
        parent: TracedRun | None = find_around(run, self)
        run.state[self] = traced = TracedRun(run, input, parent)
        if parent is not None:
            parent.child_runs.append(traced)
        return self._guard("opened", run, traced)

    def on_chunk(self, run: Run, chunk: Any) -> MaybeAwaitable:
        run.state[self].chunk()
        return None

    def on_end(self, run: Run, output: Any) -> MaybeAwaitable:
        traced: TracedRun = run.state[self]
        traced.outputs = get_outputs(run, output)
        return self._close(run, traced, output)

    def on_error(self, run: Run, error: BaseException) -> MaybeAwaitable:
        traced: TracedRun = run.state[self]
        traced.error = error_text(error)
        return self._close(run, traced, getattr(error, "partial", None))

    def on_cancel(self, run: Run, partial: Any) -> MaybeAwaitable:
        traced: TracedRun = run.state[self]
        traced.cancelled = True
        traced.outputs = None if partial is None else get_outputs(run, partial)
        return self._close(run, traced, partial)

    def _close(self, run: Run, traced: TracedRun, output: Any) -> MaybeAwaitable:
        traced.end()
        if run.streamed and run.input is not None:
            traced.inputs = get_inputs(run.input)
        if run.kind in MODELS:
            traced.usage = getattr(output, "usage_metadata", None)
        return self._guard("closed", run, traced)

    def _guard(self, hook: str, run: Run, traced: TracedRun) -> MaybeAwaitable:
        try:
            notice: MaybeAwaitable = getattr(self, hook)(run, traced)
        except Exception:
            logger.warning("the tracer %s failed at %s", type(self).__name__, run.name, exc_info=True)
            return None
        return notice
