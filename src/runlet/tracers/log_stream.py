"""A run as a stream of patches, which add up to its log."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any, TypeVar

from runlet.callbacks.run import Notice, Observer, Run
from runlet.io import Colour, asyncio_colour
from runlet.io.colour import Put
from runlet.messages import BaseMessageChunk
from runlet.tracers.recorded import MODELS, error_text, outputs_of, run_type
from runlet.tracers.run_log import LogEntry, Op, RunLog, RunLogPatch, RunState, pointer
from runlet.tracers.select import Selection

__all__ = ["LogEntry", "LogStreamCallbackHandler", "LogView", "RunLog", "RunLogPatch", "RunState"]

T = TypeVar("T")

# What these put out is one value, which is their final output.
_WITHOUT_STREAM = frozenset({"prompt", "retriever", "tool"})


class LogView(Observer):
    """Puts out a patch for each fact, as ``astream_log`` gives them; without ``diff``, the log so far.

    Without ``streamed_list`` the root's chunks are told in its ``final_output`` alone.
    """

    def __init__(self, put: Put, selection: Selection, *, diff: bool = True, streamed_list: bool = True) -> None:
        self._put = put
        self._selection = selection
        self._diff = diff
        self._streamed_list = streamed_list
        self._log: RunLog | None = None
        self._root: Run | None = None
        self._counts: dict[str, count[int]] = {}
        self._final: Any = None

    def on_start(self, run: Run, input: Any) -> Notice:
        if self._root is None:
            self._root = run
            return self._emit(run, {"op": "replace", "path": "", "value": _state(run)})
        if not self._selection.shows(run, False):
            run.state[self] = None
            return None
        number = next(self._counts.setdefault(run.name, count(1)))
        run.state[self] = path = pointer("logs", run.name if number == 1 else f"{run.name}:{number}")
        return self._emit(run, {"op": "add", "path": path, "value": _entry(run)})

    def on_chunk(self, run: Run, chunk: Any) -> Notice:
        if run is self._root:
            return self._grow(run, chunk)
        path = run.state[self]
        if path is None or run.kind in _WITHOUT_STREAM:
            return None
        output = {"op": "add", "path": f"{path}/streamed_output/-", "value": chunk}
        if run.kind not in MODELS:
            return self._emit(run, output)
        text = _text(run, chunk)
        if text is None:
            return None
        return self._emit(run, {"op": "add", "path": f"{path}/streamed_output_str/-", "value": text}, output)

    def on_restart(self, run: Run, marker: Any) -> Notice:
        path = "" if run is self._root else run.state[self]
        if path is None:
            return None
        ops: list[Op] = [{"op": "replace", "path": f"{path}/streamed_output", "value": []}]
        if run is self._root:
            self._final = None
            ops.append({"op": "replace", "path": "/final_output", "value": None})
        return self._emit(run, *ops)

    def on_end(self, run: Run, output: Any) -> Notice:
        if run is self._root:
            # A step that is called in one piece, such as a prompt or a tool, tells its one chunk only here.
            return self._grow(run, output) if not run.streamed else None
        if (path := run.state[self]) is None:
            return None
        told = output if run.kind == "prompt" else outputs_of(run, output)
        return self._emit(run, {"op": "add", "path": f"{path}/final_output", "value": told}, _end(path))

    def on_error(self, run: Run, error: BaseException) -> Notice:
        told: Op = {"op": "add", "path": "/error", "value": error_text(error)}
        if run is self._root:
            return self._emit(run, told)
        if (path := run.state[self]) is None:
            return None
        return self._emit(run, {**told, "path": f"{path}/error"}, _end(path))

    def on_cancel(self, run: Run, partial: Any) -> Notice:
        if run is self._root or (path := run.state[self]) is None:
            return None
        return self._emit(run, _end(path))

    def _grow(self, run: Run, chunk: Any) -> Notice:
        """A chunk of the root: its output grows by it."""
        ops = [{"op": "add", "path": "/streamed_output/-", "value": chunk}] if self._streamed_list else []
        old = self._final
        self._final = chunk if old is None or run.state.get("replaces") else _plus(old, chunk)
        if isinstance(old, dict) and hasattr(old, "__add__") and isinstance(chunk, dict):
            for key in chunk:
                op = "replace" if key in old else "add"
                ops.append({"op": op, "path": pointer("final_output", key), "value": self._final[key]})
        elif isinstance(old, list) and isinstance(chunk, list) and self._final is not chunk:
            for number, item in enumerate(chunk, len(old)):
                ops.append({"op": "add", "path": f"/final_output/{number}", "value": item})
        elif chunk is not None:
            ops.append({"op": "replace", "path": "/final_output", "value": self._final})
        return self._emit(run, *ops) if ops else None

    def _emit(self, run: Run, *ops: Op) -> Notice:
        patch = RunLogPatch(*ops)
        if not self._diff:
            self._log = patch = RunLog(*ops, state=ops[0]["value"]) if self._log is None else self._log + patch
        full = self._put(patch)
        # A blocking run cannot wait for the consumer of an asyncio stream; it is one that a plain function started.
        return full if not run.io.blocking else None


class LogStreamCallbackHandler(LogView):
    """The patches of the runs that this is given to as a callback: iterate it, beside the run, with ``async for``.

    The iteration ends with the run, unless ``auto_close`` is false. What has not been iterated yet waits in memory:
    where the consumer may be slow, use ``astream_log``, which holds the run back.
    """

    def __init__(
        self,
        *,
        auto_close: bool = True,
        include_names: Sequence[str] | None = None,
        include_types: Sequence[str] | None = None,
        include_tags: Sequence[str] | None = None,
        exclude_names: Sequence[str] | None = None,
        exclude_types: Sequence[str] | None = None,
        exclude_tags: Sequence[str] | None = None,
    ) -> None:
        self.auto_close = auto_close
        selection = log_selection(
            include_names=include_names,
            include_types=include_types,
            include_tags=include_tags,
            exclude_names=exclude_names,
            exclude_types=exclude_types,
            exclude_tags=exclude_tags,
        )
        super().__init__(self._keep, selection)
        self._io: Colour = asyncio_colour()
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

    def on_end(self, run: Run, output: Any) -> Notice:
        notice = super().on_end(run, output)
        return notice if run is not self._root else self._leave(notice)

    def on_error(self, run: Run, error: BaseException) -> Notice:
        notice = super().on_error(run, error)
        return notice if run is not self._root else self._leave(notice)

    def on_cancel(self, run: Run, partial: Any) -> Notice:
        return super().on_cancel(run, partial) if run is not self._root else self._leave()

    async def _keep(self, patch: RunLogPatch) -> None:
        async with self._changed:
            self._waiting.append(patch)
            self._changed.notify_all()

    async def _leave(self, before: Notice = None) -> None:
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


def log_selection(
    *, include_types: Sequence[str] | None = None, exclude_types: Sequence[str] | None = None, **more: Any
) -> Selection:
    """A selection in the types that logs have: ``llm`` stands for models of both kinds."""
    return Selection(include_types=_kinds(include_types), exclude_types=_kinds(exclude_types), **more)


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
        return str(chunk.text)
    return chunk if isinstance(chunk, str) and "chunks" in run.state else None


def _plus(total: Any, chunk: Any) -> Any:
    try:
        return total + chunk
    except TypeError:
        return chunk
