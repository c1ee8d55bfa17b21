"""A client of plain sockets, which leaves, stalls or sends what no library would."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Sequence
from typing import Any


def request(path: str, body: Any, *, headers: Sequence[str] = (), content_type: str = "application/json") -> bytes:
    """The bytes of a POST; a body that is not bytes is sent as JSON."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "host: x", f"content-type: {content_type}", f"content-length: {len(sent)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + sent


class RawClient:
    """A connection to a server; ``with RawClient(port) as client``."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self._socket = socket.socket()
        if receive_buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(60)
        self._socket.connect(("127.0.0.1", port))
        self.received = b""

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *error: object) -> None:
        self.leave()

    def send(self, data: bytes) -> RawClient:
        self._socket.sendall(data)
        return self

    def post(self, path: str, body: Any, **options: Any) -> RawClient:
        return self.send(request(path, body, **options))

    def read_until(self, text: bytes, count: int = 1) -> bytes:
        """Read until ``text`` has come ``count`` times."""
        while self.received.count(text) < count:
            piece = self._socket.recv(65536)
            assert piece, f"the server closed the connection; before it sent {self.received!r}"
            self.received += piece
        return self.received

    def read_all(self) -> bytes:
        """Read until the server closes the connection."""
        while piece := self._socket.recv(65536):
            self.received += piece
        return self.received

    def leave(self) -> None:
        self._socket.close()


def read_frames(port: int, path: str, after: str, most: int, body: bytes | None = None) -> tuple[str, list[bytes]]:
    """The id of a run and at most so many of its events; then the connection is cut."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {"content-type": "application/json", "last-event-id": after}
        connection.request("POST" if body else "GET", path, body, headers)
        response = connection.getresponse()
        run_id = response.headers.get("prill-run-id", "")
        frames: list[bytes] = []
        frame = b""
        while len(frames) < most and (line := response.readline()):
            frame += line
            if line.strip() == b"":
                frames.append(frame)
                frame = b""
        return run_id, [frame for frame in frames if not frame.startswith(b":")]
    finally:
        connection.close()
