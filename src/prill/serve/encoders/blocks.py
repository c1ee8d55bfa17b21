"""A run as blocks of text, reasoning and tool calls, each opened and closed: what chat protocols have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pydantic_core import from_json

from prill.messages import BaseMessage
from prill.messages.ai import AIMessage, AIMessageChunk
from prill.serve.facts import Chunk, Fact, ToolCall, ToolResult
from prill.serve.wire import encode

BlockKind = Literal["text", "reasoning"]


@dataclass(slots=True)
class Opened:
    """A block of text or reasoning starts."""

    kind: BlockKind
    id: str


@dataclass(slots=True)
class Delta:
    """A piece of the open block."""

    kind: BlockKind
    id: str
    text: str


@dataclass(slots=True)
class Closed:
    """The open block is whole."""

    kind: BlockKind
    id: str
    text: str


@dataclass(slots=True)
class CallOpened:
    """A tool call starts; ``ours`` says that the chain itself executes it, and not the client."""

    id: str
    name: str
    index: int
    ours: bool


@dataclass(slots=True)
class CallDelta:
    """A piece of the JSON of a call's arguments."""

    id: str
    index: int
    text: str
    ours: bool


@dataclass(slots=True)
class CallClosed:
    """A call's arguments are whole: as JSON, and read; ``args`` is ``None`` if they cannot be."""

    id: str
    name: str
    index: int
    text: str
    args: Any
    ours: bool


@dataclass(slots=True)
class CallAnswered:
    """The chain has executed a call."""

    id: str
    output: Any
    error: str | None


Step: TypeAlias = Opened | Delta | Closed | CallOpened | CallDelta | CallClosed | CallAnswered


@dataclass(slots=True)
class _Call:
    given: str
    id: str
    name: str
    index: int
    ours: bool
    text: str = ""


class Blocks:
    """Translates facts into steps. At any time at most one block of text or reasoning is open.

    ``finish_reason`` is why the last model stopped, where it says so.
    """

    def __init__(self) -> None:
        self.finish_reason: str | None = None
        self._block: Opened | None = None
        self._texts: list[str] = []
        self._source = ""
        self._blocks = 0
        self._calls: dict[Any, _Call] = {}  # open ones, by the key that their pieces have in common
        self._seen: set[str] = set()  # the ids of calls of this source
        self._names: dict[str, str] = {}  # by a call's id, what the newest call of that id is called here
        self._count = 0

    def feed(self, fact: Fact) -> list[Step]:
        match fact:
            case Chunk():
                return self._feed_value(fact.value, fact.source)
            case ToolCall():
                return [*self._close_block(), *self._close_calls(), *self._start_ours(fact)]
            case ToolResult():
                unseen = self._start_ours(ToolCall(fact.id, fact.name, {}))
                name = self._names[fact.id]
                return [*unseen, *self._close_call(name), CallAnswered(name, fact.output, fact.error)]
        return []

    def finish(self) -> list[Step]:
        """Close what is open."""
        return [*self._close_block(), *self._close_calls()]

    def _feed_value(self, value: Any, source: str) -> list[Step]:
        steps = self._switch(source)
        if isinstance(value, str):
            return steps + self._add("text", value)
        if not isinstance(value, BaseMessage):
            return steps + self._add("text", encode(value).decode())
        if isinstance(value.content, str) and not value.additional_kwargs:
            steps += self._add("text", value.content)
        else:
            for block in value.content_blocks:
                if block["type"] == "text":
                    steps += self._add("text", block["text"])
                elif block["type"] == "reasoning":
                    steps += self._add("reasoning", block.get("reasoning", ""))
        if isinstance(value, AIMessage):
            steps += self._feed_calls(value, ours=bool(source))
            reason = value.response_metadata.get("finish_reason") or value.response_metadata.get("stop_reason")
            self.finish_reason = reason or self.finish_reason
        return steps

    def _switch(self, source: str) -> list[Step]:
        """Another model's output starts."""
        if source == self._source:
            return []
        steps = self.finish()
        self._source = source
        self._seen.clear()
        return steps

    def _add(self, kind: BlockKind, text: str) -> list[Step]:
        if not text:
            return []
        steps: list[Step] = []
        if self._block is None or self._block.kind != kind:
            steps = [*self._close_block(), *self._close_calls()]
            self._blocks += 1
            self._block = Opened(kind, f"{kind}-{self._blocks}")
            steps.append(self._block)
        self._texts.append(text)
        steps.append(Delta(kind, self._block.id, text))
        return steps

    def _close_block(self) -> list[Step]:
        block, self._block = self._block, None
        if block is None:
            return []
        text = "".join(self._texts)
        self._texts.clear()
        return [Closed(block.kind, block.id, text)]

    def _feed_calls(self, message: AIMessage, *, ours: bool) -> list[Step]:
        if isinstance(message, AIMessageChunk) and message.tool_call_chunks:
            steps: list[Step] = []
            for piece in message.tool_call_chunks:
                key = piece["index"] if piece["index"] is not None else piece["id"]
                steps += self._add_piece(key, piece["id"], piece["name"], piece["args"] or "", ours)
            return steps
        if isinstance(message, AIMessageChunk) and self._calls:
            return []  # the calls of a last chunk repeat those of the pieces
        steps = []
        for call in message.tool_calls:
            if call["id"] not in self._seen:
                steps += self._add_piece(("whole", call["id"]), call["id"], call["name"], _dump(call["args"]), ours)
        return steps

    def _add_piece(self, key: Any, id: str | None, name: str | None, args: str, ours: bool) -> list[Step]:
        steps: list[Step] = []
        call = self._calls.get(key)
        if call is None or (id is not None and call.given != id):
            steps += self._close_block()
            if call is not None:
                steps += self._close_call(call.id)
            given = id or f"call-{self._count}"
            call = self._calls[key] = _Call(given, self._name(given), name or "", self._count, ours)
            self._count += 1
            steps.append(CallOpened(call.id, call.name, call.index, ours))
        if args:
            call.text += args
            steps.append(CallDelta(call.id, call.index, args, call.ours))
        return steps

    def _name(self, id: str) -> str:
        """The name of a new call: models may give one id to several calls of a conversation."""
        self._seen.add(id)
        self._names[id] = f"{id}-{self._count}" if id in self._names else id
        return self._names[id]

    def _start_ours(self, fact: ToolCall) -> list[Step]:
        """A tool that the chain calls without a model having asked for it in sight."""
        if fact.id in self._names:
            return []
        return [*self._add_piece(("ours", fact.id), fact.id, fact.name, _dump(fact.input), True), *self._close_calls()]

    def _close_calls(self) -> list[Step]:
        return [step for call in list(self._calls.values()) for step in self._close_call(call.id)]

    def _close_call(self, id: str) -> list[Step]:
        for key, call in self._calls.items():
            if call.id == id:
                del self._calls[key]
                text = call.text or "{}"
                return [CallClosed(id, call.name, call.index, text, _read(text), call.ours)]
        return []


def _dump(value: Any) -> str:
    return encode(value, "tool call").decode()


def _read(text: str) -> Any:
    try:
        return from_json(text)
    except ValueError:
        return None


def as_mapping(args: Any) -> Mapping[str, Any]:
    """A call's arguments as an object, whatever a tool was called with."""
    return args if isinstance(args, Mapping) else {"input": args}
