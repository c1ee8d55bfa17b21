"""Merging messages that follow each other from the same speaker."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from prill.messages.ai import AIMessage
from prill.messages.base import BaseMessage, construct, set_extra
from prill.messages.buffer import plain_type
from prill.messages.convert import convert_to_messages
from prill.messages.kinds import message_chunk_to_message
from prill.messages.later import MessageFunction, Messages
from prill.messages.usage import sum_usage
from prill.transducers.merge import merge_content, merge_dicts, merge_metadata

_MERGED = frozenset({"human", "ai", "system", "chat", "function"})


@MessageFunction
def merge_message_runs(messages: Messages, *, chunk_separator: str = "\n") -> list[BaseMessage]:
    """Make one message of neighbours from the same speaker: same type, same name, same role.

    Texts are joined with ``chunk_separator`` between them, tool calls are put in one list, usage is added up. The
    answers of tools stay apart. Without ``messages`` this gives a function that waits for them.
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
        "content": merge_content("", *_separated(messages, separator)),
        "additional_kwargs": merge_dicts(*[message.additional_kwargs for message in messages]),
        "response_metadata": merge_metadata(*[message.response_metadata for message in messages]),
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


def _separated(messages: list[BaseMessage], separator: str) -> Iterable[str | list[Any]]:
    """The contents, with the separator between texts; where there are blocks, nothing need be put between."""
    text_so_far = False
    for message in messages:
        content = message.content
        if isinstance(content, list):
            yield content
            text_so_far, separator = False, ""
        elif content:
            if text_so_far:
                yield separator
            yield content
            text_so_far = True
