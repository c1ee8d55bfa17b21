"""Messages that change a conversation."""

from __future__ import annotations

from typing import Any, Literal

from prill.errors import ConfigError
from prill.messages.base import BaseMessage


class RemoveMessage(BaseMessage):
    """Tells whoever keeps a conversation to remove the message with this ``id``."""

    type: Literal["remove"] = "remove"

    def __init__(self, id: str, **kwargs: Any) -> None:
        if kwargs.pop("content", ""):
            raise ConfigError("a RemoveMessage has no content; it only names the message to remove by its id")
        super().__init__("", id=id, **kwargs)
