"""The outputs of prompts: values that any model can take, as text or as messages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema
from typing_extensions import TypedDict

from prill.messages.base import BaseMessage, construct, shown_fields
from prill.messages.buffer import get_buffer_string
from prill.messages.human import HumanMessage
from prill.messages.kinds import AnyMessage, Message
from prill.transducers.own_fields import dump_own_fields

__all__ = [
    "ChatPromptValue",
    "ChatPromptValueConcrete",
    "ImagePromptValue",
    "ImageURL",
    "PromptValue",
    "StringPromptValue",
    "chat_prompt_value",
    "string_prompt_value",
]


class PromptValue(BaseModel, ABC):
    """The input of a language model: ``to_string`` for those that take text, ``to_messages`` for chat models."""

    model_config = ConfigDict(extra="ignore", defer_build=True)  # built when first validated

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return dump_own_fields(cls, source, handler)

    @abstractmethod
    def to_string(self) -> str:
        """The prompt as text."""

    @abstractmethod
    def to_messages(self) -> list[BaseMessage]:
        """The prompt as messages."""

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return shown_fields(self, super().__repr_args__())


class StringPromptValue(PromptValue):
    """A prompt of text; as messages it is one ``HumanMessage``."""

    text: str
    type: Literal["StringPromptValue"] = "StringPromptValue"

    def to_string(self) -> str:
        return self.text

    def to_messages(self) -> list[BaseMessage]:
        return [HumanMessage(self.text)]


class ChatPromptValue(PromptValue):
    """A prompt of messages; as text, one line for each, after the name of its role."""

    messages: Sequence[Message]

    def to_string(self) -> str:
        return get_buffer_string(self.messages)

    def to_messages(self) -> list[BaseMessage]:
        return list(self.messages)


class ChatPromptValueConcrete(ChatPromptValue):
    """A prompt of messages whose schema names every kind of message: for inputs that come from outside."""

    messages: Sequence[AnyMessage]
    type: Literal["ChatPromptValueConcrete"] = "ChatPromptValueConcrete"


class ImageURL(TypedDict, total=False):
    """An image: where it is (a ``data:`` URL holds it), and how closely the model is to look at it."""

    detail: Literal["auto", "low", "high"]
    url: str


class ImagePromptValue(PromptValue):
    """A prompt of one image."""

    image_url: ImageURL
    type: Literal["ImagePromptValue"] = "ImagePromptValue"

    def to_string(self) -> str:
        return self.image_url.get("url", "")

    def to_messages(self) -> list[BaseMessage]:
        return [HumanMessage([{"type": "image_url", "image_url": cast("dict[str, Any]", self.image_url)}])]


def string_prompt_value(text: str) -> StringPromptValue:
    """A prompt of text, made without validation."""
    return construct(StringPromptValue, {"text": text, "type": "StringPromptValue"})


def chat_prompt_value(messages: list[BaseMessage]) -> ChatPromptValue:
    """A prompt of messages which are messages already, made without validation."""
    return construct(ChatPromptValue, {"messages": messages})
