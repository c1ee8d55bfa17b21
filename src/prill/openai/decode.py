"""Chat completions, read: the events of a stream, or the answer in one piece, which is a stream of one event.

Protocol: https://platform.openai.com/docs/api-reference/chat-streaming. Servers that speak it too depart from it in
many small ways; each departure that is met here is one that a real server was seen to make.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic_core import to_json

from prill.errors import ContentFilterError
from prill.messages import AIMessageChunk, ToolCallChunk, UsageMetadata
from prill.messages.ai import ai_chunk, args_chunks, text_chunk
from prill.messages.call_assembly import ToolCallStream
from prill.openai.usage import read_usage
from prill.providers.http.error_bodies import is_failure
from prill.providers.reading import ProviderError, TextDelta, check_error, read_event
from prill.transducers.event_json import EventJSON
from prill.transducers.sse import ServerSentEvent

Json = dict[str, Any]

# What is read below, and what says nothing (``obfuscation`` and ``p`` are padding). All else is kept as metadata.
_TOP = frozenset(
    ("id", "object", "created", "model", "choices", "usage", "system_fingerprint", "service_tier", "obfuscation", "p")
)
_CHOICE = frozenset(("index", "delta", "message", "finish_reason", "logprobs", "text"))
_DELTA = frozenset(
    (
        "role",
        "content",
        "refusal",
        "tool_calls",
        "function_call",
        "reasoning",
        "reasoning_content",
        "channel",
        "token_id",
    )
)

_FACTS = (
    ("model", "model_name"),
    ("system_fingerprint", "system_fingerprint"),
    ("service_tier", "service_tier"),
)


class ChatDecoder:
    """The stream of one chat completion.

    Of several choices only the first is read. Facts about the whole answer (metadata, usage) comes once,
    with the last chunk: some servers repeat it in every event.
    """

    def __init__(self, provider: str) -> None:
        self.ended = False
        self.text_delta: TextDelta | None = None
        self.usage: UsageMetadata | None = None
        self._provider = provider
        self._id: str | None = None
        self._facts: Json = {}
        self._finish_reason: str | None = None
        self._begun = False
        self._has_content = False
        self._closed = False
        self._json = EventJSON()
        self._calls = ToolCallStream()
        self._failure: ProviderError | None = None

    def feed(self, event: ServerSentEvent) -> Iterable[AIMessageChunk]:
        data = event.data
        if self.ended:
            return ()  # nothing that follows the end changes the answer
        if data.startswith(b"[DONE]"):
            self.ended = True
            return self._close()
        payload = read_event(self._json, event)
        self.text_delta = None
        if self._id is not None and type(payload) is dict:
            delta = _lone_delta(payload)
            if delta is not None:
                chunk: AIMessageChunk | None = None
                text = delta.get("content")
                if text and type(text) is str:
                    chunk = text_chunk(text, self._id)
                elif calls := delta.get("tool_calls"):
                    chunk = ai_chunk(id=self._id, tool_call_chunks=self._calls.feed(tool_call_pieces(calls)))
                if chunk is not None:
                    self._has_content = True
                    self.text_delta = None if self._json.holds else _make_text_delta(payload, chunk)
                    return (chunk,)
        chunks = self.read(payload)
        if self._failure is not None:
            return _then_fail(chunks, self._failure)
        if len(chunks) == 1 and self._id is not None and not self._json.holds:
            self.text_delta = _make_text_delta(payload, chunks[0])
        return chunks

    def finish(self) -> Iterable[AIMessageChunk]:
        # Some servers send no [DONE]; with the reason for its end the answer is whole all the same.
        if self._finish_reason is None:
            return ()
        self.ended = True
        return self._close()

    def whole(self, payload: Json) -> list[AIMessageChunk]:
        """The chunks of an answer in one piece."""
        chunks = self.read(payload)
        if self._failure is not None:
            raise self._failure
        if not self._begun:
            raise ValueError("the answer has no choices")
        if not chunks and self._finish_reason is None:
            raise ValueError("the choice has neither a message nor a finish reason")
        return [*chunks, *self._close()]

    def read(self, payload: Any) -> list[AIMessageChunk]:
        """The chunks of an event's JSON."""
        self._note_usage(payload)
        check_error(payload, expected="choices")
        if not isinstance(payload, dict):
            raise ValueError("an event is not a JSON object")
        choices = payload.get("choices")
        if choices is None and not payload.keys() & {"id", "object", "usage"}:
            raise ValueError("an event has none of the fields of a chat completion")
        self._note(payload)
        return [chunk for choice in choices or () if not choice.get("index") for chunk in self._choice(choice)]

    def _note_usage(self, payload: Any) -> None:
        if not isinstance(payload, dict):
            return
        usage = payload.get("usage") or (payload.get("x_groq") or {}).get("usage")
        if usage:
            self.usage = read_usage(usage) or self.usage
            self._facts["token_usage"] = usage

    def _note(self, payload: Json) -> None:
        self._id = self._id or _as_id(payload.get("id"))  # some servers send another id with each event
        facts = self._facts
        for key, name in _FACTS:
            if payload.get(key):
                facts[name] = payload[key]
        for key in payload.keys() - _TOP:
            facts[key] = payload[key]

    def _choice(self, choice: Json) -> Iterable[AIMessageChunk]:
        self._begun = True
        self._finish_reason = choice.get("finish_reason") or self._finish_reason
        self._note_failure(choice)
        for key in choice.keys() - _CHOICE:
            if choice[key] is not None:
                self._facts[key] = choice[key]
        whole = not choice.get("delta")
        message = choice.get("message")
        if self._failure is not None and isinstance(message, str):
            message = None  # the words of the failure
        delta = choice.get("delta") or message or {}
        content, extra = _content_and_extra(delta)
        calls = self._calls.feed(tool_call_pieces(delta.get("tool_calls") or ()), whole=whole)
        facts = _logprobs(choice)
        if content or extra or calls or facts:
            self._has_content = self._has_content or bool(content or calls or extra)
            yield ai_chunk(
                content, id=self._id, tool_call_chunks=calls, additional_kwargs=extra or None, response_metadata=facts
            )

    def _note_failure(self, choice: Json) -> None:
        """Remember an error in a choice; the text that comes with it belongs to what had arrived."""
        error, reason = choice.get("error"), choice.get("finish_reason")
        if error:
            self._failure = ProviderError({"error": error})
        elif is_failure(reason):
            words = next((choice[key] for key in ("message", "detail") if isinstance(choice.get(key), str)), None)
            native = choice.get("native_finish_reason")
            text = words or f"the answer ended with the finish reason {reason!r}"
            self._failure = ProviderError({"error": {"message": f"{text} ({native})" if native else text}})

    def _close(self) -> Iterable[AIMessageChunk]:
        if self._closed or not self._begun:
            return
        self._closed = True
        if self._finish_reason == "content_filter" and not self._has_content:
            raise ContentFilterError(
                f"{self._provider} withheld the whole answer (finish_reason 'content_filter'). Change the input, or "
                f"the provider's filter settings.{_filters(self._facts)}",
                provider=self._provider,
                model=self._facts.get("model_name"),
                code="content_filter",
            )
        if rest := self._json.take_rest():
            yield text_chunk(rest, self._id)
        facts = {"finish_reason": self._finish_reason, "id": self._id, "model_provider": self._provider, **self._facts}
        yield ai_chunk(id=self._id, usage_metadata=self.usage, response_metadata=facts, chunk_position="last")


