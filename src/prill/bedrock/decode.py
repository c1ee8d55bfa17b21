"""Answers of the Converse API as message chunks: the events of a stream, or an answer in one piece.

Fields: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html

An answer of text, or of text and calls, has text as its content. As soon as there is anything else (reasoning,
citations), the content is a list of standard blocks, each with its ``index``. Calls are in ``tool_calls``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from pydantic_core import from_json, to_json

from prill.errors import ContentFilterError
from prill.messages import AIMessageChunk, ToolCallChunk, UsageMetadata, ai_chunk, text_chunk
from prill.messages.call_assembly import ToolCallStream
from prill.providers.http.error_bodies import is_failure
from prill.providers.reading import ProviderError
from prill.transducers.aws_event_stream import EventStreamDecoder
from prill.transducers.event_json import EventJSON
from prill.transducers.sse import ServerSentEvent

Json = dict[str, Any]

PROVIDER = "bedrock"

_WITHHELD = frozenset(("guardrail_intervened", "content_filtered"))
"""Reasons for which a filter held the rest of an answer back."""


class ConverseDecoder:
    """The stream of one answer. Facts about the whole answer (metadata, usage) come once, with the last chunk."""

    framing = EventStreamDecoder

    def __init__(self, id: str | None = None, model: str | None = None) -> None:
        self.ended = False
        self.usage: UsageMetadata | None = None
        self._id = id
        self._blocks = False
        self._facts: Json = {"model_name": model} if model else {}
        self._reason: str | None = None
        self._has_content = False
        self._json = EventJSON()
        self._calls = ToolCallStream()

    def feed(self, event: ServerSentEvent) -> Iterable[AIMessageChunk]:
        kind = event.event or ""
        if kind.startswith("exception"):
            raise ProviderError({"error": _exception(kind.partition(" ")[2], event.data)})
        return self.read(kind, self._json.read(event.data))

    def finish(self) -> Iterable[AIMessageChunk]:
        # What an answer has cost follows the reason for its end, and then nothing does.
        if self.ended or self._reason is None:
            return ()
        self.ended = True
        return self._close()

    def whole(self, payload: Json) -> list[AIMessageChunk]:
        """The chunks of an answer in one piece."""
        chunks = [chunk for kind, event in make_events(payload) for chunk in self.read(kind, event)]
        self.ended = True
        return [*chunks, *self._close()]

    def read(self, kind: str, payload: Json) -> Iterator[AIMessageChunk]:
        """The chunks of an event."""
        if kind == "contentBlockStart":
            yield from self._start(payload["start"], payload.get("contentBlockIndex", 0))
        elif kind == "contentBlockDelta":
            yield from self._delta(payload["delta"], payload.get("contentBlockIndex", 0))
        elif kind == "messageStop":
            self._reason = payload["stopReason"]
            if fields := payload.get("additionalModelResponseFields"):
                self._facts["additionalModelResponseFields"] = fields
            if is_failure(self._reason):
                raise ProviderError({"error": {"message": f"the answer ended with the reason {self._reason}"}})
        elif kind.endswith("Exception"):
            raise ProviderError({"error": _exception(kind, to_json(payload))})
        elif kind == "metadata":
            self._facts |= payload
            self.usage = read_usage(payload.get("usage")) or self.usage

    def _start(self, start: Json, index: int) -> Iterator[AIMessageChunk]:
        if use := start.get("toolUse"):
            yield self._call(ToolCallChunk(name=use["name"], args=_args(use), id=use["toolUseId"], index=index))

    def _delta(self, delta: Json, index: int) -> Iterator[AIMessageChunk]:
        if isinstance(text := delta.get("text"), str):
            if not self._blocks:
                self._has_content = self._has_content or bool(text)
                yield text_chunk(text, self._id)
            else:
                yield self._block({"type": "text", "text": text}, index)
        elif use := delta.get("toolUse"):
            yield self._call(ToolCallChunk(name=None, args=_args(use), id=None, index=index))
        elif reasoning := delta.get("reasoningContent"):
            yield self._block(_reasoning(reasoning), index)
        elif delta:
            yield self._block({"type": "non_standard", "value": delta}, index)

    def _call(self, piece: ToolCallChunk) -> AIMessageChunk:
        self._has_content = True
        return ai_chunk([] if self._blocks else "", id=self._id, tool_call_chunks=self._calls.feed([piece]))

    def _block(self, block: Json, index: int) -> AIMessageChunk:
        self._blocks = self._has_content = True
        return ai_chunk([{**block, "index": index}], id=self._id)

    def _close(self) -> Iterator[AIMessageChunk]:
        if self._reason in _WITHHELD and not self._has_content:
            raise ContentFilterError(
                f"{PROVIDER} withheld the whole answer ({self._reason}). Change the input, or the guardrail.",
                provider=PROVIDER,
                code=self._reason,
            )
        if rest := self._json.take_rest():
            yield text_chunk(rest, self._id)
        content: Any = [] if self._blocks else ""
        facts = {"stopReason": self._reason, "model_provider": PROVIDER, **self._facts}
        yield ai_chunk(content, id=self._id, usage_metadata=self.usage, response_metadata=facts, chunk_position="last")


def _args(use: Json) -> str:
    """The input of a call, or a piece of it, as text; servers in between may send it parsed."""
    input = use.get("input")
    if input is None:
        return ""
    return input if isinstance(input, str) else to_json(input).decode()


def _reasoning(given: Json) -> Json:
    if "redactedContent" in given:
        return {"type": "reasoning", "reasoning": "", "extras": {"redacted": given["redactedContent"]}}
    block: Json = {"type": "reasoning", "reasoning": given.get("text", "")}
    return {**block, "extras": {"signature": given["signature"]}} if given.get("signature") else block


def make_events(payload: Json) -> Iterator[tuple[str, Json]]:
    """An answer in one piece as the events that would bring it."""
    for index, block in enumerate(payload["output"]["message"]["content"]):
        place = {"contentBlockIndex": index}
        if use := block.get("toolUse"):
            yield "contentBlockStart", {"start": {"toolUse": {**use, "input": use.get("input") or {}}}, **place}
        elif reasoning := block.get("reasoningContent"):
            yield (
                "contentBlockDelta",
                {"delta": {"reasoningContent": reasoning.get("reasoningText", reasoning)}, **place},
            )
        else:
            yield "contentBlockDelta", {"delta": block, **place}
    yield "messageStop", payload
    rest = {key: value for key, value in payload.items() if key not in ("output", "stopReason", *_OF_STOP)}
    yield "metadata", rest


_OF_STOP = ("additionalModelResponseFields",)


def _exception(name: str, data: bytes) -> Json:
    """An exception that ended a stream, in the form of other providers' errors."""
    try:
        words = from_json(data)
    except ValueError:
        words = data.decode("utf-8", "replace")
    said = words if isinstance(words, dict) else {"message": words}
    return {**said, "code": _CODES.get(name, name), "status": _STATUSES.get(name)}


_STATUSES = {
    "internalServerException": 500,
    "modelStreamErrorException": 424,
    "serviceUnavailableException": 503,
    "throttlingException": 429,
    "validationException": 400,
}
_CODES = {
    "internalServerException": "server_error",
    "modelStreamErrorException": "server_error",
    "modelTimeoutException": "timeout_error",
}


def read_usage(raw: Any) -> UsageMetadata | None:
    """The usage that an answer reports; tokens read from the cache or written to it count as input."""
    if not isinstance(raw, Mapping):
        return None
    read, created = raw.get("cacheReadInputTokens"), raw.get("cacheWriteInputTokens")
    input, output = (raw.get("inputTokens") or 0) + (read or 0) + (created or 0), raw.get("outputTokens") or 0
    usage: Json = {
        "input_tokens": input,
        "output_tokens": output,
        "total_tokens": raw.get("totalTokens", input + output),
    }
    details = {"cache_creation": created, "cache_read": read}
    if known := {name: count for name, count in details.items() if count is not None}:
        usage["input_token_details"] = known
    return cast("UsageMetadata", usage)
