"""The Gemini API, as bytes.

Protocol: https://ai.google.dev/api/generate-content and https://ai.google.dev/api/embeddings.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from prill.testing.faults import Faults
from prill.testing.openai_embeddings_wire import embed
from prill.testing.replies import Reply, get_arguments_json
from prill.testing.wire import Usage, count_usage, dump, get_model_name, new_id, to_text

Json = dict[str, Any]

SIGNATURE = "cmVwbGF5LXNpZ25hdHVyZQ=="
_DIMENSIONS = 3072
_REASONS = {
    "content_filter": "SAFETY",
    "end_turn": "STOP",
    "length": "MAX_TOKENS",
    "max_tokens": "MAX_TOKENS",
    "stop": "STOP",
    "stop_sequence": "STOP",
    "tool_calls": "STOP",
    "tool_use": "STOP",
}
_ERRORS = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    403: ("PERMISSION_DENIED", "Method doesn't allow unregistered callers."),
    404: ("NOT_FOUND", "The model is not found for API version v1beta, or is not supported for generateContent."),
    429: ("RESOURCE_EXHAUSTED", "You exceeded your current quota."),
    500: ("INTERNAL", "An internal error has occurred."),
    503: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
}


class GeminiErrors:
    """The errors that all of the API's methods share."""

    keepalive = b": keepalive\r\n\r\n"
    garbage = b'data: {"candidates":[{"content\r\n\r\n'

    def error_body(self, status: int, faults: Faults) -> bytes:
        """``{"error": {...}}`` with the name that this status has, and the wait that is asked for in its details."""
        return dump({"error": _error(status, faults)})

    def error_event(self, faults: Faults) -> bytes:
        """An event with an ``error`` key; the stream ends there."""
        return _event({"error": _error(503, faults)})

    def headers(self, request_id: str) -> dict[str, str]:
        """Google names no request."""
        return {"server": "scaffolding on HTTPServer2"}


def _error(status: int, faults: Faults) -> Json:
    name, message = _ERRORS.get(status) or _ERRORS[500 if status >= 500 else 400]
    error: Json = {
        "code": status,
        "message": faults.error_message or message,
        "status": faults.error_code or faults.error_type or name,
    }
    if faults.retry_after is not None:
        wait = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{faults.retry_after:g}s"}
        error["details"] = [wait]
    return error


class GenerateWire(GeminiErrors):
    """``:generateContent`` and ``:streamGenerateContent?alt=sse``."""

    def events(self, reply: Reply, body: Mapping[str, Any]) -> list[bytes]:
        """An event for each piece of thinking and text and for each call; the last has the reason."""
        return [_event(one) for one in _answers(reply, body)]

    def plain(self, reply: Reply, body: Mapping[str, Any]) -> bytes:
        """One ``GenerateContentResponse``."""
        parts: list[Json] = [{"text": "".join(reply.thinking), "thought": True}] if reply.thinking else []
        if text := reply.text + (reply.refusal or ""):
            parts.append({"text": text})
        parts += _calls(reply)
        base = _base(reply, body)
        candidates = body.get("generationConfig", {}).get("candidateCount") or 1
        each = [{**_candidate(parts, _reason(reply)), "index": index} for index in range(candidates)]
        return dump({**base, "candidates": each, "usageMetadata": _usage(count_usage(reply, body), reply)})


class GenerateArrayWire(GenerateWire):
    """``:streamGenerateContent`` without ``alt=sse``: a JSON array in pieces."""

    keepalive = b"\n"
    garbage = b',\r\n{"candidates":[{content}]}'

    def events(self, reply: Reply, body: Mapping[str, Any]) -> list[bytes]:
        """The same answers as the elements of an array, whose end comes with the last."""
        answers = [dump(one) for one in _answers(reply, body)]
        marks = [b"[", *[b",\r\n"] * (len(answers) - 1)]
        ends = [*[b""] * (len(answers) - 1), b"]\r\n"]
        return [mark + one + end for mark, one, end in zip(marks, answers, ends, strict=True)]

    def error_event(self, faults: Faults) -> bytes:
        """An element with an ``error`` key, and the array's end."""
        return b",\r\n" + dump({"error": _error(503, faults)}) + b"]\r\n"


def _event(value: Any) -> bytes:
    return b"data: " + dump(value) + b"\r\n\r\n"


def _answers(reply: Reply, body: Mapping[str, Any]) -> Iterator[Json]:
    base, usage = _base(reply, body), _usage(count_usage(reply, body), reply)
    so_far = {key: usage[key] for key in ("promptTokenCount", "totalTokenCount")}
    for part in _pieces(reply):
        yield {"candidates": [_candidate([part])], "usageMetadata": so_far, **base}
    yield {"candidates": [_candidate([{"text": ""}], _reason(reply))], "usageMetadata": usage, **base}


def _pieces(reply: Reply) -> Iterator[Json]:
    yield from ({"text": text, "thought": True} for text in reply.thinking)
    yield from ({"text": text} for text in (*reply.pieces, *([reply.refusal] if reply.refusal else [])))
    yield from _calls(reply)


def _calls(reply: Reply) -> list[Json]:
    """The calls, each of which is sent whole.

    The first is signed where the model has thought. A call may have an ``id`` and a ``signature`` of its own.
    """
    parts: list[Json] = []
    for call in reply.tool_calls:
        function: Json = {"name": call["name"], "args": _args(get_arguments_json(call))}
        if call.get("id"):
            function["id"] = call["id"]
        signature = call.get("signature") or (SIGNATURE if reply.thinking and not parts else None)
        parts.append({"functionCall": function, **({"thoughtSignature": signature} if signature else {})})
    return parts


def _args(arguments: str) -> Any:
    """Arguments are JSON inside the answer, so what is not JSON can only be sent as a string."""
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def _base(reply: Reply, body: Mapping[str, Any]) -> Json:
    return {"modelVersion": get_model_name(reply, body), "responseId": new_id("gemini-")}


def _candidate(parts: list[Json], reason: str | None = None) -> Json:
    content = {"content": {"parts": parts, "role": "model"}}
    return {**content, **({"finishReason": reason} if reason else {}), "index": 0}


def _reason(reply: Reply) -> str:
    if reply.finish_reason is not None:
        return _REASONS.get(reply.finish_reason, reply.finish_reason)
    return "SAFETY" if reply.refusal is not None else "STOP"


def _usage(usage: Usage, reply: Reply) -> Json:
    """Thoughts are counted beside the answer, not in it."""
    thoughts = min(len(reply.thinking), usage.output)
    counts = {"promptTokenCount": usage.input, "candidatesTokenCount": usage.output - thoughts}
    if thoughts:
        counts["thoughtsTokenCount"] = thoughts
    return {**counts, "totalTokenCount": usage.total}


class GeminiEmbeddingsWire(GeminiErrors):
    """``:embedContent`` and ``:batchEmbedContents``: texts that share words are near each other."""

    def events(self, reply: Reply, body: Mapping[str, Any]) -> list[bytes]:
        """Embeddings are never streamed."""
        return [self.plain(reply, body)]

    def plain(self, reply: Reply, body: Mapping[str, Any]) -> bytes:
        """``embeddings`` of several requests, ``embedding`` of one."""
        requests = body.get("requests")
        vectors = [_vector(one) for one in (requests if isinstance(requests, list) else [body])]
        return dump({"embeddings": vectors} if isinstance(requests, list) else {"embedding": vectors[0]})


def _vector(request: Mapping[str, Any]) -> Json:
    text = to_text(request.get("content"))
    return {"values": embed(text, request.get("outputDimensionality") or _DIMENSIONS).tolist()}
