"""The transport of blocking code, over urllib3. What waits is ended from another thread when its run is stopped."""

from __future__ import annotations

import http.client
import io
import re
import socket
import time
from contextvars import ContextVar
from functools import partial
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util import SKIP_HEADER

from prill.errors import Cancelled
from prill.io import interruptible
from prill.io.scope import current_scope
from prill.providers.http.message import Answer, Request, TransportError
from prill.providers.http.route import Route
from prill.providers.http.sending import MAX_CONNECTIONS, READ_BYTES, Sending, join_headers, refuse_tunnel, shut_down
from prill.providers.http.tls import get_context

_NOT_HTTP = (http.client.HTTPException, urllib3.exceptions.HTTPError)

_LEAST = 0.001
"""Seconds; 0 would make the socket one that does not block, and fails differently."""

_SKIPPED = {"user-agent": SKIP_HEADER, "accept-encoding": SKIP_HEADER}
"""Headers that urllib3 would make up."""

_SENDING: ContextVar[Sending] = ContextVar("prill_sending")
"""What the connection that urllib3 chooses is to be used for."""


class BlockingTransport:
    """Sends requests from any thread."""

    def __init__(self, route: Route, ca_file: str | None = None) -> None:
        context = get_context(ca_file) if route.uses_tls else None
        options: dict[str, Any] = {"maxsize": MAX_CONNECTIONS, "ssl_context": context}
        if route.proxy is None:
            self._pools = urllib3.PoolManager(**options)
        else:
            headers = route.proxy_headers
            self._pools = urllib3.ProxyManager(route.proxy, proxy_headers=headers, proxy_ssl_context=context, **options)
        self._pools.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    async def send(self, request: Request) -> Answer:
        while True:
            sending = Sending(request, _NOT_HTTP)
            before = _SENDING.set(sending)
            try:
                return _Answer(sending, self._open(request))
            except (HTTPError, OSError) as error:
                failure = _translate(sending, error)
            finally:
                _SENDING.reset(before)
            if not sending.is_stale(failure):
                raise failure

    def _open(self, request: Request) -> Any:
        return self._pools.urlopen(
            request.method,
            request.url,
            body=request.content,
            headers={**_SKIPPED, **request.headers},
            timeout=urllib3.Timeout(connect=request.timeout.connect, read=None),
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )

    def close(self) -> None:
        """Close the connections that are not in use; those that are close with their answers."""
        self._pools.clear()

    async def aclose(self) -> None:
        self.close()


class _Answer:
    """A response of urllib3."""

    def __init__(self, sending: Sending, response: Any) -> None:
        self.request = sending.request
        self.status: int = response.status
        self.headers = join_headers(response.headers.iteritems())
        self.sent_at = sending.sent_at or 0.0
        self._sending = sending
        self._response = response
        self._failure: TransportError | None = None
        self._socket: _Socket = response.connection.guarded

    async def read(self, deadline: float | None) -> bytes:
        response = self._response
        if self._failure is not None:
            raise self._failure
        if response.connection is None:  # it was given back, and may be in use again
            return b""
        self._socket.deadline = deadline
        try:
            return response.read1(READ_BYTES, decode_content=False)  # type: ignore[no-any-return]
        except (urllib3.exceptions.TimeoutError, TimeoutError):
            pass
        except (HTTPError, OSError) as error:
            self._failure = self._sending.translate(error, in_body=True)
        raise self._failure or TimeoutError

    def close(self) -> None:
        """Close the connection, unless the body was read to its end and it was given back."""
        self._response.close()

    async def aclose(self) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_response"):
            self.close()


def _translate(sending: Sending, error: Exception) -> TransportError:
    failure = sending.translate(error)
    refused = re.search(r"Tunnel connection failed: (\d+)", str(failure)) if sending.sent_at is None else None
    return refuse_tunnel(int(refused[1])) if refused else failure


_Base: Any = object  # a connection of urllib3, to which ``_Guarded`` is added twice


