"""OpenAI's Responses API, as bytes.

Protocol: https://platform.openai.com/docs/api-reference/responses-streaming.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prill.testing.faults import Faults
from prill.testing.openai_wire import OpenAIErrors, finish_reason
from prill.testing.replies import Reply, get_arguments_json
from prill.testing.wire import CREATED, count_usage, data, dump, get_model_name, new_id, words

Event = dict[str, Any]


class ResponsesWire(OpenAIErrors):
    """``/responses``: numbered events, named twice (``event:`` line and ``type``), and no ``[DONE]``."""

    def events(self, reply: Reply, body: Mapping[str, Any]) -> list[bytes]:
        """Created, in progress, the items one after another, and completed (or incomplete)."""
        final = _response(reply, body)
        started = {
            **final,
            "status": "in_progress",
            "incomplete_details": None,
            "output": [],
            "usage": None,
            "completed_at": None,
        }
        script: list[Event] = [
            {"type": "response.created", "response": started},
            {"type": "response.in_progress", "response": started},
        ]
        for index, item in enumerate(final["output"]):
            script += _stream(item, index, reply)
        script.append({"type": f"response.{final['status']}", "response": final})
        return [data({**event, "sequence_number": n}, event["type"]) for n, event in enumerate(script)]

    def plain(self, reply: Reply, body: Mapping[str, Any]) -> bytes:
        """One ``response`` object."""
        return dump(_response(reply, body))

    def error_event(self, faults: Faults) -> bytes:
        """``event: error``, whose fields lie flat in the event."""
        event = {
            "type": "error",
            "code": faults.error_code or faults.error_type or "server_error",
            "message": faults.error_message or "The server had an error while processing your request.",
            "param": None,
            "sequence_number": faults.error_event or 0,
        }
        return data(event, "error")


def _response(reply: Reply, body: Mapping[str, Any]) -> dict[str, Any]:
    usage = count_usage(reply, body)
    cut = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(finish_reason(reply))
    return {
        "id": new_id("resp_"),
        "object": "response",
        "created_at": CREATED,
        "status": "incomplete" if cut else "completed",
        "background": False,
        "completed_at": None if cut else CREATED + 1,
        "error": None,
        "incomplete_details": {"reason": cut} if cut else None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "max_tool_calls": None,
        "model": get_model_name(reply, body),
        "output": _output(reply, "incomplete" if cut else "completed"),
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": body.get("previous_response_id"),
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "store": body.get("store", True),
        "temperature": body.get("temperature", 1.0),
        "text": body.get("text") or {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "top_logprobs": 0,
        "top_p": body.get("top_p", 1.0),
        "truncation": "disabled",
        "usage": {
            "input_tokens": usage.input,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": usage.output,
            "output_tokens_details": {"reasoning_tokens": min(len(reply.thinking), usage.output)},
            "total_tokens": usage.total,
        },
        "user": None,
        "metadata": body.get("metadata") or {},
    }


def _output(reply: Reply, status: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if reply.thinking:
        summary = [{"type": "summary_text", "text": "".join(reply.thinking)}]
        items.append({"id": new_id("rs_"), "type": "reasoning", "summary": summary})
    parts: list[dict[str, Any]] = []
    if reply.pieces or not (reply.tool_calls or reply.refusal):
        parts.append({"type": "output_text", "annotations": [], "logprobs": [], "text": reply.text})
    if reply.refusal:
        parts.append({"type": "refusal", "refusal": reply.refusal})
    if parts:
        message = {"type": "message", "status": status, "content": parts, "role": "assistant"}
        items.append({"id": new_id("msg_"), **message})
    for call in reply.tool_calls:
        call_id = call.get("id") or new_id("call_")
        function = {"arguments": get_arguments_json(call), "call_id": call_id, "name": call["name"]}
        items.append({"id": new_id("fc_"), "type": "function_call", "status": status, **function})
    return items


def _stream(item: dict[str, Any], index: int, reply: Reply) -> Iterator[Event]:
    at = {"item_id": item["id"], "output_index": index}
    empty: dict[str, Any]
    if item["type"] == "reasoning":
        empty, inside = {"summary": []}, _reasoning_events(at, item, reply)
    elif item["type"] == "function_call":
        empty, inside = {"arguments": "", "status": "in_progress"}, _call_events(at, item, reply)
    else:
        empty, inside = {"content": [], "status": "in_progress"}, _message_events(at, item, reply)
    yield {"type": "response.output_item.added", "output_index": index, "item": {**item, **empty}}
    yield from inside
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _reasoning_events(at: Event, item: dict[str, Any], reply: Reply) -> Iterator[Event]:
    at = {**at, "summary_index": 0}
    part = item["summary"][0]
    kind = "response.reasoning_summary"
    yield {"type": f"{kind}_part.added", **at, "part": {**part, "text": ""}}
    for piece in reply.thinking:
        yield {"type": f"{kind}_text.delta", **at, "delta": piece}
    yield {"type": f"{kind}_text.done", **at, "text": part["text"]}
    yield {"type": f"{kind}_part.done", **at, "part": part}


def _call_events(at: Event, item: dict[str, Any], reply: Reply) -> Iterator[Event]:
    kind = "response.function_call_arguments"
    for fragment in reply.fragments({"args": item["arguments"]}):
        yield {"type": f"{kind}.delta", **at, "delta": fragment}
    yield {"type": f"{kind}.done", **at, "name": item["name"], "arguments": item["arguments"]}


@dataclass(frozen=True)
class _PartShape:
    """How a kind of content part is streamed: the events' stem, the key of its text, what deltas carry besides."""

    stem: str
    key: str
    besides: Event


_PARTS = {
    "output_text": _PartShape("response.output_text", "text", {"logprobs": []}),
    "refusal": _PartShape("response.refusal", "refusal", {}),
}


def _message_events(at: Event, item: dict[str, Any], reply: Reply) -> Iterator[Event]:
    for number, part in enumerate(item["content"]):
        here = {**at, "content_index": number}
        shape = _PARTS[part["type"]]
        pieces = reply.pieces if part["type"] == "output_text" else words(part["refusal"])
        yield {"type": "response.content_part.added", **here, "part": {**part, shape.key: ""}}
        for piece in pieces:
            yield {"type": f"{shape.stem}.delta", **here, "delta": piece, **shape.besides}
        yield {"type": f"{shape.stem}.done", **here, shape.key: part[shape.key], **shape.besides}
        yield {"type": "response.content_part.done", **here, "part": part}
