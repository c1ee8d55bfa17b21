"""Server-sent events: bytes from a socket in, events out.

The format is that of the WHATWG HTML standard:
https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

from typing import NamedTuple

_make = tuple.__new__  # a NamedTuple's own __new__ takes twice as long

_BOM = b"\xef\xbb\xbf"


class ServerSentEvent(NamedTuple):
    """One event of a stream.

    ``event`` is its type (``None`` where the stream gave none, which means "message"), ``data`` the bytes of its
    data lines joined by line feeds, ``id`` the last id the stream has set so far, ``retry`` the reconnection time
    in milliseconds where this event set one.
    """

    event: str | None
    data: bytes
    id: str | None = None
    retry: int | None = None


class SSEDecoder:
    r"""Cut a byte stream into server-sent events, however the stream is split.

    Lines may end in LF, CRLF or CR, and a piece may end anywhere, inside a character too. An event is handed out as
    soon as its blank line has arrived. As in the standard, an event without data lines is dropped. Work and memory
    are linear in the bytes.

        >>> decoder = SSEDecoder()
        >>> decoder.feed(b'data: {"a"')
        []
        >>> decoder.feed(b': 1}\n\n: ping\n\n')
        [ServerSentEvent(event=None, data=b'{"a": 1}', id=None, retry=None)]

    ``comments`` counts the comment lines (servers send them to keep a connection open), ``retry`` is the last
    reconnection time the stream asked for, and ``unfinished`` says, after ``finish()``, that the stream stopped
    inside an event.
    """

    __slots__ = (
        "_after_cr",
        "_at_start",
        "_data",
        "_event",
        "_id",
        "_names",
        "_retry",
        "_tail",
        "comments",
        "retry",
        "unfinished",
    )

    def __init__(self) -> None:
        self.comments = 0
        self.retry: int | None = None
        self.unfinished = False
        self._tail: list[bytes] = []  # the pieces of a line whose end has not come; joined once, so linear
        self._after_cr = False
        self._at_start = True
        self._data: list[bytes] = []
        self._event: str | None = None
        self._id: str | None = None
        self._names: dict[bytes, str | None] = {}  # the ``event:`` lines that have come
        self._retry: int | None = None

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Take the next bytes; return the events they complete."""
        if not chunk:
            return []
        if self._after_cr or b"\r" in chunk:
            chunk = self._with_line_feeds(chunk)
        end = chunk.rfind(b"\n")
        if end < 0:
            self._tail.append(chunk)
            return []
        lines = chunk[:end]
        if self._tail:
            lines = b"".join((*self._tail, lines))
        self._tail = [chunk[end + 1 :]] if end + 1 < len(chunk) else []
        return self._read(lines)

    def finish(self) -> list[ServerSentEvent]:
        """End the stream; return the event that was left without its blank line, if there is one.

        The standard throws such an event away. Providers do forget the last blank line, so it is returned here, and
        ``unfinished`` is set: the caller knows whether data that ends there can be whole.
        """
        tail, self._tail = b"".join(self._tail), []
        events = self._read(tail) if tail else []
        self.unfinished = bool(self._data)
        if self._data:
            events.append(self._dispatch())
        return events

    def _with_line_feeds(self, chunk: bytes) -> bytes:
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]  # the second half of a CRLF; its CR has ended the line already
        self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _read(self, lines: bytes) -> list[ServerSentEvent]:
        if self._at_start:
            self._at_start = False
            lines = lines.removeprefix(_BOM)
        events: list[ServerSentEvent] = []
        data, names = self._data, self._names
        for line in lines.split(b"\n"):
            if line.startswith(b"data: "):
                data.append(line[6:])
            elif not line:
                if len(data) == 1 and self._retry is None:
                    # The usual event, without the calls that ``_dispatch`` costs.
                    events.append(_make(ServerSentEvent, (self._event, data.pop(), self._id, None)))
                    self._event = None
                elif data:
                    events.append(self._dispatch())
                else:
                    self._event = None
            elif line in names:
                self._event = names[line]
            else:
                self._field(line)
        return events

    def _dispatch(self) -> ServerSentEvent:
        data = self._data
        body = data[0] if len(data) == 1 else b"\n".join(data)
        event = ServerSentEvent(self._event, body, self._id, self._retry)
        data.clear()
        self._event = self._retry = None
        return event

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._event = value.decode("utf-8", "replace") or None
            if len(self._names) < 100:  # a stream has few kinds of event and repeats them
                self._names[b"event: " + value] = self._event
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit():
            self.retry = self._retry = int(value)
        elif not name:
            self.comments += 1
