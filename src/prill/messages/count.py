"""Counting tokens without a tokenizer."""

from __future__ import annotations

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

    ``tools`` are counted by their JSON: dictionaries, or objects with ``name``, ``description`` and ``args``.
    ``use_usage_metadata_scaling`` raises the estimate, by a quarter at most, to what the last answer's
    ``usage_metadata`` says about the messages up to it, if all answers come from one known provider.
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
        told, estimated = counted_to_usage
        total *= min(max(told / estimated, 1.0), _MOST_SCALING) if estimated else 1.0
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
        elif block.get("type") in ("image", "image_url"):
            images += 1
        elif block.get("type") == "text":
            chars += len(block.get("text", ""))
        else:
            chars += len(repr(block))
    return chars, images


def _tool_text(tool: Any) -> str:
    if isinstance(tool, dict):
        return dumps(tool, default=str)
    parts = {key: getattr(tool, key, None) for key in ("name", "description", "args")}
    return dumps(parts, default=str)


def _one_provider(messages: list[BaseMessage]) -> bool:
    answers = [message for message in messages if isinstance(message, AIMessage)]
    providers = {message.response_metadata.get("model_provider") for message in answers}
    return len(providers) == 1 and None not in providers
