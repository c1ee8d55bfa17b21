"""What a server of chains sent, as values, chunks and errors; no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

import prill.errors
from prill.errors import (
    Cancelled,
    ConfigError,
    MalformedResponseError,
    ModelError,
    PrillError,
    RemoteError,
    RequestError,
    StreamTimeout,
)
from prill.serve.objects import decode_objects, guess_objects, wants_objects
from prill.transducers.sse import ServerSentEvent, SSEDecoder


class RemoteStream:
    """The events of ``/stream`` as chunks, over one connection or several.

    ``ended`` says that the server has said that the output is whole, ``last_id`` is the id of the last event, if the
    run can be read again, and ``run_id`` the run.
    """

    def __init__(self) -> None:
        self.ended = False
        self.run_id: str | None = None
        self.last_id: str | None = None
        self._exact = False
        self._decoder = SSEDecoder()

    def connect(self, headers: Mapping[str, str]) -> None:
        """An answer starts; an event that the connection before left unfinished is forgotten."""
        self._exact = wants_objects(headers)
        self._decoder = SSEDecoder()
        self.run_id = headers.get("prill-run-id", self.run_id)

    def feed(self, data: bytes) -> list[Any]:
        """The chunks in the next bytes, and at their end the error, if the run failed.

        Raises:
            MalformedResponseError: they are not events of this protocol.
        """
        # The event "end" has no data, so the decoder drops it, as the standard says.
        chunks: list[Any] = []
        for event in self._decoder.feed(data.replace(b"event: end\r\n", b"event: end\r\ndata: null\r\n")):
            if event.id is not None:
                self.last_id = event.id
            self._take(event, chunks)
        return chunks

    def _take(self, event: ServerSentEvent, chunks: list[Any]) -> None:
        value = read_json(event.data)
        match event.event:
            case "data":
                chunks.append(decode(value, self._exact))
            case "end":
                self.ended = True
            case "error":
                self.ended = True
                chunks.append(make_error(value if isinstance(value, dict) else {}))
            case "metadata" if isinstance(value, dict):
                self.run_id = value.get("run_id", self.run_id)


def read_json(data: bytes) -> Any:
    """The JSON.

    Raises:
        MalformedResponseError: it is none.
    """
    try:
        return from_json(data)
    except ValueError:
        raise MalformedResponseError("the server sent something that is not JSON") from None


def decode(value: Any, exact: bool) -> Any:
    """A value as the objects that it stands for."""
    try:
        return decode_objects(value) if exact else guess_objects(value)
    except ConfigError as error:
        raise MalformedResponseError(f"the server sent an object that cannot be made: {error.message}") from None


def read_failure(status: int, content: bytes, headers: Mapping[str, str]) -> PrillError:
    """The error of an answer whose status is not one of success."""
    try:
        body = from_json(content)
    except ValueError:
        body = None
    detail = body.get("detail") if isinstance(body, dict) else None
    known = body.get("error") if isinstance(body, dict) else None
    if isinstance(known, dict) and "kind" in known:
        return make_error({**known, "detail": detail})
    waits = headers.get("retry-after", "")
    message = detail if isinstance(detail, str) else f"the server answered {status}"
    payload = {"status": status, "message": message, "detail": detail}
    if waits.isdigit():
        payload["retry_after"] = float(waits)
    if status < 500:
        payload["kind"] = "RequestError"
    return make_error(payload)


def make_error(payload: Mapping[str, Any]) -> PrillError:
    """The error that a server describes, of Prill's own class where it names one."""
    message = str(payload.get("message", "the server reports an error"))
    status = payload.get("status", payload.get("status_code"))
    kind = getattr(prill.errors, str(payload.get("kind")), None)
    if not (isinstance(kind, type) and issubclass(kind, PrillError)) or kind is PrillError:
        kind = RemoteError
    facts = {"status": status, "code": payload.get("code"), "retryable": bool(payload.get("retryable"))}
    error = _make(kind, message, facts, payload)
    error.path = tuple(map(str, payload.get("path") or ()))
    return error


def _make(kind: type[PrillError], message: str, facts: dict[str, Any], payload: Mapping[str, Any]) -> PrillError:
    if issubclass(kind, ModelError):
        return kind(message, retry_after=payload.get("retry_after"), request_id=payload.get("run_id"), **facts)
    if kind is RequestError:
        return RequestError(
            message,
            status=facts["status"] or 400,
            code=facts["code"] or "invalid_request",
            detail=payload.get("detail"),
            retry_after=payload.get("retry_after"),
            run_id=payload.get("run_id"),
        )
    if kind is RemoteError:
        return RemoteError(message, kind=payload.get("kind"), run_id=payload.get("run_id"), **facts)
    if kind in (Cancelled, StreamTimeout):
        return kind(message)
    try:
        return kind(message)
    except TypeError:  # a class that is made of other things than a text
        return RemoteError(message, kind=kind.__name__, run_id=payload.get("run_id"), **facts)