class _Guarded(_Base):  # type: ignore[misc]  # as above
    """A connection of urllib3 whose waits end with a deadline and with the current scope."""

    sock: Any
    guarded: _Socket
    _connecting: socket.socket | None = None
    _used = False

    def connect(self) -> None:
        self._used = False
        with interruptible(self._stop_connecting):
            try:
                super().connect()
            except Exception:
                _check_scope()
                raise
            finally:
                self._forget_connecting()
        _check_scope()
        self.guarded = self.sock = _Socket(self.sock)

    def _new_conn(self) -> socket.socket:
        deadline = None if self.timeout is None else time.monotonic() + self.timeout
        last: OSError = OSError("no address was found")
        for family, kind, protocol, _, address in socket.getaddrinfo(self.host, self.port, 0, socket.SOCK_STREAM):
            connection = socket.socket(family, kind, protocol)
            try:
                # A second descriptor, since TLS takes the first one over: shutting one down ends waits in both.
                self._forget_connecting()
                self._connecting = connection.dup()
                _check_scope()
                connection.settimeout(None if deadline is None else max(deadline - time.monotonic(), _LEAST))
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                connection.connect(address)
                return connection
            except BaseException as error:
                connection.close()
                if not isinstance(error, OSError):
                    raise
                last = error
        raise last

    def _stop_connecting(self) -> None:
        if self._connecting is not None:
            shut_down(self._connecting)

    def _forget_connecting(self) -> None:
        connecting, self._connecting = self._connecting, None
        if connecting is not None:
            connecting.close()

    def request(self, *args: Any, **options: Any) -> None:
        if self.sock is None:
            self.connect()
        sending = _SENDING.get()
        sending.reused, self._used = self._used, True
        self.guarded.sending, self.guarded.deadline, self.guarded.may_end = sending, sending.start(), False
        super().request(*args, **options)

    def getresponse(self) -> Any:
        response: Any = super().getresponse()
        self.guarded.sending = None
        self.guarded.may_end = not response.chunked and response.length_remaining is None
        return response

    @property
    def is_connected(self) -> bool:
        return super().is_connected and not self.guarded.has_extra


class _PlainConnection(_Guarded, HTTPConnection):
    sock: Any


class _SecureConnection(_Guarded, HTTPSConnection):
    sock: Any


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Socket:
    """A connected socket, of TCP or TLS: each wait in it ends at ``deadline``, or when the current scope is stopped."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.deadline: float | None = None
        self.sending: Sending | None = None
        """The request whose headers are awaited."""
        self.may_end = False
        """Whether the end of the connection is that of the answer; http.client would take it for that anywhere."""
        self.has_extra = False
        """Whether the server sent more than the answer."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def settimeout(self, timeout: float | None) -> None:
        """Nothing: ``deadline`` limits each wait."""

    def sendall(self, data: bytes) -> None:
        with self.waiting():
            self._connection.sendall(data)

    def makefile(self, mode: str, *args: Any) -> io.BufferedReader:
        return _Buffer(_Reader(self, self._connection.makefile("rb", 0)), READ_BYTES)

    def waiting(self) -> _Waiting:
        left = None if self.deadline is None else max(self.deadline - time.monotonic(), _LEAST)
        self._connection.settimeout(left)
        return _Waiting(self._connection)


class _Reader(io.RawIOBase):
    def __init__(self, connection: _Socket, source: Any) -> None:
        self.connection = connection
        self.source = source
        self.ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self.ended:
            return 0
        with self.connection.waiting():
            size: int = self.source.readinto(buffer)
        connection = self.connection
        if not size and not connection.may_end:
            raise ConnectionResetError("it ended too early")
        if connection.sending is not None:
            connection.sending.answered = True
        return size

    def close(self) -> None:
        self.source.close()
        super().close()


class _Buffer(io.BufferedReader):
    def close(self) -> None:
        reader = self.raw
        if not self.closed and isinstance(reader, _Reader):
            reader.ended = True
            if self.peek(1):
                reader.connection.has_extra = True
        super().close()


class _Waiting:
    """While a thread blocks in a connection, the current scope may shut it down."""

    __slots__ = ("_connection", "_scope", "_way_out")

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._scope = current_scope()
        self._way_out: Any = None

    def __enter__(self) -> None:
        if self._scope is not None:
            _check_scope()
            # Where a proxy is itself reached by TLS, the socket is in an object of urllib3.
            self._way_out = partial(shut_down, getattr(self._connection, "socket", self._connection))
            self._scope.add(self._way_out)

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if self._scope is not None:
            self._scope.discard(self._way_out)
            if error is None or isinstance(error, Exception):
                _check_scope()


def _check_scope() -> None:
    scope = current_scope()
    if scope is not None and scope.cancelled:
        raise Cancelled("the run was stopped while it waited for an answer") from None
