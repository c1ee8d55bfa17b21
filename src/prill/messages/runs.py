"""Merging neighbouring messages of the same speaker."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from prill.messages.ai import AIMessage
from prill.messages.base import BaseMessage, construct, set_extra
from prill.messages.buffer import plain_type
from prill.messages.convert import convert_to_messages
from prill.messages.kinds import message_chunk_to_message
from prill.messages.later import MessageFunction, Messages
from prill.messages.usage import sum_usage
from prill.transducers.merge import merge_dicts, merge_metadata

_MERGED = frozenset({"human", "ai", "system", "chat", "function"})


@MessageFunction
def merge_message_runs(messages: Messages, *, chunk_separator: str = "\n") -> list[BaseMessage]:
    """Make one message of neighbours from the same speaker: same type, same name, same role.

    Texts are joined with ``chunk_separator`` between them; where one of the contents is a list, so is the merged one,
    and its items stay items. Tool calls are put in one list, usage is added up; id and ``response_metadata`` are those
    of the first message. Results of tools stay apart. Without ``messages`` this returns a Runnable that takes them.
    """
    merged: list[BaseMessage] = []
    for speaker, run in groupby(convert_to_messages(messages), key=_speaker):
        same = list(run)
        if len(same) == 1 or speaker[0] not in _MERGED:
            merged.extend(same)
        else:
            merged.append(_merge([message_chunk_to_message(message) for message in same], chunk_separator))
    return merged


def _speaker(message: BaseMessage) -> tuple[str, Any, Any]:
    return plain_type(message), message.name, getattr(message, "role", None)


def _merge(messages: list[BaseMessage], separator: str) -> BaseMessage:
    first = messages[0]
    values: dict[str, Any] = {
        **first.__dict__,
        "content": _joined_content(messages, separator),
        "additional_kwargs": merge_dicts(*[message.additional_kwargs for message in messages]),
        "response_metadata": dict(first.response_metadata),
        "id": next((message.id for message in messages if message.id), None),
    }
    answers = [message for message in messages if isinstance(message, AIMessage)]
    if answers:
        values["tool_calls"] = [call for answer in answers for call in answer.tool_calls]
        values["invalid_tool_calls"] = [call for answer in answers for call in answer.invalid_tool_calls]
        values["usage_metadata"] = sum_usage(answer.usage_metadata for answer in answers)
    merged = construct(type(first), values)
    extras = merge_metadata(*[message.__pydantic_extra__ or {} for message in messages])
    set_extra(merged, extras)
    return merged


def _joined_content(messages: list[BaseMessage], separator: str) -> str | list[str | dict[Any, Any]]:
    text: str = ""
    items: list[str | dict[Any, Any]] | None = None
    for message in messages:
        content = message.content
        if items is None and isinstance(content, str):
            text = separator.join([text, content]) if text and content else text or content
            continue
        items = ([text] if text else []) if items is None else items
        items += ([content] if content else []) if isinstance(content, str) else content
    return text if items is None else items
