"""Conversion of texts, pairs and dictionaries to messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

from pydantic import ValidationError

from prill.errors import ConfigError
from prill.messages.base import BaseMessage
from prill.messages.call_types import ESCAPED
from prill.messages.human import HumanMessage
from prill.messages.kinds import CHUNK_TYPES, MESSAGE_TYPES, message_chunk_to_message, message_of_type
from prill.messages.tool import default_tool_parser

MessageLikeRepresentation = (
    BaseMessage | list[str] | tuple[str, str | list[str | dict[str, Any]]] | str | dict[str, Any]
)

_ROLES = {
    "human": "human",
    "user": "human",
    "ai": "ai",
    "assistant": "ai",
    "system": "system",
    "developer": "system",
    "tool": "tool",
    "function": "function",
    "remove": "remove",
}
_CLASSES = {kind.__name__: kind for kind in (*MESSAGE_TYPES.values(), *CHUNK_TYPES.values())}
_CHUNK_NAMES = frozenset(kind.__name__ for kind in CHUNK_TYPES.values())
_ROLE_NAMES = ", ".join(repr(role) for role in _ROLES)
# Fields of the OpenAI form and of ours; other keys of a dictionary go to ``additional_kwargs``.
_FIELDS = {
    "ai": frozenset({"tool_calls", "invalid_tool_calls", "usage_metadata"}),
    "tool": frozenset({"tool_call_id", "artifact", "status"}),
}
_KINDS = frozenset({*MESSAGE_TYPES.values(), *CHUNK_TYPES.values()})
_COMMON = frozenset({"name", "id", "response_metadata"})


@runtime_checkable
class HasMessages(Protocol):
    """An object that has messages, such as a ``PromptValue``."""

    def to_messages(self) -> list[BaseMessage]: ...


def convert_to_messages(messages: Iterable[MessageLikeRepresentation] | HasMessages) -> list[BaseMessage]:
    """Convert everything that can be a message to messages.

    Each may be a message; a text (a ``HumanMessage``); a ``(role, content)`` pair; a dictionary with ``role`` (or
    ``type``) and ``content``, as OpenAI takes it or as ``model_dump`` made it; or a dictionary that ``message_to_dict``
    or ``dumpd`` made.
    The roles are human or user, ai or assistant, system or developer, tool, function and remove.

    >>> convert_to_messages([("system", "Be brief."), {"role": "user", "content": "Hi"}])[1].content
    'Hi'

    Raises ``ConfigError`` for anything else; the text has its position and the forms that are accepted.
    """
    if type(messages) is list:  # most are, and to look for a method takes longer than a short list does
        if _KINDS.issuperset(map(type, messages)):
            return messages.copy()
        return [
            message if isinstance(message, BaseMessage) else _at(place, message)
            for place, message in enumerate(messages)
        ]
    if isinstance(messages, HasMessages):
        return messages.to_messages()
    if isinstance(messages, str | dict | BaseMessage):
        messages = [messages]
    return [_at(place, message) for place, message in enumerate(messages)]


def _at(place: int, message: Any) -> BaseMessage:
    if isinstance(message, BaseMessage):
        return message
    try:
        return convert_to_message(message)
    except ConfigError as error:
        error.message = f"message {place}: {error.message}"
        raise


def convert_to_message(message: MessageLikeRepresentation) -> BaseMessage:
    """Convert one value to a message; see ``convert_to_messages``."""
    if isinstance(message, BaseMessage):
        return message
    if isinstance(message, str):
        return HumanMessage(message)
    if isinstance(message, dict):
        return _from_dict(message)
    if isinstance(message, Sequence) and len(message) == 2 and isinstance(message[0], str):
        return _make(message[0], {"content": message[1]})
    given = f"a sequence of {len(message)}" if isinstance(message, Sequence) else f"a {type(message).__name__}"
    raise ConfigError(
        f"{given} cannot be converted to a message; give a message, a text, a (role, content) pair, "
        "or a dictionary with 'role' and 'content'"
    )


def _from_dict(message: dict[str, Any]) -> BaseMessage:
    kind = message.get("type")
    if kind == "constructor" and message.get("lc") == 1:
        return _from_dumped(message)
    if set(message) == {"type", "data"} and isinstance(message["data"], dict):
        return message_from_dict(message)
    if kind in _CHUNK_NAMES or (kind == "chat" and "role" in message):
        return message_of_type(message)
    rest = dict(message)
    role = rest.pop("role", None) or rest.pop("type", None)
    has_content = "content" in rest or rest.get("tool_calls") or rest.get("function_call")
    if not isinstance(role, str) or not has_content:
        raise ConfigError(f"a message as a dictionary needs 'role' and 'content', this one has {_names(message)}")
    if kind == role == "ai" or "role" in message:
        rest.pop("type", None)
    return _make(role, rest)


def _from_dumped(message: dict[str, Any]) -> BaseMessage:
    id, values = message.get("id"), message.get("kwargs")
    kind = _CLASSES.get(str(id[-1])) if isinstance(id, list) and id else None
    if kind is None or not isinstance(values, dict):
        raise ConfigError(f"a stored object with the id {id!r:.100} is not a message; read it with prill.load.load")
    return message_chunk_to_message(message_of_type({**_unescaped(values), "type": kind.model_fields["type"].default}))


def _unescaped(value: Any) -> Any:
    if isinstance(value, list):
        return [_unescaped(item) for item in value]
    if not isinstance(value, dict):
        return value
    return value[ESCAPED] if value.keys() == {ESCAPED} else {key: _unescaped(item) for key, item in value.items()}


def _names(message: dict[str, Any]) -> str:
    # The values are not shown: they may be private.
    return ", ".join(repr(key) for key in message) or "no keys"


def _make(role: str, given: dict[str, Any]) -> BaseMessage:
    kind = _ROLES.get(role)
    if kind is None:
        raise ConfigError(f"unknown role {role!r}; the roles are: {_ROLE_NAMES}")
    own = _FIELDS.get(kind, frozenset()) | _COMMON
    values = {key: value for key, value in given.items() if key in own and value is not None}
    extra = {key: value for key, value in given.items() if key not in own}
    content = extra.pop("content", None)
    extra = {**(extra.pop("additional_kwargs", None) or {}), **extra}
    if role == "developer":
        extra["__openai_role__"] = "developer"
    values["content"] = "" if content is None else content
    values["additional_kwargs"] = extra
    if "tool_calls" in values:
        _read_tool_calls(values)
    return _validated(kind, values)


def _read_tool_calls(values: dict[str, Any]) -> None:
    raw = [call for call in values["tool_calls"] if "function" in call]
    ready = [call for call in values["tool_calls"] if "function" not in call]
    calls, invalid = default_tool_parser(raw)
    values["tool_calls"] = [*ready, *calls]
    values["invalid_tool_calls"] = [*values.get("invalid_tool_calls", ()), *invalid]


def _validated(kind: str, values: dict[str, Any]) -> BaseMessage:
    try:
        return MESSAGE_TYPES[kind](**values)
    except (ValidationError, TypeError) as error:
        raise ConfigError(f"{_problem(error)} in a message of type {kind!r}") from error


def _problem(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(
        f"{'.'.join(str(part) for part in detail['loc'])}: {detail['msg']}"
        for detail in error.errors(include_input=False, include_url=False)
    )


def message_from_dict(message: dict[str, Any]) -> BaseMessage:
    """Make a message out of the ``{"type": ..., "data": {...}}`` that ``message_to_dict`` made.

    Raises ``ConfigError`` if the dictionary has another form, or names no kind of message.
    """
    data = message.get("data")
    if not isinstance(data, dict):
        raise ConfigError(f"a stored message is {{'type': ..., 'data': {{...}}}}, this one has {_names(message)}")
    return message_of_type({**data, "type": message.get("type")})


def messages_from_dict(messages: Sequence[dict[str, Any]]) -> list[BaseMessage]:
    """Make messages of the dictionaries that ``messages_to_dict`` made."""
    return [message_from_dict(message) for message in messages]
