"""A run as one turn of a conversation: text, reasoning, the tools that were called, the tokens that were used."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from prill.callbacks.config import merge_configs
from prill.callbacks.handled import call_id
from prill.callbacks.run import ChunkCallback, MaybeAwaitable, Observer, Run
from prill.io import closing, get_asyncio_mode
from prill.io.execution_mode import Emit
from prill.messages import BaseMessage
from prill.runnables import Runnable
from prill.runnables.engine.chunks import StreamRestart
from prill.runnables.engine.live_views import BUFFER
from prill.runnables.engine.runs import start_asyncio_run
from prill.runnables.engine.streams import REPLACE, SingleValueStream
from prill.serve.encoders.blocks import Blocks, CallClosed, Closed
from prill.serve.facts import Chunk, Data, Fact, RunEnded, RunStarted, ToolCall, ToolResult, Usage
from prill.serve.failures import INTERNAL
from prill.serve.inputs import read_schema

TextSource = Literal["auto", "output", "models"]
"""Where the text of an answer is: in the chain's output, or in what its models say, as with an agent."""

MakeInput = Callable[[list[BaseMessage]], Any]


def choose_source(chain: Runnable[Any, Any]) -> Literal["output", "models"]:
    """Where the text is: a chain whose output is a state with messages shows what its models say."""
    schema = read_schema(chain.get_output_schema())
    return "models" if "messages" in schema.get("properties", {}) else "output"


def choose_input(chain: Runnable[Any, Any]) -> MakeInput:
    """How a conversation becomes the chain's input.

    A chain that takes a dict with ``messages`` gets one, a chain of one variable gets the last message's text in it,
    any other the messages themselves, or the last one's text if it takes only text.
    """
    schema = read_schema(chain.get_input_schema())
    properties = schema.get("properties", {})
    if "messages" in properties:
        return lambda messages: {"messages": messages}
    needed = schema.get("required", [])
    if len(properties) == 1 or len(needed) == 1:
        (name,) = needed if len(needed) == 1 else properties
        return lambda messages: {name: _last_text(messages)}
    if schema.get("type") == "string":
        return _last_text
    return lambda messages: messages


def _last_text(messages: Sequence[BaseMessage]) -> str:
    return str(messages[-1].text) if messages else ""


async def stream_turn(
    chain: Runnable[Any, Any], input: Any, config: Any, started: RunStarted, source: Literal["output", "models"]
) -> AsyncIterator[Fact]:
    """The facts of a turn, as they happen: tools that run are seen while they do."""

    async def work(put: Emit) -> None:
        watching = _TurnObserver(put, models=source == "models")
        run = start_asyncio_run(merge_configs(config, {"callbacks": [watching]}))
        stream = chain._stream_body(SingleValueStream(input), run)
        rest = stream.new_accumulator()
        async with closing(stream.source) as chunks:
            async for chunk in chunks:
                if isinstance(chunk, str | BaseMessage) and source == "output" and stream.combine is not REPLACE:
                    await _emit(put, Chunk(chunk))
                elif type(chunk) is not StreamRestart:
                    rest.add(chunk)
        if source == "output" and rest.count:
            await _emit(put, Chunk(rest.value()))
        if watching.usage is not None:
            await _emit(put, watching.usage)

    yield started
    async with closing(get_asyncio_mode().background(work, BUFFER)) as facts:
        async for fact in facts:
            yield fact
    yield RunEnded()


async def _emit(put: Emit, fact: Fact) -> None:
    full = put(fact)
    if full is not None:
        await full


class _TurnObserver(Observer):
    """Sees the tools that the chain calls, what its models say, and the tokens they use."""

    def __init__(self, put: Emit, *, models: bool) -> None:
        self._put = put
        self._models = models
        self._root: Run | None = None
        self.usage: Usage | None = None

    def on_start(self, run: Run, input: Any) -> MaybeAwaitable:
        if self._root is None:
            self._root = run
        if run.kind != "tool":
            return None
        given = input.get("args", input) if isinstance(input, dict) and input.get("type") == "tool_call" else input
        return self._send(run, ToolCall(self._name(run), run.name, given))

    def chunk_callback(self, run: Run) -> ChunkCallback | None:
        if not self._models or run.kind != "chat_model":
            return None
        run.state[self] = True
        return lambda run, chunk: self._send(run, Chunk(chunk, str(run.id)))

    def on_end(self, run: Run, output: Any) -> MaybeAwaitable:
        if run is self._root and run.usage is not None and (total := run.usage.total) is not None:
            self.usage = Usage(total["input_tokens"], total["output_tokens"], total["total_tokens"])
        if run.kind == "tool":
            answer = output.content if isinstance(output, BaseMessage) else output
            return self._send(run, ToolResult(self._name(run), run.name, answer))
        if self._models and run.kind == "chat_model" and self not in run.state:
            return self._send(run, Chunk(output, str(run.id)))  # it was asked in one piece
        return None

    def on_error(self, run: Run, error: BaseException) -> MaybeAwaitable:
        if run.kind != "tool" or run is self._root:
            return None
        return self._send(run, ToolResult(self._name(run), run.name, error=INTERNAL))

    def on_custom(self, run: Run, name: str, data: Any) -> MaybeAwaitable:
        return self._send(run, Data(name, data))

    def _name(self, run: Run) -> str:
        return call_id(run) or str(run.id)

    def _send(self, run: Run, fact: Fact) -> MaybeAwaitable:
        full = self._put(fact)
        return full if not run.io.blocking else None  # plain code cannot wait for a reader


@dataclass(slots=True)
class Turn:
    """A turn that has ended: blocks of text and reasoning, the calls for the client, the tokens."""

    blocks: list[Closed] = field(default_factory=list)
    calls: list[CallClosed] = field(default_factory=list)
    usage: Usage | None = None
    finish_reason: str | None = None

    @property
    def text(self) -> str:
        return "".join(block.text for block in self.blocks if block.kind == "text")

    @property
    def reasoning(self) -> str:
        return "".join(block.text for block in self.blocks if block.kind == "reasoning")


async def fold_turn(facts: AsyncIterator[Fact]) -> Turn:
    """Run a turn to its end."""
    turn, blocks = Turn(), Blocks()
    async with closing(facts):
        async for fact in facts:
            if isinstance(fact, Usage):
                turn.usage = fact
            for step in [*blocks.feed(fact), *(blocks.finish() if isinstance(fact, RunEnded) else [])]:
                if isinstance(step, Closed):
                    turn.blocks.append(step)
                elif isinstance(step, CallClosed) and not step.ours:
                    turn.calls.append(step)
    turn.finish_reason = blocks.finish_reason
    return turn
