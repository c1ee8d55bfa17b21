"""Names that packages import for their annotations, and classes of streams that cannot be made on Prill's core."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from prill.documents import Document
from prill.errors import CompatError
from prill.outputs import Generation
from prill.runnables import Runnable

T = TypeVar("T")
U = TypeVar("U")
K = TypeVar("K")
V = TypeVar("V")

RETURN_VAL_TYPE = Sequence[Generation]
"""What a cache keeps."""

OutputParserLike = Runnable[Any, T]
RunnableLike = Runnable[Any, Any] | Callable[..., Any] | Mapping[str, Any]
RetrieverOutput = list[Document]
RetrieverLike = Runnable[str, RetrieverOutput]
RetrieverOutputLike = Runnable[Any, RetrieverOutput]

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
