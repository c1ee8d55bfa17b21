"""What a program tells the model to be."""

from __future__ import annotations

from typing import Literal

from runlet.messages.base import BaseMessage, BaseMessageChunk


class SystemMessage(BaseMessage):
    """Instructions for the model, usually the first message.

    >>> SystemMessage("Answer in one sentence.")
    SystemMessage(content='Answer in one sentence.', additional_kwargs={}, response_metadata={})
    """

    type: Literal["system"] = "system"


class SystemMessageChunk(SystemMessage, BaseMessageChunk):
    """A piece of instructions."""

    type: Literal["SystemMessageChunk"] = "SystemMessageChunk"  # type: ignore[assignment]  # its own name on the wire
