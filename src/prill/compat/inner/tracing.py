"""``langchain_core.tracers``: the parts of its inside that packages name.

LangSmith's tracer is a name that handlers are compared with; nothing is sent to LangSmith.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Generic, TypeVar
from uuid import UUID

from prill.compat.inner.tracer_base import AsyncBaseTracer, BaseTracer
from prill.errors import CompatError

T = TypeVar("T")


class _StreamsModels:
    """A mark of handlers: models stream for them, also when they are invoked."""

    def __init_subclass__(cls, *args: Any, **kwargs: Any) -> None:
        super().__init_subclass__(*args, **kwargs)
        cls.streams_models = True  # type: ignore[attr-defined]  # of the other base class


class _StreamingCallbackHandler(_StreamsModels, Generic[T]):
    """A handler that is shown the stream of a run's output."""

    def tap_output_aiter(self, run_id: UUID, output: AsyncIterator[T]) -> AsyncIterator[T]:
        """The same stream, watched."""
        return output

    def tap_output_iter(self, run_id: UUID, output: Iterator[T]) -> Iterator[T]:
        """The same stream, watched."""
        return output


class _V2StreamingCallbackHandler(_StreamsModels):
    """A handler that is given a model's stream as events of the protocol (``on_stream_event``)."""


class LangChainTracer(BaseTracer):
    """LangSmith's tracer: it cannot be made here."""

    run_inline = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise CompatError(
            "LangSmith's tracer is not supported on Prill's core: use prill.tracers.opentelemetry, to which LangSmith "
            "listens too"
        )

    def on_chat_model_start(self, serialized: dict[str, Any], messages: list[list[Any]], **kwargs: Any) -> Any:
        """Report a chat model as a run of the type ``llm`` with messages; other tracers call it as a function."""
        return self._start_chat_model("llm", serialized, messages, kwargs)


def get_client() -> Any:
    """Raise ``CompatError``: there is no client of LangSmith."""
    raise CompatError("there is no client of LangSmith on Prill's core: make one with langsmith.Client()")


def wait_for_all_tracers() -> None:
    """Return: no tracer sends anything later."""


wait_for_all_evaluators = wait_for_all_tracers


class EvaluatorCallbackHandler(LangChainTracer):
    """LangSmith's evaluations of runs: they cannot be made here."""


def tracing_v2_enabled(*args: Any, **kwargs: Any) -> Any:
    """Raise ``CompatError``, as ``LangChainTracer`` does."""
    return LangChainTracer(*args, **kwargs)


class RootListenersTracer(BaseTracer):
    """Calls functions with the outermost run when it starts, ends and fails."""

    def __init__(
        self,
        *,
        config: Any,
        on_start: Callable[..., Any] | None,
        on_end: Callable[..., Any] | None,
        on_error: Callable[..., Any] | None,
    ) -> None:
        super().__init__(_schema_format="original+chat")
        self.config = config
        self._on_start, self._on_end, self._on_error = on_start, on_end, on_error
        self.root_id: UUID | None = None

    def _on_run_create(self, run: Any) -> Any:
        if self.root_id is not None:
            return None
        self.root_id = run.id
        return self._listen(self._on_start, run)

    def _on_run_update(self, run: Any) -> Any:
        if run.id != self.root_id:
            return None
        return self._listen(self._on_error if run.error is not None else self._on_end, run)

    def _listen(self, function: Callable[..., Any] | None, run: Any) -> Any:
        if function is None:
            return None
        return function(run, self.config) if len(inspect.signature(function).parameters) > 1 else function(run)


class AsyncRootListenersTracer(RootListenersTracer, AsyncBaseTracer):
    """The same with async functions."""
