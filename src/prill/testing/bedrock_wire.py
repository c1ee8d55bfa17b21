"""The Converse API of Amazon Bedrock, as bytes.

Protocol: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
and https://smithy.io/2.0/aws/amazon-eventstream.html.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from prill.testing.faults import Faults
from prill.testing.replies import Reply, get_arguments_json
from prill.testing.wire import count_usage, dump, new_id

Json = dict[str, Any]

_SIGNATURE = "cmVwbGF5LXNpZ25hdHVyZQ=="
_REASONS = {
    "content_filter": "content_filtered",
    "length": "max_tokens",
    "stop": "end_turn",
    "tool_calls": "tool_use",
}
_ERRORS = {
    400: ("ValidationException", "The request is not valid."),
    403: ("AccessDeniedException", "You don't have access to the model with the specified model ID."),
    404: ("ResourceNotFoundException", "The model does not exist."),
    429: ("ThrottlingException", "Too many requests, please wait before trying again."),
    500: ("InternalServerException", "The system encountered an unexpected error."),
    503: ("ServiceUnavailableException", "The service is unavailable."),
}


def encode_message(payload: bytes, **headers: str) -> bytes:
    """A message of an event stream; ``event_type`` is the header ``:event-type``, and so on."""
    lines = b""
    for name, value in headers.items():
        key, text = f":{name.replace('_', '-')}".encode(), value.encode()
        lines += struct.pack(">B", len(key)) + key + struct.pack(">BH", 7, len(text)) + text
    prelude = struct.pack(">II", len(payload) + len(lines) + 16, len(lines))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + lines + payload
    return message + struct.pack(">I", zlib.crc32(message))


class ConverseWire:
    """``/converse`` and ``/converse-stream``."""

    keepalive = encode_message(b"{}", message_type="event", event_type="keepalive")
    garbage = encode_message(b"{nonsense", message_type="event", event_type="contentBlockDelta")

    def events(self, reply: Reply, body: Mapping[str, Any]) -> list[bytes]:
        """Message start, each content block, message stop, and what the answer has cost."""
        events = [_event("messageStart", {"role": "assistant"})]
        for index, (start, deltas) in enumerate(_blocks(reply)):
            place = {"contentBlockIndex": index}
            if start:
                events.append(_event("contentBlockStart", {"start": start, **place}))
            events += [_event("contentBlockDelta", {"delta": delta, **place}) for delta in deltas]
            events.append(_event("contentBlockStop", place))
        events.append(_event("messageStop", {"stopReason": _reason(reply)}))
        return [*events, _event("metadata", _costs(reply, body))]

    def plain(self, reply: Reply, body: Mapping[str, Any]) -> bytes:
        """One answer."""
        message = {"role": "assistant", "content": list(_content(reply))}
        return dump({"output": {"message": message}, "stopReason": _reason(reply), **_costs(reply, body)})

    def error_body(self, status: int, faults: Faults) -> bytes:
        """``{"message": …}``; its kind is in a header of AWS."""
        return dump({"message": faults.error_message or _error(status)[1]})

    def error_event(self, faults: Faults) -> bytes:
        """An exception, which ends the stream."""
        name = faults.error_type or "throttlingException"
        payload = dump({"message": faults.error_message or _error(429)[1]})
        return encode_message(payload, message_type="exception", exception_type=name)

    def headers(self, request_id: str) -> dict[str, str]:
        """AWS names the request in ``x-amzn-requestid``."""
        return {"x-amzn-requestid": request_id}


def _event(kind: str, payload: Json) -> bytes:
    return encode_message(dump(payload), message_type="event", event_type=kind, content_type="application/json")


def _error(status: int) -> tuple[str, str]:
    return _ERRORS.get(status) or _ERRORS[500 if status >= 500 else 400]


def _blocks(reply: Reply) -> Iterator[tuple[Json | None, list[Json]]]:
    """Each block as it starts, and the deltas that fill it."""
    if reply.thinking:
        thoughts: list[Json] = [{"reasoningContent": {"text": text}} for text in reply.thinking]
        yield None, [*thoughts, {"reasoningContent": {"signature": _SIGNATURE}}]
    if texts := [*reply.pieces, *([reply.refusal] if reply.refusal else [])]:
        yield None, [{"text": text} for text in texts]
    for call in reply.tool_calls:
        use = {"toolUseId": call.get("id") or new_id("tooluse_"), "name": call["name"]}
        yield {"toolUse": use}, [{"toolUse": {"input": piece}} for piece in reply.fragments(call)]


def _content(reply: Reply) -> Iterator[Json]:
    if reply.thinking:
        text = {"text": "".join(reply.thinking), "signature": _SIGNATURE}
        yield {"reasoningContent": {"reasoningText": text}}
    if text_ := reply.text + (reply.refusal or ""):
        yield {"text": text_}
    for call in reply.tool_calls:
        use = {"toolUseId": call.get("id") or new_id("tooluse_"), "name": call["name"]}
        yield {"toolUse": {**use, "input": _input(get_arguments_json(call))}}


def _input(arguments: str) -> Any:
    """An answer in one piece holds parsed JSON, so arguments that are not JSON can only be sent as a string."""
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def _reason(reply: Reply) -> str:
    if reply.finish_reason is not None:
        return _REASONS.get(reply.finish_reason, reply.finish_reason)
    if reply.refusal is not None:
        return "content_filtered"
    return "tool_use" if reply.tool_calls else "end_turn"


def _costs(reply: Reply, body: Mapping[str, Any]) -> Json:
    usage = count_usage(reply, body)
    counts = {"inputTokens": usage.input, "outputTokens": usage.output, "totalTokens": usage.total}
    return {"usage": counts, "metrics": {"latencyMs": 7}}
