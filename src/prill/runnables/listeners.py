"""Functions that are called when a certain step starts, ends or fails."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from prill.callbacks.run import MaybeAwaitable, Run
from prill.errors import ConfigError
from prill.runnables.base import Runnable
from prill.runnables.binding import RunnableBinding
from prill.runnables.engine.runs import config_for_child
from prill.tracers.tree import Recorder, TracedRun

Listener = Callable[..., Any]


class Listening(Recorder):
    """Notifies listeners of the run that it was passed to, not of the runs inside it."""

    def __init__(self, on_start: Listener | None, on_end: Listener | None, on_error: Listener | None) -> None:
        self._start, self._end, self._error = on_start, on_end, on_error

    def opened(self, run: Run, traced: TracedRun) -> MaybeAwaitable:
        return self._notify(self._start, run, traced)

    def closed(self, run: Run, traced: TracedRun) -> MaybeAwaitable:
        return self._notify(self._end if traced.error is None and not traced.cancelled else self._error, run, traced)

    def _notify(self, listener: Listener | None, run: Run, traced: TracedRun) -> MaybeAwaitable:
        if listener is None or traced.parent_run_id is not None:
            return None
        answer = listener(traced, config_for_child(run)) if _takes_two_arguments(listener) else listener(traced)
        return run.io.await_on_loop(answer) if inspect.isawaitable(answer) else None


def _takes_two_arguments(listener: Listener) -> bool:
    try:
        inspect.signature(listener).bind(None, None)
    except (TypeError, ValueError):
        return False
    return True


def with_listeners(
    step: Runnable[Any, Any], on_start: Listener | None, on_end: Listener | None, on_error: Listener | None
) -> Runnable[Any, Any]:
    """``step``, observed by a ``Listening``."""
    given = {"on_start": on_start, "on_end": on_end, "on_error": on_error}
    for name, listener in given.items():
        if listener is not None and not callable(listener):
            raise ConfigError(f"{name} must be a function that takes the run, not {listener!r:.80}")
    return RunnableBinding(step, config={"callbacks": [Listening(on_start, on_end, on_error)]})
