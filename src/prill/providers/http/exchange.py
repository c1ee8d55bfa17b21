"""Requests over connections that are kept: what both transports do, written once.

The transports for blocking code and for event loops differ only in how a connection is made, written to and awaited.
"""

from __future__ import annotations

import contextlib
import ssl
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

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

IDLE_SECONDS = 15.0
"""How long an unused connection is kept; servers close theirs after some seconds more, mostly."""


class Connection(Protocol):
    """A connection of one colour. What comes is fed to ``parser``."""

    parser: ResponseParser | None

    async def write(self, data: bytes, deadline: float | None) -> None:
        """Send bytes; raises ``TimeoutError`` at the deadline (``time.monotonic``), ``ConnectionBroken``."""

    async def receive(self, deadline: float | None) -> None:
        """Wait until something has come for the parser; raises as ``write`` does, and what the parser raises."""

    def is_quiet(self) -> bool:
        """Whether it is as it was left: not closed by the server, and nothing unasked for in it."""

    def close(self) -> None:
        """Close it at once."""

    def leave(self, finish: Callable[[], None]) -> None:
        """Call ``finish`` soon; from any thread, as the garbage collector runs in any."""


class PooledTransport(ABC):
    """Sends requests over connections to one server, each of which is kept for the next request."""

    def __init__(self, route: Route, ca_file: str | None = None) -> None:
        self._route = route
        self._ca_file = ca_file
        self._idle: deque[tuple[float, Connection]] = deque()  # appending and taking are atomic: it needs no lock

    @abstractmethod
    async def _connect(self, request: Request) -> Connection:
        """Make a connection, within the time that the request allows for it."""

    async def _take_turn(self) -> None:
        """Wait until one more request may be under way."""
        return

    def _end_turn(self) -> None:
        """A request is no longer under way."""
        return

    async def send(self, request: Request) -> Answer:
        await self._take_turn()
        try:
            while True:
                connection = self._take_idle()
                reused = connection is not None
                if connection is None:
                    connection = await self._connect(request)
                exchange = Exchange(request, connection, self._finish)
                if await exchange.start(write_head(self._route, request), reused):
                    return exchange
                # The server closed an unused connection in the moment in which it was used: as browsers do, once more.
        except BaseException:
            self._end_turn()
            raise

    def _take_idle(self) -> Connection | None:
        now = time.monotonic()
        while self._idle:
            try:
                since, connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if now - since < IDLE_SECONDS and connection.is_quiet():
                return connection
            connection.close()
        return None

    def _finish(self, connection: Connection, reusable: bool) -> None:
        """Keep the connection of a finished request for another, or close it."""
        self._end_turn()
        connection.parser = None
        if not reusable:
            connection.close()
            return
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


class Exchange:
    """One request over a connection, and the answer that comes back."""

    status: int
    headers: Headers

    def __init__(self, request: Request, connection: Connection, finish: Callable[[Connection, bool], None]) -> None:
        self.request = request
        self.sent_at = time.monotonic()
        self._finish = finish
        self._connection: Connection | None = None  # held only once there is an answer
        self._opened = connection
        self._parser = connection.parser = ResponseParser()

    async def start(self, head: bytes, reused: bool) -> bool:
        """Send the request and read to the end of the headers; false if a reused connection had been closed."""
        connection, parser, read = self._opened, self._parser, self.request.timeout.read
        first = self.request.first_timeout
        is_first = first is not None and (read is None or first < read)
        limit = first if is_first else read
        deadline = None if limit is None else self.sent_at + limit
        failure: TransportError | None = None
        try:
            await connection.write(head + self.request.content, deadline)
            while not parser.headers_done:
                await connection.receive(deadline)
        except TimeoutError:
            kind = FirstChunkTooLate if is_first else AnswerTooLate
            failure = kind("the headers of the answer did not come in time", waited_for="an answer")
        except ConnectionBroken:
            if not reused or parser.started:
                raise
            return False
        else:
            self.status, self.headers = parser.status, parser.headers
            self._connection = connection
            return True
        finally:
            if self._connection is None:
                parser.release()
                connection.close()
        raise failure

    async def read(self, deadline: float | None) -> bytes:
        parser = self._parser
        while True:
            if data := parser.take():
                return data
            if parser.ended:
                self.close()
                return b""
            if self._connection is None:
                raise ConnectionBroken("the answer was closed")
            await self._connection.receive(deadline)

    def close(self) -> None:
        """Give the connection back if the answer has come to its end, else close it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._parser.release()
            self._finish(connection, self._parser.reusable)

    async def aclose(self) -> None:
        self.close()

    def __del__(self) -> None:
        connection = getattr(self, "_connection", None)
        if connection is not None:
            connection.leave(partial(self._finish, connection, False))


async def open_tunnel(connection: Connection, route: Route, deadline: float | None = None) -> None:
    """Ask the proxy at the other end of ``connection`` for a tunnel to the server."""
    parser = connection.parser = ResponseParser()
    await connection.write(route.tunnel_request, deadline)
    while not parser.headers_done:
        await connection.receive(deadline)
    connection.parser = None
    parser.release()
    if not 200 <= parser.status < 300:
        hint = ": give the proxy's address with a name and a password" if parser.status == 407 else ""
        raise ConnectFailed(f"the proxy refused to connect, with status {parser.status}{hint}")


def map_connect_error(error: OSError) -> TransportError:
    """The failure that an error in opening a connection is, without what the error refers to."""
    if isinstance(error, ssl.SSLCertVerificationError):
        text = f"its certificate is not trusted ({error.verify_message}). Where it is your own, name the file of the "
        return UntrustedCertificate(f"{text}authority that signed it in ca_file=… or SSL_CERT_FILE")
    if isinstance(error, TimeoutError):
        return AnswerTooLate("no connection was made in time", waited_for="a connection")
    return ConnectFailed(describe(error))


def describe(error: BaseException) -> str:
    """An error of a library or of the system as a text."""
    return f"{type(error).__name__}: {error}"
