"""Messages as chat completions take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prill.messages import (
    AIMessage,
    BaseMessage,
    InvalidToolCall,
    ToolCall,
    ToolMessage,
    convert_to_openai_messages,
)
from prill.providers.calls import encode_body

Json = dict[str, Any]

# Thoughts and calls are sent beside an assistant's content, not in it.
_BESIDE = frozenset(
    (
        "tool_call",
        "tool_call_chunk",
        "invalid_tool_call",
        "tool_use",
        "function_call",
        "reasoning",
        "thinking",
        "redacted_thinking",
        "server_tool_call",
        "server_tool_call_chunk",
        "server_tool_result",
        "input_json_delta",
    )
)


def encode_messages(messages: Sequence[BaseMessage], *, keep_reasoning: bool = False) -> list[Json]:
    """The messages of a request.

    ``keep_reasoning`` sends back, with calls of tools, what the model had thought and what its provider had sent with
    each call: servers with reasoning models want it so, OpenAI itself does not take it.
    """
    whole = without_unanswered(messages)
    return [entry for message in whole for entry in _encode(message, keep_reasoning)]


def without_unanswered(messages: Sequence[BaseMessage]) -> Sequence[BaseMessage]:
    """The messages without the broken calls that nobody has answered, which OpenAI would refuse."""
    if not any(isinstance(message, AIMessage) and message.invalid_tool_calls for message in messages):
        return messages
    answered = {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}
    return [_without_broken(message, answered) if isinstance(message, AIMessage) else message for message in messages]


def _without_broken(message: AIMessage, answered: set[str]) -> AIMessage:
    left_out = {call["id"] for call in message.invalid_tool_calls} - answered
    if not left_out:
        return message
    kept = [call for call in message.invalid_tool_calls if call["id"] not in left_out]
    content = message.content
    if not isinstance(content, str):
        content = [part for part in content if isinstance(part, str) or part.get("call_id") not in left_out]
    return message.model_copy(update={"invalid_tool_calls": kept, "content": content})


def _encode(message: BaseMessage, keep_reasoning: bool) -> list[Json]:
    if isinstance(message, AIMessage):
        return [_assistant(message, keep_reasoning)]
    entries: Any = convert_to_openai_messages([message], text_format="block")
    if isinstance(message.content, str):
        entries[-1]["content"] = message.content
    return entries  # type: ignore[no-any-return]  # a list of messages gives a list


def _assistant(message: AIMessage, keep_reasoning: bool) -> Json:
    entry: Json = {"role": "assistant", "content": _assistant_content(message) or None}
    if message.name:
        entry["name"] = message.name
    calls = [_call(call, encode_body(call["args"]).decode()) for call in message.tool_calls]
    calls += [_call(bad, bad["args"] or "") for bad in message.invalid_tool_calls]
    if not keep_reasoning or message.response_metadata.get("model_provider") == "anthropic":
        # OpenAI refuses keys that it does not know; other servers want back what they had sent.
        calls = [{key: call[key] for key in ("type", "id", "function")} for call in calls]
    if calls:
        entry["tool_calls"] = calls
    extra = message.additional_kwargs
    if isinstance(extra.get("audio"), dict) and "id" in extra["audio"]:
        entry["audio"] = {"id": extra["audio"]["id"]}
    if extra.get("refusal"):
        entry["refusal"] = extra["refusal"]
        entry["content"] = None if entry["content"] == extra["refusal"] else entry["content"]
    if extra.get("function_call") and not calls:
        entry["function_call"] = extra["function_call"]
    if keep_reasoning and calls and extra.get("reasoning_content"):
        entry["reasoning_content"] = extra["reasoning_content"]
    if keep_reasoning and extra.get("reasoning_details"):
        entry["reasoning_details"] = extra["reasoning_details"]
    if entry["content"] is None and entry.keys() <= {"role", "content", "name"}:
        entry["content"] = ""
    return entry


def _assistant_content(message: AIMessage) -> Any:
    if isinstance(message.content, str):
        return message.content
    parts = [part for part in message.content if part and (isinstance(part, str) or part.get("type") not in _BESIDE)]
    if not parts:
        return None
    entries: Any = convert_to_openai_messages([AIMessage(content=parts)], text_format="block")
    return entries[-1]["content"]


def _call(call: ToolCall | InvalidToolCall, arguments: str) -> Json:
    """A call, with the keys that only its provider knows."""
    extras = dict(call.get("extras") or {})
    inner = extras.pop("function", None)
    function = {"name": call["name"] or "", "arguments": arguments, **(inner if isinstance(inner, dict) else {})}
    return {"type": "function", "id": call["id"], "function": function, **extras}
