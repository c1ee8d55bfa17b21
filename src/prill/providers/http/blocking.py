"""The transport of blocking code."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from prill.errors import Cancelled
from prill.io.scope import current_scope
from prill.providers.http.exchange import Connection, PooledTransport, describe, map_connect_error, open_tunnel
from prill.providers.http.message import ConnectFailed, ConnectionBroken, Request, TransportError
from prill.providers.http.parser import ResponseParser
from prill.providers.http.route import Route
from prill.providers.http.tls import get_context

_READ_BYTES = 64 * 1024

_LEAST = 0.001
"""Seconds; 0 would make the socket one that does not block, and fails differently."""


class BlockingTransport(PooledTransport):
    """Sends requests over connections of its own, from any thread. What waits is ended when its run is stopped."""

    async def _connect(self, request: Request) -> Connection:
        failure: TransportError
        limit = request.timeout.connect
        deadline = None if limit is None else time.monotonic() + limit
        try:
            return await _dial(self._route, self._ca_file, deadline)
        except TransportError as error:
            failure = error
        except OSError as error:
            failure = map_connect_error(error)
        raise failure


class _Connection:
    """A socket; while a thread blocks in it, the run's scope may shut it down."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.parser: ResponseParser | None = None
        self.close = connection.close

    async def write(self, data: bytes, deadline: float | None) -> None:
        with _Interruptible(self.socket, deadline):
            self.socket.sendall(data)

    async def receive(self, deadline: float | None) -> None:
        with _Interruptible(self.socket, deadline):
            data = self.socket.recv(_READ_BYTES)
        assert self.parser is not None
        self.parser.feed(data) if data else self.parser.feed_eof()

    def is_quiet(self) -> bool:
        self.socket.settimeout(0)
        try:
            socket.socket.recv(self.socket, 1, socket.MSG_PEEK)  # the bytes below TLS
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def leave(self, finish: Callable[[], None]) -> None:
        finish()

    def start_tls(self, host: str, ca_file: str | None, deadline: float | None) -> None:
        if isinstance(self.socket, ssl.SSLSocket):
            raise ConnectFailed("blocking code cannot reach an https server through a proxy that is itself at https")
        context = get_context(ca_file)
        self.socket = secured = context.wrap_socket(self.socket, server_hostname=host, do_handshake_on_connect=False)
        self.close = secured.close
        with _Interruptible(secured, deadline, translate=False):
            secured.do_handshake()


class _Interruptible:
    """While a thread blocks inside, its scope may shut the socket down; then, or before, the run is ``Cancelled``."""

    __slots__ = ("_out", "_scope", "_socket", "_translate")

    def __init__(self, connection: socket.socket, deadline: float | None, *, translate: bool = True) -> None:
        connection.settimeout(None if deadline is None else max(deadline - time.monotonic(), _LEAST))
        self._socket = connection
        self._scope = current_scope()
        self._translate = translate

    def __enter__(self) -> None:
        scope = self._scope
        if scope is not None:
            if scope.cancelled:
                raise Cancelled(_STOPPED)
            self._out = partial(shut_down, self._socket)
            scope.add(self._out)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        scope = self._scope
        if scope is not None:
            scope.discard(self._out)
            if scope.cancelled and (error is None or isinstance(error, Exception)):
                raise Cancelled(_STOPPED) from None
        if self._translate and isinstance(error, OSError) and not isinstance(error, TimeoutError):
            raise ConnectionBroken(describe(error)) from None


_STOPPED = "the run was stopped while it waited for a provider"


def shut_down(connection: socket.socket) -> None:
    """End what blocks in ``connection`` at once; closing its descriptor would not wake it."""
    with contextlib.suppress(OSError):
        # For TLS the plain shutdown of the socket beneath: a polite one would wait for the peer.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


async def _dial(route: Route, ca_file: str | None, deadline: float | None) -> _Connection:
    proxy = route.proxy
    host, port = (route.host, route.port) if proxy is None else (proxy.host, proxy.port)
    connection = _Connection(_open(host, port, deadline))
    try:
        if proxy is not None and proxy.secure:
            connection.start_tls(proxy.host, ca_file, deadline)
        if route.tunnelled:
            await open_tunnel(connection, route, deadline)
        if route.secure:
            connection.start_tls(route.host, ca_file, deadline)
        return connection
    except BaseException:
        connection.close()
        raise


def _open(host: str, port: int, deadline: float | None) -> socket.socket:
    """A connection to the first of the host's addresses that takes one."""
    last = OSError(f"no address was found for {host}")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            with _Interruptible(connection, deadline, translate=False):
                connection.connect(address)
            return connection
        except OSError as error:
            connection.close()
            last = error
        except BaseException:
            connection.close()
            raise
    raise last
