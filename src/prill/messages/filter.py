"""Selecting messages by type, name, id and tool calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prill.messages.ai import AIMessage
from prill.messages.base import BaseMessage
from prill.messages.buffer import plain_type
from prill.messages.convert import convert_to_messages
from prill.messages.later import MessageFunction, Messages
from prill.messages.tool import ToolMessage

Kind = str | type[BaseMessage]


def is_of_kind(message: BaseMessage, kinds: Kind | Sequence[Kind]) -> bool:
    """Whether the message has one of the types; ``"ai"`` means an ``AIMessage`` and its chunks alike."""
    if isinstance(kinds, str | type):
        kinds = [kinds]
    names = {message.type, plain_type(message), type(message).__name__}
    return any(kind in names if isinstance(kind, str) else isinstance(message, kind) for kind in kinds)


@MessageFunction
def filter_messages(
    messages: Messages,
    *,
    include_names: Sequence[str] | None = None,
    exclude_names: Sequence[str] | None = None,
    include_types: Sequence[Kind] | None = None,
    exclude_types: Sequence[Kind] | None = None,
    include_ids: Sequence[str] | None = None,
    exclude_ids: Sequence[str] | None = None,
    exclude_tool_calls: Sequence[str] | bool | None = None,
) -> list[BaseMessage]:
    """The messages that no ``exclude`` names and that some ``include`` names; without an ``include``, all others.

    ``exclude_tool_calls=True`` leaves out calls and their answers; a list of ids leaves out these calls only, and
    the messages that held nothing else. The given messages are not changed. Without ``messages`` this returns a
    Runnable that takes them.
    """
    chosen: list[BaseMessage] = []
    for message in convert_to_messages(messages):
        if exclude_names and message.name in exclude_names:
            continue
        if exclude_types and is_of_kind(message, exclude_types):
            continue
        if exclude_ids and message.id in exclude_ids:
            continue
        kept = _without_calls(message, exclude_tool_calls) if exclude_tool_calls else message
        if kept is None:
            continue
        included = (
            (include_names and message.name in include_names)
            or (include_types and is_of_kind(message, include_types))
            or (include_ids and message.id in include_ids)
        )
        if included or not (include_names or include_types or include_ids):
            chosen.append(kept)
    return chosen


def _without_calls(message: BaseMessage, calls: Sequence[str] | bool) -> BaseMessage | None:
    if isinstance(message, ToolMessage):
        return None if calls is True or message.tool_call_id in _ids(calls) else message
    if not isinstance(message, AIMessage) or not message.tool_calls:
        return message
    kept = [] if calls is True else [call for call in message.tool_calls if call["id"] not in _ids(calls)]
    if not kept:
        return None
    if len(kept) == len(message.tool_calls):
        return message
    return message.model_copy(update=_reduced(message, kept, _ids(calls)))


def _ids(calls: Sequence[str] | bool) -> Sequence[str]:
    return () if isinstance(calls, bool) else calls


def _reduced(message: AIMessage, kept: list[Any], excluded: Sequence[str]) -> dict[str, Any]:
    update: dict[str, Any] = {"tool_calls": kept}
    if isinstance(message.content, list):
        update["content"] = [block for block in message.content if not _is_call(block, excluded)]
    for name in ("tool_call_chunks", "invalid_tool_calls"):
        if pieces := getattr(message, name, None):
            update[name] = [piece for piece in pieces if piece["id"] not in excluded]
    raw = message.additional_kwargs.get("tool_calls")
    if isinstance(raw, list):
        left = [call for call in raw if not _is_call({"tool_use": call}, excluded)]
        update["additional_kwargs"] = {**message.additional_kwargs, "tool_calls": left}
    return update


_CALLS = frozenset({"tool_use", "tool_call", "tool_call_chunk", "server_tool_call", "function_call"})
_WRAPPED_CALLS = ("tool_use", "toolUse", "function_call", "functionCall")
"""The keys under which some providers put a call in a block."""


def _is_call(block: Any, ids: Sequence[str]) -> bool:
    """Whether a block of content is one of these calls, in the form of any provider."""
    if not isinstance(block, dict):
        return False
    forms = [block] if block.get("type") in _CALLS else [block.get(key) for key in _WRAPPED_CALLS]
    names = ("id", "call_id", "toolUseId")
    return any(isinstance(form, dict) and any(form.get(name) in ids for name in names) for form in forms)
