"""The transport of one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Callable
from typing import Any

from prill.providers.http.exchange import Connection, PooledTransport, describe, map_connect_error, open_tunnel
from prill.providers.http.message import ConnectionBroken, Request, TransportError
from prill.providers.http.parser import ResponseParser
from prill.providers.http.route import Route
from prill.providers.http.tls import get_context

MAX_CONNECTIONS = 1000
"""How many requests are under way at once; others wait for their turn, and no limit in time counts that."""

MAX_CONNECTING = 100
"""How many connections are opened at once: a server's queue of them is short, and who finds it full waits long."""

_HELD_BYTES = 256 * 1024
"""How many unread bytes are held before the server is made to wait."""


class AsyncioTransport(PooledTransport):
    """Sends requests over connections of its own, in the event loop that it was made in."""

    def __init__(self, route: Route, ca_file: str | None = None) -> None:
        super().__init__(route, ca_file)
        self._open: set[_Connection] = set()
        self._turns = asyncio.Semaphore(MAX_CONNECTIONS)
        self._connecting = asyncio.Semaphore(MAX_CONNECTING)

    async def _take_turn(self) -> None:
        await self._turns.acquire()

    def _end_turn(self) -> None:
        self._turns.release()

    async def _connect(self, request: Request) -> Connection:
        failure: TransportError
        async with self._connecting:
            connection = _Connection(self._open)
            try:
                async with asyncio.timeout(request.timeout.connect):
                    await self._dial(connection)
                return connection
            except TransportError as error:
                failure = error
            except OSError as error:
                failure = map_connect_error(error)
            finally:
                if not connection.ready:
                    connection.close()
        raise failure

    async def _dial(self, connection: _Connection) -> None:
        loop, route, proxy = asyncio.get_running_loop(), self._route, self._route.proxy
        host, port = (route.host, route.port) if proxy is None else (proxy.host, proxy.port)
        secure = proxy.secure if proxy is not None else route.secure
        how: dict[str, Any] = {"ssl": await self._context(), "server_hostname": host} if secure else {}
        if isinstance(loop, asyncio.BaseEventLoop) and not _is_number(host):  # other loops know no such argument
            how["happy_eyeballs_delay"] = 0.25  # the addresses of a name are tried that far apart (RFC 8305)
        await loop.create_connection(lambda: connection, host, port, **how)
        if route.tunnelled:
            await open_tunnel(connection, route)
            assert connection.transport is not None
            connection.transport = await loop.start_tls(
                connection.transport, connection, await self._context(), server_hostname=route.host
            )
        connection.ready = True

    async def _context(self) -> ssl.SSLContext:
        # Not here: the first time, certificates are read for some ten milliseconds.
        return await asyncio.get_running_loop().run_in_executor(None, get_context, self._ca_file)

    async def aclose(self) -> None:
        """Close all connections, also those of answers that are being read."""
        closing = list(self._open)
        for connection in closing:
            connection.close()
        if closing:
            await asyncio.wait([connection.gone for connection in closing], timeout=1)


def _is_number(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


class _Connection(asyncio.Protocol):
    """A connection, and the response that is read from it now, if any."""

    transport: asyncio.Transport | None = None

    def __init__(self, siblings: set[_Connection]) -> None:
        self._loop = asyncio.get_running_loop()
        self._siblings = siblings
        self.parser: ResponseParser | None = None
        self.ready = False
        self.lost = False
        self.gone: asyncio.Future[None] = self._loop.create_future()
        self._failure: TransportError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline: float | None = None
        self._due = 0.0
        self._paused = False

    # What the event loop calls

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._siblings.add(self)

    def data_received(self, data: bytes) -> None:
        parser = self.parser
        if parser is None:  # nothing was asked for
            self.close()
            return
        try:
            parser.feed(data)
        except TransportError as error:
            self._failure = error
            self.close()
        if parser.held > _HELD_BYTES and not self._paused and not self.lost and self.transport is not None:
            self._paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self._end()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error)
        self._siblings.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        if not self.gone.done():
            self.gone.set_result(None)

    def _end(self, error: Exception | None = None) -> None:
        if self.lost:
            return
        self.lost = True
        parser = self.parser
        if parser is not None and not parser.ended and self._failure is None:
            try:
                if error is not None:
                    raise ConnectionBroken(describe(error))
                parser.feed_eof()
            except TransportError as failure:
                self._failure = failure
        self._wake()

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # What an exchange calls

    async def write(self, data: bytes, deadline: float | None) -> None:
        if self.transport is not None and not self.lost:
            self.transport.write(data)  # what cannot be sent at once is kept

    async def receive(self, deadline: float | None) -> None:
        # One timer serves many waits: it looks at the deadline when it runs out, and is set again if that has moved.
        if self._failure is not None:
            raise self._failure.with_traceback(None)
        if self.lost:
            raise ConnectionBroken("the connection was closed")
        if self._paused and self.transport is not None:
            self._paused = False
            self.transport.resume_reading()
        waiter = self._waiter = self._loop.create_future()
        self._deadline = deadline
        if deadline is not None and (self._timer is None or self._due > deadline):
            self._set_timer(deadline)
        try:
            await waiter
        finally:
            self._waiter = self._deadline = None

    def _set_timer(self, deadline: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = deadline
        self._timer = self._loop.call_later(deadline - time.monotonic(), self._look)

    def _look(self) -> None:
        self._timer = None
        waiter, deadline = self._waiter, self._deadline
        if waiter is None or deadline is None or waiter.done():
            return
        if deadline > time.monotonic():
            self._set_timer(deadline)
        else:
            waiter.set_exception(TimeoutError())

    def is_quiet(self) -> bool:
        return not self.lost

    def leave(self, finish: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(finish)

    def close(self) -> None:
        """Close at once; what is not yet sent is dropped."""
        if self.parser is not None:
            self.parser.release()
        if self.transport is not None:
            self.transport.abort()
