"""Views of runs."""

from runlet.tracers.base import AsyncBaseTracer, BaseTracer
from runlet.tracers.console import ConsoleCallbackHandler
from runlet.tracers.context import collect_runs
from runlet.tracers.log_stream import LogStreamCallbackHandler
from runlet.tracers.run_log import RunLog, RunLogPatch
from runlet.tracers.trace import Trace, trace
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
    "trace",
]
