"""Runs as a stream of events, in the two versions that users know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prill.callbacks.handled import call_id, get_llm_result
from prill.callbacks.run import ChunkCallback, MaybeAwaitable, Observer, Run, fire_and_forget
from prill.errors import Cancelled, ConfigError, PrillError
from prill.io.execution_mode import Emit
from prill.tracers.select import Selection


class EventView(Observer):
    """Puts out an event for each fact, as ``astream_events(version="v2")`` gives them."""

    def __init__(self, put: Emit, selection: Selection, given: Any) -> None:
        self._put = put
        self._selection = selection
        self._given = given
        self._root: Run | None = None
        self._first: Run | None = None

    def on_start(self, run: Run, input: Any) -> MaybeAwaitable:
        if self._root is None:
            self._root = run
        if not self._selection.shows(run, run is self._root):
            run.state[self] = None
            return None
        run.state[self] = self._about(run)
        data: dict[str, Any] = {}
        if self._first is None:
            # The first event carries the input as it was given, whichever run it is of.
            self._first = run
            data["input"] = self._given
        elif not run.streamed or run.kind not in ("chain", "parser"):
            data["input"] = input
        return self._emit(run, "start", data)

    def chunk_callback(self, run: Run) -> ChunkCallback | None:
        about = run.state[self]
        if about is None:
            return None
        # The hot path of a watched stream: all that is the same for every chunk is made once.
        put, event = self._put, {"event": about["stream"], "data": None, **about["event"]}

        def notify(run: Run, chunk: Any) -> MaybeAwaitable:
            made = event.copy()
            made["data"] = {"chunk": chunk}
            return put(made)

        return fire_and_forget(notify) if run.io.blocking else notify

    def on_chunk(self, run: Run, chunk: Any) -> MaybeAwaitable:
        notify = self.chunk_callback(run)
        return notify(run, chunk) if notify is not None else None

    def on_restart(self, run: Run, marker: Any) -> MaybeAwaitable:
        if run.state[self] is None:
            return None
        error = marker.error
        made = {"type": type(error).__name__, "message": getattr(error, "message", None) or str(error)}
        return self._emit(run, "restart", {"attempt": marker.attempt, **made})

    def on_end(self, run: Run, output: Any) -> MaybeAwaitable:
        if run.state[self] is None and run is not self._root:
            return None
        data: dict[str, Any] = {"output": self._output(run, output)}
        if run is not self._first:
            data["input"] = run.input
        if run is self._root and run.usage is not None and run.usage.by_model:
            data["usage_metadata"] = run.usage.by_model
        return self._emit(run, "end", data)

    def on_error(self, run: Run, error: BaseException) -> MaybeAwaitable:
        if run.kind == "tool" and (run is self._root or run.state[self] is not None):
            # The one error that is shown where it happened: an agent goes on after it.
            facts = {"error": error, "input": run.input, "tool_call_id": call_id(run)}
            return self._emit(run, "error", {**self._about_error(run, error), **facts})
        return self._emit(run, "error", self._about_error(run, error)) if run is self._root else None

    def on_cancel(self, run: Run, partial: Any) -> MaybeAwaitable:
        stopped = run.state.get("stopped")
        # A consumer that left gets no event; one whose run was stopped from elsewhere does.
        return self.on_error(run, stopped) if isinstance(stopped, Cancelled) else None

    def _about_error(self, run: Run, error: BaseException) -> dict[str, Any]:
        data: dict[str, Any] = {
            "type": type(error).__name__,
            "message": getattr(error, "message", None) or str(error),
            "retryable": bool(getattr(error, "retryable", False)),
        }
        if isinstance(error, PrillError) and error.path:
            data["path"] = list(error.path)
        if run is self._root and run.usage is not None and run.usage.by_model:
            data["usage_metadata"] = run.usage.by_model
        return data

    def on_custom(self, run: Run, name: str, data: Any) -> MaybeAwaitable:
        if not self._selection.shows(run, run is self._root, name):
            return None
        event = {**self._about(run)["event"], "name": name}
        full = self._put({"event": "on_custom_event", "data": data, **event})
        return full if not run.io.blocking else None

    def _emit(self, run: Run, what: str, data: dict[str, Any]) -> MaybeAwaitable:
        about = run.state[self] or self._about(run)
        event = {"event": f"on_{run.kind}_{what}", "data": data, **about["event"]}
        if what == "end" and not about.get("terse"):
            event["metadata"] = run.metadata  # with what the run came to know of itself
        full = self._put(event)
        return full if not run.io.blocking else None  # see ``fire_and_forget``

    def _about(self, run: Run) -> dict[str, Any]:
        """The fields that all events of a run share."""
        event = {
            "run_id": str(run.id),
            "name": run.name,
            "tags": run.tags,
            "metadata": run.metadata,
            "parent_ids": self._parent_ids(run),
        }
        return {"event": event, "stream": f"on_{run.kind}_stream"}

    def _parent_ids(self, run: Run) -> list[str]:
        parent = run.parent
        about = parent.state.get(self) if parent is not None else None
        if about is None:
            return [str(each.id) for each in run.ancestors]
        return [*about["event"]["parent_ids"], about["event"]["run_id"]]

    def _output(self, run: Run, output: Any) -> Any:
        if run.kind != "llm":
            return output
        result = get_llm_result(run, output)
        return {
            "generations": [[_generation(each) for each in some] for some in result.generations],
            "llm_output": result.llm_output,
        }


class EventViewV1(EventView):
    """The same as ``version="v1"`` had it: no ``parent_ids``, models' results as they come, inputs as they are."""

    def on_start(self, run: Run, input: Any) -> MaybeAwaitable:
        if self._root is None:
            self._root = self._first = run
        if not self._selection.shows(run, run is self._root):
            run.state[self] = None
            return None
        run.state[self] = self._about(run)
        data: dict[str, Any] = {}
        if run is self._root:
            data["input"] = self._given
        elif not run.streamed or run.kind not in ("chain", "parser"):
            data["input"] = input
        return self._emit(run, "start", data)

    def _about(self, run: Run) -> dict[str, Any]:
        about = super()._about(run)
        about["event"]["parent_ids"] = []
        if run is self._root:
            # Of the root, only the settings of the caller.
            about["event"]["metadata"] = dict(run.said("metadata") or {})
            about["event"]["tags"] = list(run.said("tags") or [])
            about["terse"] = True
        return about

    def on_end(self, run: Run, output: Any) -> MaybeAwaitable:
        if run is self._root and not run.streamed:
            # The root always streams, be it in one piece.
            return _both(self._emit(run, "stream", {"chunk": output}), lambda: EventView.on_end(self, run, output))
        return super().on_end(run, output)

    def _output(self, run: Run, output: Any) -> Any:
        if run is self._root:
            return output
        if run.kind == "retriever":
            return {"documents": output}
        if run.kind not in ("llm", "chat_model"):
            return output
        result = get_llm_result(run, output)
        return {
            "generations": [[_generation(each) for each in some] for some in result.generations],
            "llm_output": result.llm_output,
            "run": None,
            "type": "LLMResult",
        }


async def _both(first: MaybeAwaitable, then: Callable[[], MaybeAwaitable]) -> None:
    if first is not None:
        await first
    if (second := then()) is not None:
        await second


def _generation(generation: Any) -> dict[str, Any]:
    made = {"text": generation.text, "generation_info": generation.generation_info, "type": generation.type}
    message = getattr(generation, "message", None)
    return made if message is None else {**made, "message": message}


VIEWS: dict[str, Callable[[Emit, Selection, Any], EventView]] = {"v1": EventViewV1, "v2": EventView}


def event_view(version: str) -> Callable[[Emit, Selection, Any], EventView]:
    """The view of a version."""
    try:
        return VIEWS[version]
    except KeyError:
        raise ConfigError(f"unknown version {version!r} of events; use 'v2' and 'v1'") from None
