"""A run as a stream of patches, which add up to its log."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any, TypeVar

from typing_extensions import Unpack

from prill.callbacks.run import ChunkCallback, MaybeAwaitable, Observer, Run, fire_and_forget
from prill.io import ExecutionMode, get_asyncio_mode
from prill.io.execution_mode import Emit
from prill.messages import BaseMessageChunk
from prill.tracers.recorded import MODELS, error_text, get_outputs, run_type
from prill.tracers.run_log import LogEntry, Op, RunLog, RunLogPatch, RunState, make_patch, pointer
from prill.tracers.select import RunFilters, Selection

__all__ = ["LogEntry", "LogStreamCallbackHandler", "LogView", "RunLog", "RunLogPatch", "RunState"]

T = TypeVar("T")

# Their output is one value.
_WITHOUT_STREAM = frozenset({"prompt", "retriever", "tool"})


class LogView(Observer):
    """Puts out a patch for each fact, as ``astream_log`` gives them; without ``diff``, the log so far.

    Without ``streamed_list`` the root's chunks appear in its ``final_output`` only.
    """

    def __init__(self, put: Emit, selection: Selection, *, diff: bool = True, streamed_list: bool = True) -> None:
        self._put = put
        self._selection = selection
        self._diff = diff
        self._streamed_list = streamed_list
        self._log: RunLog | None = None
        self._root: Run | None = None
        self._counts: dict[str, count[int]] = {}
        self._final: Any = None

    def on_start(self, run: Run, input: Any) -> MaybeAwaitable:
        if self._root is None:
            self._root = run
            return self._emit(run, {"op": "replace", "path": "", "value": _state(run)})
        if not self._selection.shows(run, False):
            run.state[self] = None
            return None
        number = next(self._counts.setdefault(run.name, count(1)))
        run.state[self] = path = pointer("logs", run.name if number == 1 else f"{run.name}:{number}")
        return self._emit(run, {"op": "add", "path": path, "value": _entry(run)})

    def chunk_callback(self, run: Run) -> ChunkCallback | None:
        notify = self._root_callback() if run is self._root else self._step_callback(run)
        return fire_and_forget(notify) if notify is not None and run.io.blocking else notify

    def on_chunk(self, run: Run, chunk: Any) -> MaybeAwaitable:
        notify = self.chunk_callback(run)
        return notify(run, chunk) if notify is not None else None

    def _step_callback(self, run: Run) -> ChunkCallback | None:
        path = run.state[self]
        if path is None or run.kind in _WITHOUT_STREAM:
            return None
        # The hot path of a watched stream: all that is the same for every chunk is made once.
        pieces, texts, put = f"{path}/streamed_output/-", f"{path}/streamed_output_str/-", self._put_ops()

        def notify(run: Run, chunk: Any) -> MaybeAwaitable:
            return put([{"op": "add", "path": pieces, "value": chunk}])

        def notify_of_model(run: Run, chunk: Any) -> MaybeAwaitable:
            text = _text(run, chunk)
            if text is None:
                return None
            return put([{"op": "add", "path": texts, "value": text}, {"op": "add", "path": pieces, "value": chunk}])

        return notify_of_model if run.kind in MODELS else notify

    def _root_callback(self) -> ChunkCallback:
        """A chunk of the root: its output grows by it."""
        put = self._put_ops()

        def notify(run: Run, chunk: Any) -> MaybeAwaitable:
            ops = [{"op": "add", "path": "/streamed_output/-", "value": chunk}] if self._streamed_list else []
            old = self._final
            if type(chunk) is str and type(old) is str and "replaces" not in run.state:
                self._final = old + chunk
                ops.append({"op": "replace", "path": "/final_output", "value": self._final})
            else:
                ops += self._grown(run, old, chunk)
            return put(ops) if ops else None

        return notify

    def _grown(self, run: Run, old: Any, chunk: Any) -> list[Op]:
        self._final = chunk if old is None or run.state.get("replaces") else _plus(old, chunk)
        if isinstance(old, dict) and hasattr(old, "__add__") and isinstance(chunk, dict):
            changes = [("replace" if key in old else "add", key) for key in chunk]
            return [{"op": op, "path": pointer("final_output", key), "value": self._final[key]} for op, key in changes]
        if isinstance(old, list) and isinstance(chunk, list) and self._final is not chunk:
            new = enumerate(chunk, len(old))
            return [{"op": "add", "path": f"/final_output/{number}", "value": item} for number, item in new]
        return [] if chunk is None else [{"op": "replace", "path": "/final_output", "value": self._final}]

    def on_restart(self, run: Run, marker: Any) -> MaybeAwaitable:
        path = "" if run is self._root else run.state[self]
        if path is None:
            return None
        ops: list[Op] = [{"op": "replace", "path": f"{path}/streamed_output", "value": []}]
        if run is self._root:
            self._final = None
            ops.append({"op": "replace", "path": "/final_output", "value": None})
        return self._emit(run, *ops)

    def on_end(self, run: Run, output: Any) -> MaybeAwaitable:
        if run is self._root:
            # A step that is called in one piece, such as a prompt or a tool, reports its one chunk only here.
            return self.on_chunk(run, output) if not run.streamed else None
        if (path := run.state[self]) is None:
            return None
        op_or_value = output if run.kind == "prompt" else get_outputs(run, output)
        return self._emit(run, {"op": "add", "path": f"{path}/final_output", "value": op_or_value}, _end(path))

    def on_error(self, run: Run, error: BaseException) -> MaybeAwaitable:
        op_or_value: Op = {"op": "add", "path": "/error", "value": error_text(error)}
        if run is self._root:
            return self._emit(run, op_or_value)
        if (path := run.state[self]) is None:
            return None
        return self._emit(run, {**op_or_value, "path": f"{path}/error"}, _end(path))

    def on_cancel(self, run: Run, partial: Any) -> MaybeAwaitable:
        if run is self._root or (path := run.state[self]) is None:
            return None
        return self._emit(run, _end(path))

    def _emit(self, run: Run, *ops: Op) -> MaybeAwaitable:
        full = self._put_ops()(list(ops))
        return full if not run.io.blocking else None  # see ``fire_and_forget``

    def _put_ops(self) -> Callable[[list[Op]], MaybeAwaitable]:
        put = self._put

        def put_patch(ops: list[Op]) -> MaybeAwaitable:
            return put(make_patch(ops))

        def put_log(ops: list[Op]) -> MaybeAwaitable:
            log = self._log
            self._log = RunLog(*ops, state=ops[0]["value"]) if log is None else log + make_patch(ops)
            return put(self._log)

        return put_patch if self._diff else put_log


class LogStreamCallbackHandler(LogView):
    """The patches of the runs that this is given to as a callback: iterate it, beside the run, with ``async for``.

    The iteration ends with the run, unless ``auto_close`` is false. What has not been iterated yet waits in memory:
    where the consumer may be slow, use ``astream_log``, which holds the run back.
    """

    def __init__(
        self,
        *,
        auto_close: bool = True,
        **filters: Unpack[RunFilters],
    ) -> None:
        self.auto_close = auto_close
        super().__init__(self._keep, Selection(**log_filters(filters)))
        self._io: ExecutionMode = get_asyncio_mode()
        self._changed = self._io.condition()
        self._waiting: deque[RunLogPatch] = deque()
        self._closed = False

    def include_run(self, run: Run) -> bool:
        """Whether the log shows ``run``."""
        return self._selection.shows(run, run is self._root)

    async def send(self, *ops: Op) -> bool:
        """Add a patch of your own; ``False`` if the log is closed."""
        if not self._closed:
            await self._keep(RunLogPatch(*ops))
        return not self._closed

    def on_end(self, run: Run, output: Any) -> MaybeAwaitable:
        notice = super().on_end(run, output)
        return notice if run is not self._root else self._leave(notice)

    def on_error(self, run: Run, error: BaseException) -> MaybeAwaitable:
        notice = super().on_error(run, error)
        return notice if run is not self._root else self._leave(notice)

    def on_cancel(self, run: Run, partial: Any) -> MaybeAwaitable:
        return super().on_cancel(run, partial) if run is not self._root else self._leave()

    async def _keep(self, patch: RunLogPatch) -> None:
        async with self._changed:
            self._waiting.append(patch)
            self._changed.notify_all()

    async def _leave(self, before: MaybeAwaitable = None) -> None:
        if before is not None:
            await before
        async with self._changed:
            self._closed = self.auto_close
            self._changed.notify_all()

    async def __aiter__(self) -> AsyncIterator[RunLogPatch]:
        while True:
            async with self._changed:
                while not self._waiting and not self._closed:
                    await self._changed.wait()
                if not self._waiting:
                    return
                patch = self._waiting.popleft()
            yield patch


def log_filters(filters: Mapping[str, Any]) -> dict[str, Any]:
    """The filters in the types that logs have: ``llm`` stands for models of both kinds."""
    kinds = {key: _kinds(filters.get(key)) for key in ("include_types", "exclude_types")}
    return {**filters, **kinds}


def _kinds(types: Sequence[str] | None) -> list[str] | None:
    if types is None:
        return None
    return [*types, "chat_model"] if "llm" in types else list(types)


def _state(run: Run) -> RunState:
    return {
        "id": str(run.id),
        "streamed_output": [],
        "final_output": None,
        "logs": {},
        "name": run.name,
        "type": run_type(run),
    }


def _entry(run: Run) -> LogEntry:
    return {
        "id": str(run.id),
        "name": run.name,
        "type": run_type(run),
        "tags": run.tags,
        "metadata": run.metadata,
        "start_time": _now(),
        "streamed_output": [],
        "streamed_output_str": [],
        "final_output": None,
        "end_time": None,
    }


def _end(path: str) -> Op:
    return {"op": "add", "path": f"{path}/end_time", "value": _now()}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _text(run: Run, chunk: Any) -> str | None:
    """The text of a model's chunk; ``None`` where the chunk is the whole answer of a model that does not stream."""
    if isinstance(chunk, BaseMessageChunk):
        if type(chunk.content) is str:
            return chunk.content
        return str(chunk.text)
    return chunk if isinstance(chunk, str) and "chunks" in run.state else None


def _plus(total: Any, chunk: Any) -> Any:
    try:
        return total + chunk
    except TypeError:
        return chunk
