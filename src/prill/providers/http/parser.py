"""An HTTP/1.1 response as it arrives: bytes in; status, headers and pieces of the body out. No I/O.

The protocol itself is read by ``httptools``, the parser of Node.js (https://github.com/nodejs/llhttp) for Python.
"""

from __future__ import annotations

from typing import Any

import httptools

from prill.providers.http.message import ConnectionBroken, NotHTTP

MAX_HEAD_BYTES = 256 * 1024
"""How many bytes of a status line and headers are taken."""

_SWITCHING = 101


class ResponseParser:
    """Reads one response, after any number of interim ones (``100 Continue``).

    ``pieces`` collects the body for whoever takes it; ``headers_done`` and ``ended`` say how far the response is.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.pieces: list[bytes] = []
        self.held = 0
        """How many bytes are in ``pieces``."""
        self.headers_done = False
        self.ended = False
        self.started = False
        self.reusable = False
        """Whether the connection may be used for another request."""
        self._head_bytes = 0
        self._extra = False  # bytes after the response
        self._sized = False  # the body's length is known, or it is chunked
        self._parser: Any = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Take the next bytes.

        Raises:
            NotHTTP: they are not what HTTP allows here.
        """
        self.started = True
        if not self.headers_done:
            self._head_bytes += len(data)
        elif self.ended:
            self.reusable = False
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            failure = NotHTTP(f"{type(error).__name__}: {error}"[:200])
        else:
            if self.ended:
                self.release()
            if self.headers_done or self._head_bytes <= MAX_HEAD_BYTES:
                return
            failure = NotHTTP(f"more than {MAX_HEAD_BYTES} bytes of headers")
        self.release()
        self.reusable = False
        if not self.ended:  # bytes after a whole answer do not make it less whole
            raise failure

    def feed_eof(self) -> None:
        """The connection has ended.

        Raises:
            ConnectionBroken: the response has not.
        """
        self.reusable = False
        self.release()
        if self.headers_done and not self._sized:
            self.ended = True
        if not self.ended:
            what = "inside the answer" if self.headers_done else "without an answer"
            raise ConnectionBroken(f"the server closed the connection {what}")

    def release(self) -> None:
        """Read no more: the parser and this object refer to each other, which only the garbage collector would undo."""
        self._parser = None

    def take(self) -> bytes:
        """The body's bytes that came since the last call."""
        pieces = self.pieces
        if not pieces:
            return b""
        self.held = 0
        if len(pieces) == 1:
            return pieces.pop()
        data = b"".join(pieces)
        pieces.clear()
        return data

    # What httptools calls

    def on_message_begin(self) -> None:
        if self.ended:
            self._extra = True
            self.reusable = False
        else:
            self.headers = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.headers_done:  # a trailer, or of another response
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        known = self.headers.get(key)
        self.headers[key] = text if known is None else f"{known}, {text}"

    def on_headers_complete(self) -> None:
        if self._extra:
            return
        self.status = self._parser.get_status_code()
        self.headers_done = self.status >= 200 or self.status == _SWITCHING
        headers = self.headers
        self._sized = "content-length" in headers or "chunked" in headers.get("transfer-encoding", "").lower()

    def on_body(self, data: bytes) -> None:
        if not self._extra:
            self.pieces.append(data)
            self.held += len(data)

    def on_message_complete(self) -> None:
        if self._extra or not self.headers_done:
            return
        self.ended = True
        self.reusable = self._parser.should_keep_alive()
