"""An answer without a connection."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from prill.providers.http.message import Request


class Answered:
    """An answer whose body is given in pieces."""

    def __init__(
        self,
        *pieces: bytes,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        path: str = "/v1/chat/completions",
        body: Mapping[str, Any] | None = None,
    ) -> None:
        self.request = Request("POST", "http://test", path, body=body or {}, stream=True)
        self.status = status
        self.headers = headers if headers is not None else {"content-type": "text/event-stream"}
        self.sent_at = time.monotonic()
        self.closed = 0
        self._pieces = [piece for piece in pieces if piece]

    async def read(self, deadline: float | None) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    async def aclose(self) -> None:
        self.closed += 1
