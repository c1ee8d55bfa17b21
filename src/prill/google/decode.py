"""Answers of the Gemini API as message chunks: the events of a stream, or an answer in one piece, which is one event.

Fields: https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse

An answer of text, or of text and calls, has text as its content. As soon as there is anything else (thoughts, images,
code that Google ran), the content is a list of standard blocks, each with its ``index``. Calls are in ``tool_calls``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pydantic_core import to_json

from prill.errors import ContentFilterError
from prill.google.encode import MADE_ID, signature_extras
from prill.google.parts import CODE, PROVIDER
from prill.google.usage import read_usage
from prill.messages import AIMessageChunk, ToolCallChunk, UsageMetadata, ai_chunk, text_chunk
from prill.messages.call_assembly import ToolCallStream
from prill.providers.http.error_bodies import is_failure
from prill.providers.reading import Framing, ProviderError, check_error, read_event
from prill.transducers.event_json import EventJSON
from prill.transducers.sse import ServerSentEvent

Json = dict[str, Any]

WITHHELD = frozenset(
    (
        *("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"),
        *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"),
    )
)
"""Finish reasons for which a filter held the rest of an answer back.

https://ai.google.dev/api/generate-content#FinishReason
"""

_FAILED = frozenset((*("UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE"),))
"""Finish reasons that are not an end, beside those that say so."""

_WHOLE = frozenset(("STOP", "MAX_TOKENS", "FINISH_REASON_UNSPECIFIED"))

_CANDIDATE = frozenset(("content", "finishReason", "index", "tokenCount"))


class GoogleDecoder:
    """The stream of one answer; of several candidates only the first is read.

    ``blocks`` says that the content is to be a list from the beginning. ``framing`` cuts the bytes into events where
    they are not server-sent ones. Facts about the whole answer (metadata, usage) come once, with the last chunk.
    """

    def __init__(self, *, blocks: bool = False, framing: Callable[[], Framing] | None = None) -> None:
        self.ended = False
        self.framing = framing
        self.usage: UsageMetadata | None = None
        self._blocks = blocks
        self._id: str | None = None
        self._facts: Json = {}
        self._feedback: Json = {}
        self._finish_reason: str | None = None
        self._begun = False
        self._has_content = False
        self._index = -1
        self._kind = ""  # of the block that pieces of text are added to; none after a signature
        self._signature: str | None = None
        self._code_id = ""
        self._json = EventJSON()
        self._calls = ToolCallStream()

    def feed(self, event: ServerSentEvent) -> Iterable[AIMessageChunk]:
        if event.data.startswith(b"[DONE]"):  # some gateways end every stream as OpenAI does
            return ()
        return self.read(read_event(self._json, event))

    def finish(self) -> Iterable[AIMessageChunk]:
        # Google sends no event for the end of a stream; with the reason for its end the answer is whole.
        if self.ended or self._finish_reason is None:
            return ()
        self.ended = True
        return self._close()

    def whole(self, payload: Any) -> list[AIMessageChunk]:
        """The chunks of an answer in one piece, or of a list of events in one piece."""
        chunks = [chunk for one in (payload if isinstance(payload, list) else [payload]) for chunk in self.read(one)]
        if not self._begun:
            raise ValueError("the answer has no candidates")
        self.ended = True
        return [*chunks, *self._close()]

    def read(self, payload: Any) -> Iterator[AIMessageChunk]:
        """The chunks of an event's JSON."""
        check_error(payload, expected="candidates")
        if not isinstance(payload, dict):
            raise ValueError("an event is not a JSON object")
        if not payload.keys() & _EVENT:
            raise ValueError("an event has none of the fields of an answer")
        self._note(payload)
        for candidate in payload.get("candidates") or ():
            if not candidate.get("index"):
                yield from self._candidate(candidate)
        if self._feedback.get("blockReason") and not self._begun:
            raise self._blocked()

    def _note(self, payload: Json) -> None:
        if usage := payload.get("usageMetadata"):
            self.usage = read_usage(usage) or self.usage
            self._facts["token_usage"] = usage
        if payload.get("modelVersion"):
            self._facts["model_name"] = payload["modelVersion"]
        if isinstance(payload.get("responseId"), str):
            self._id = self._id or payload["responseId"] or None
        if payload.get("promptFeedback"):
            self._feedback = self._facts["prompt_feedback"] = payload["promptFeedback"]

    def _candidate(self, candidate: Json) -> Iterator[AIMessageChunk]:
        self._begun = True
        self._finish_reason = candidate.get("finishReason") or self._finish_reason
        for key in candidate.keys() - _CANDIDATE:
            if candidate[key] is not None:
                self._facts[_snake(key)] = candidate[key]
        for part in (candidate.get("content") or {}).get("parts") or ():
            yield from self._part(part)
        reason = candidate.get("finishReason")
        if reason in _FAILED or is_failure(reason):
            raise ProviderError({"error": {"message": self._end_words(str(reason)), "status": reason}})

    def _part(self, part: Json) -> Iterator[AIMessageChunk]:
        signature = part.get("thoughtSignature")
        if "functionCall" in part:
            yield self._call(part["functionCall"], signature)
        elif isinstance(text := part.get("text"), str):
            yield from self._text(text, "reasoning" if part.get("thought") else "text", signature)
        elif block := self._other(part):
            if signature:
                block["extras"] = {**block.get("extras", {}), "signature": signature}
            yield self._block(block, "")
        elif signature:  # of the text before it
            yield from self._text("", self._kind or "text", signature)

    def _call(self, call: Json, signature: str | None) -> AIMessageChunk:
        self._has_content = True
        name, args, id = call.get("name"), call.get("args"), call.get("id")
        if not isinstance(name, str):
            raise ValueError("the name of a function call is not text")
        text = args if isinstance(args, str) else to_json(args or {}).decode()
        piece = ToolCallChunk(name=name, args=text, id=str(id) if id else None, index=None)
        if piece["id"] is None and self._id is not None:
            piece["id"] = f"{MADE_ID}{self._id}_{len(self._calls.ids)}"  # so it is the same each time it is read
        if signature:
            piece["extras"] = signature_extras(signature)
        pieces = self._calls.feed([piece], whole=True)
        return ai_chunk([] if self._blocks else "", id=self._id, tool_call_chunks=pieces)

    def _text(self, text: str, kind: str, signature: str | None) -> Iterator[AIMessageChunk]:
        self._has_content = self._has_content or bool(text)
        if kind == "text" and not self._blocks:
            self._signature = signature or self._signature
            if text:
                yield text_chunk(text, self._id)
        elif text or signature:
            block: Json = {"type": kind, kind: text}
            if signature:
                block["extras"] = {"signature": signature}
            yield self._block(block, "" if signature else kind)

    def _block(self, block: Json, kind: str) -> AIMessageChunk:
        """A chunk with one block; pieces of one ``kind`` that follow each other have one index."""
        self._blocks = self._has_content = True
        if block["type"] != self._kind:
            self._index += 1
        self._kind = kind
        return ai_chunk([{**block, "index": self._index}], id=self._id)

    def _other(self, part: Json) -> Json | None:
        """The block of a part that is neither text nor a call."""
        if data := part.get("inlineData"):
            mime = data.get("mimeType") or "application/octet-stream"
            return {"type": _data_kind(mime), "base64": data["data"], "mime_type": mime}
        if file := part.get("fileData"):
            mime = {"mime_type": file["mimeType"]} if file.get("mimeType") else {}
            return {"type": _data_kind(file.get("mimeType") or ""), "url": file["fileUri"], **mime}
        if code := part.get("executableCode"):
            self._code_id = code.get("id") or f"code_{self._index + 1}"
            args = {"language": code.get("language", "PYTHON"), "code": code.get("code", "")}
            return {"type": "server_tool_call", "id": self._code_id, "name": CODE, "args": args}
        if result := part.get("codeExecutionResult"):
            outcome = result.get("outcome", "OUTCOME_UNSPECIFIED")
            return {
                "type": "server_tool_result",
                "tool_call_id": result.get("id") or self._code_id,
                "status": "success" if outcome == "OUTCOME_OK" else "error",
                "output": result.get("output", ""),
                "extras": {"outcome": outcome},
            }
        rest = {key: value for key, value in part.items() if key not in ("thoughtSignature", "thought")}
        return {"type": "non_standard", "value": rest} if rest else None

    def _close(self) -> Iterator[AIMessageChunk]:
        reason = self._finish_reason
        if not self._has_content and reason not in _WHOLE:
            self._refuse(str(reason))
        if rest := self._json.take_rest():
            yield from self._text(rest, self._kind or "text", None)
        facts = {"finish_reason": reason, "id": self._id, "model_provider": PROVIDER, **self._facts}
        signed = {"thought_signature": self._signature} if self._signature else None
        content: Any = [] if self._blocks else ""
        yield ai_chunk(
            content,
            id=self._id,
            usage_metadata=self.usage,
            response_metadata=facts,
            additional_kwargs=signed,
            chunk_position="last",
        )

    def _refuse(self, reason: str) -> None:
        """Raise the error for an answer of which nothing came."""
        words = self._end_words(reason)
        if reason not in WITHHELD:
            raise ProviderError({"error": {"message": words, "status": reason}})
        raise self._filter_error(f"withheld the whole answer: {words}", reason)

    def _end_words(self, reason: str) -> str:
        words = self._facts.get("finish_message")
        said = f"the answer ended with the finish reason {reason}"
        return f"{said} ({str(words).strip().removesuffix('.')})" if words else said

    def _blocked(self) -> ContentFilterError:
        reason = str(self._feedback["blockReason"])
        words = self._feedback.get("blockReasonMessage")
        return self._filter_error(f"blocked the prompt: {reason}{f' ({words})' if words else ''}", reason)

    def _filter_error(self, what: str, reason: str) -> ContentFilterError:
        ratings = self._facts.get("safety_ratings") or self._feedback.get("safetyRatings") or ()
        found = ", ".join(f"{one.get('category')} {one.get('probability')}" for one in ratings if one.get("blocked"))
        return ContentFilterError(
            f"{PROVIDER} {what}{f' [{found}]' if found else ''}. Change the input, or safety_settings.",
            provider=PROVIDER,
            model=self._facts.get("model_name"),
            code=reason,
        )


_EVENT = frozenset(("candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId"))


def _data_kind(mime: str) -> str:
    kind = mime.partition("/")[0]
    return kind if kind in ("image", "audio", "video") else "file"


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda match: f"_{match[1].lower()}", name)


def wants_blocks(request: Json) -> bool:
    """Whether a request asks for thoughts, so that the content can be a list from the beginning."""
    config = request.get("generationConfig") or {}
    return bool((config.get("thinkingConfig") or {}).get("includeThoughts"))
