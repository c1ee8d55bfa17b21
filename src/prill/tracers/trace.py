"""Recording the runs of a block of code, to look at them afterwards."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any

from prill.callbacks.run import MaybeAwaitable, Run
from prill.callbacks.usage import ambient
from prill.errors import ConfigError
from prill.tracers.console import load_rich, run_table
from prill.tracers.plain_json import as_json
from prill.tracers.tree import Recorder, TracedRun
from prill.tracers.waterfall import draw_waterfall


class Trace(Recorder):
    """The runs that were recorded, as trees in ``runs``, in the order in which they began."""

    def __init__(self) -> None:
        self.runs: list[TracedRun] = []

    def opened(self, run: Run, traced: TracedRun) -> MaybeAwaitable:
        if traced.parent_run_id is None:
            self.runs.append(traced)
        return None

    def print(self, console: Any = None) -> None:
        """Print the trees, with times, tokens and errors. Needs ``rich``: ``pip install 'prill[cli]'``."""
        rich = load_rich()
        shown_on = console if console is not None else rich.console.Console()
        shown_on.print(run_table(self.runs, shown_on.width))

    def to_json(self, indent: int | None = 2) -> str:
        """All that was recorded, as JSON text; what has no JSON form is there as ``{"type": …, "repr": …}``."""
        return json.dumps([_facts(run) for run in self.runs], indent=indent, ensure_ascii=False)

    def waterfall(self, path: str | PathLike[str] | None = None, *, title: str | None = None) -> str:
        """Draw the runs along time as SVG text, with the first chunk of each marked; ``path`` is where to write it.

        Raises ``ConfigError`` for a path with the ending of another kind of picture.
        """
        if path is not None and Path(path).suffix.lower() not in ("", ".svg"):
            raise ConfigError(f"a waterfall is an SVG file: the path must end in .svg, not {Path(path).suffix}")
        svg = draw_waterfall(self.runs, title=title)
        if path is not None:
            Path(path).write_text(svg, encoding="utf-8")
        return svg

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """How a notebook shows it: the picture along time, and the text."""
        return {"image/svg+xml": self.waterfall(), "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<Trace of {len(self.runs)} runs>"


@contextlib.contextmanager
def trace() -> Iterator[Trace]:
    """Record the runs that are started inside the ``with`` block.

    >>> with trace() as recorded:
    ...     recorded.runs
    []
    """
    recorded = Trace()
    with ambient(recorded):
        yield recorded


def _facts(run: TracedRun) -> dict[str, Any]:
    return {
        "id": str(run.id),
        "name": run.name,
        "type": run.kind,
        "status": run.status,
        "tags": list(run.tags),
        "metadata": as_json(run.metadata),
        "start_time": run.start_time.isoformat(),
        "end_time": run.end_time.isoformat() if run.end_time is not None else None,
        "duration": run.duration,
        "time_to_first_chunk": run.time_to_first_chunk,
        "chunks": run.chunks,
        "usage": as_json(run.usage),
        "error": run.error,
        "inputs": as_json(run.inputs),
        "outputs": as_json(run.outputs),
        "child_runs": [_facts(child) for child in run.child_runs],
    }
