"""Runs of a chain as facts."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from prill.errors import SerializationError
from prill.io import closing
from prill.runnables import Runnable
from prill.runnables.engine.chunks import StreamRestart
from prill.serve.facts import Chunk, Event, Fact, Patch, Restarted, RunEnded, RunStarted
from prill.serve.failures import INTERNAL
from prill.serve.settings import Shown
from prill.serve.wire import encode
from prill.tracers.run_log import apply_ops

_START = 2000
"""Characters of a shortened value that are sent."""

_BYTES_OF_CHARACTER = 4
"""At most, in UTF-8."""


async def stream_output(chain: Runnable[Any, Any], input: Any, config: Any, started: RunStarted) -> AsyncIterator[Fact]:
    """The output of a run in chunks."""
    yield started
    async with closing(chain.astream(input, config)) as chunks:
        async for chunk in chunks:
            yield Restarted(chunk.attempt) if type(chunk) is StreamRestart else Chunk(chunk)
    yield RunEnded()


@dataclass(frozen=True, slots=True)
class View:
    """What events and logs show.

    Args:
        shown: the outermost run, or all steps.
        filters: those of ``astream_events`` and ``astream_log``.
        texts: whether the texts of exceptions are shown.
        longest: bytes of JSON that a value in an event may have; of a longer one only the start is sent, as
            ``{"shortened": bytes, "start": text}``, so that a page in a browser can follow any chain.
        timed: whether events say when they happened: ``elapsed``, in seconds since the start of the run. The first ones
            arrive late, as the status of an answer waits for the first chunk.
    """

    shown: Shown = "output"
    filters: Mapping[str, Any] = field(default_factory=dict)
    texts: bool = False
    longest: int | None = None
    timed: bool = False


async def stream_events(
    chain: Runnable[Any, Any], input: Any, config: Any, started: RunStarted, view: View
) -> AsyncIterator[Fact]:
    """The events of a run; without steps, those of the outermost run alone."""
    begin = time.monotonic()
    yield started
    async with closing(chain.astream_events(input, config, version="v2", **view.filters)) as events:
        async for event in events:
            if view.shown == "steps" or not event["parent_ids"]:
                reduced = _reduce_event(event, view)
                if view.timed:
                    reduced["elapsed"] = round(time.monotonic() - begin, 6)
                yield Event(reduced)
    yield RunEnded()


def _reduce_event(event: Any, view: View) -> dict[str, Any]:
    """The event without metadata that is the server's own, and without texts of exceptions."""
    metadata = _public(event.get("metadata") or {}) if view.shown == "steps" else {}
    data = event["data"]
    if event["event"].endswith(("_error", "_restart")):
        # The exception itself is left out: its type is beside it.
        data = {key: value for key, value in data.items() if key != "error"}
        if not view.texts:
            data["message"] = INTERNAL
    if view.longest is not None:
        data = {key: _shorten(value, view.longest) for key, value in data.items()}
    return {**event, "metadata": metadata, "data": data}


def _shorten(value: Any, longest: int) -> Any:
    if isinstance(value, str) and len(value) <= longest // _BYTES_OF_CHARACTER:
        return value
    try:
        text = value if isinstance(value, str) else encode(value).decode()
    except SerializationError:
        return value  # the encoder will say where it is
    size = len(text.encode("utf-8", "replace"))
    return value if size <= longest else {"shortened": size, "start": text[:_START]}


def _public(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metadata.items() if not key.startswith("__")}


async def stream_log(
    chain: Runnable[Any, Any], input: Any, config: Any, started: RunStarted, view: View
) -> AsyncIterator[Fact]:
    """The log of a run as patches; the output so far is sent once, at the end, so that the length stays linear."""
    yield started
    final: dict[str, Any] = {}  # the operations on the output that are not superseded, by their path
    async with closing(chain.astream_log(input, config, **view.filters)) as patches:
        async for patch in patches:
            ops = []
            for op in patch.ops:
                if op["path"] == "/final_output":
                    final = {"": {"op": "replace", "path": "", "value": op["value"]}}
                elif op["path"].startswith("/final_output/"):
                    path = op["path"].removeprefix("/final_output")
                    final[path] = {**op, "path": path}
                elif view.shown == "steps" or not op["path"].startswith("/logs"):
                    ops.append(_reduce_op(op, view))
            if ops:
                yield Patch(ops)
    if final:
        yield Patch([{"op": "replace", "path": "/final_output", "value": apply_ops(None, list(final.values()))}])
    yield RunEnded()


def _reduce_op(op: Any, view: View) -> dict[str, Any]:
    path, value = op["path"], op["value"]
    if path.endswith("/error") and not view.texts:
        return {**op, "value": INTERNAL}
    if path.startswith("/logs/") and isinstance(value, dict) and "metadata" in value:
        return {**op, "value": {**value, "metadata": _public(value["metadata"])}}
    return dict(op)
