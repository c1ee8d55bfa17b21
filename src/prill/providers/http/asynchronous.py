"""The transport of one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections import deque
from typing import Any

from prill.providers.http.blocking import IDLE_SECONDS, check_tunnel, connect_failure, describe
from prill.providers.http.message import (
    Answer,
    AnswerTooLate,
    ConnectFailed,
    ConnectionBroken,
    FirstChunkTooLate,
    Headers,
    Request,
    TransportError,
)
from prill.providers.http.parser import ResponseParser
from prill.providers.http.route import Route, write_head
from prill.providers.http.tls import get_context

MAX_CONNECTIONS = 1000
"""How many requests are under way at once; others wait for their turn, and no limit in time counts that."""

MAX_CONNECTING = 100
"""How many connections are opened at once: a server's queue of them is short, and who finds it full waits long."""

_HELD_BYTES = 256 * 1024
"""How many unread bytes are held before the server is made to wait."""


class AsyncioTransport:
    """Sends requests over connections of its own, in the event loop that it was made in."""

    def __init__(self, route: Route, ca_file: str | None = None) -> None:
        self._route = route
        self._ca_file = ca_file
        self._idle: deque[_Connection] = deque()
        self._open: set[_Connection] = set()
        self._turn = asyncio.Semaphore(MAX_CONNECTIONS)
        self._connecting = asyncio.Semaphore(MAX_CONNECTING)

    async def send(self, request: Request) -> Answer:
        await self._turn.acquire()
        try:
            while True:
                connection = self._take_idle()
                reused = connection is not None
                if connection is None:
                    connection = await self._connect(request)
                answer = _Answer(request, connection, self)
                try:
                    if await answer.start(write_head(self._route, request), reused):
                        return answer
                except BaseException:
                    connection.abort()
                    raise
                # The server closed an unused connection in the moment in which it was used: once more.
                connection.abort()
        except BaseException:
            self._turn.release()
            raise

    def _take_idle(self) -> _Connection | None:
        now = time.monotonic()
        while self._idle:
            connection = self._idle.pop()
            if not connection.lost and now - connection.idle_since < IDLE_SECONDS:
                return connection
            connection.abort()
        return None

    def give_back(self, connection: _Connection, reusable: bool) -> None:
        """Keep the connection of a finished request for another, or close it."""
        self._turn.release()
        connection.parser = None
        if not reusable or connection.lost:
            connection.abort()
            return
        now = connection.idle_since = time.monotonic()
        self._idle.append(connection)
        while now - self._idle[0].idle_since >= IDLE_SECONDS:
            self._idle.popleft().abort()

    async def _connect(self, request: Request) -> _Connection:
        async with self._connecting:
            connection = _Connection(self._open)
            try:
                async with asyncio.timeout(request.timeout.connect):
                    await self._dial(connection)
                return connection
            except TransportError as error:
                failure = error
            except OSError as error:
                failure = connect_failure(error)
            finally:
                if not connection.ready:
                    connection.abort()
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
            await connection.open_tunnel(route)
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
            connection.abort()
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
        self.idle_since = 0.0
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
            self.abort()
            return
        try:
            parser.feed(data)
        except TransportError as error:
            self._failure = error
            self.abort()
        if len(data) >= _HELD_BYTES // 16 and not self._paused and not parser.ended:
            self._pause_if_full(parser)
        self._wake()

    def _pause_if_full(self, parser: ResponseParser) -> None:
        if sum(map(len, parser.pieces)) > _HELD_BYTES and self.transport is not None:
            self._paused = True
            self.transport.pause_reading()

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

    # What an answer calls

    def write(self, data: bytes) -> None:
        assert self.transport is not None
        if not self.lost:
            self.transport.write(data)

    def check(self) -> None:
        """Raise the failure that ended the connection, if any."""
        if self._failure is not None:
            raise self._failure.with_traceback(None)
        if self.lost:
            raise ConnectionBroken("the connection was closed")

    async def wait(self, deadline: float | None) -> None:
        """Wait until something has come; raises ``TimeoutError`` at the deadline.

        One timer serves many waits: it looks at the deadline when it runs out, and is set again if that has moved.
        """
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

    async def open_tunnel(self, route: Route) -> None:
        parser = self.parser = ResponseParser()
        self.write(route.tunnel_request)
        while not parser.headers_done:
            self.check()
            await self.wait(None)
        self.parser = None
        parser.release()
        check_tunnel(parser)

    def leave(self, transport: AsyncioTransport) -> None:
        """Close soon, from any thread: the garbage collector found the answer."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(transport.give_back, self, False)

    def abort(self) -> None:
        """Close at once; what is not yet sent is dropped."""
        if self.parser is not None:
            self.parser.release()
        if self.transport is not None:
            self.transport.abort()


class _Answer:
    """One request over a connection, and what comes back."""

    status: int
    headers: Headers

    def __init__(self, request: Request, connection: _Connection, transport: AsyncioTransport) -> None:
        self.request = request
        self.sent_at = time.monotonic()
        self._connection: _Connection | None = connection
        self._transport = transport
        self._parser = connection.parser = ResponseParser()

    async def start(self, head: bytes, reused: bool) -> bool:
        """Send the request and read to the end of the headers; false if a reused connection had been closed."""
        connection, parser, timeout = self._connection, self._parser, self.request.timeout
        assert connection is not None
        deadline = None if timeout.read is None else self.sent_at + timeout.read
        first = self.request.first_timeout
        ends_early = first is not None and (timeout.read is None or first < timeout.read)
        if ends_early:
            deadline = self.sent_at + (first or 0)
        connection.write(head + self.request.content)
        try:
            while not parser.headers_done:
                connection.check()
                await connection.wait(deadline)
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
        parser, connection = self._parser, self._connection
        while True:
            if data := parser.take():
                return data
            if parser.ended:
                self.close()
                return b""
            if connection is None:
                raise ConnectFailed("the connection was closed")
            connection.check()
            await connection.wait(deadline)

    def close(self) -> None:
        """Give the connection back if the answer has come to its end, else close it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._parser.release()
            self._transport.give_back(connection, self._parser.reusable)

    async def aclose(self) -> None:
        self.close()

    def __del__(self) -> None:
        connection = getattr(self, "_connection", None)
        if connection is not None:
            connection.leave(self._transport)
