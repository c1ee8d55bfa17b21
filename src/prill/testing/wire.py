"""What the providers' wires share: events as bytes, identifiers, token counts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol

from prill.testing.faults import Faults
from prill.testing.replies import Reply

_NUMBERS = count(1)
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

CREATED = 1_750_000_000  # a fixed time, so that answers are the same in each run


class Wire(Protocol):
    """How one endpoint of a provider writes an answer: pure, from a reply to bytes."""

    keepalive: bytes
    garbage: bytes

    def events(self, reply: Reply, body: Mapping[str, Any]) -> list[bytes]:
        """The streamed answer, one item for each event."""

    def plain(self, reply: Reply, body: Mapping[str, Any]) -> bytes:
        """The answer in one JSON text."""

    def error_body(self, status: int, faults: Faults) -> bytes:
        """The body of an error status."""

    def error_event(self, faults: Faults) -> bytes:
        """The event that reports an error inside a stream."""

    def headers(self, request_id: str) -> dict[str, str]:
        """The headers that each answer of the provider carries."""


@dataclass(frozen=True)
class Usage:
    """Tokens of an answer; words stand for tokens where the reply does not say."""

    input: int
    output: int

    @property
    def total(self) -> int:
        return self.input + self.output


def count_usage(reply: Reply, body: Mapping[str, Any]) -> Usage:
    """The reply's usage, or a count of words in the request and of pieces in the reply."""
    if reply.usage is not None:
        return Usage(*reply.usage)
    asked = body.get("messages") or body.get("prompt") or body.get("input") or body.get("contents") or ""
    said = len(reply.pieces) + len(reply.thinking)
    said += sum(len(reply.fragments(call)) for call in reply.tool_calls)
    return Usage(max(1, len(to_text(asked).split())), max(1, said))


def to_text(content: Any) -> str:
    """The words in a request's content, whatever its shape: a string, blocks, messages."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return " ".join(filter(None, map(to_text, content)))
    if isinstance(content, Mapping):
        return to_text(content.get("content") or content.get("text") or content.get("parts") or "")
    return ""


def dump(value: Any) -> bytes:
    """JSON as providers write it: no spaces, characters as they are."""
    return _encode(value).encode("utf-8", "surrogatepass")


def data(value: Any, event: str | None = None) -> bytes:
    """One server-sent event."""
    line = b"data: " + dump(value) + b"\n\n"
    return line if event is None else b"event: " + event.encode() + b"\n" + line


def data_around(value: Any, hole: str, event: str | None = None) -> tuple[bytes, bytes]:
    """The bytes before and after a string ``hole`` in an event: events that differ in one string are cheap."""
    before, after = data(value, event).split(dump(hole))
    return before, after


def new_id(prefix: str) -> str:
    """An identifier in the provider's shape, counted so that runs can be compared."""
    return f"{prefix}{next(_NUMBERS):024d}"


def get_model_name(reply: Reply, body: Mapping[str, Any]) -> str:
    return reply.model or str(body.get("model") or "replay")


def words(text: str) -> list[str]:
    """A text cut before each space, as models' tokens mostly are."""
    return re.findall(r"\s*\S+\s*$|\s*\S+|\s+", text)
