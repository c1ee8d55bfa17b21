"""Watching runs from around them, without handing callbacks in."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from prill.callbacks.run import GLOBAL_CALLBACKS, CallbacksWithParent, MaybeAwaitable, Observer, Run, join_observers
from prill.callbacks.usage import ambient
from prill.errors import ConfigError
from prill.tracers.tree import Recorder, TracedRun


class RunCollectorCallbackHandler(Recorder):
    """Keeps the tree of each root that has ended in ``traced_runs``."""

    def __init__(self) -> None:
        self.traced_runs: list[TracedRun] = []

    def closed(self, run: Run, traced: TracedRun) -> MaybeAwaitable:
        if traced.parent_run_id is None:
            self.traced_runs.append(traced)
        return None


@contextlib.contextmanager
def collect_runs() -> Iterator[RunCollectorCallbackHandler]:
    """Collect the trees of the runs that are started inside the ``with`` block.

    >>> with collect_runs() as collected:
    ...     collected.traced_runs
    []
    """
    collector = RunCollectorCallbackHandler()
    with ambient(collector):
        yield collector


class _Hook(CallbacksWithParent):
    """Watches with the handler that a context variable holds when a run starts."""

    def __init__(self, variable: ContextVar[Any], make: Callable[[], Any] | None, environment: str | None) -> None:
        self._variable = variable
        self._make = make
        self._environment = environment
        self._made: Any = None

    def observers(self) -> tuple[Observer, ...]:
        handler = self._variable.get(None)
        if handler is None and self._make is not None and self._environment is not None:
            handler = self._switched_on(self._make, os.environ.get(self._environment, ""))
        return join_observers(None, handler) or ()

    def _switched_on(self, make: Callable[[], Any], switch: str) -> Any:
        if switch.lower() not in ("1", "true"):
            return None
        if self._made is None:
            self._made = make()
        return self._made


def register_configure_hook(
    context_var: ContextVar[Any],
    inheritable: bool = True,
    handle_class: Callable[[], Any] | None = None,
    env_var: str | None = None,
) -> None:
    """From now on, watch every run with the handler that ``context_var`` holds where the run starts.

    Where it holds none and the environment variable ``env_var`` is ``true``, the handler is one ``handle_class()``.
    """
    if env_var is not None and handle_class is None:
        raise ConfigError(f"the environment variable {env_var} enables a handler: pass its class as handle_class")
    GLOBAL_CALLBACKS.append(_Hook(context_var, handle_class, env_var))
