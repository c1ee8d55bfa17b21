"""The binary event streams of AWS.

Format: https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import struct
import zlib
from typing import Any
from uuid import UUID

from prill.transducers.sse import ServerSentEvent

_PRELUDE = struct.Struct(">III")
_LEAST = 16
MAX_MESSAGE_BYTES = 24 * 1024 * 1024
"""A longer message is a damaged one: the format allows 16 MiB of payload."""


class EventStreamDecoder:
    """Cut a byte stream into the messages of ``application/vnd.amazon.eventstream``.

    Each is an event whose ``data`` is the payload and whose ``event`` is its ``:event-type``; for an exception or an
    error it is ``"exception"`` and the ``:exception-type`` or ``:error-code``, and the data of an error without a
    payload is its ``:error-message``. Work and memory are linear in the bytes. ``unfinished`` says, after ``finish``,
    that the stream stopped inside a message.
    """

    def __init__(self) -> None:
        self.unfinished = False
        self._held: list[bytes] = []
        self._size = 0
        self._wanted = _PRELUDE.size  # how many bytes must be held before something can be read

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """Take the next bytes; return the messages that they complete.

        Raises:
            ValueError: they are not such a stream, or damaged.
        """
        self._held.append(data)
        self._size += len(data)
        if self._size < self._wanted:
            return []
        buffer = b"".join(self._held)
        events, place = [], 0
        while len(buffer) - place >= _PRELUDE.size:
            total = _message_size(buffer, place)
            if len(buffer) - place < total:
                break
            events.append(_read_message(buffer[place : place + total]))
            place += total
        rest = buffer[place:]
        self._held, self._size = [rest], len(rest)
        self._wanted = _message_size(rest, 0) if len(rest) >= _PRELUDE.size else _PRELUDE.size
        return events

    def finish(self) -> list[ServerSentEvent]:
        """Nothing remains to be reported; ``unfinished`` says whether something is missing."""
        self.unfinished = self._size > 0
        return []


def _message_size(buffer: bytes, place: int) -> int:
    total, headers, checksum = _PRELUDE.unpack_from(buffer, place)
    if zlib.crc32(buffer[place : place + 8]) != checksum:
        raise ValueError("the start of a message does not match its checksum: this is not an AWS event stream")
    if not _LEAST + headers <= total <= MAX_MESSAGE_BYTES:
        raise ValueError(f"a message of {total} bytes with {headers} of headers cannot be")
    return int(total)


def _read_message(message: bytes) -> ServerSentEvent:
    (checksum,) = struct.unpack_from(">I", message, len(message) - 4)
    if zlib.crc32(message[:-4]) != checksum:
        raise ValueError("a message does not match its checksum")
    (size,) = struct.unpack_from(">I", message, 4)
    headers = read_headers(message[12 : 12 + size])
    payload = message[12 + size : -4]
    kind = headers.get(":message-type", "event")
    if kind == "event":
        return ServerSentEvent(headers.get(":event-type"), payload)
    name = headers.get(":exception-type") or headers.get(":error-code") or ""
    text = payload or str(headers.get(":error-message", "")).encode()
    return ServerSentEvent(f"exception {name}".strip(), text)


_FIXED = {2: struct.Struct(">b"), 3: struct.Struct(">h"), 4: struct.Struct(">i"), 5: struct.Struct(">q")}
_FIXED[8] = _FIXED[5]  # a time, in milliseconds


def read_headers(data: bytes) -> dict[str, Any]:
    """The headers of a message, by name.

    Raises:
        ValueError: they are damaged.
    """
    headers: dict[str, Any] = {}
    place = 0
    try:
        while place < len(data):
            end = place + 1 + data[place]
            name = data[place + 1 : end].decode()
            headers[name], place = _read_value(data, end)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise ValueError(f"the headers of a message are damaged: {error}") from None
    return headers


def _read_value(data: bytes, place: int) -> tuple[Any, int]:
    """A header's value, and where the next header starts."""
    kind, place = data[place], place + 1
    if kind in (0, 1):
        return kind == 0, place
    if kind in _FIXED:
        return _FIXED[kind].unpack_from(data, place)[0], place + _FIXED[kind].size
    if kind in (6, 7):
        (size,) = struct.unpack_from(">H", data, place)
        value = data[place + 2 : place + 2 + size]
        if len(value) < size:
            raise ValueError("the headers of a message are cut")
        return (value.decode() if kind == 7 else value), place + 2 + size
    if kind == 9 and len(data) >= place + 16:
        return UUID(bytes=data[place : place + 16]), place + 16
    raise ValueError(f"a header of the unknown kind {kind}")
