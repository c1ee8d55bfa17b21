"""``langchain_core.language_models.chat_model_stream``: a model's stream as events of the protocol (version 3).

The classes can be imported; streams of this kind are not made here.
"""

from __future__ import annotations

from typing import Any

from prill.errors import CompatError

_WHY = "streams of events of version 3 are not supported on Prill's core: use stream, or astream_events(version='v2')"


class ChatModelStream:
    """A model's stream of events: it cannot be made here."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise CompatError(_WHY)


class AsyncChatModelStream(ChatModelStream):
    """The same for asyncio."""


def message_to_events(*args: Any, **kwargs: Any) -> Any:
    """Raise ``CompatError``."""
    raise CompatError(_WHY)


amessage_to_events = chunks_to_events = achunks_to_events = message_to_events
