"""Counting tokens without a tokenizer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from json import dumps
from math import ceil
from typing import Any

from prill.messages.ai import AIMessage
from prill.messages.base import BaseMessage
from prill.messages.buffer import plain_type
from prill.messages.chat import ChatMessage
from prill.messages.convert import MessageLikeRepresentation, convert_to_messages
from prill.messages.tool import ToolMessage

_ROLES = {"human": "user", "ai": "assistant"}
_MOST_SCALING = 1.25


def count_tokens_approximately(
    messages: Iterable[MessageLikeRepresentation],
    *,
    chars_per_token: float = 4.0,
    extra_tokens_per_message: float = 3.0,
    count_name: bool = True,
    tokens_per_image: int = 85,
    use_usage_metadata_scaling: bool = False,
    tools: Sequence[Any] | None = None,
) -> int:
    """Estimate how many tokens messages take: their characters divided by ``chars_per_token``, and some for each.

    Images, sounds, videos and files count as ``tokens_per_image`` each, in whatever form a block holds them.
    ``tools`` are counted by their JSON: dictionaries, or objects with ``name``, ``description`` and ``args``.
    ``use_usage_metadata_scaling`` raises the estimate, by a quarter at most, to the number in
    the last answer's ``usage_metadata`` for the messages up to it, if all answers come from one known provider.
    """
    converted = convert_to_messages(messages)
    total: float = 0
    counted_to_usage: tuple[int, float] | None = None
    for message in converted:
        chars, images = _size(message, count_name)
        total += ceil(chars / chars_per_token) + images * tokens_per_image + extra_tokens_per_message
        if isinstance(message, AIMessage) and message.usage_metadata:
            counted_to_usage = (message.usage_metadata["total_tokens"], total)
    total += sum(ceil(len(_tool_text(tool)) / chars_per_token) for tool in tools or ())
    if use_usage_metadata_scaling and counted_to_usage and _one_provider(converted):
        reported, estimated = counted_to_usage
        total *= min(max(reported / estimated, 1.0), _MOST_SCALING) if estimated else 1.0
    return ceil(total)


def _size(message: BaseMessage, count_name: bool) -> tuple[int, int]:
    """The characters and the images of a message."""
    chars, images = _content_size(message.content)
    kind = plain_type(message)
    chars += len(message.role if isinstance(message, ChatMessage) else _ROLES.get(kind, kind))
    if isinstance(message, AIMessage) and not isinstance(message.content, list) and message.tool_calls:
        chars += len(repr(message.tool_calls))
    if isinstance(message, ToolMessage):
        chars += len(message.tool_call_id)
    if message.name and count_name:
        chars += len(message.name)
    return chars, images


def _content_size(content: str | list[str | dict[Any, Any]]) -> tuple[int, int]:
    if isinstance(content, str):
        return len(content), 0
    chars = images = 0
    for block in content:
        if isinstance(block, str):
            chars += len(block)
        elif block.get("type") == "text":
            chars += len(block.get("text", ""))
        else:
            rest, attached = _without_data(block)
            chars += len(repr(rest)) if rest else 0
            images += attached
    return chars, images


_IMAGES = frozenset({"image", "image_url", "input_image"})
_DATA_KEYS = frozenset({"base64", "data", "file_data", "bytes", "image_url", "video_url", "audio_url", "url"})
_LONGEST_TEXT = 256
_is_base64 = re.compile(r"[A-Za-z0-9+/_=-]*(?:\r?\n[A-Za-z0-9+/_=-]+)*").fullmatch


def _without_data(value: Any, key: Any = None) -> tuple[Any, int]:
    """A block without the attachments in it, at any depth, and their number.

    An attachment costs a model a number of tokens that has nothing to do with the length of its base64.
    """
    if isinstance(value, dict):
        if value.get("type") in _IMAGES:
            return None, 1
        parts = {key: _without_data(inner, key) for key, inner in value.items()}
        return {key: rest for key, (rest, _) in parts.items()}, sum(number for _, number in parts.values())
    if isinstance(value, list):
        items = [_without_data(inner, key) for inner in value]
        return [rest for rest, _ in items], sum(number for _, number in items)
    return ("", 1) if _is_data(key, value) else (value, 0)


def _is_data(key: Any, value: Any) -> bool:
    if isinstance(value, bytes | bytearray):
        return True
    if not isinstance(value, str):
        return False
    if value.startswith("data:") and "," in value[:_LONGEST_TEXT]:
        return True
    if len(value) <= _LONGEST_TEXT:
        return False
    head = value[:_LONGEST_TEXT]
    return _is_base64(head) is not None or (key in _DATA_KEYS and not any(map(str.isspace, head)))


def _tool_text(tool: Any) -> str:
    if isinstance(tool, dict):
        return dumps(tool, default=str)
    parts = {key: getattr(tool, key, None) for key in ("name", "description", "args")}
    return dumps(parts, default=str)


def _one_provider(messages: list[BaseMessage]) -> bool:
    answers = [message for message in messages if isinstance(message, AIMessage)]
    providers = {message.response_metadata.get("model_provider") for message in answers}
    return len(providers) == 1 and None not in providers
