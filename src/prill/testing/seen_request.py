"""A request as the server saw it, and what became of its answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic, time
from typing import Any


@dataclass
class SeenRequest:
    """A request that reached the server.

    ``query`` is the part of its address behind the ``?``, as it was sent. ``json`` is the parsed body (``None`` if it
    is not JSON). The moments ``received_at``, ``finished_at`` and ``closed_at`` are seconds on the clock of
    ``time.monotonic()``; ``time`` is wall-clock time.

    ``finished_at`` is set when the answer was written to its end, or cut because a fault said so. ``closed_at`` is
    set instead when the client closed the connection before that.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = field(repr=False)
    json: Any
    query: str = ""
    received_at: float = field(default_factory=monotonic)
    time: float = field(default_factory=time)
    finished_at: float | None = None
    closed_at: float | None = None
    status: int | None = None
    writes: int = 0
    bytes_sent: int = 0

    @property
    def streaming(self) -> bool:
        """Whether the client asked for a stream."""
        if self.path.endswith((":streamGenerateContent", "/converse-stream")):  # Gemini's and Bedrock's address say it
            return True
        return isinstance(self.json, dict) and self.json.get("stream") is True

    @property
    def closed_early(self) -> bool:
        """Whether the client left before the answer's end."""
        return self.closed_at is not None
