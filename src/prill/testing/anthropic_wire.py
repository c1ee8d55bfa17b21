"""Anthropic's messages, as bytes.

Protocol: https://docs.anthropic.com/en/docs/build-with-claude/streaming.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prill.testing.faults import Faults
from prill.testing.replies import Reply, get_arguments_json
from prill.testing.wire import count_usage, data, data_around, dump, get_model_name, new_id

PING = b'event: ping\ndata: {"type": "ping"}\n\n'

_HOLE = "\ue000"  # a private-use character stands where the text goes
_SIGNATURE = "cmVwbGF5LXNpZ25hdHVyZQ=="
_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
_ERRORS = {
    400: ("invalid_request_error", "The request is not valid."),
    401: ("authentication_error", "invalid x-api-key"),
    403: ("permission_error", "Your API key does not have permission to use the specified resource."),
    404: ("not_found_error", "model: not found"),
    413: ("request_too_large", "Request exceeds the maximum size"),
    429: ("rate_limit_error", "This request would exceed your organization's rate limit."),
    500: ("api_error", "Internal server error"),
    529: ("overloaded_error", "Overloaded"),
}


class MessagesWire:
    """``/messages``."""

    keepalive = PING
    garbage = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"ty\n\n'

    def events(self, reply: Reply, body: Mapping[str, Any]) -> list[bytes]:
        """Message start, each content block (a ping inside the first), message delta, message stop."""
        usage = count_usage(reply, body)
        start = {**_message(reply, body), "content": [], "stop_reason": None}
        start["usage"] = {**_no_cache(usage.input), "output_tokens": 1, "service_tier": "standard"}
        events = [_event({"type": "message_start", "message": start})]
        for index, (block, deltas) in enumerate(_blocks(reply)):
            events.append(_event({"type": "content_block_start", "index": index, "content_block": block}))
            if index == 0:
                events.append(PING)
            for kind, key, texts in deltas:
                events += _deltas(index, kind, key, texts)
            events.append(_event({"type": "content_block_stop", "index": index}))
        last = {"stop_reason": _stop_reason(reply), "stop_sequence": None}
        totals = {**_no_cache(usage.input), "output_tokens": usage.output}
        events.append(_event({"type": "message_delta", "delta": last, "usage": totals}))
        return [*events, _event({"type": "message_stop"})]

    def plain(self, reply: Reply, body: Mapping[str, Any]) -> bytes:
        """One ``message`` object."""
        usage = count_usage(reply, body)
        totals = {**_no_cache(usage.input), "output_tokens": usage.output, "service_tier": "standard"}
        return dump({**_message(reply, body), "content": _content(reply), "usage": totals})

    def error_body(self, status: int, faults: Faults) -> bytes:
        """``{"type": "error", "error": {...}}`` with the type that this status has."""
        return dump({**_error(status, faults), "request_id": new_id("req_")})

    def error_event(self, faults: Faults) -> bytes:
        """``event: error``, by default an ``overloaded_error``; the stream ends there."""
        return _event(_error(529, faults))

    def headers(self, request_id: str) -> dict[str, str]:
        """Anthropic names the request in ``request-id``."""
        return {"request-id": request_id}


def _error(status: int, faults: Faults) -> dict[str, Any]:
    kind, message = _ERRORS.get(status) or _ERRORS[500 if status >= 500 else 400]
    error = {"type": faults.error_type or kind, "message": faults.error_message or message}
    return {"type": "error", "error": error}


def _event(value: dict[str, Any]) -> bytes:
    return data(value, value["type"])


def _deltas(index: int, kind: str, key: str, texts: Iterable[str]) -> Iterator[bytes]:
    delta = {"type": kind, key: _HOLE}
    value = {"type": "content_block_delta", "index": index, "delta": delta}
    before, after = data_around(value, _HOLE, "content_block_delta")
    return (before + dump(text) + after for text in texts)


def _blocks(reply: Reply) -> Iterator[tuple[dict[str, Any], list[tuple[str, str, Iterable[str]]]]]:
    """Each block as it starts, and the deltas that fill it: kind, key, texts."""
    if reply.thinking:
        block = {"type": "thinking", "thinking": "", "signature": ""}
        signed = ("signature_delta", "signature", (_SIGNATURE,))
        yield block, [("thinking_delta", "thinking", reply.thinking), signed]
    texts = _texts(reply)
    if texts:
        yield {"type": "text", "text": ""}, [("text_delta", "text", texts)]
    for call in reply.tool_calls:
        yield (
            {**_tool_use(call), "input": {}},
            [("input_json_delta", "partial_json", ["", *_partial_json(reply, call)])],
        )


def _partial_json(reply: Reply, call: Mapping[str, Any]) -> list[str]:
    """A call without arguments sends no JSON at all: the block's empty ``input`` holds."""
    return [] if get_arguments_json(call) == "{}" else reply.fragments(call)


def _tool_use(call: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.get("id") or new_id("toolu_"), "name": call["name"]}


def _texts(reply: Reply) -> list[str]:
    """Anthropic has no field for a refusal: its words are text, and the stop reason says what it is."""
    return [*reply.pieces, *([reply.refusal] if reply.refusal else [])]


def _content(reply: Reply) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if reply.thinking:
        blocks.append({"type": "thinking", "thinking": "".join(reply.thinking), "signature": _SIGNATURE})
    if texts := _texts(reply):
        blocks.append({"type": "text", "text": "".join(texts)})
    for call in reply.tool_calls:
        blocks.append({**_tool_use(call), "input": _input(get_arguments_json(call))})
    return blocks


def _input(arguments: str) -> Any:
    """A plain answer holds parsed JSON, so arguments that are no JSON can only be sent as a string."""
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def _stop_reason(reply: Reply) -> str:
    if reply.finish_reason is not None:
        return _REASONS.get(reply.finish_reason, reply.finish_reason)
    if reply.refusal is not None:
        return "refusal"
    return "tool_use" if reply.tool_calls else "end_turn"


def _message(reply: Reply, body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "model": get_model_name(reply, body),
        "id": new_id("msg_"),
        "type": "message",
        "role": "assistant",
        "stop_reason": _stop_reason(reply),
        "stop_sequence": None,
    }


def _no_cache(tokens: int) -> dict[str, int]:
    return {"input_tokens": tokens, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
