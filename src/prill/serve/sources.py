"""Runs of a chain as facts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from prill.io import closing
from prill.runnables import Runnable
from prill.runnables.engine.chunks import StreamRestart
from prill.serve.facts import Chunk, Event, Fact, Patch, Restarted, RunEnded, RunStarted
from prill.serve.settings import Shown
from prill.tracers.run_log import apply_ops


async def stream_output(chain: Runnable[Any, Any], input: Any, config: Any, started: RunStarted) -> AsyncIterator[Fact]:
    """The output of a run in chunks."""
    yield started
    async with closing(chain.astream(input, config)) as chunks:
        async for chunk in chunks:
            yield Restarted(chunk.attempt) if type(chunk) is StreamRestart else Chunk(chunk)
    yield RunEnded()


async def stream_events(
    chain: Runnable[Any, Any], input: Any, config: Any, started: RunStarted, shown: Shown, filters: Mapping[str, Any]
) -> AsyncIterator[Fact]:
    """The events of a run; without steps, those of the outermost run alone."""
    yield started
    async with closing(chain.astream_events(input, config, version="v2", **filters)) as events:
        async for event in events:
            if shown == "steps" or not event["parent_ids"]:
                yield Event(_hide(event, shown))
    yield RunEnded()


def _hide(event: Any, shown: Shown) -> dict[str, Any]:
    """The event without metadata that is the server's own."""
    metadata = event.get("metadata") or {}
    kept = {key: value for key, value in metadata.items() if not key.startswith("__")} if shown == "steps" else {}
    data = event["data"]
    if "error" in data:  # the exception itself; its type and text are beside it
        data = {key: value for key, value in data.items() if key != "error"}
    return {**event, "metadata": kept, "data": data}


async def stream_log(
    chain: Runnable[Any, Any], input: Any, config: Any, started: RunStarted, shown: Shown, filters: Mapping[str, Any]
) -> AsyncIterator[Fact]:
    """The log of a run as patches; the output so far is sent once, at the end, so that the length stays linear."""
    yield started
    final: dict[str, Any] = {}  # the operations on the output that are not superseded, by their path
    async with closing(chain.astream_log(input, config, **filters)) as patches:
        async for patch in patches:
            ops = []
            for op in patch.ops:
                if op["path"] == "/final_output":
                    final = {"": {"op": "replace", "path": "", "value": op["value"]}}
                elif op["path"].startswith("/final_output/"):
                    path = op["path"].removeprefix("/final_output")
                    final[path] = {**op, "path": path}
                elif shown == "steps" or not op["path"].startswith("/logs"):
                    ops.append(_hide_metadata(op))
            if ops:
                yield Patch(ops)
    if final:
        yield Patch([{"op": "replace", "path": "/final_output", "value": apply_ops(None, list(final.values()))}])
    yield RunEnded()


def _hide_metadata(op: Any) -> dict[str, Any]:
    value = op["value"]
    if not isinstance(value, dict) or "metadata" not in value or not op["path"].startswith("/logs/"):
        return dict(op)
    kept = {key: item for key, item in value["metadata"].items() if not key.startswith("__")}
    return {**op, "value": {**value, "metadata": kept}}
