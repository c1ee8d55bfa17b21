"""Numbers for Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/"""

from __future__ import annotations

import time
from typing import Any

from prill.callbacks.run import ChunkCallback, MaybeAwaitable, Observer, Run
from prill.errors import MissingDependencyError

try:
    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
except ImportError as error:
    raise MissingDependencyError("App(metrics=True) needs prometheus-client: pip install 'prill[metrics]'") from error

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics(Observer):
    """Counts the outermost runs of a server by their path, and the tokens of their models.

    - ``prill_runs_total{path, outcome}``: runs that ended with ``ok``, ``error`` or ``cancelled``.
    - ``prill_runs_open{path}``: runs that go on.
    - ``prill_run_seconds{path}``: how long runs took.
    - ``prill_first_chunk_seconds{path}``: how long streams took to their first chunk.
    - ``prill_tokens_total{path, model, kind}``: tokens of ``input`` and ``output``.

    Each worker process has numbers of its own.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        path = ["path"]
        common: dict[str, Any] = {"registry": self.registry}
        self._runs = Counter("prill_runs", "Runs that have ended.", ["path", "outcome"], **common)
        self._open = Gauge("prill_runs_open", "Runs that go on.", path, **common)
        self._seconds = Histogram("prill_run_seconds", "How long runs took.", path, buckets=_SECONDS, **common)
        text = "How long streams took to their first chunk."
        self._first = Histogram("prill_first_chunk_seconds", text, path, buckets=_SECONDS, **common)
        self._tokens = Counter("prill_tokens", "Tokens of models.", ["path", "model", "kind"], **common)

    def write(self) -> bytes:
        """The numbers in Prometheus's text format."""
        return generate_latest(self.registry)

    def on_start(self, run: Run, input: Any) -> MaybeAwaitable:
        if run.parent is None:
            run.state[self] = time.monotonic()
            self._open.labels(run.name).inc()
        return None

    def chunk_callback(self, run: Run) -> ChunkCallback | None:
        if run.parent is not None:
            return None
        waiting = True

        def note(run: Run, chunk: Any) -> None:
            nonlocal waiting
            if waiting:
                waiting = False
                self._first.labels(run.name).observe(time.monotonic() - run.state[self])

        return note

    def on_end(self, run: Run, output: Any) -> MaybeAwaitable:
        return self._end(run, "ok")

    def on_error(self, run: Run, error: BaseException) -> MaybeAwaitable:
        return self._end(run, "error")

    def on_cancel(self, run: Run, partial: Any) -> MaybeAwaitable:
        return self._end(run, "cancelled")

    def _end(self, run: Run, outcome: str) -> MaybeAwaitable:
        if run.parent is not None:
            return None
        self._open.labels(run.name).dec()
        self._runs.labels(run.name, outcome).inc()
        self._seconds.labels(run.name).observe(time.monotonic() - run.state[self])
        for model, usage in (run.usage.by_model if run.usage is not None else {}).items():
            self._tokens.labels(run.name, model, "input").inc(usage["input_tokens"])
            self._tokens.labels(run.name, model, "output").inc(usage["output_tokens"])
        return None
