"""A message of any role."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from prill.messages.base import BaseMessage, BaseMessageChunk, same_value

if TYPE_CHECKING:
    from prill.messages.content import ContentBlock


class ChatMessage(BaseMessage):
    """A message whose speaker is named by ``role``."""

    type: Literal["chat"] = "chat"
    role: str

    if TYPE_CHECKING:  # what a type checker would otherwise make up from the fields

        def __init__(
            self,
            content: str | Sequence[str | dict[Any, Any]] | None = None,
            content_blocks: Sequence[ContentBlock] | None = None,
            **kwargs: Any,
        ) -> None: ...

    def _title(self) -> str:
        return self.role.title()


class ChatMessageChunk(ChatMessage, BaseMessageChunk):
    """A piece of a message whose speaker is named by ``role``."""

    type: Literal["ChatMessageChunk"] = "ChatMessageChunk"  # type: ignore[assignment]  # its own name on the wire

    if TYPE_CHECKING:  # what a type checker would otherwise make up from the fields

        def __init__(
            self,
            content: str | Sequence[str | dict[Any, Any]] | None = None,
            content_blocks: Sequence[ContentBlock] | None = None,
            **kwargs: Any,
        ) -> None: ...

    @classmethod
    def _merge_own(cls, chunks: Sequence[Any], values: dict[str, Any]) -> None:
        values["role"] = same_value(chunks, "role")
