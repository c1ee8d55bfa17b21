"""Runs as OpenTelemetry spans and metrics.

Names follow the semantic conventions for generative AI of OpenTelemetry 1.41
(https://opentelemetry.io/docs/specs/semconv/gen-ai/), which are still in development.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from time import perf_counter
from typing import Any

from prill.callbacks.run import MaybeAwaitable, Observer, Run
from prill.errors import MissingDependencyError
from prill.tracers.genai_attributes import (
    OPERATIONS,
    answered,
    asked,
    make_content_attribute,
    messages_asked,
    named,
    response_facts,
)

try:
    from opentelemetry import context as otel_context
    from opentelemetry import metrics
    from opentelemetry import trace as otel_trace
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, SpanKind, Status, StatusCode
except ImportError as error:
    raise MissingDependencyError("OpenTelemetry is not installed: pip install 'prill[otel]'") from error

_TOKENS = [4**power for power in range(14)]
_SECONDS = [0.01 * 2**power for power in range(14)]
_INSIDE = otel_context.create_key("prill-run")


class _Watched:
    """A run's span, and what its metrics need."""

    __slots__ = ("chunks", "context", "first", "labels", "last", "span", "started")

    def __init__(self, span: Span, context: Context, labels: dict[str, Any]) -> None:
        self.span = span
        self.context = context
        self.labels = labels
        self.chunks = 0
        self.first = self.last = 0.0
        self.started = perf_counter()


