"""Messages of people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from prill.messages.base import BaseMessage, BaseMessageChunk

if TYPE_CHECKING:
    from prill.messages.content import ContentBlock


class HumanMessage(BaseMessage):
    """A message from a person to the model.

    >>> HumanMessage("Why is the sky blue?")
    HumanMessage(content='Why is the sky blue?', additional_kwargs={}, response_metadata={})
    """

    type: Literal["human"] = "human"

    if TYPE_CHECKING:  # what a type checker would otherwise make up from the fields

        def __init__(
            self,
            content: str | Sequence[str | dict[Any, Any]] | None = None,
            content_blocks: Sequence[ContentBlock] | None = None,
            **kwargs: Any,
        ) -> None: ...


class HumanMessageChunk(HumanMessage, BaseMessageChunk):
    """A piece of a person's message."""

    type: Literal["HumanMessageChunk"] = "HumanMessageChunk"  # type: ignore[assignment]  # its own name on the wire

    if TYPE_CHECKING:  # what a type checker would otherwise make up from the fields

        def __init__(
            self,
            content: str | Sequence[str | dict[Any, Any]] | None = None,
            content_blocks: Sequence[ContentBlock] | None = None,
            **kwargs: Any,
        ) -> None: ...
