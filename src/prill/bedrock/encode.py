"""Messages and tools as the Converse API takes them.

Format: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from prill.bedrock.decode import PROVIDER
from prill.errors import ConfigError
from prill.messages import AIMessage, BaseMessage, SystemMessage, ToolMessage
from prill.messages.blocks import translate_block
from prill.providers.images import check_image
from prill.providers.tools import check_names, check_tool
from prill.providers.turns import get_role, make_refusal, place_results
from prill.tools.function_schema import convert_to_openai_tool

Block = dict[str, Any]


def encode_messages(messages: Sequence[BaseMessage]) -> tuple[list[Block], list[Block]]:
    """The request's ``system`` and ``messages``; neighbours of one role become one turn.

    Raises:
        ModelInvalidRequestError: the API would refuse the order of the messages, or a message cannot be said to it.
    """
    system: list[Block] = []
    turns: list[Block] = []
    answered = {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}
    for message in messages:
        if isinstance(message, SystemMessage):
            system += encode_blocks(message.content)
        elif blocks := _encode(message, answered):
            role = get_role(message, PROVIDER)
            if not turns or turns[-1]["role"] != role:
                turns.append({"role": role, "content": []})
            turns[-1]["content"] += blocks
    place_results(turns, PROVIDER, _get_call_id, _get_result_id)
    return system, turns


def _encode(message: BaseMessage, answered: set[str]) -> list[Block]:
    if isinstance(message, ToolMessage):
        result: Block = {"toolUseId": message.tool_call_id, "content": encode_blocks(message.content) or [{"text": ""}]}
        return [{"toolResult": {**result, **({"status": "error"} if message.status == "error" else {})}}]
    if not isinstance(message, AIMessage):
        blocks = encode_blocks(message.content)
        if not blocks:
            raise make_refusal(PROVIDER, "a user message is empty")
        return blocks
    blocks = encode_blocks(message.content, foreign=message.response_metadata.get("model_provider") != PROVIDER)
    calls = [{"toolUseId": call["id"], "name": call["name"], "input": call["args"]} for call in message.tool_calls]
    calls += [
        {"toolUseId": bad["id"], "name": bad["name"], "input": {"INVALID_JSON": bad["args"] or ""}}
        for bad in message.invalid_tool_calls
        if bad["id"] in answered
    ]
    return [*blocks, *({"toolUse": call} for call in calls)]


def _get_call_id(block: Block) -> str | None:
    return block["toolUse"]["toolUseId"] if "toolUse" in block else None


def _get_result_id(block: Block) -> str | None:
    return block["toolResult"]["toolUseId"] if "toolResult" in block else None


# Blocks


def encode_blocks(content: str | Iterable[str | Block], *, foreign: bool = False) -> list[Block]:
    """Content as blocks of a request; empty texts are left out, and blocks in the API's own form pass.

    ``foreign`` says that another provider's model wrote the content: what only that provider understands is left out.
    """
    given: Iterable[str | Block] = (content,) if isinstance(content, str) else content
    blocks: list[Block] = []
    for block in given:
        if isinstance(block, str):
            blocks += [{"text": block}] if block else []
        elif "type" not in block:
            blocks.append(block)
        else:
            for one in translate_block(block):
                blocks += _encode_block(one, foreign)
    return blocks


def _encode_block(block: Block, foreign: bool) -> list[Block]:
    write = _WRITERS.get(block["type"])
    if foreign and (write is None or block["type"] in ("reasoning", "non_standard")):
        return []
    if write is None:
        raise make_refusal(PROVIDER, f"it takes no blocks of type {block['type']!r}")
    written = write(block)
    return [] if written is None else [written]


def _reasoning(block: Block) -> Block | None:
    extras = block.get("extras") or {}
    if "redacted" in extras:
        return {"reasoningContent": {"redactedContent": extras["redacted"]}}
    if not extras.get("signature"):
        return None
    text = {"text": block.get("reasoning", ""), "signature": extras["signature"]}
    return {"reasoningContent": {"reasoningText": text}}


_FORMATS = {"jpg": "jpeg", "plain": "txt", "markdown": "md", "x-matroska": "mkv", "quicktime": "mov"}
_FORMATS |= {
    "msword": "doc",
    "vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "vnd.ms-excel": "xls",
    "vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}


def _data(block: Block) -> Block:
    kind = "document" if block["type"] == "file" else str(block["type"])
    mime = block.get("mime_type") or {"image": "image/jpeg", "document": "application/pdf"}.get(kind, "")
    form = mime.partition("/")[2]
    described: Block = {"format": _FORMATS.get(form, form)}
    if (data := block.get("base64")) is not None:
        if kind == "image":
            check_image(mime, data, PROVIDER)
        described["source"] = {"bytes": data}
    elif str(block.get("url")).startswith("s3://"):
        described["source"] = {"s3Location": {"uri": block["url"]}}
    else:
        raise make_refusal(
            PROVIDER, f"a block of type {block['type']!r} says neither base64 nor an s3:// url (it has {sorted(block)})"
        )
    if kind == "document":
        extras = {**(block.get("extras") or {}), **block}
        name = str(extras.get("name") or extras.get("filename") or extras.get("title") or "document")
        described["name"] = re.sub(r"[^\w\s()\[\]-]+", "-", name)
    return {kind: described}


def _own(block: Block) -> Block:
    value = block["value"]
    if isinstance(value, dict) and "type" not in value:
        return value
    raise make_refusal(PROVIDER, "it does not take a block that only another provider knows")


_WRITERS: dict[str, Callable[[Block], Block | None]] = {
    "text": lambda block: {"text": block["text"]} if block["text"] else None,
    "reasoning": _reasoning,
    "image": _data,
    "video": _data,
    "file": _data,
    "text-plain": lambda block: {"text": block["text"]} if block.get("text") else None,
    "non_standard": _own,
    # Calls are in the message's tool_calls.
    "tool_call": lambda block: None,
    "tool_call_chunk": lambda block: None,
    "invalid_tool_call": lambda block: None,
}


# Tools


def encode_tools(tools: Any) -> list[Block]:
    """``tools`` of a request: whatever can be bound to a model, or dictionaries in the API's form."""
    if isinstance(tools, Mapping | str) or not isinstance(tools, Sequence):
        raise ConfigError(f"bind_tools is given a list of tools, not {type(tools).__name__}: bind_tools([tool])")
    encoded = [_tool(tool) for tool in tools]
    check_names([(tool.get("toolSpec") or {}).get("name") for tool in encoded])
    return encoded


