"""A recorded answer of a provider."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prill.errors import ConfigError
from prill.testing.faults import Faults

_EVENT = re.compile(rb".*?(?:\r\n\r\n|\n\n|\r\r)", re.DOTALL)


@dataclass(frozen=True)
class Recording:
    """A recorded answer: ``status``, ``headers``, ``body`` are what was sent, ``request`` what was asked."""

    id: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    request: Mapping[str, Any] = field(default_factory=dict, repr=False)
    tags: tuple[str, ...] = ()
    faults: Faults | None = None

    @classmethod
    def read(cls, path: Path | str) -> Recording:
        """Read a JSON file with ``request`` (method, path, body) and ``response`` (status, headers, body: its text).

        Raises:
            ConfigError: the file does not exist.
        """
        file = Path(path)
        try:
            record = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ConfigError(f"no recording {file.stem!r}: the file {file} does not exist") from None
        response = record["response"]
        return cls(
            id=record.get("id", file.stem),
            status=response["status"],
            headers=response["headers"],
            body=response["body"].encode(),
            request=record.get("request", {}),
            tags=tuple(record.get("tags") or ()),
        )

    @property
    def path(self) -> str:
        """The path that the recorded request went to, without its query: ``/v1/chat/completions``."""
        return str(self.request.get("path", "")).partition("?")[0]

    @property
    def streaming(self) -> bool:
        """Whether the body is a stream of events; some servers label such a body as JSON."""
        return self.body.lstrip().startswith((b"data:", b"event:", b":", b"id:"))

    @property
    def events(self) -> list[bytes]:
        """The body cut after each blank line; joined they are the body again."""
        if not self.streaming:
            return [self.body]
        events = _EVENT.findall(self.body)
        rest = self.body[sum(map(len, events)) :]
        return [*events, rest] if rest else events
