"""Views of runs.

Names are loaded when they are first used: every chain imports this room, and few draw trees.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runlet.tracers.base import AsyncBaseTracer, BaseTracer
    from runlet.tracers.console import ConsoleCallbackHandler
    from runlet.tracers.context import collect_runs
    from runlet.tracers.log_stream import LogStreamCallbackHandler
    from runlet.tracers.run_log import RunLog, RunLogPatch
    from runlet.tracers.trace import Trace
    from runlet.tracers.tree import TracedRun

    Run = TracedRun

__all__ = [
    "AsyncBaseTracer",
    "BaseTracer",
    "ConsoleCallbackHandler",
    "LogStreamCallbackHandler",
    "Run",
    "RunLog",
    "RunLogPatch",
    "Trace",
    "TracedRun",
    "collect_runs",
]

_HOMES = {
    "AsyncBaseTracer": "base",
    "BaseTracer": "base",
    "ConsoleCallbackHandler": "console",
    "LogStreamCallbackHandler": "log_stream",
    "RunLog": "run_log",
    "RunLogPatch": "run_log",
    "Trace": "trace",
    "TracedRun": "tree",
    "collect_runs": "context",
}


if not TYPE_CHECKING:  # a type checker would believe that every name exists

    def __getattr__(name: str) -> Any:
        if name == "Run":
            name = "TracedRun"
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
