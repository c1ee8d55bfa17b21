"""LangServe's wire: https://github.com/langchain-ai/langserve, as its version 0.3.3 speaks it.

The lines end in CR LF. A stream is a ``metadata`` event, ``data`` events and an ``end`` event without data; errors are
``error`` events, which here end the body in order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic_core import to_json

from prill.errors import SerializationError
from prill.serve.encoders.base import SSEEncoder
from prill.serve.facts import (
    Chunk,
    Event,
    Fact,
    Failure,
    Patch,
    Restarted,
    RunEnded,
    RunFailed,
    RunStarted,
    RunStopped,
)
from prill.serve.failures import as_json, describe_failure
from prill.serve.wire import encode

EncodeValue = Callable[..., bytes]

_END = b"event: end\r\n\r\n"
_STOPPED = Failure(499, "stopped", "Cancelled", "the run was stopped")
_SHUTDOWN = Failure(503, "shutdown", "StreamInterrupted", "the server is shutting down", retryable=True)


class LangServeEncoder(SSEEncoder):
    """Facts as the events of ``/stream``, ``/stream_events`` and ``/stream_log``.

    Args:
        metadata: whether the run's id goes first, as in ``/stream``.
        encode: writes values.
    """

    comment = b": ping\r\n\r\n"

    def __init__(self, *, metadata: bool = True, encode: EncodeValue = encode) -> None:
        super().__init__()
        self._metadata = metadata
        self._write = encode

    def feed(self, fact: Fact) -> list[bytes]:
        if type(fact) is not Chunk or self.ended:
            return super().feed(fact)
        value = fact.value
        try:
            # The hot path: a text has one form for all.
            data = to_json(value) if type(value) is str and value.isascii() else self._write(value, "output")
        except SerializationError as error:
            return super().feed(RunFailed(describe_failure(error)))
        return [b"event: data\r\ndata: " + data + b"\r\n\r\n"]

    def _encode(self, fact: Fact) -> list[bytes]:
        match fact:
            case RunStarted():
                return [_frame("metadata", encode({"run_id": fact.run_id}))] if self._metadata else []
            case Event():
                return self._data(fact.data, "event")
            case Patch():
                return self._data({"ops": list(fact.ops)}, "log")
            case Restarted():
                return [_frame("restart", encode({"attempt": fact.attempt}))]
            case RunEnded():
                return [_END]
            case RunFailed():
                return [_error(fact.failure)]
            case RunStopped():
                return [_error(_SHUTDOWN if fact.reason == "shutdown" else _STOPPED)]
        return []

    def _data(self, value: Any, place: str) -> list[bytes]:
        try:
            return [_frame("data", self._write(value, place))]
        except SerializationError as error:
            return self.feed(RunFailed(describe_failure(error)))


def _frame(name: str, data: bytes) -> bytes:
    return b"event: " + name.encode("ascii") + b"\r\ndata: " + data + b"\r\n\r\n"


def _error(failure: Failure) -> bytes:
    """LangServe's client reads ``status_code`` and ``message``, ours the rest."""
    return _frame("error", encode({"status_code": failure.status, **as_json(failure)}))
