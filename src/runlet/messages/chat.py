"""A message of a role that has no class of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from runlet.messages.base import BaseMessage, BaseMessageChunk, same_value


class ChatMessage(BaseMessage):
    """A message whose speaker is named by ``role``."""

    type: Literal["chat"] = "chat"
    role: str

    def _title(self) -> str:
        return self.role.title()


class ChatMessageChunk(ChatMessage, BaseMessageChunk):
    """A piece of a message whose speaker is named by ``role``."""

    type: Literal["ChatMessageChunk"] = "ChatMessageChunk"  # type: ignore[assignment]  # its own name on the wire

    @classmethod
    def _merge_own(cls, chunks: Sequence[Any], values: dict[str, Any]) -> None:
        values["role"] = same_value(chunks, "role")
