"""Tracers that print."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from prill.tracers.base import BaseTracer
from prill.tracers.console import ConsoleCallbackHandler
from prill.tracers.plain_json import as_json
from prill.tracers.tree import TracedRun

__all__ = ["ConsoleCallbackHandler", "FunctionCallbackHandler", "elapsed", "try_json_stringify"]


def try_json_stringify(obj: Any, fallback: str) -> str:
    """``obj`` as indented JSON, or ``fallback`` if it cannot be written as JSON."""
    try:
        return json.dumps(obj, indent=2, ensure_ascii=False)
    except Exception:
        return fallback


def elapsed(run: Any) -> str:
    """How long a run took, as people write it: ``12ms``, ``3.40s``."""
    seconds: float = run.duration
    return f"{seconds * 1000:.0f}ms" if seconds < 1 else f"{seconds:.2f}s"


class FunctionCallbackHandler(BaseTracer):
    """Gives ``function`` a few lines of text at the start and at the end of every run."""

    def __init__(self, function: Callable[[str], None], **kwargs: Any) -> None:
        self.function = function

    def get_parents(self, run: TracedRun) -> list[TracedRun]:
        """The runs around ``run``, the nearest first."""
        parents = []
        outer = run.parent
        while outer is not None:
            parents.append(outer)
            outer = outer.parent
        return parents

    def get_breadcrumbs(self, run: TracedRun) -> str:
        """Where ``run`` is: ``chain:Answer > llm:ChatOpenAI``."""
        return " > ".join(f"{each.run_type}:{each.name}" for each in [*self.get_parents(run)[::-1], run])

    def _on_run_create(self, run: TracedRun) -> None:
        self._print(run, "start", f"starts with {_shown(run.inputs)}")

    def _on_run_update(self, run: TracedRun) -> None:
        if run.error is not None:
            self._print(run, "error", f"[{elapsed(run)}] failed: {run.error}")
        elif run.cancelled:
            self._print(run, "cancel", f"[{elapsed(run)}] was left before its end")
        else:
            self._print(run, "end", f"[{elapsed(run)}] ended with {_shown(run.outputs)}")

    def _print(self, run: TracedRun, what: str, text: str) -> None:
        self.function(f"[{run.run_type}/{what}] [{self.get_breadcrumbs(run)}] {text}")


def _shown(facts: dict[str, Any] | None) -> str:
    return json.dumps(as_json(facts), indent=2, ensure_ascii=False)
