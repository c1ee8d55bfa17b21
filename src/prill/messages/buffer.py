"""A conversation as one text."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Literal

from prill.errors import ConfigError
from prill.messages.ai import AIMessage
from prill.messages.base import BaseMessage
from prill.messages.call_types import DATA_TYPES
from prill.messages.chat import ChatMessage


def get_buffer_string(
    messages: Sequence[BaseMessage],
    human_prefix: str = "Human",
    ai_prefix: str = "AI",
    *,
    system_prefix: str = "System",
    function_prefix: str = "Function",
    tool_prefix: str = "Tool",
    message_separator: str = "\n",
    format: Literal["prefix", "xml"] = "prefix",
) -> str:
    """Write messages as one text: ``Human: ...`` and so on, or ``<message type="human">...</message>``.

    Images and other data are left out of the first form; of the second, those with neither a URL nor a ``file_id``.
    In the second form prefixes are in lower case, and long ids and data of the provider's own tools are cut.

    >>> from prill.messages import AIMessage, HumanMessage
    >>> print(get_buffer_string([HumanMessage("Hi"), AIMessage("Hello!")]))
    Human: Hi
    AI: Hello!

    Raises ``ConfigError`` if a message is of a kind without a prefix (``RemoveMessage``), or ``format`` is unknown.
    """
    if format not in ("prefix", "xml"):
        raise ConfigError(f"unknown format {format!r}; the formats are 'prefix' and 'xml'")
    prefixes = {
        "human": human_prefix,
        "ai": ai_prefix,
        "system": system_prefix,
        "function": function_prefix,
        "tool": tool_prefix,
    }
    if format == "xml":
        prefixes = {kind: prefix.lower() for kind, prefix in prefixes.items()}
    write = _as_line if format == "prefix" else _as_element
    return message_separator.join(write(message, _speaker(message, prefixes)) for message in messages)


def plain_type(message: BaseMessage) -> str:
    """A message's type, of a chunk the type of the message it is a piece of."""
    kind = message.type
    return kind.removesuffix("MessageChunk").lower() if kind.endswith("MessageChunk") else kind


def _speaker(message: BaseMessage, prefixes: dict[str, str]) -> str:
    if isinstance(message, ChatMessage):
        return message.role
    prefix = prefixes.get(plain_type(message))
    if prefix is None:
        raise ConfigError(f"a {type(message).__name__} has no prefix, so it cannot be written as text; filter it out")
    return prefix


def _as_line(message: BaseMessage, speaker: str) -> str:
    line = f"{speaker}: {message.text}"
    if isinstance(message, AIMessage):
        if message.tool_calls:
            line += str(message.tool_calls)
        elif "function_call" in message.additional_kwargs:
            line += str(message.additional_kwargs["function_call"])
    return line


def _as_element(message: BaseMessage, speaker: str) -> str:
    content = _content_xml(message.content)
    calls = _calls_xml(message) if isinstance(message, AIMessage) else []
    opening = f"<message type={_quoted(speaker)}>"
    if not calls:
        return f"{opening}{content}</message>"
    parts = [f"<content>{content}</content>"] if content else []
    return "\n  ".join([opening, *parts, *calls]) + "\n</message>"


def _calls_xml(message: AIMessage) -> list[str]:
    if message.tool_calls:
        return [
            f"<tool_call id={_quoted_id(call['id'])} name={_quoted(call['name'])}>"
            f"{_escaped(_json(call['args']))}</tool_call>"
            for call in message.tool_calls
        ]
    function = message.additional_kwargs.get("function_call")
    if not isinstance(function, dict):
        return []
    name, arguments = _quoted(str(function.get("name", ""))), _escaped(str(function.get("arguments", "")))
    return [f"<function_call name={name}>{arguments}</function_call>"]


def _json(value: Any) -> str:
    text: str = import_module("json").dumps(value, ensure_ascii=False, default=str)  # few programs need it
    return text


_LONGEST_ID = 64
_LONGEST_DATA = 500


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}..."


def _quoted_id(id: Any) -> str:
    return _quoted(_cut(str(id or ""), _LONGEST_ID))


def _escaped(text: str) -> str:
    # The standard library's function imports a parser and a network client.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _quoted(text: str) -> str:
    text = _escaped(text)
    for char, name in (('"', "&quot;"), ("\n", "&#10;"), ("\r", "&#13;"), ("\t", "&#9;")):
        text = text.replace(char, name)
    return f'"{text}"'


def _content_xml(content: str | list[str | dict[Any, Any]]) -> str:
    if isinstance(content, str):
        return _escaped(content)
    parts = [_escaped(block) if isinstance(block, str) else _block_xml(block) for block in content]
    return " ".join(part for part in parts if part)


def _block_xml(block: dict[Any, Any]) -> str:
    kind = block.get("type")
    if kind == "text":
        return _escaped(str(block.get("text", "")))
    if kind == "reasoning":
        return f"<reasoning>{_escaped(str(block.get('reasoning', '')))}</reasoning>"
    if kind == "text-plain" and block.get("text"):
        return _escaped(_cut(str(block["text"]), _LONGEST_DATA))
    if kind == "server_tool_call":
        args = _escaped(_cut(_json(block.get("args") or {}), _LONGEST_DATA))
        name = _quoted(str(block.get("name") or ""))
        return f"<server_tool_call id={_quoted_id(block.get('id'))} name={name}>{args}</server_tool_call>"
    if kind == "server_tool_result":
        output = "" if block.get("output") is None else _escaped(_cut(_json(block["output"]), _LONGEST_DATA))
        attributes = f"tool_call_id={_quoted_id(block.get('tool_call_id'))} status={_quoted(str(block.get('status')))}"
        return f"<server_tool_result {attributes}>{output}</server_tool_result>"
    return _data_xml(block)


def _data_xml(block: dict[Any, Any]) -> str:
    kind, url = block.get("type"), block.get("url")
    if kind == "image_url":
        image = block.get("image_url")
        kind, url = "image", image.get("url") if isinstance(image, dict) else image
    if kind not in DATA_TYPES:
        return ""
    if isinstance(url, str) and not url.startswith("data:"):
        return f"<{kind} url={_quoted(url)} />"
    return f"<{kind} file_id={_quoted(str(block['file_id']))} />" if block.get("file_id") else ""