class OpenTelemetryHandler(Observer):
    """Makes a span of each run, and measures models: give an instance as ``config={"callbacks": [handler]}``.

    Spans are children of their run's parent, across tasks, threads and generators; that of a root is a child of the
    span that is current where the run starts. While user code runs inside a step (a function, a tool, a model's own
    methods), the step's span is the current one. Models' spans are called ``chat gpt-4o`` and have the attributes
    ``gen_ai.…``. A stream that is left early is not an error: its span has ``prill.cancelled``.

    Prompts, answers, and tools' arguments and results are recorded only with ``capture_content``. The providers are
    the global ones, unless others are given. Needs ``opentelemetry-api``: ``pip install 'prill[otel]'``.
    """

    def __init__(
        self, tracer_provider: Any = None, meter_provider: Any = None, *, capture_content: bool = False
    ) -> None:
        self._tracer = otel_trace.get_tracer("prill", tracer_provider=tracer_provider)
        self._capture = capture_content
        meter = metrics.get_meter("prill", meter_provider=meter_provider)

        def histogram(name: str, unit: str, description: str, buckets: list[Any]) -> Any:
            return meter.create_histogram(name, unit, description, explicit_bucket_boundaries_advisory=buckets)

        self._duration = histogram("gen_ai.client.operation.duration", "s", "GenAI operation duration", _SECONDS)
        self._usage = histogram("gen_ai.client.token.usage", "{token}", "Number of tokens used", _TOKENS)
        self._to_first = histogram(
            "gen_ai.client.operation.time_to_first_chunk", "s", "Time to receive the first chunk", _SECONDS
        )
        self._per_chunk = histogram(
            "gen_ai.client.operation.time_per_output_chunk", "s", "Time per chunk after the first", _SECONDS
        )

    def on_start(self, run: Run, input: Any) -> MaybeAwaitable:
        operation = OPERATIONS.get(run.kind)
        labels = named(run) if operation in ("chat", "text_completion") else {}
        attributes = {"prill.run.id": str(run.id), "prill.run.type": run.kind, **labels}
        if run.tags:
            attributes["prill.tags"] = list(run.tags)
        if operation is None:
            name = run.name
        else:
            attributes["gen_ai.operation.name"] = operation
            name = f"{operation} {labels.get('gen_ai.request.model', run.name)}"
        if labels:
            labels["gen_ai.operation.name"] = operation
            attributes.update(asked(run))
            if self._capture:
                attributes["gen_ai.input.messages"] = _text(messages_asked(input))
        elif run.kind == "tool":
            attributes["gen_ai.tool.name"] = run.name
            attributes["gen_ai.tool.type"] = "function"
            if self._capture:
                attributes["gen_ai.tool.call.arguments"] = _text(make_content_attribute(input))
        around = self._around(run)
        span = self._tracer.start_span(
            name, around, SpanKind.CLIENT if labels else SpanKind.INTERNAL, attributes=attributes
        )
        context = otel_context.set_value(_INSIDE, run.id, otel_trace.set_span_in_context(span, around))
        run.state[self] = _Watched(span, context, labels)
        run.around = (*run.around, lambda: _attach(context))
        return None

    def on_chunk(self, run: Run, chunk: Any) -> MaybeAwaitable:
        watched: _Watched = run.state[self]
        if watched.labels:
            now = perf_counter()
            if watched.chunks:
                self._per_chunk.record(now - watched.last, watched.labels)
            else:
                watched.first = now
            watched.last = now
            watched.chunks += 1
        return None

    def on_restart(self, run: Run, marker: Any) -> MaybeAwaitable:
        run.state[self].span.add_event("restart", {"error.type": type(marker.error).__qualname__})
        return None

    def on_end(self, run: Run, output: Any) -> MaybeAwaitable:
        watched: _Watched = run.state[self]
        if self._capture and run.kind == "tool" and watched.span.is_recording():
            watched.span.set_attribute("gen_ai.tool.call.result", _text(make_content_attribute(output)))
        self._close(run, watched, output)
        return None

    def on_error(self, run: Run, error: BaseException) -> MaybeAwaitable:
        watched: _Watched = run.state[self]
        kind = type(error).__qualname__
        watched.span.set_attribute("error.type", kind)
        watched.span.set_status(Status(StatusCode.ERROR, getattr(error, "message", None) or str(error)))
        watched.span.record_exception(error)
        if watched.labels:
            watched.labels = {**watched.labels, "error.type": kind}
        self._close(run, watched, getattr(error, "partial", None))
        return None

    def on_cancel(self, run: Run, partial: Any) -> MaybeAwaitable:
        watched: _Watched = run.state[self]
        watched.span.set_attribute("prill.cancelled", True)
        self._close(run, watched, partial)
        return None

    def on_custom(self, run: Run, name: str, data: Any) -> MaybeAwaitable:
        run.state[self].span.add_event(name, {"data": _text(make_content_attribute(data))} if self._capture else None)
        return None

    def _close(self, run: Run, watched: _Watched, output: Any) -> None:
        if watched.labels:
            facts = response_facts(run, output)
            if watched.chunks:
                facts["gen_ai.response.time_to_first_chunk"] = watched.first - watched.started
            if self._capture and output is not None:
                facts["gen_ai.output.messages"] = _text([answered(output)])
            watched.span.set_attributes(facts)
            self._measure(watched, facts)
        watched.span.end()

    def _measure(self, watched: _Watched, facts: dict[str, Any]) -> None:
        labels = dict(watched.labels)
        if "gen_ai.response.model" in facts:
            labels["gen_ai.response.model"] = facts["gen_ai.response.model"]
        # With the span's context, an exporter can join a measurement with its trace.
        self._duration.record(perf_counter() - watched.started, labels, context=watched.context)
        if watched.chunks:
            self._to_first.record(watched.first - watched.started, labels, context=watched.context)
        for kind in ("input", "output"):
            tokens = facts.get(f"gen_ai.usage.{kind}_tokens")
            if tokens is not None:
                self._usage.record(tokens, {**labels, "gen_ai.token.type": kind}, context=watched.context)

    def _around(self, run: Run) -> Context:
        """The context for the span of ``run``: that of its parent, or the current one where that is further in."""
        current = otel_context.get_current()
        outer = run.parent
        while outer is not None:
            watched = outer.state.get(self) if outer.id is not None else None
            if watched is not None:
                inside = otel_context.get_value(_INSIDE, current) == outer.id
                return current if inside else watched.context
            outer = outer.parent
        return current


def _attach(context: Context) -> Callable[[], None]:
    token = otel_context.attach(context)
    return lambda: otel_context.detach(token)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
