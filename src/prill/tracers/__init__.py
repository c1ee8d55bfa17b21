"""Views of runs.

Names are loaded when they are first used: every chain imports this room, and few draw trees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.tracers.base import (
        AsyncBaseTracer as AsyncBaseTracer,
        BaseTracer as BaseTracer,
    )
    from prill.tracers.console import ConsoleCallbackHandler as ConsoleCallbackHandler
    from prill.tracers.context import collect_runs as collect_runs
    from prill.tracers.log_stream import LogStreamCallbackHandler as LogStreamCallbackHandler
    from prill.tracers.run_log import (
        RunLog as RunLog,
        RunLogPatch as RunLogPatch,
    )
    from prill.tracers.trace import Trace as Trace
    from prill.tracers.tree import TracedRun as TracedRun

    Run = TracedRun
else:  # a type checker would believe that every name exists
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "base": "AsyncBaseTracer BaseTracer",
            "console": "ConsoleCallbackHandler",
            "context": "collect_runs",
            "log_stream": "LogStreamCallbackHandler",
            "run_log": "RunLog RunLogPatch",
            "trace": "Trace",
            "tree": "Run=TracedRun TracedRun",
        },
    )
