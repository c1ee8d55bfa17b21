"""The transport of blocking code: one connection for each request under way, kept for the next."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from prill.errors import Cancelled
from prill.io import interruptible
from prill.io.scope import current_scope
from prill.providers.http.message import (
    Answer,
    AnswerTooLate,
    ConnectFailed,
    ConnectionBroken,
    FirstChunkTooLate,
    Headers,
    Request,
    TransportError,
    UntrustedCertificate,
)
from prill.providers.http.parser import ResponseParser
from prill.providers.http.route import Route, write_head
from prill.providers.http.tls import get_context

READ_BYTES = 64 * 1024
IDLE_SECONDS = 15.0
"""How long an unused connection is kept; servers close theirs after some seconds more, mostly."""

_LEAST = 0.001
"""Seconds; 0 would make the socket one that does not block, and fails differently."""


class BlockingTransport:
    """Sends requests over connections of its own, from any thread. What waits is ended when its run is stopped."""

    def __init__(self, route: Route, ca_file: str | None = None) -> None:
        self._route = route
        self._ca_file = ca_file
        self._idle: deque[tuple[float, socket.socket]] = deque()  # appending and taking are atomic: no lock

    async def send(self, request: Request) -> Answer:
        while True:
            connection = self._take_idle()
            reused = connection is not None
            if connection is None:
                connection = _connect(self._route, request.timeout.connect, self._ca_file)
            answer = _Answer(request, connection, self._keep)
            try:
                if answer.start(write_head(self._route, request), reused):
                    return answer
            except BaseException:
                answer.close()
                raise
            # The server closed an unused connection in the moment in which it was used: as browsers do, once more.
            answer.close()

    def _take_idle(self) -> socket.socket | None:
        now = time.monotonic()
        while self._idle:
            try:
                since, connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if now - since < IDLE_SECONDS and _is_quiet(connection):
                return connection
            connection.close()
        return None

    def _keep(self, connection: socket.socket) -> None:
        now = time.monotonic()
        self._idle.append((now, connection))
        while self._idle and now - self._idle[0][0] >= IDLE_SECONDS:
            with contextlib.suppress(IndexError):
                self._idle.popleft()[1].close()

    def close(self) -> None:
        """Close the connections that are not in use; those that are close with their answers."""
        while self._idle:
            with contextlib.suppress(IndexError):
                self._idle.pop()[1].close()

    async def aclose(self) -> None:
        self.close()


class _Answer:
    """One request over a connection, and what comes back."""

    status: int
    headers: Headers

    def __init__(self, request: Request, connection: socket.socket, keep: Callable[[socket.socket], None]) -> None:
        self.request = request
        self.sent_at = time.monotonic()
        self._connection: socket.socket | None = connection
        self._keep = keep
        self._parser = ResponseParser()

    def start(self, head: bytes, reused: bool) -> bool:
        """Send the request and read to the end of the headers; false if a reused connection had been closed."""
        parser, timeout = self._parser, self.request.timeout
        deadline = None if timeout.read is None else self.sent_at + timeout.read
        first = self.request.first_timeout
        ends_early = first is not None and (timeout.read is None or first < timeout.read)
        if ends_early:
            deadline = self.sent_at + (first or 0)
        try:
            self._send(head + self.request.content, deadline)
            while not parser.headers_done:
                data = self._receive(deadline)
                if not data and reused and not parser.started:
                    return False
                parser.feed(data) if data else parser.feed_eof()
        except TimeoutError:
            failure = FirstChunkTooLate if ends_early else AnswerTooLate
        except ConnectionBroken:
            if reused and not parser.started:
                return False
            raise
        else:
            self.status, self.headers = parser.status, parser.headers
            return True
        raise failure("the headers of the answer did not come in time", waited_for="an answer")

    async def read(self, deadline: float | None) -> bytes:
        parser = self._parser
        while True:
            if data := parser.take():
                return data
            if parser.ended:
                self._release()
                return b""
            data = self._receive(deadline)
            parser.feed(data) if data else parser.feed_eof()

    def _send(self, data: bytes, deadline: float | None) -> None:
        with self._blocking(deadline) as connection:
            connection.sendall(data)

    def _receive(self, deadline: float | None) -> bytes:
        with self._blocking(deadline) as connection:
            return connection.recv(READ_BYTES)

    def _blocking(self, deadline: float | None) -> _Interruptible:
        connection = self._connection
        if connection is None:
            raise ConnectionBroken("the connection was closed")
        connection.settimeout(None if deadline is None else max(deadline - time.monotonic(), _LEAST))
        return _Interruptible(connection)

    def _release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._parser.reusable:
            self._keep(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Give the connection back if the answer was read to its end, else close it."""
        self._parser.release()
        if self._parser.ended:
            self._release()
            return
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def aclose(self) -> None:
        self.close()

    def __del__(self) -> None:
        connection = getattr(self, "_connection", None)
        if connection is not None:
            connection.close()


