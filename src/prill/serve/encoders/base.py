"""What an encoder is, and the frames of server-sent events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from prill.serve.facts import TERMINAL, Fact, Failure, RunFailed, RunStarted, RunStopped


class Encoder(Protocol):
    """Translates the facts of a run into the frames of one protocol. It does no I/O and has no clock.

    ``content_type`` and ``headers`` are those of the answer. After a terminal fact, or ``finish``, whatever was opened
    is closed, and exactly one terminal event has been made.
    """

    content_type: str
    headers: Sequence[tuple[str, str]]
    comment: bytes
    """What is sent to keep an idle connection open."""

    def feed(self, fact: Fact) -> list[bytes]:
        """The frames for a fact; each is sent in one write."""

    def finish(self) -> list[bytes]:
        """The frames for the end of a stream of facts; after a terminal fact there are none."""


CUT = Failure(502, "stream_interrupted", "StreamInterrupted", "the stream was cut before its end", retryable=True)
"""The failure of a run whose facts ended without a terminal one."""


class SSEEncoder:
    """The base of encoders of server-sent events: remembers whether the run has ended."""

    content_type = "text/event-stream; charset=utf-8"
    headers: Sequence[tuple[str, str]] = ()
    comment = b": ping\n\n"

    def __init__(self) -> None:
        self.ended = False
        self.run_id = ""

    def feed(self, fact: Fact) -> list[bytes]:
        if self.ended:
            return []
        if isinstance(fact, TERMINAL):
            self.ended = True
        elif isinstance(fact, RunStarted):
            self.run_id = fact.run_id
        return self._encode(fact)

    def finish(self) -> list[bytes]:
        return self.feed(RunFailed(CUT))

    def _encode(self, fact: Fact) -> list[bytes]:
        raise NotImplementedError


class FrameEncoder:
    """Passes on frames that an encoder made before, and lets ``inner`` encode an end that they lack."""

    def __init__(self, inner: Encoder) -> None:
        self._inner = inner
        self.content_type = inner.content_type
        self.headers = inner.headers
        self.comment = inner.comment

    def feed(self, fact: bytes | Fact) -> list[bytes]:
        if isinstance(fact, bytes):
            return [fact]
        return self._inner.feed(fact) if isinstance(fact, RunFailed | RunStopped) else []

    def finish(self) -> list[bytes]:
        return []


def data_frame(data: bytes) -> bytes:
    """An event of the type "message"."""
    return b"data: " + data + b"\n\n"


def with_id(id: str, frame: bytes) -> bytes:
    """The frame with an id, which a client sends back to go on behind it."""
    return b"id: " + id.encode("ascii") + b"\n" + frame
