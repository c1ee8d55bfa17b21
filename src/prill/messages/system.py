"""Messages with instructions for the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from prill.messages.base import BaseMessage, BaseMessageChunk

if TYPE_CHECKING:
    from prill.messages.content import ContentBlock


class SystemMessage(BaseMessage):
    """Instructions for the model, usually the first message.

    >>> SystemMessage("Answer in one sentence.")
    SystemMessage(content='Answer in one sentence.', additional_kwargs={}, response_metadata={})
    """

    type: Literal["system"] = "system"

    if TYPE_CHECKING:  # what a type checker would otherwise make up from the fields

        def __init__(
            self,
            content: str | Sequence[str | dict[Any, Any]] | None = None,
            content_blocks: Sequence[ContentBlock] | None = None,
            **kwargs: Any,
        ) -> None: ...


class SystemMessageChunk(SystemMessage, BaseMessageChunk):
    """A piece of instructions."""

    type: Literal["SystemMessageChunk"] = "SystemMessageChunk"  # type: ignore[assignment]  # its own name on the wire

    if TYPE_CHECKING:  # what a type checker would otherwise make up from the fields

        def __init__(
            self,
            content: str | Sequence[str | dict[Any, Any]] | None = None,
            content_blocks: Sequence[ContentBlock] | None = None,
            **kwargs: Any,
        ) -> None: ...
