"""Recording runs into a SQLite file."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import re
from collections.abc import Iterator
from time import perf_counter, time
from types import TracebackType
from typing import Any, Self
from weakref import ref

from prill.agents.prices import find_price, has_price
from prill.callbacks.handled import model_arguments
from prill.callbacks.run import MaybeAwaitable, Observer, Run, get_model_name, get_usage
from prill.callbacks.usage import ambient
from prill.errors import ConfigError
from prill.io.portal import loop_runs_here
from prill.load import dumpd
from prill.tracers.recorded import MODELS, error_text, find_around
from prill.traces.snapshot import take_snapshot
from prill.traces.writer import Row, Writer, get_writer

logger = logging.getLogger("prill.traces")

MAX_VALUE = 1_000_000
"""How many characters of a value are recorded."""

_CREDENTIALS = re.compile(r'://[^/@\s"]+@')
"""A name and a password in an address."""

_FLUSH_SECONDS = 10
_FLUSH_SECONDS_ON_LOOP = 1
"""Where an event loop runs: a disk that is stuck must not stop it for long."""


class _Open:
    """A run that has started: its row, and its clock.

    Within a tree times are those of one clock: the system's may be set back meanwhile.
    """

    __slots__ = ("row", "started")

    def __init__(self, row: Row, parent: _Open | None) -> None:
        self.started = perf_counter()
        self.row: Row = row
        row["start"] = time() if parent is None else parent.row["start"] + self.started - parent.started


class RunRecorder(Observer):
    """Writes runs into a SQLite file; see ``record``, which makes one.

    Use it as a context manager for all runs inside of a block, or as a callback:
    ``chain.invoke(x, {"callbacks": [recorder]})``. Recorders of one file share one thread that writes.
    """

    def __init__(self, path: str | os.PathLike[str], *, max_value: int = MAX_VALUE) -> None:
        if max_value < 1:
            raise ConfigError(f"max_value is a number of characters of at least 1, not {max_value!r}")
        self.path = os.path.abspath(path)
        self._max_value = max_value
        self._writer: Writer = get_writer(self.path)
        self._blocks: list[contextlib.AbstractContextManager[None]] = []
        self._models: dict[int, tuple[ref[Any], Any]] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunRecorder) and self._writer is other._writer

    def __hash__(self) -> int:
        return id(self._writer)

    def __enter__(self) -> Self:
        self._blocks.append(block := ambient(self))
        block.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._blocks.pop().__exit__(kind, error, traceback)
        self.flush(_FLUSH_SECONDS_ON_LOOP if loop_runs_here() else _FLUSH_SECONDS)

    def flush(self, seconds: float | None = None) -> bool:
        """Wait until all runs so far are in the file; return whether they were within ``seconds``."""
        return self._writer.flush(seconds)

    def on_start(self, run: Run, input: Any) -> MaybeAwaitable:
        with _guarded(run):
            parent: _Open | None = find_around(run, self)
            opened = _Open(self._make_row(run, input, parent.row if parent is not None else None), parent)
            run.state[self] = opened
            self._writer.add(dict(opened.row))
        return None

    def on_chunk(self, run: Run, chunk: Any) -> MaybeAwaitable:
        opened: _Open | None = run.state.get(self)
        if opened is not None:
            row = opened.row
            if not row["chunks"]:
                row["first_chunk"] = perf_counter() - opened.started
            row["chunks"] += 1
        return None

    def on_end(self, run: Run, output: Any) -> MaybeAwaitable:
        return self._close(run, "ok", output)

    def on_error(self, run: Run, error: BaseException) -> MaybeAwaitable:
        return self._close(run, "error", getattr(error, "partial", None), error)

    def on_cancel(self, run: Run, partial: Any) -> MaybeAwaitable:
        return self._close(run, "cancelled", partial)

    def _make_row(self, run: Run, input: Any, parent: Row | None) -> Row:
        row: Row = {
            "id": str(run.id),
            "parent": parent["id"] if parent is not None else None,
            "root": parent["root"] if parent is not None else str(run.id),
            "name": run.name,
            "kind": run.kind,
            "status": "running",
            "chunks": 0,
            "process": os.getpid(),
            "tags": take_snapshot(run.tags, self._max_value),
            "metadata": take_snapshot(run.metadata, self._max_value),
            **dict.fromkeys(("request", "output")),
            "input": None if input is None else take_snapshot(_get_messages(run, input), self._max_value),
        }
        if run.kind in MODELS:
            row["model"] = run.metadata.get("ls_model_name")
            row["request"] = _CREDENTIALS.sub("://", take_snapshot(self._make_request(run), self._max_value))
        return row

    def _make_request(self, run: Run) -> dict[str, Any]:
        arguments = {key: value for key, value in run.kwargs.items() if not key.endswith("_")}
        parameters = model_arguments(run)["invocation_params"]
        return {"model": self._describe_model(run.step), "arguments": arguments, "parameters": parameters}

    def _describe_model(self, step: Any) -> Any:
        """The model as ``dumpd`` writes it, with the name of the variable that has its key in place of the key."""
        known = self._models.get(key := id(step))
        if known is not None and known[0]() is step:
            return known[1]
        described = dumpd(step) if step is not None else None

        def forget(_: Any) -> None:
            self._models.pop(key, None)

        with contextlib.suppress(TypeError):  # not every object can be referred to weakly
            self._models[key] = ref(step, forget), described
        return described

    def _close(self, run: Run, status: str, output: Any, error: BaseException | None = None) -> MaybeAwaitable:
        opened: _Open | None = run.state.get(self)
        if opened is None:
            return None
        with _guarded(run):
            row = opened.row
            row["status"], row["end"] = status, row["start"] + perf_counter() - opened.started
            row["error"] = None if error is None else error_text(error)[: self._max_value]
            if run.streamed and run.input is not None:
                row["input"] = take_snapshot(_get_messages(run, run.input), self._max_value)
            row["output"] = None if output is None else take_snapshot(output, self._max_value)
            if run.kind in MODELS:
                row.update(_measure(output, row["model"]))
            self._writer.add(row)
        return None


def _get_messages(run: Run, input: Any) -> Any:
    """The input; of a model the messages or the prompt, without what is around them."""
    if run.kind in MODELS and isinstance(input, dict):
        batch = input.get("messages", input.get("prompts"))
        return batch[0] if isinstance(batch, list) and len(batch) == 1 else input
    return input


def _measure(output: Any, model: Any) -> Row:
    usage = get_usage(output)
    name = get_model_name(output) or model
    facts: Row = {"model": name}
    if usage is not None:
        facts["usage"] = take_snapshot(usage, MAX_VALUE)
        facts["input_tokens"], facts["output_tokens"] = usage["input_tokens"], usage["output_tokens"]
        if get_model_name(output) and has_price(str(name)):
            facts["cost"] = find_price(output)
    return facts


@contextlib.contextmanager
def _guarded(run: Run) -> Iterator[None]:
    """What fails in recording does no harm to the run."""
    try:
        yield
    except Exception:
        logger.warning("the run %s could not be recorded", run.name, exc_info=True)


def record(to: str | os.PathLike[str] = "runs.db", *, max_value: int = MAX_VALUE) -> RunRecorder:
    """Record runs into a SQLite file, which ``prill traces`` shows.

    Chains, models, tools, retrievers and agents are recorded with their inputs and outputs, times, errors, tokens and
    cost. A thread writes them in groups; a file that cannot be written is logged once, and does no harm to any run.
    The environment variable ``PRILL_RECORD=runs.db`` records all runs of a program.

    Args:
        to: the file; it is made, or added to. Threads and processes may write to one at once.
        max_value: how many characters of an input or an output are kept; what was cut says so in its place.

    Returns:
        A context manager, and a callback.

    Raises:
        ConfigError: ``max_value`` is not positive.

    >>> with record(to="runs.db"):  # doctest: +SKIP
    ...     chain.invoke("What is a llama?")
    """
    return RunRecorder(to, max_value=max_value)


@functools.cache
def get_environment_recorder() -> RunRecorder:
    """The recorder of the file that ``PRILL_RECORD`` names."""
    return RunRecorder(os.environ["PRILL_RECORD"])
