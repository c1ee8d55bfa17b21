"""Views of runs.

Names are loaded when they are first used: every chain imports this room, and few draw trees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.tracers.base import AsyncBaseTracer, BaseTracer
    from prill.tracers.console import ConsoleCallbackHandler
    from prill.tracers.context import collect_runs
    from prill.tracers.log_stream import LogStreamCallbackHandler
    from prill.tracers.run_log import RunLog, RunLogPatch
    from prill.tracers.trace import Trace
    from prill.tracers.tree import TracedRun

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
    "AsyncBaseTracer": "prill.tracers.base",
    "BaseTracer": "prill.tracers.base",
    "ConsoleCallbackHandler": "prill.tracers.console",
    "LogStreamCallbackHandler": "prill.tracers.log_stream",
    "Run": "prill.tracers.tree:TracedRun",
    "RunLog": "prill.tracers.run_log",
    "RunLogPatch": "prill.tracers.run_log",
    "Trace": "prill.tracers.trace",
    "TracedRun": "prill.tracers.tree",
    "collect_runs": "prill.tracers.context",
}

if not TYPE_CHECKING:  # a type checker would believe that every name exists
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
