"""Anthropic's stream of events as message chunks.

Protocol: https://docs.anthropic.com/en/docs/build-with-claude/streaming

An answer of text, or of text and tool calls, has text as its content. As soon as there is anything else (thinking,
citations, tools that the provider runs), the content is a list of Anthropic's blocks, each with its ``index``, and
holds the tool calls too, so that it can be sent back as it came. An answer in one piece takes the same way: its
blocks are events that bring everything at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic_core import to_json

from prill.anthropic.usage import subtract_usage, updated, usage_metadata
from prill.messages import AIMessageChunk, ToolCallChunk, UsageMetadata, ai_chunk, text_chunk
from prill.messages.ai import args_chunks
from prill.messages.call_assembly import ToolCallStream
from prill.messages.tool_calls import read_args
from prill.providers.http.error_bodies import is_failure
from prill.providers.reading import ProviderError, TextDelta, check_error, read_event
from prill.transducers.event_json import EventJSON
from prill.transducers.sse import ServerSentEvent

Block = dict[str, Any]


class AnthropicDecoder:
    """Events in, message chunks out; ``blocks`` says that the content is to be a list from the beginning."""

    def __init__(self, *, blocks: bool = False, count_tokens: bool = True) -> None:
        self.ended = False
        self.text_delta: TextDelta | None = None
        self._blocks = blocks
        self._count_tokens = count_tokens
        self._id: str | None = None
        self._usage: Block = {}
        self._reported: UsageMetadata | None = None
        self._last: Block = {}
        self._open: dict[int, _Open] = {}
        self._index = -1
        self._json = EventJSON()
        self._cut: Block | None = None  # the last delta, if it ended in half a character
        self._calls = ToolCallStream()

    def feed(self, event: ServerSentEvent) -> Iterable[AIMessageChunk]:
        if self.ended:
            return ()
        if event.data.startswith(b"[DONE]"):
            # Some servers end every stream as OpenAI does, with or without Anthropic's own end.
            return self._message_stop({}) if self._last.get("stop_reason") else ()
        payload = read_event(self._json, event)
        self.text_delta = None
        if not isinstance(payload, dict) or not (payload.get("type") or event.event):
            check_error(payload)
            raise ValueError("an event has no type")
        if payload.get("type") == "content_block_delta":
            chunks = self._delta(payload)
            self._cut = None
            if self._json.holds:
                self.text_delta, self._cut = None, payload
            return chunks
        if self._cut is not None and payload.get("type") != "ping":
            return [*self._other_half(self._cut), *self.read(payload)]
        return self.read(payload)

    def _other_half(self, delta: Block) -> Iterable[AIMessageChunk]:
        """The chunk of U+FFFD for a half character whose block has ended."""
        self._cut = None
        rest = self._json.take_rest()
        texts = [key for key in ("text", "thinking", "partial_json") if key in delta["delta"]]
        chunks = self._delta({**delta, "delta": {**delta["delta"], **dict.fromkeys(texts, rest)}}) if texts else ()
        self.text_delta = None
        return chunks

    def finish(self) -> Iterable[AIMessageChunk]:
        return ()

    def whole(self, message: Mapping[str, Any]) -> list[AIMessageChunk]:
        """The chunks of an answer in one piece."""
        check_error(message, expected="content")
        return [chunk for event in make_events(message) for chunk in self.read(event)]

    def read(self, payload: Block) -> Iterable[AIMessageChunk]:
        """The chunks of an event that is parsed and is not a delta."""
        check_error(payload, expected="type")
        read = getattr(self, f"_{payload['type']}", None) if payload.get("type") in _EVENTS else None
        return read(payload) if read is not None else ()  # the protocol lets new kinds of events come

    def _message_start(self, payload: Block) -> Iterable[AIMessageChunk]:
        message = payload["message"]
        self._id = None if message.get("id") is None else str(message["id"])
        self._usage = message.get("usage") or {}
        model = message.get("model")
        facts = {"model_name": model, "model": model, "model_provider": "anthropic", "id": self._id}
        if self._count_tokens and self._usage:
            self._reported = usage_metadata(self._usage)
        yield ai_chunk([] if self._blocks else "", id=self._id, response_metadata=facts, usage_metadata=self._reported)

    def _content_block_start(self, payload: Block) -> Iterator[AIMessageChunk]:
        block = {name: value for name, value in payload["content_block"].items() if value is not None}
        if any(not isinstance(block[key], str) for key in _TEXTS & block.keys()):
            raise ValueError("a text of a content block is not text")
        self._index = index = payload.get("index", self._index + 1)
        opened = self._open[index] = _Open(block, index)
        if opened.kind == "tool_use":
            yield from self._tool_pieces(opened)
        elif "input" not in block:
            yield from self._read_first(block, opened)

    def _read_first(self, block: Block, opened: _Open) -> Iterator[AIMessageChunk]:
        said = {name: value for name, value in block.items() if value not in ("", [])}
        if opened.kind == "text" and not self._blocks and said.keys() <= {"type", "text"}:
            if "text" in said:
                yield text_chunk(said["text"], self._id)
        elif opened.kind not in _FILLED:
            yield self._block({**block, "index": opened.index})
        elif len(said) > 1:
            empty = {"thinking": ""} if opened.kind == "thinking" else {}
            yield self._block({**empty, **said, "index": opened.index})

    def _tool_pieces(self, opened: _Open) -> Iterator[AIMessageChunk]:
        block = opened.block
        piece = ToolCallChunk(
            name=_text_or_none(block, "name"),
            args=opened.given(),
            id=_text_or_none(block, "id"),
            index=opened.index,
        )
        if extras := {key: block[key] for key in block.keys() - _CALL}:
            piece["extras"] = extras
        pieces = self._calls.feed([piece], whole=True)
        block["id"] = pieces[0]["id"]
        opened.call_index = pieces[0]["index"]
        yield ai_chunk([] if self._blocks else "", id=self._id, tool_call_chunks=pieces)

    def _delta(self, payload: Block) -> Iterable[AIMessageChunk]:
        delta = payload["delta"]
        kind = delta["type"]
        if kind == "text_delta" and not self._blocks:
            return self._text(payload)
        index = self._index if payload.get("index") is None else payload["index"]
        opened = self._open.get(index)
        if opened is None:
            raise ValueError(f"a delta for block {index}, which is not open")
        if kind == "text_delta":
            return self._text_in_block(payload, "text", index)
        if kind == "input_json_delta":
            return self._json_delta(payload, opened)
        if kind == "thinking_delta" and opened.kind == "thinking" and len(delta) == 2:
            return self._text_in_block(payload, "thinking", index)
        if kind == "citations_delta":
            return (self._block({"type": "text", "citations": [delta["citation"]], "index": index}),)
        if kind == "signature_delta":
            delta = {"thinking": "", **delta}
        return (self._block({**delta, "type": opened.kind, "index": index}),)

    def _text(self, payload: Block) -> Iterable[AIMessageChunk]:
        id = self._id

        def chunks(texts: Sequence[str]) -> list[AIMessageChunk]:
            return [text_chunk(text, id) for text in texts]

        return self._pieces(payload, "text", chunks)

    def _text_in_block(self, payload: Block, kind: str, index: int) -> Iterable[AIMessageChunk]:
        self._blocks = True
        id = self._id

        def chunks(texts: Sequence[str]) -> list[AIMessageChunk]:
            return [ai_chunk([{"type": kind, kind: text, "index": index}], id=id) for text in texts]

        return self._pieces(payload, kind, chunks)

    def _json_delta(self, payload: Block, opened: _Open) -> Iterable[AIMessageChunk]:
        if opened.kind != "tool_use":
            opened.pieces.append(payload["delta"]["partial_json"])
            return ()
        id, index, blocks = self._id, opened.call_index, self._blocks

        def chunks(texts: Sequence[str]) -> list[AIMessageChunk]:
            return args_chunks(filter(None, texts), index, id, blocks=blocks)

        return self._pieces(payload, "partial_json", chunks, opened.pieces)

    def _pieces(
        self,
        payload: Block,
        key: str,
        chunks: Callable[[Sequence[str]], list[AIMessageChunk]],
        kept: list[str] | None = None,
    ) -> Iterable[AIMessageChunk]:
        """The chunk of a delta that brings nothing but a text."""
        delta = payload["delta"]
        text = delta[key]
        if not isinstance(text, str):
            raise ValueError(f"the {key} of a delta is not text")
        self.text_delta = TextDelta(payload, delta, key, chunks, kept)
        if kept is not None:
            kept.append(text)
        return chunks((text,))

    def _content_block_stop(self, payload: Block) -> Iterable[AIMessageChunk]:
        return self._close(payload.get("index", self._index))

    def _close(self, index: int) -> Iterable[AIMessageChunk]:
        """End a block: calls go into the content only now that their input is whole."""
        opened = self._open.pop(index, None)
        if opened is None or "input" not in opened.block or (opened.kind == "tool_use" and not self._blocks):
            return ()
        return (self._block(opened.whole_call()),)

    def _block(self, block: Block) -> AIMessageChunk:
        self._blocks = True
        return ai_chunk([block], id=self._id)

    def _message_delta(self, payload: Block) -> Iterable[AIMessageChunk]:
        self._usage = updated(self._usage, payload.get("usage") or {})
        self._last |= payload["delta"]
        self._last |= {key: value for key, value in payload.items() if key not in ("type", "delta", "usage")}
        if is_failure(reason := self._last.get("stop_reason")):
            raise ProviderError({"error": {"message": f"the answer ended with the stop reason {reason!r}"}})
        return [chunk for index in list(self._open) for chunk in self._close(index)]

    def _message_stop(self, payload: Block) -> Iterable[AIMessageChunk]:
        self.ended = True
        last = self._last
        facts = {key: value for key, value in last.items() if value is not None}
        facts |= {"stop_reason": last.get("stop_reason"), "stop_sequence": last.get("stop_sequence")}
        usage = None
        if self._count_tokens and self._usage:
            facts["usage"] = {key: value for key, value in self._usage.items() if value is not None}
            usage = subtract_usage(usage_metadata(self._usage), self._reported)
        content: Any = [] if self._blocks else ""
        yield ai_chunk(content, id=self._id, response_metadata=facts, usage_metadata=usage, chunk_position="last")


_EVENTS = frozenset({"message_start", "content_block_start", "content_block_stop", "message_delta", "message_stop"})

_CALL = frozenset({"type", "id", "name", "input", "index", "partial_json"})

_FILLED = frozenset({"text", "thinking", "compaction"})
"""Kinds of blocks that start empty and are filled by deltas; the others arrive whole."""


_TEXTS = frozenset({"type", "text", "thinking", "signature"})


def _text_or_none(block: Block, key: str) -> str | None:
    value = block.get(key)
    if type(value) is int:
        return str(value)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"the {key} of a tool call is not text")
    return value


class _Open:
    """The block that is being sent."""

    __slots__ = ("block", "call_index", "index", "kind", "pieces")

    def __init__(self, block: Block, index: int) -> None:
        self.block = block
        self.index = index
        self.call_index: int | str | None = index  # of its call: servers may give two blocks one index
        self.kind: str = block["type"]
        self.pieces: list[str] = []

    def given(self) -> str:
        """The input that came with the block's start, as JSON; none where it is to follow in pieces."""
        given = self.block.get("input")
        if isinstance(given, str):
            return given
        return to_json(given).decode() if given else ""

    def whole_call(self) -> Block:
        """The call with its input; input that is not a JSON object is kept as text in ``partial_json``."""
        call = {**self.block, "index": self.index}
        text = "".join(self.pieces)
        if not text.strip() and not isinstance(call["input"], str):
            return call
        text = self.given() + text
        input, error = read_args(text)
        return {**call, "input": input} if error is None else {**call, "input": {}, "partial_json": text}