def _then_fail(chunks: Iterable[AIMessageChunk], failure: ProviderError) -> Iterable[AIMessageChunk]:
    yield from chunks
    raise failure


def _as_id(id: Any) -> str | None:
    """An id as text; some servers send numbers."""
    if isinstance(id, str):
        return id or None
    return str(id) if type(id) is int else None


def _make_text_delta(payload: Json, chunk: AIMessageChunk) -> TextDelta | None:
    """What there is to know of the events after this one, if its only chunk brought nothing but a text."""
    choices = payload["choices"]
    delta = choices[0].get("delta")
    if len(choices) > 1 or not delta or chunk.response_metadata:
        return None
    id, content, extra, calls = chunk.id, chunk.content, chunk.additional_kwargs, chunk.tool_call_chunks
    if content and content == delta.get("content") and not extra and not calls:
        return TextDelta(payload, delta, "content", lambda texts: [text_chunk(text, id) for text in texts])
    if content:
        return None
    if extra and not calls:
        key = "reasoning_content" if delta.get("reasoning_content") else "reasoning"
        if extra == {"reasoning_content": delta.get(key)}:
            return TextDelta(payload, delta, key, lambda texts: [_thought(text, id) for text in texts])
    if len(calls) == 1 and calls[0]["args"] and not extra and not calls[0]["name"] and not calls[0]["id"]:
        index, raw = calls[0]["index"], delta["tool_calls"]
        function = raw[0].get("function") if isinstance(raw, list) else None
        if function and function.get("arguments") == calls[0]["args"]:
            return TextDelta(payload, function, "arguments", lambda texts: args_chunks(texts, index, id))
    return None


def _thought(text: str, id: str | None) -> AIMessageChunk:
    return ai_chunk(id=id, additional_kwargs={"reasoning_content": text})


