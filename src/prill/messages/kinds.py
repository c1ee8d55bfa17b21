"""The kinds of message by their ``type``, and the one that changes a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, overload

from pydantic import BeforeValidator, Discriminator, SerializeAsAny, Tag

from prill.errors import ConfigError
from prill.messages.ai import AIMessage, AIMessageChunk, strict_calls
from prill.messages.base import BaseMessage, BaseMessageChunk, construct, set_extra
from prill.messages.chat import ChatMessage, ChatMessageChunk
from prill.messages.function import FunctionMessage, FunctionMessageChunk
from prill.messages.human import HumanMessage, HumanMessageChunk
from prill.messages.system import SystemMessage, SystemMessageChunk
from prill.messages.tool import ToolMessage, ToolMessageChunk


class RemoveMessage(BaseMessage):
    """Asks the owner of a conversation to remove the message with this ``id``."""

    type: Literal["remove"] = "remove"

    def __init__(self, id: str, **kwargs: Any) -> None:
        if kwargs.pop("content", ""):
            raise ConfigError("a RemoveMessage has no content; it only names the message to remove by its id")
        super().__init__("", id=id, **kwargs)


MESSAGE_TYPES: dict[str, type[BaseMessage]] = {
    "human": HumanMessage,
    "ai": AIMessage,
    "system": SystemMessage,
    "tool": ToolMessage,
    "function": FunctionMessage,
    "chat": ChatMessage,
    "remove": RemoveMessage,
}
CHUNK_TYPES: dict[str, type[BaseMessageChunk]] = {
    "human": HumanMessageChunk,
    "ai": AIMessageChunk,
    "system": SystemMessageChunk,
    "tool": ToolMessageChunk,
    "function": FunctionMessageChunk,
    "chat": ChatMessageChunk,
}
_ALL_TYPES: dict[str, type[BaseMessage]] = {
    **MESSAGE_TYPES,
    **{kind.__name__: kind for kind in CHUNK_TYPES.values()},
}


def _get_type(value: Any) -> str:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return kind if isinstance(kind, str) else ""


AnyMessage = Annotated[
    Annotated[AIMessage, Tag("ai")]
    | Annotated[HumanMessage, Tag("human")]
    | Annotated[ChatMessage, Tag("chat")]
    | Annotated[SystemMessage, Tag("system")]
    | Annotated[FunctionMessage, Tag("function")]
    | Annotated[ToolMessage, Tag("tool")]
    | Annotated[AIMessageChunk, Tag("AIMessageChunk")]
    | Annotated[HumanMessageChunk, Tag("HumanMessageChunk")]
    | Annotated[ChatMessageChunk, Tag("ChatMessageChunk")]
    | Annotated[SystemMessageChunk, Tag("SystemMessageChunk")]
    | Annotated[FunctionMessageChunk, Tag("FunctionMessageChunk")]
    | Annotated[ToolMessageChunk, Tag("ToolMessageChunk")],
    Discriminator(_get_type),
]


def message_of_type(values: Mapping[str, Any]) -> BaseMessage:
    """A message out of the dictionary that its ``model_dump`` made.

    Raises ``ConfigError`` if ``type`` names no kind of message.
    """
    kind = values.get("type")
    if not isinstance(kind, str) or kind not in _ALL_TYPES:
        raise ConfigError(f"unknown message type {kind!r}; the types are: {', '.join(_ALL_TYPES)}")
    return _ALL_TYPES[kind].model_validate(dict(values))


def _as_message(value: Any) -> Any:
    return message_of_type(value) if isinstance(value, dict) and _get_type(value) in _ALL_TYPES else value


Message = SerializeAsAny[Annotated[BaseMessage, BeforeValidator(_as_message)]]
"""A field that holds a message of any kind, and comes back as that kind from ``model_dump``."""

MessageChunk = SerializeAsAny[Annotated[BaseMessageChunk, BeforeValidator(_as_message)]]
"""A field that holds a chunk of any kind, and comes back as that kind from ``model_dump``."""


@overload
def message_chunk_to_message(chunk: AIMessage) -> AIMessage: ...
@overload
def message_chunk_to_message(chunk: BaseMessage) -> BaseMessage: ...
def message_chunk_to_message(chunk: BaseMessage) -> BaseMessage:
    """Turn a chunk, usually the sum of all chunks, into a whole message; a whole message stays as it is.

    An ``AIMessage`` gets only those tool calls whose arguments are a whole JSON object; the others go to
    ``invalid_tool_calls`` with the reason. A call without arguments is whole only if the answer is known to have
    ended: by its ``chunk_position``, or by a finish reason other than the token limit.
    """
    if not isinstance(chunk, BaseMessageChunk):
        return chunk
    cls = _whole_class(chunk)
    fields = cls.__pydantic_fields__  # model_fields takes a microsecond
    # The message and the chunk must not change together.
    values = {
        field: value.copy() if isinstance(value, dict | list) else value
        for field, value in chunk.__dict__.items()
        if field in fields
    }
    values["type"] = fields["type"].default
    if isinstance(chunk, AIMessageChunk) and chunk.tool_call_chunks:
        values["tool_calls"], values["invalid_tool_calls"] = strict_calls(chunk)
    message = construct(cls, values)
    if extra := chunk.__pydantic_extra__:
        set_extra(message, dict(extra))
    return message


def _whole_class(chunk: BaseMessageChunk) -> type[BaseMessage]:
    if type(chunk) is AIMessageChunk:
        return AIMessage
    for kind, cls in CHUNK_TYPES.items():
        if isinstance(chunk, cls):
            return MESSAGE_TYPES[kind]
    raise ConfigError(f"a {type(chunk).__name__} is not a chunk of a known kind: {', '.join(CHUNK_TYPES)}")