def make_events(message: Mapping[str, Any]) -> Iterator[Block]:
    """An answer in one piece as the events that would bring it."""
    usage = message.get("usage") or {}
    yield {"type": "message_start", "message": {**message, "usage": {}}}
    for index, block in enumerate(message["content"]):
        yield {"type": "content_block_start", "index": index, "content_block": block}
        yield {"type": "content_block_stop", "index": index}
    rest = {key: value for key, value in message.items() if key not in _IN_START}
    yield {"type": "message_delta", "delta": rest, "usage": usage}
    yield {"type": "message_stop"}


_IN_START = frozenset({"id", "model", "type", "role", "content", "usage"})


def wants_blocks(request: Mapping[str, Any]) -> bool:
    """Whether a request asks for what makes an answer's content a list, so that it can be one from the beginning."""
    if (request.get("thinking") or {}).get("type", "disabled") != "disabled" or request.get("mcp_servers"):
        return True
    if any(not str(tool.get("type", "custom")).startswith(_RUN_BY_US) for tool in request.get("tools") or ()):
        return True
    contents = (message["content"] for message in request.get("messages") or ())
    return any(_is_citable(block) for content in contents if isinstance(content, list) for block in content)


_RUN_BY_US = ("custom", "bash_", "text_editor_", "computer_", "memory_")
"""Prefixes of the types of tools that the provider does not run itself."""


def _is_citable(block: Block) -> bool:
    content = block.get("content")
    if block.get("type") == "tool_result" and isinstance(content, list):
        return any(_is_citable(inner) for inner in content)
    return bool((block.get("citations") or {}).get("enabled")) if block.get("type") in _CITABLE else False


_CITABLE = frozenset({"document", "search_result"})
