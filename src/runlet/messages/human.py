"""What a person says."""

from __future__ import annotations

from typing import Literal

from runlet.messages.base import BaseMessage, BaseMessageChunk


class HumanMessage(BaseMessage):
    """A message from a person to the model.

    >>> HumanMessage("Why is the sky blue?")
    HumanMessage(content='Why is the sky blue?', additional_kwargs={}, response_metadata={})
    """

    type: Literal["human"] = "human"


class HumanMessageChunk(HumanMessage, BaseMessageChunk):
    """A piece of a person's message."""

    type: Literal["HumanMessageChunk"] = "HumanMessageChunk"  # type: ignore[assignment]  # its own name on the wire
