"""Requests as OpenAI's responses take them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prill.messages import (
    AIMessage,
    BaseMessage,
    ToolMessage,
    convert_to_openai_messages,
)
from prill.openai.encode import without_unanswered
from prill.providers.calls import encode_body

Json = dict[str, Any]

_ONLY_RESPONSES = frozenset(
    (
        "reasoning",
        "include",
        "truncation",
        "previous_response_id",
        "conversation",
        "context_management",
        "max_tool_calls",
    )
)


def needs_responses(request: Mapping[str, Any]) -> bool:
    """Whether a request says what only responses understand."""
    tools = request.get("tools") or ()
    return bool(_ONLY_RESPONSES & request.keys()) or any(
        tool.get("type") not in ("function", "custom") for tool in tools
    )


def encode_request(request: Json, messages: Sequence[BaseMessage]) -> Json:
    """The request in which what was said in the words of chat completions is said in those of responses."""
    said = {name: value for name, value in request.items() if name not in _TRANSLATED}
    tokens = request.get("max_completion_tokens") or request.get("max_tokens")
    if tokens is not None:
        said["max_output_tokens"] = tokens
    if "tools" in request:
        said["tools"] = [_flat(tool, "function") for tool in request["tools"]]
    if "tool_choice" in request:
        said["tool_choice"] = _flat(request["tool_choice"], "function")
    text = dict(request.get("text") or {})
    if "response_format" in request:
        text["format"] = _flat(request["response_format"], "json_schema")
    if "verbosity" in request:
        text["verbosity"] = request["verbosity"]
    if text:
        said["text"] = text
    if "reasoning_effort" in request:
        said["reasoning"] = {"effort": request["reasoning_effort"], **(request.get("reasoning") or {})}
    if request.get("logprobs"):
        said["include"] = [*(request.get("include") or ()), "message.output_text.logprobs"]
    stored = request.get("store") is not False
    said["input"] = [item for message in without_unanswered(messages) for item in _encode(message, stored)]
    return said


_TRANSLATED = frozenset(
    (
        "max_tokens",
        "max_completion_tokens",
        "response_format",
        "verbosity",
        "reasoning_effort",
        "logprobs",
        "text",
        "messages",
        "stream_options",
    )
)


def _flat(value: Any, inner: str) -> Any:
    """``{"type": "function", "function": {…}}`` as ``{"type": "function", …}``."""
    if isinstance(value, Mapping) and isinstance(value.get(inner), Mapping):
        return {"type": value["type"], **value[inner]}
    return value


def _encode(message: BaseMessage, stored: bool) -> Iterable[Json]:
    if isinstance(message, AIMessage):
        return _assistant(message, stored)
    return [_item(entry, message) for entry in _chat_entries(message)]


def _chat_entries(message: BaseMessage) -> list[Json]:
    entries: Any = convert_to_openai_messages([message], text_format="block")
    if isinstance(message.content, str):
        entries[-1]["content"] = message.content
    return entries  # type: ignore[no-any-return]  # a list of messages gives a list


def _item(entry: Json, message: BaseMessage) -> Json:
    content = entry["content"]
    if isinstance(content, list):
        content = [_part(part) for part in content]
    if entry["role"] == "tool":
        custom = isinstance(message, ToolMessage) and message.additional_kwargs.get("type") == "custom_tool_call_output"
        kind = "custom_tool_call_output" if custom else "function_call_output"
        return {"type": kind, "call_id": entry["tool_call_id"], "output": content}
    return {"role": entry["role"], "content": content}


def _part(part: Json) -> Json:
    kind = part.get("type")
    if kind == "text":
        return {"type": "input_text", "text": part["text"]}
    if kind == "image_url":
        image = part["image_url"]
        image = {"url": image} if isinstance(image, str) else image
        detail = {"detail": image["detail"]} if "detail" in image else {}
        return {"type": "input_image", "image_url": image["url"], **detail}
    if kind == "file" and isinstance(part.get("file"), Mapping):
        return {"type": "input_file", **part["file"]}
    return part


def _assistant(message: AIMessage, stored: bool) -> Iterable[Json]:
    written: set[str | None] = set()
    items: list[Json] = []
    content = [message.content] if isinstance(message.content, str) else message.content
    for block in content:
        if not block:
            continue
        block = {"type": "text", "text": block} if isinstance(block, str) else block
        item = _output_item(block, stored)
        if item is None:
            continue
        written.add(item.get("call_id"))
        last = items[-1] if items else {}
        if item.get("type") == "message" == last.get("type") and item.get("id") == last.get("id"):
            last["content"] += item["content"]
        else:
            items.append(item)
    for call in message.tool_calls:
        if call["id"] not in written:
            items.append(_call(call["id"], call["name"], encode_body(call["args"]).decode()))
    for bad in message.invalid_tool_calls:
        if bad["id"] not in written:
            items.append(_call(bad["id"], bad["name"] or "", bad["args"] or ""))
    return items


def _call(id: str | None, name: str, arguments: str) -> Json:
    return {"type": "function_call", "call_id": id, "name": name, "arguments": arguments}


# Blocks of other providers, which are sent as calls or mean nothing here.
_FOREIGN = frozenset(
    (
        "tool_call",
        "tool_call_chunk",
        "invalid_tool_call",
        "tool_use",
        "thinking",
        "redacted_thinking",
        "input_json_delta",
    )
)


def _output_item(block: Json, stored: bool) -> Json | None:
    kind = block.get("type")
    if kind in ("text", "output_text"):
        if not block.get("text"):
            return None
        annotations = [written for each in block.get("annotations") or () if (written := _annotation(each))]
        return _message(block, {"type": "output_text", "text": block["text"], "annotations": annotations})
    if kind == "refusal":
        return _message(block, {"type": "refusal", "refusal": block.get("refusal") or ""})
    if kind == "reasoning":
        return _reasoning(block, stored)
    if kind in _FOREIGN:
        return None
    if kind == "non_standard":
        block = block["value"]
    return {name: value for name, value in block.items() if name != "index"}


def _annotation(given: Json) -> Json | None:
    """An annotation as OpenAI writes it; a citation of a document that OpenAI does not know is left out."""
    if given.get("type") == "non_standard_annotation":
        return dict(given["value"])
    if given.get("type") != "citation":
        return given
    extras = given.get("extras") or {}
    if "file_id" in extras:
        return {"type": "file_citation", **extras, "filename": given.get("title") or ""}
    kept: Json = {key: given[key] for key in ("url", "title", "start_index", "end_index") if key in given}
    return {"type": "url_citation", **kept} if "url" in kept else None


def _message(block: Json, part: Json) -> Json:
    id = {"id": block["id"]} if block.get("id") else {}
    return {"type": "message", "role": "assistant", **id, "content": [part]}


def _reasoning(block: Json, stored: bool) -> Json | None:
    if not block.get("id") or not (stored or block.get("encrypted_content")):
        return None  # of another provider, or of a response that OpenAI has not kept
    summary = [{name: value for name, value in part.items() if name != "index"} for part in block.get("summary") or ()]
    item: Json = {"type": "reasoning", "id": block["id"], "summary": summary}
    if block.get("encrypted_content"):
        item["encrypted_content"] = block["encrypted_content"]
    if block.get("reasoning"):
        item["content"] = [{"type": "reasoning_text", "text": block["reasoning"]}]
    return item