class _Interruptible:
    """A connection while a thread blocks in it: the current scope may shut it down, and its errors are translated."""

    __slots__ = ("_connection", "_out", "_scope")

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._scope = current_scope()
        self._out: Any = None

    def __enter__(self) -> socket.socket:
        scope = self._scope
        if scope is not None:
            if scope.cancelled:
                raise Cancelled("the run was stopped while it waited for an answer")
            self._out = partial(shut_down, self._connection)
            scope.add(self._out)
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        scope = self._scope
        if scope is not None:
            scope.discard(self._out)
            if scope.cancelled and (error is None or isinstance(error, Exception)):
                raise Cancelled("the run was stopped while it waited for an answer") from None
        if isinstance(error, OSError) and not isinstance(error, TimeoutError):
            raise ConnectionBroken(describe(error)) from None


def shut_down(connection: socket.socket) -> None:
    """End what blocks in ``connection`` at once; closing its descriptor would not wake it."""
    with contextlib.suppress(OSError):
        # For TLS the plain shutdown of the socket beneath: a polite one would wait for the peer.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def describe(error: BaseException) -> str:
    """An error of a library or of the system as a text."""
    return f"{type(error).__name__}: {error}"


def _is_quiet(connection: socket.socket) -> bool:
    """Whether an unused connection is as it was left: not closed by the server, and nothing unasked for in it."""
    try:
        connection.settimeout(0)
        socket.socket.recv(connection, 1, socket.MSG_PEEK)  # the bytes below TLS
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _connect(route: Route, timeout: float | None, ca_file: str | None) -> socket.socket:
    deadline = None if timeout is None else time.monotonic() + timeout
    proxy = route.proxy
    host, port = (route.host, route.port) if proxy is None else (proxy.host, proxy.port)
    with _translated() as failures:
        connection = _open(host, port, deadline)
        try:
            if proxy is not None and proxy.secure:
                connection = _start_tls(connection, proxy.host, ca_file, deadline)
            if route.tunnelled:
                _open_tunnel(connection, route, deadline)
            if route.secure:
                connection = _start_tls(connection, route.host, ca_file, deadline)
            return connection
        except BaseException:
            connection.close()
            raise
    raise failures[0]


def _start_tls(connection: socket.socket, host: str, ca_file: str | None, deadline: float | None) -> socket.socket:
    if isinstance(connection, ssl.SSLSocket):
        raise ConnectFailed("a proxy that is itself reached by https cannot tunnel to an https server in blocking code")
    connection.settimeout(_left(deadline))
    return get_context(ca_file).wrap_socket(connection, server_hostname=host)


@contextlib.contextmanager
def _translated() -> Iterator[list[TransportError]]:
    """Collect an error in opening a connection as one of ours, without what it refers to."""
    failures: list[TransportError] = []
    scope = current_scope()
    try:
        yield failures
    except TransportError as error:
        failures.append(error)
    except OSError as error:
        failures.append(connect_failure(error))
    if scope is not None and scope.cancelled:
        raise Cancelled("the run was stopped while it waited for a connection")


def connect_failure(error: Exception) -> TransportError:
    """The failure that an error in opening a connection is."""
    if isinstance(error, ssl.SSLCertVerificationError):
        text = f"its certificate is not trusted ({error.verify_message}). Where it is your own, name the file of the "
        return UntrustedCertificate(f"{text}authority that signed it in ca_file=… or SSL_CERT_FILE")
    if isinstance(error, TimeoutError):
        return AnswerTooLate("no connection was made in time", waited_for="a connection")
    return ConnectFailed(describe(error))


def _open(host: str, port: int, deadline: float | None) -> socket.socket:
    """A connection to the first of the host's addresses that takes one."""
    last: OSError = OSError(f"no address was found for {host}")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(_left(deadline))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            with interruptible(partial(shut_down, connection)):
                connection.connect(address)
            return connection
        except OSError as error:
            connection.close()
            last = error
            scope = current_scope()
            if scope is not None and scope.cancelled:
                break
        except BaseException:
            connection.close()
            raise
    raise last


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(deadline - time.monotonic(), _LEAST)


def _open_tunnel(connection: socket.socket, route: Route, deadline: float | None) -> None:
    parser = ResponseParser()
    connection.settimeout(_left(deadline))
    with interruptible(partial(shut_down, connection)):
        connection.sendall(route.tunnel_request)
        while not parser.headers_done:
            data = connection.recv(1)  # what follows the headers is the server's
            parser.feed(data) if data else parser.feed_eof()
    parser.release()
    check_tunnel(parser)


def check_tunnel(parser: ResponseParser) -> None:
    """Refuse a tunnel that the proxy does not open."""
    if not 200 <= parser.status < 300:
        hint = ": give the proxy's address with a name and a password" if parser.status == 407 else ""
        raise ConnectFailed(f"the proxy refused to connect, with status {parser.status}{hint}")
