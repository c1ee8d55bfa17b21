"""Views of runs.

Names are loaded when they are first used: every chain imports this room, and few draw trees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runlet.lazy import lazy_names

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
    "AsyncBaseTracer": "runlet.tracers.base",
    "BaseTracer": "runlet.tracers.base",
    "ConsoleCallbackHandler": "runlet.tracers.console",
    "LogStreamCallbackHandler": "runlet.tracers.log_stream",
    "Run": "runlet.tracers.tree:TracedRun",
    "RunLog": "runlet.tracers.run_log",
    "RunLogPatch": "runlet.tracers.run_log",
    "Trace": "runlet.tracers.trace",
    "TracedRun": "runlet.tracers.tree",
    "collect_runs": "runlet.tracers.context",
}

if not TYPE_CHECKING:  # a type checker would believe that every name exists
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
