"""What the streams of an agent show, and the observer that sees tokens of models inside of its tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prill.callbacks.run import ChunkCallback, MaybeAwaitable, Observer, Run
from prill.errors import ConfigError, did_you_mean
from prill.io.execution_mode import Emit
from prill.messages import AIMessageChunk, BaseMessage
from prill.runnables.engine.accumulator import Accumulator

MODES = ("values", "updates", "messages", "custom", "structured")

NO_STREAM = "nostream"
"""The tag of models whose tokens are not shown."""

BUFFER = 64
"""How many chunks a tool may be ahead of the consumer; then it waits."""


class Update(dict[str, Any]):
    """A chunk of ``stream_mode="updates"``: ``{node: change}``; ``state`` is the agent's state after it."""

    def __init__(self, values: Mapping[str, Any], turn: Any) -> None:
        super().__init__(values)
        self._turn = turn

    @property
    def state(self) -> dict[str, Any]:
        """The state so far."""
        state: dict[str, Any] = self._turn.output()
        return state

    stream_value = state
    """The value of the stream so far."""

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


class StreamForm:
    """The form of an agent's stream: which modes it shows, and how.

    Raises:
        ConfigError: the mode or the version is unknown.
    """

    def __init__(self, stream_mode: Any, version: str, subgraphs: bool) -> None:
        given = [stream_mode] if stream_mode is None or isinstance(stream_mode, str) else list(stream_mode)
        self.is_list = not (stream_mode is None or isinstance(stream_mode, str))
        for mode in given:
            if mode is not None and mode not in MODES:
                raise ConfigError(
                    f"there is no stream_mode {mode!r}{did_you_mean(str(mode), MODES)}; there are {', '.join(MODES)}"
                )
        if version not in ("v1", "v2"):
            raise ConfigError(f"version is 'v1' or 'v2', not {version!r}")
        self.modes = frozenset(mode or "values" for mode in given)
        self._version = version
        self._subgraphs = subgraphs

    @property
    def is_live(self) -> bool:
        """Whether it shows what happens inside of models and tools."""
        return bool(self.modes & {"messages", "custom"})

    @property
    def replaces(self) -> bool:
        """Whether each chunk is the whole state so far."""
        return self.modes == {"values"} and not self.is_list and self._version == "v1" and not self._subgraphs

    def chunk(self, mode: str, value: Any) -> Any:
        """A chunk of the stream."""
        if self._version == "v2":
            return {"type": mode, "ns": (), "data": value}
        parts = (*(((),) if self._subgraphs else ()), *((mode,) if self.is_list else ()), value)
        return parts if len(parts) > 1 else value


class StateAccumulator(Accumulator):
    """The value of an agent's stream: its state, whatever the chunks show."""

    def __init__(self, turns: Sequence[Any]) -> None:
        super().__init__()
        self._turns = turns

    def add(self, chunk: Any) -> None:
        """Only counts."""
        self._folded_count += 1

    def value(self) -> Any:
        return self._turns[0].output() if self._turns else None


class LiveSink(Observer):
    """Sees the tokens of models and the progress of tools, wherever in an agent they run."""

    def __init__(self, modes: frozenset[str]) -> None:
        self._messages = "messages" in modes
        self._custom = "custom" in modes
        self.put: Emit | None = None

    def chunk_callback(self, run: Run) -> ChunkCallback | None:
        if run.kind != "chat_model" or not self._messages or NO_STREAM in run.tags:
            return None
        run.state[self] = True

        def show(run: Run, chunk: Any) -> MaybeAwaitable:
            return None if self.put is None else self.put(("messages", label_chunk(chunk, run)))

        return show

    def on_chunk(self, run: Run, chunk: Any) -> MaybeAwaitable:
        if self.put is None:
            return None
        if run.kind == "tool" and self._custom:
            call = run.raw_input if isinstance(run.raw_input, Mapping) else {}
            progress = {"type": "tool_progress", "name": run.name, "tool_call_id": call.get("id"), "data": chunk}
            return self.put(("custom", progress))
        if run.kind == "chat_model" and self._messages and NO_STREAM not in run.tags:
            run.state[self] = True
            return self.put(("messages", label_chunk(chunk, run)))
        return None

    def on_end(self, run: Run, output: Any) -> MaybeAwaitable:
        """Show the answer of a model that did not stream."""
        if run.kind != "chat_model" or self.put is None or not self._messages or self in run.state:
            return None
        if NO_STREAM in run.tags or not isinstance(output, BaseMessage):
            return None
        return self.put(("messages", (output, describe_run(run))))


def describe_run(run: Run) -> Any:
    """What ``stream_mode="messages"`` says of the run that a chunk is from.

    Beside the run's metadata: ``path``, the names of the agents and tools around it, the outermost first, ``agent``,
    the innermost agent, and ``final``: whether the message is an agent's answer, ``None`` until that is known.
    """
    labels = run.state.get("agent_labels")
    if labels is None:
        around = [each for each in run.ancestors if each.kind == "tool" or hasattr(each.step, "_is_agent")]
        agents = [each.name for each in around if each.kind != "tool"]
        labels = {
            **run.metadata,
            "tags": list(run.tags),
            "run_id": str(run.id),
            "path": [each.name for each in around],
            "agent": agents[-1] if agents else None,
            "final": None,
        }
        run.state["agent_labels"] = labels
    return labels


def label_chunk(chunk: Any, run: Run) -> tuple[Any, dict[str, Any]]:
    """A chunk as ``stream_mode="messages"`` shows it.

    It shows no calls without a name or an id, which pieces in flight would seem to be.
    """
    labels = describe_run(run)
    if not isinstance(chunk, AIMessageChunk):
        return chunk, labels
    if chunk.tool_call_chunks:
        labels["final"] = False
        values = chunk.__dict__
        if not all(piece["name"] and piece["id"] for piece in chunk.tool_call_chunks):
            values["tool_calls"], values["invalid_tool_calls"] = [], []
        elif chunk.chunk_position != "last":
            values.pop("tool_calls", None)
            values["invalid_tool_calls"] = []
    if chunk.chunk_position == "last" and labels["final"] is None:
        labels["final"] = True
    return chunk, labels
