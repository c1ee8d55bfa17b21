"""Histories that every provider takes: each tool call has exactly one answer, right behind it, in call order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import uuid4

from prill.language_models.base import copy_message, set_id
from prill.messages import AIMessage, BaseMessage, ToolMessage

Call = Mapping[str, Any]
"""A tool call, valid or not: ``name``, ``args``, ``id``."""

NOT_RUN = "not run: the conversation went on before this call was answered"
"""The answer to a call that nobody answered."""

_CALL_BLOCKS = frozenset({"tool_use", "tool_call", "function_call"})


def get_calls(message: BaseMessage) -> list[Call]:
    """The calls of a message, valid ones first, in the order in which providers are sent them."""
    if not isinstance(message, AIMessage):
        return []
    return [*message.tool_calls, *message.invalid_tool_calls]


def make_answer(call: Call, text: str, status: str = "error") -> ToolMessage:
    """The answer to a call that no tool gives."""
    return ToolMessage(
        content=text,
        tool_call_id=call["id"],
        name=call["name"] or None,
        status=cast("Any", status),
        id=str(uuid4()),
    )


def find_open_calls(messages: Sequence[BaseMessage]) -> tuple[int, list[Call]]:
    """The index of the message whose calls the end of a history answers, and those that have no answer yet.

    The index is -1, and there are no calls, where the history ends with anything else than calls and answers.
    """
    index = len(messages) - 1
    while index >= 0 and type(messages[index]) is ToolMessage:
        index -= 1
    if index < 0 or not isinstance(message := messages[index], AIMessage):
        return -1, []
    calls: list[Call] = [*message.tool_calls, *message.invalid_tool_calls]
    if not calls:
        return -1, []
    answered = {cast("ToolMessage", answer).tool_call_id for answer in messages[index + 1 :]}
    return index, [call for call in calls if call["id"] not in answered] if answered else calls


def open_calls(messages: Sequence[BaseMessage]) -> list[Call]:
    """The calls at the end of a history that have no answer yet."""
    return find_open_calls(messages)[1]


def sort_answers(messages: list[BaseMessage], index: int) -> None:
    """Put the answers behind the message at ``index`` into the order of its calls; what else is there comes last."""
    places = {call["id"]: place for place, call in enumerate(get_calls(messages[index]))}
    tail = messages[index + 1 :]

    def place(message: BaseMessage) -> int:
        return places.get(message.tool_call_id, len(places)) if isinstance(message, ToolMessage) else len(places)

    messages[index + 1 :] = sorted(tail, key=place)


def repair(messages: Sequence[BaseMessage], reason: str = NOT_RUN, *, keep_open: bool = False) -> list[BaseMessage]:
    """A valid history made of ``messages``; a list with the same messages where it is valid already.

    Calls without an answer are given one that says ``reason``, answers are put behind their calls, in call order, and
    those that belong to no call, or to one that is answered, are left out. With ``keep_open`` calls of the last message
    may still be answered.
    """
    valid: list[BaseMessage] = []
    place, end = 0, len(messages)
    while place < end:
        message = messages[place]
        place += 1
        if isinstance(message, ToolMessage):
            continue
        if not get_calls(message):
            valid.append(message)
            continue
        following, place = _until_next_calls(messages, place)
        valid += _answered(cast("AIMessage", message), following, reason, is_open=keep_open and place == end)
    return valid


def _until_next_calls(messages: Sequence[BaseMessage], start: int) -> tuple[list[BaseMessage], int]:
    end = start
    while end < len(messages) and not get_calls(messages[end]):
        end += 1
    return list(messages[start:end]), end


def _answered(message: AIMessage, following: list[BaseMessage], reason: str, *, is_open: bool) -> list[BaseMessage]:
    """A message with calls, their answers, and the other messages that followed it."""
    given = [call["id"] for call in get_calls(message)]
    message = with_unique_ids(message)
    waiting: dict[str | None, list[ToolMessage]] = {}
    others: list[BaseMessage] = []
    for each in following:
        if isinstance(each, ToolMessage):
            waiting.setdefault(each.tool_call_id, []).append(each)
        else:
            others.append(each)
    answers: list[BaseMessage] = []
    for call, id in zip(get_calls(message), given, strict=True):
        if found := waiting.get(id):
            answers.append(with_call_id(found.pop(0), call["id"]))
        elif not is_open or others:
            answers.append(make_answer(call, reason))
    return [message, *answers, *others]


def with_call_id(answer: ToolMessage, id: str) -> ToolMessage:
    """The answer, which says that it belongs to the call ``id``."""
    if answer.tool_call_id == id:
        return answer
    answer = copy_message(answer)
    answer.__dict__["tool_call_id"] = id
    return answer


def with_unique_ids(message: AIMessage) -> AIMessage:
    """The message, or a copy in which each call has an id of its own: models and servers repeat or forget them."""
    ids = [call["id"] for call in get_calls(message)]
    if len(set(ids)) == len(ids) and all(ids):
        return message
    seen: set[str] = set()
    made: list[str] = []
    for id in ids:
        unique = id if id and id not in seen else f"{id or 'call'}_{uuid4().hex[:12]}"
        seen.add(unique)
        made.append(unique)
    copy = copy_message(message)
    values, count = copy.__dict__, len(message.tool_calls)
    values["tool_calls"] = [{**call, "id": id} for call, id in zip(message.tool_calls, made[:count], strict=True)]
    invalid = zip(message.invalid_tool_calls, made[count:], strict=True)
    values["invalid_tool_calls"] = [{**call, "id": id} for call, id in invalid]
    values["content"] = _rename_blocks(message.content, made[:count])
    return copy


def _rename_blocks(content: Any, ids: list[str]) -> Any:
    """Content whose blocks of tool calls, if each call has one, have the ids ``ids``."""
    if not isinstance(content, list):
        return content
    blocks = [block for block in content if isinstance(block, dict) and block.get("type") in _CALL_BLOCKS]
    if len(blocks) != len(ids):
        return content
    names = iter(ids)
    return [
        {**block, "id": next(names)} if isinstance(block, dict) and block.get("type") in _CALL_BLOCKS else block
        for block in content
    ]


def with_ids(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """The messages; those without an id are copied, and the copies have one."""
    return [message if message.id is not None else _with_id(message) for message in messages]


def _with_id(message: BaseMessage) -> BaseMessage:
    copy = copy_message(message)
    set_id(copy, str(uuid4()))
    return copy