def _lone_delta(payload: Json) -> Json | None:
    """The delta of an event that brings one thing and nothing beside it: the short way that almost all events go."""
    choices = payload.get("choices")
    if not choices or len(choices) != 1 or payload.get("usage") or not payload.keys() <= _TOP:
        return None
    choice = choices[0]
    delta: Json | None = choice.get("delta")
    if not delta or len(delta) != 1 or choice.get("index") or choice.get("finish_reason") or choice.get("logprobs"):
        return None
    return delta if choice.keys() <= _CHOICE else None


def _content_and_extra(delta: Json) -> tuple[str | list[str | Json], Json]:
    content, thought = _content(delta.get("content"))
    extra = {key: delta[key] for key in delta.keys() - _DELTA if delta[key] not in (None, "", [])}
    reasoning = delta.get("reasoning_content") or delta.get("reasoning") or thought or _detailed_reasoning(delta)
    if reasoning:
        if not isinstance(reasoning, str):
            raise ValueError("the reasoning is not text")
        extra["reasoning_content"] = reasoning
    if delta.get("function_call"):
        extra["function_call"] = delta["function_call"]
    if refusal := delta.get("refusal"):
        if not isinstance(refusal, str):
            raise ValueError("the refusal is not text")
        extra["refusal"] = refusal
        content = content or refusal  # so that a display of the content says why the answer is missing
    return content, extra


def _content(content: Any) -> tuple[str | list[str | Json], str]:
    """The content, and the reasoning that Mistral puts into it."""
    if not isinstance(content, list):
        if content and not isinstance(content, str):
            raise ValueError("the content is neither text nor a list")
        return content or "", ""
    content = [{"type": "text", "text": part} if isinstance(part, str) else part for part in content]
    thoughts = [_join_text(part.get("thinking")) for part in content if part.get("type") == "thinking"]
    rest = [part for part in content if part.get("type") != "thinking"]
    if all(part.get("type") == "text" for part in rest):
        return "".join(part.get("text") or "" for part in rest), "".join(thoughts)
    return rest, "".join(thoughts)


def _join_text(parts: Any) -> str:
    if isinstance(parts, str):
        return parts
    return "".join(part.get("text") or "" for part in parts or ())


def _detailed_reasoning(delta: Json) -> str:
    details = delta.get("reasoning_details")
    return _join_text([part for part in details if part.get("type") == "reasoning.text"]) if details else ""


def tool_call_pieces(calls: Iterable[Json] | Json) -> list[ToolCallChunk]:
    """Pieces of tool calls in Prill's form; empty values, which some servers repeat in every piece, are left out.

    Raises ``ValueError`` for what is not a tool call.
    """
    if isinstance(calls, str):
        raise ValueError("the tool calls are a text")
    given = [calls] if isinstance(calls, dict) else calls
    return [_tool_call_piece(call) for call in given if call is not None]


def _tool_call_piece(call: Json) -> ToolCallChunk:
    function = call.get("function") or call.get("custom") or {}
    name = function.get("name") or None
    if name is not None and not isinstance(name, str):
        raise ValueError("the name of a tool call is not text")
    args = function.get("arguments", function.get("input"))
    if args is not None and not isinstance(args, str):
        args = to_json(args).decode()
    piece = ToolCallChunk(name=name, args=args, id=_as_id(call.get("id")), index=_as_index(call.get("index")))
    if extras := _extras(call, function):
        piece["extras"] = extras
    return piece


def _as_index(index: Any) -> int | str | None:
    if isinstance(index, str):
        return int(index) if index.isdecimal() else index or None
    if isinstance(index, float) and index.is_integer():
        return int(index)
    return index if type(index) is int else None


_CALL = frozenset(("index", "id", "type", "function", "custom"))
_FUNCTION = frozenset(("name", "arguments", "input"))


def _extras(call: Json, function: Json) -> Json:
    """The keys of a call that only its provider knows, such as signatures that must be sent back with it."""
    if call.keys() <= _CALL and function.keys() <= _FUNCTION:
        return {}
    extras = {key: call[key] for key in call.keys() - _CALL if call[key] is not None}
    if inner := {key: function[key] for key in function.keys() - _FUNCTION if function[key] is not None}:
        extras["function"] = inner
    return extras


def _logprobs(choice: Json) -> Json | None:
    logprobs = choice.get("logprobs")
    if not isinstance(logprobs, dict):
        return None
    fields = {key: value for key, value in logprobs.items() if value}
    return {"logprobs": fields} if fields else None


def _filters(facts: Json) -> str:
    results = facts.get("content_filter_results")
    if not isinstance(results, dict):
        return ""
    hit = [name for name, result in results.items() if isinstance(result, dict) and result.get("filtered")]
    return f" It was filtered for: {', '.join(hit)}." if hit else ""
