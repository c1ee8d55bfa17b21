"""OpenAI's chat completions and legacy completions, as bytes.

Protocol: https://platform.openai.com/docs/api-reference/chat-streaming and .../completions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prill.testing.faults import Faults
from prill.testing.replies import Reply, get_arguments_json
from prill.testing.wire import CREATED, Usage, count_usage, data, data_around, dump, get_model_name, new_id, words

DONE = b"data: [DONE]\n\n"

_HOLE = "\ue000"  # a private-use character stands where the text goes
_REASONS = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "tool_use": "tool_calls"}
_ERRORS: dict[int, tuple[str, str | None, str]] = {
    400: ("invalid_request_error", None, "The request is not valid."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("invalid_request_error", "unsupported_country_region_territory", "You may not do this."),
    404: ("invalid_request_error", "model_not_found", "The model does not exist or you do not have access to it."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests. Please try again later."),
    500: ("server_error", None, "The server had an error while processing your request."),
    503: ("server_error", "service_unavailable", "The engine is currently overloaded, please try again later."),
}


class OpenAIErrors:
    """The errors and headers that all of OpenAI's endpoints share."""

    keepalive = b": keepalive\n\n"
    garbage = b'data: {"choices":[{"index":0,"delta":{"content\n\n'

    def error_body(self, status: int, faults: Faults) -> bytes:
        """``{"error": {...}}`` with the type and code that this status usually has."""
        return dump({"error": _error(status, faults)})

    def error_event(self, faults: Faults) -> bytes:
        """A ``data:`` line with an ``error`` key; the stream ends there, without ``[DONE]``."""
        return data({"error": _error(500, faults)})

    def headers(self, request_id: str) -> dict[str, str]:
        """OpenAI names the request in ``x-request-id``."""
        return {"x-request-id": request_id, "openai-version": "2020-10-01"}


def _error(status: int, faults: Faults) -> dict[str, Any]:
    kind, code, message = _ERRORS.get(status) or _ERRORS[500 if status >= 500 else 400]
    return {
        "message": faults.error_message or message,
        "type": faults.error_type or kind,
        "param": None,
        "code": faults.error_code or code,
    }


def finish_reason(reply: Reply) -> str:
    """The reply's reason in OpenAI's word."""
    if reply.finish_reason is None:
        return "tool_calls" if reply.tool_calls else "stop"
    return _REASONS.get(reply.finish_reason, reply.finish_reason)


class ChatWire(OpenAIErrors):
    """``/chat/completions``."""

    def events(self, reply: Reply, body: Mapping[str, Any]) -> list[bytes]:
        """Role, thinking, text, refusal, tool calls, finish, usage if asked for, ``[DONE]``."""
        with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        base = {
            "id": new_id("chatcmpl-"),
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": get_model_name(reply, body),
            "service_tier": "default",
            "system_fingerprint": "fp_replay",
        }
        nothing = {"usage": None} if with_usage else {}
        choices = range(body.get("n") or 1)

        def chunk(index: int, delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
            choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}
            return {**base, "choices": [choice], **nothing}

        def pieces(key: str, texts: Any) -> Iterator[bytes]:
            around = [data_around(chunk(i, {key: _HOLE}), _HOLE) for i in choices]
            for text in texts:
                middle = dump(text)
                for before, after in around:
                    yield before + middle + after

        events = [data(chunk(i, _opening(reply))) for i in choices]
        events += pieces("reasoning_content", reply.thinking)
        events += pieces("content", reply.pieces)
        events += pieces("refusal", words(reply.refusal or ""))
        for delta in _tool_deltas(reply):
            events += [data(chunk(i, {"tool_calls": [delta]})) for i in choices]
        events += [data(chunk(i, {}, finish_reason(reply))) for i in choices]
        if with_usage:
            events.append(data({**base, "choices": [], "usage": _usage(count_usage(reply, body), reply)}))
        return [*events, DONE]

    def plain(self, reply: Reply, body: Mapping[str, Any]) -> bytes:
        """One ``chat.completion`` object."""
        message: dict[str, Any] = {
            "role": "assistant",
            "content": reply.text if reply.pieces or not (reply.tool_calls or reply.refusal) else None,
            "refusal": reply.refusal,
            "annotations": [],
        }
        if reply.thinking:
            message["reasoning_content"] = "".join(reply.thinking)
        if reply.tool_calls:
            message["tool_calls"] = [_tool_call(call) for call in reply.tool_calls]
        reason = finish_reason(reply)
        return dump(
            {
                "id": new_id("chatcmpl-"),
                "object": "chat.completion",
                "created": CREATED,
                "model": get_model_name(reply, body),
                "choices": [
                    {"index": i, "message": message, "logprobs": None, "finish_reason": reason}
                    for i in range(body.get("n") or 1)
                ],
                "usage": _usage(count_usage(reply, body), reply),
                "service_tier": "default",
                "system_fingerprint": "fp_replay",
            }
        )