def _tool(tool: Any) -> Block:
    if isinstance(tool, Mapping) and tool.keys() & {"toolSpec", "cachePoint", "systemTool"}:
        return dict(tool)
    function = convert_to_openai_tool(tool)["function"]
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    check_tool(function.get("name"), schema, 64)
    spec: Block = {"name": function["name"], "inputSchema": {"json": schema}}
    return {"toolSpec": {**spec, **({"description": function["description"]} if function.get("description") else {})}}


def encode_choice(choice: Any, tools: Sequence[Block]) -> Block | None:
    """``toolChoice`` of a request: ``"auto"``, ``"any"``, a tool's name, or a dictionary in the API's or OpenAI's form.

    Raises:
        ConfigError: there is no such tool among ``tools``.
    """
    if choice is None or choice is False or choice == "auto":
        return {"auto": {}} if choice == "auto" else None
    if choice is True or choice in ("any", "required"):
        return {"any": {}}
    if isinstance(choice, Mapping):
        if choice.get("type") != "function":
            return dict(choice)
        choice = (choice.get("function") or {}).get("name")
    names = [(tool.get("toolSpec") or {}).get("name") for tool in tools]
    if choice not in names:
        raise ConfigError(f"tool_choice names {choice!r}, which is none of the bound tools {names}; or say auto or any")
    return {"tool": {"name": choice}}
