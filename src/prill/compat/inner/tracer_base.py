"""``langchain_core.tracers.base``: the base of tracers that other packages write.

It is a handler that makes a ``Run`` of each start, keeps it in ``run_map`` until the end, and calls hooks with it.
``_start_trace`` and ``_end_trace`` are called for every run, ``_persist_run`` for each root that has ended.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Coroutine
from typing import Any
from uuid import UUID

from prill.callbacks.base import AsyncCallbackHandler, BaseCallbackHandler
from prill.compat.inner.traced_run import Run, now
from prill.exceptions import TracerException
from prill.io import drive
from prill.load import dumpd


def _nothing(self: Any, run: Run, *facts: Any) -> Any:
    return None


async def _awaited(answer: Any) -> Any:
    return await answer if inspect.isawaitable(answer) else answer


class BaseTracer(BaseCallbackHandler):
    """Records runs; subclasses override ``_persist_run`` and hooks such as ``_on_chain_end``, each given the run.

    ``_schema_format`` is ``"original"`` (a chat model is reported as a text model), ``"original+chat"`` or
    ``"streaming_events"`` (inputs and outputs as they are, not as dicts).
    """

    log_missing_parent = True

    def __init__(self, *, _schema_format: str = "original", run_map: dict[str, Run] | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self._schema_format = _schema_format
        self.run_map: dict[str, Run] = run_map if run_map is not None else {}
        self.order_map: dict[UUID, tuple[UUID | None, str]] = {}

    # What subclasses override.

    def _persist_run(self, run: Run) -> Any:
        """A root has ended."""

    def _start_trace(self, run: Run) -> Any:
        return self._finish(self._enter(run))

    def _end_trace(self, run: Run) -> Any:
        return self._finish(self._leave(run))

    def _on_chat_model_start(self, run: Run) -> Any:
        """A chat model starts."""

    def _on_llm_new_token(self, run: Run, token: Any, chunk: Any) -> Any:
        """A model put out a piece."""

    _on_run_create = _on_run_update = _nothing
    _on_llm_start = _on_llm_end = _on_llm_error = _nothing
    _on_chain_start = _on_chain_end = _on_chain_error = _nothing
    _on_tool_start = _on_tool_end = _on_tool_error = _nothing
    _on_retriever_start = _on_retriever_end = _on_retriever_error = _nothing

    # How it works.

    def _finish(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do the work; the tracer for asyncio hands it to whoever awaits it."""
        return drive(work)

    async def _enter(self, run: Run) -> None:
        run.place(self.run_map.get(str(run.parent_run_id)))
        self.run_map[str(run.id)] = run
        self.order_map[run.id] = run.trace_id, run.dotted_order
        await _awaited(self._on_run_create(run))

    async def _leave(self, run: Run) -> None:
        if run.parent_run_id is None:
            await _awaited(self._persist_run(run))
        self.run_map.pop(str(run.id), None)
        self.order_map.pop(run.id, None)
        await _awaited(self._on_run_update(run))

    async def _open(self, run: Run, kind: str) -> Run:
        run.add_event("start")
        await _awaited(self._start_trace(run))
        await _awaited(getattr(self, f"_on_{kind}_start")(run))
        return run

    async def _close(self, run: Run, kind: str, ending: str) -> Run:
        run.end_time = now()
        run.add_event(ending)
        await _awaited(self._end_trace(run))
        await _awaited(getattr(self, f"_on_{kind}_{ending}")(run))
        return run

    async def _report_token(self, run: Run, token: Any, chunk: Any) -> Run:
        if not isinstance(token, str) and chunk is not None:
            token = chunk.text
        run.add_event("new_token", token=token, **({} if chunk is None else {"chunk": chunk}))
        await _awaited(self._on_llm_new_token(run, token, chunk))
        return run

    def _get_run(self, run_id: UUID, run_type: str | set[str] | None = None) -> Run:
        run = self.run_map.get(str(run_id))
        if run is None:
            raise TracerException(f"no run {run_id} is being traced: it has ended, or its start was not reported")
        wanted = {run_type} if isinstance(run_type, str) else run_type
        if wanted is not None and run.run_type not in wanted:
            raise TracerException(f"the run {run_id} is of type {run.run_type!r}, not {' or '.join(sorted(wanted))}")
        return run

    def _make_run(self, run_type: str, serialized: Any, inputs: Any, kwargs: dict[str, Any]) -> Run:
        """Make the record of a start; what is left of the keyword arguments is ``extra``."""
        known = {key: kwargs.pop(key, None) for key in ("run_id", "parent_run_id", "tags", "name")}
        metadata = kwargs.pop("metadata", None)
        return Run(
            id=known["run_id"],
            parent_run_id=known["parent_run_id"],
            name=known["name"] or (serialized or {}).get("name") or run_type,
            tags=known["tags"] or [],
            run_type=run_type,
            serialized=serialized,
            inputs=inputs,
            extra={**kwargs, **({"metadata": metadata} if metadata else {})},
        )

    def _as_dict(self, value: Any, name: str) -> Any:
        if self._schema_format == "streaming_events":
            return {name: value}
        return value if isinstance(value, dict) else {name: value}

    # The hooks of handlers.

    def on_chat_model_start(self, serialized: dict[str, Any], messages: list[list[Any]], **kwargs: Any) -> Any:
        if self._schema_format == "original":
            raise NotImplementedError("chat models are reported to this tracer as text models")
        return self._start_chat_model("chat_model", serialized, messages, kwargs)

    def _start_chat_model(self, run_type: str, serialized: Any, messages: list[list[Any]], kwargs: Any) -> Any:
        inputs = {"messages": [[dumpd(each) for each in some] for some in messages]}
        return self._finish(self._open(self._make_run(run_type, serialized, inputs, kwargs), "chat_model"))

    def on_llm_start(self, serialized: dict[str, Any], prompts: list[str], **kwargs: Any) -> Any:
        return self._finish(self._open(self._make_run("llm", serialized, {"prompts": prompts}, kwargs), "llm"))

    def on_chain_start(self, serialized: dict[str, Any], inputs: Any, **kwargs: Any) -> Any:
        run_type = kwargs.pop("run_type", None) or "chain"
        made = self._make_run(run_type, serialized, self._as_dict(inputs, "input"), kwargs)
        return self._finish(self._open(made, "chain"))

    def on_tool_start(self, serialized: dict[str, Any], input_str: str, **kwargs: Any) -> Any:
        inputs = kwargs.pop("inputs", None)
        given = self._as_dict(input_str if inputs is None else inputs, "input")
        return self._finish(self._open(self._make_run("tool", serialized, given, kwargs), "tool"))

    def on_retriever_start(self, serialized: dict[str, Any], query: str, **kwargs: Any) -> Any:
        made = self._make_run("retriever", serialized, {"query": query}, kwargs)
        return self._finish(self._open(made, "retriever"))

    def on_llm_new_token(self, token: Any, *, chunk: Any = None, run_id: UUID, **kwargs: Any) -> Any:
        run = self._get_run(run_id, {"llm", "chat_model"})
        return self._finish(self._report_token(run, token, chunk))

    def on_retry(self, retry_state: Any, *, run_id: UUID, **kwargs: Any) -> Any:
        run = self._get_run(run_id)
        run.add_event("retry", attempt=getattr(retry_state, "attempt_number", None))
        return run

    def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> Any:
        run = self._get_run(run_id, {"llm", "chat_model"})
        run.outputs = _as_data(response)
        return self._finish(self._close(run, "llm", "end"))

    def on_chain_end(self, outputs: Any, *, run_id: UUID, inputs: Any = None, **kwargs: Any) -> Any:
        run = self._get_run(run_id)
        run.outputs = self._as_dict(outputs, "output")
        if inputs is not None:
            run.inputs = self._as_dict(inputs, "input")
        return self._finish(self._close(run, "chain", "end"))

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> Any:
        run = self._get_run(run_id, "tool")
        run.outputs = {"output": output}
        return self._finish(self._close(run, "tool", "end"))

    def on_retriever_end(self, documents: Any, *, run_id: UUID, **kwargs: Any) -> Any:
        run = self._get_run(run_id, "retriever")
        run.outputs = {"documents": documents}
        return self._finish(self._close(run, "retriever", "end"))

    def on_llm_error(self, error: BaseException, *, run_id: UUID, response: Any = None, **kwargs: Any) -> Any:
        run = self._get_run(run_id, {"llm", "chat_model"})
        if response is not None:
            run.outputs = _as_data(response)
        return self._fail(run, "llm", error)

    def on_chain_error(self, error: BaseException, *, run_id: UUID, inputs: Any = None, **kwargs: Any) -> Any:
        run = self._get_run(run_id)
        if inputs is not None:
            run.inputs = self._as_dict(inputs, "input")
        return self._fail(run, "chain", error)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> Any:
        return self._fail(self._get_run(run_id, "tool"), "tool", error)

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> Any:
        return self._fail(self._get_run(run_id, "retriever"), "retriever", error)

    def _fail(self, run: Run, kind: str, error: BaseException) -> Any:
        run.error = self._get_stacktrace(error)
        return self._finish(self._close(run, kind, "error"))

    def _get_stacktrace(self, error: BaseException) -> str:
        """An error with its traceback, as text."""
        return f"{error!r}{''.join(traceback.format_exception(error))}"


class AsyncBaseTracer(BaseTracer, AsyncCallbackHandler):
    """A tracer whose hooks are coroutine functions; each is awaited before the run goes on."""

    def _finish(self, work: Coroutine[Any, Any, Any]) -> Any:
        return work


def _as_data(response: Any) -> dict[str, Any]:
    """A model's result as dicts, its messages as they are stored."""
    data: dict[str, Any] = response.model_dump()
    for known, some in zip(data["generations"], response.generations, strict=True):
        for each, generation in zip(known, some, strict=True):
            if "message" in each:
                each["message"] = dumpd(generation.message)
    return data