def _opening(reply: Reply) -> dict[str, Any]:
    if reply.refusal is not None:
        return {"role": "assistant", "content": None, "refusal": ""}
    if reply.tool_calls and not reply.pieces:
        return {"role": "assistant", "content": None}
    return {"role": "assistant", "content": "", "refusal": None}


def _tool_call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = {"name": call["name"], "arguments": get_arguments_json(call)}
    return {"id": call.get("id") or new_id("call_"), "type": "function", "function": function}


def _tool_deltas(reply: Reply) -> Iterator[dict[str, Any]]:
    for index, call in enumerate(reply.tool_calls):
        whole = _tool_call(call)
        yield {"index": index, **whole, "function": {**whole["function"], "arguments": ""}}
        for fragment in reply.fragments(call):
            yield {"index": index, "function": {"arguments": fragment}}


def _usage(usage: Usage, reply: Reply) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.total,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": min(len(reply.thinking), usage.output),
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


class CompletionsWire(OpenAIErrors):
    """``/completions``, the older endpoint for plain text: only the text of a reply is sent."""

    def events(self, reply: Reply, body: Mapping[str, Any]) -> list[bytes]:
        """A chunk for each piece, a last one with the reason, usage if asked for, ``[DONE]``."""
        with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        nothing = {"usage": None} if with_usage else {}
        base = self._base(reply, body)
        indexes = range(_count(body))
        around = [data_around({**base, "choices": [_text_choice(_HOLE, i, None)], **nothing}, _HOLE) for i in indexes]
        events = [before + dump(piece) + after for piece in reply.pieces for before, after in around]
        reason = finish_reason(reply)
        events += [data({**base, "choices": [_text_choice("", i, reason)], **nothing}) for i in indexes]
        if with_usage:
            events.append(data({**base, "choices": [], "usage": self._usage(reply, body)}))
        return [*events, DONE]

    def plain(self, reply: Reply, body: Mapping[str, Any]) -> bytes:
        """One ``text_completion`` object."""
        reason = finish_reason(reply)
        choices = [_text_choice(reply.text, i, reason) for i in range(_count(body))]
        return dump({**self._base(reply, body), "choices": choices, "usage": self._usage(reply, body)})

    def _base(self, reply: Reply, body: Mapping[str, Any]) -> dict[str, Any]:
        model = get_model_name(reply, body)
        return {"id": new_id("cmpl-"), "object": "text_completion", "created": CREATED, "model": model}

    def _usage(self, reply: Reply, body: Mapping[str, Any]) -> dict[str, int]:
        usage = count_usage(reply, body)
        return {
            "prompt_tokens": usage.input,
            "completion_tokens": usage.output,
            "total_tokens": usage.total,
        }


def _text_choice(text: str, index: int, reason: str | None) -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": reason}


def _count(body: Mapping[str, Any]) -> int:
    """A list of prompts is answered ``n`` times each."""
    prompt = body.get("prompt")
    prompts = len(prompt) if isinstance(prompt, list) and prompt and not isinstance(prompt[0], int) else 1
    return prompts * (body.get("n") or 1)
