"""A conversation as one text."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Literal

from prill.errors import ConfigError
from prill.messages.ai import AIMessage
from prill.messages.base import BaseMessage
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

    Images and other data are left out of the first form; of the second, those without a URL.

    >>> from prill.messages import AIMessage, HumanMessage
    >>> print(get_buffer_string([HumanMessage("Hi"), AIMessage("Hello!")]))
    Human: Hi
    AI: Hello!

    Raises ``ConfigError`` if a message is of a kind that nobody says, or ``format`` is unknown.
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
        defaults = {"human": "Human", "ai": "AI", "system": "System", "function": "Function", "tool": "Tool"}
        prefixes = {kind: kind if prefix == defaults[kind] else prefix for kind, prefix in prefixes.items()}
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
        raise ConfigError(f"a {type(message).__name__} is said by nobody, so it cannot be written as text")
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
        dumps = import_module("json").dumps  # few programs need it
        return [
            f"<tool_call id={_quoted(str(call['id']))} name={_quoted(call['name'])}>"
            f"{_escaped(dumps(call['args'], ensure_ascii=False))}</tool_call>"
            for call in message.tool_calls
        ]
    function = message.additional_kwargs.get("function_call")
    if not isinstance(function, dict):
        return []
    name, arguments = _quoted(str(function.get("name", ""))), _escaped(str(function.get("arguments", "")))
    return [f"<function_call name={name}>{arguments}</function_call>"]


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
    url = block.get("url")
    if kind == "image_url":
        image = block.get("image_url")
        kind, url = "image", image.get("url") if isinstance(image, dict) else image
    if kind in ("image", "audio", "video", "file") and isinstance(url, str) and not url.startswith("data:"):
        return f"<{kind} url={_quoted(url)} />"
    return ""
