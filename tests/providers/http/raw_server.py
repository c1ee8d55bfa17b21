"""A server on loopback that answers with whatever bytes a test wants, and a proxy."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


@dataclass
class Received:
    """A request as it came in: its first line, headers in lower case, body, and the number of its connection."""

    line: str
    headers: dict[str, str]
    body: bytes
    connection: int


Handler = Callable[[Received, socket.socket], bool | None]
"""Answers a request by writing to the socket; true closes the connection."""


@dataclass
class RawServer:
    """Answers each request with ``handle``, in a thread for each connection."""

    handle: Handler
    tls: ssl.SSLContext | None = None
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    open: list[socket.socket] = field(default_factory=list)

    def __enter__(self) -> RawServer:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        return self

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self.open):
            shut(connection)
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self.open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection, self.connections), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        stream = connection
        try:
            if self.tls is not None:
                stream = self.tls.wrap_socket(connection, server_side=True)
            for received in _requests(stream, number):
                self.requests.append(received)
                if self.handle(received, stream) or received.headers.get("connection") == "close":
                    return
        except OSError:
            return
        finally:
            shut(stream)
            stream.close()
            connection.close()


def shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _requests(connection: socket.socket, number: int) -> Iterator[Received]:
    with connection.makefile("rb") as source:
        while line := source.readline():
            headers: dict[str, str] = {}
            while field := source.readline().strip():
                name, _, value = field.decode("latin-1").partition(":")
                headers[name.strip().lower()] = value.strip()
            size = int(headers.get("content-length", 0))
            yield Received(line.decode("latin-1").strip(), headers, source.read(size) if size else b"", number)


def saying(*answers: bytes, close: bool = False) -> Handler:
    """Answers in turn; the last one again and again."""
    left = list(answers)

    def handle(received: Received, connection: socket.socket) -> bool:
        connection.sendall(left.pop(0) if len(left) > 1 else left[0])
        return close

    return handle


def with_length(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Proxy(RawServer):
    """A proxy for both ways of being asked: by a whole address, and by ``CONNECT``."""

    def __init__(self, *, refuse: int | None = None) -> None:
        super().__init__(self._pass_on)
        self._refuse = refuse
        self.asked: list[str] = []

    def _pass_on(self, received: Received, connection: socket.socket) -> bool:
        method, target, _ = received.line.split(" ", 2)
        self.asked.append(received.line)
        if self._refuse is not None:
            connection.sendall(with_length(b"", status=f"{self._refuse} No"))
            return True
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            with socket.create_connection((host, int(port))) as there:
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                _join(connection, there)
            return True
        host, _, rest = target.removeprefix("http://").partition("/")
        name, _, port = host.partition(":")
        lines = [f"{method} /{rest} HTTP/1.1", "connection: close"]
        lines += [f"{key}: {value}" for key, value in received.headers.items() if not key.startswith("proxy-")]
        with socket.create_connection((name, int(port or 80))) as there:
            there.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + received.body)
            while data := there.recv(65536):
                connection.sendall(data)
        return True


def _join(one: socket.socket, other: socket.socket) -> None:
    def copy(source: Any, target: Any) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        shut(source)
        shut(target)

    thread = threading.Thread(target=copy, args=(one, other), daemon=True)
    thread.start()
    copy(other, one)
    thread.join(10)
