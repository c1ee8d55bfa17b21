"""A real HTTP server in a thread: the only place that touches uvicorn, starlette, sockets and the thread."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from prill.errors import ConfigError, MissingDependencyError, PrillError

try:
    from starlette.requests import ClientDisconnect, Request
    from starlette.types import Receive, Scope, Send
    from uvicorn import Config, Server
    from uvicorn.protocols.http.h11_impl import H11Protocol
except ImportError as error:
    raise MissingDependencyError(
        f"ReplayServer needs starlette and uvicorn ({error.name} is missing): pip install 'prill[testing]'"
    ) from error

_FLUSH_SECONDS = 5.0
_START_SECONDS = 10.0
_STOP_SECONDS = 10.0
# Turns of the loop in which an accepted connection surely reaches its protocol; it takes two or three.
_TURNS_TO_CONNECT = 5


class ConnectionLost(Exception):
    """The connection of this exchange is gone: nobody reads any more."""


class Connection(H11Protocol):
    """uvicorn's protocol, which also hands its transport to the application, to break it or to see it break."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lost = asyncio.Event()
        self.lost_at = 0.0
        self.app_state = {**self.app_state, "connection": self}  # uvicorn copies this into each scope

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # it is one here
        # asyncio does so only for sockets that name their protocol, and create_server's do not. Without it, the second
        # write of an answer waits until the client has acknowledged the first: 40 ms on Linux.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost_at = monotonic()
        self.lost.set()
        super().connection_lost(exc)


class Exchange:
    """One request and the writing of its answer; each wait ends at once when the client leaves."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.request = Request(scope, receive)
        self._send = send
        self._connection: Connection = scope["state"]["connection"]

    @property
    def lost_at(self) -> float:
        """When the connection was lost, on the clock of ``time.monotonic()``."""
        return self._connection.lost_at

    async def start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Send the status line and the headers."""
        self._check()
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes, *, last: bool = False) -> None:
        """Send a piece of the body in one write."""
        self._check()
        await self._send({"type": "http.response.body", "body": data, "more_body": not last})
        if not last:
            await asyncio.sleep(0)  # lets the loop notice that the client left, and serve others

    async def pause(self, seconds: float | None) -> None:
        """Wait; ``None`` waits until the client leaves."""
        try:
            async with asyncio.timeout(seconds):
                await self._connection.lost.wait()
        except TimeoutError:
            return
        raise ConnectionLost

    async def cut(self, *, reset: bool = False) -> None:
        """Break the connection where it is: what was written arrives, the body's end does not."""
        transport = self._connection.transport
        if reset:
            _reset_on_close(transport.get_extra_info("socket"))
            transport.abort()
        else:
            transport.close()
        try:
            async with asyncio.timeout(_FLUSH_SECONDS):
                await self._connection.lost.wait()
        except TimeoutError:  # a client that does not read keeps the last bytes from leaving
            transport.abort()
            await self._connection.lost.wait()

    def _check(self) -> None:
        if self._connection.lost.is_set():
            raise ConnectionLost


def _reset_on_close(sock: Any) -> None:
    """No lingering: closing then sends RST instead of FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class _QuickServer(Server):
    """uvicorn's server, which says when it listens and stops on request, without polling."""

    def __init__(self, config: Config, listening: threading.Event) -> None:
        super().__init__(config)
        self._listening = listening
        self._leave = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening.set()

    async def main_loop(self) -> None:
        await self._leave.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Instead of uvicorn's, which first waits for clients to leave by themselves.
        await self._stop_accepting()
        while self.server_state.connections:
            for connection in list(self.server_state.connections):
                connection.transport.abort()
            await asyncio.sleep(0)
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=_FLUSH_SECONDS)

    async def _stop_accepting(self) -> None:
        # A connection that asyncio accepted, but has not yet given to its protocol, leaks when the server closes. So
        # first accept no more, then let those few through, then close.
        loop = asyncio.get_running_loop()
        for server in self.servers:
            for sock in server.sockets:
                with suppress(NotImplementedError):  # Windows' loop has no readers
                    loop.remove_reader(sock.fileno())
        for _ in range(_TURNS_TO_CONNECT):
            await asyncio.sleep(0)
        for server in self.servers:
            server.close()

    def leave(self) -> None:
        """Stop; called in the server's own loop."""
        self._leave.set()


class HTTPThread:
    """Serves ``handle`` on a port of 127.0.0.1, by default a free one, from ``start()`` to ``stop()``."""

    def __init__(self, handle: Callable[[Exchange], Awaitable[None]], port: int = 0) -> None:
        self._handle = handle
        self._listening = threading.Event()
        if not 0 <= port <= 65535:
            raise ConfigError(f"ReplayServer cannot listen on port {port}: ports are between 0 and 65535")
        try:
            self._socket = socket.create_server(("127.0.0.1", port), backlog=2048)
        except OSError as error:
            raise ConfigError(f"ReplayServer cannot listen on port {port}: {error}") from None
        self._thread = threading.Thread(target=self._run, name="prill-replay-server", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: _QuickServer | None = None
        self._error: BaseException | None = None
        self.port: int = self._socket.getsockname()[1]

    def start(self) -> None:
        """Return when requests are answered.

        Raises:
            PrillError: the server did not come up.
        """
        self._thread.start()
        if not self._listening.wait(_START_SECONDS) or self._error is not None:
            raise PrillError(f"The server did not start on port {self.port}: {self._error!r}") from self._error

    def stop(self) -> None:
        """Break all connections and end the thread.

        Raises:
            PrillError: the thread did not end.
        """
        if self._loop is not None and self._server is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._server.leave)
        self._thread.join(_STOP_SECONDS)
        if self._thread.is_alive():
            raise PrillError("The server's thread did not end: does a `replies` function block it?")

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # kept for start(), which raises it in the user's thread
            self._error = error
        finally:
            self._socket.close()
            self._listening.set()

    async def _serve(self) -> None:
        config = Config(
            self._app,
            interface="asgi3",  # uvicorn cannot detect it from a bound method
            http=Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=300,  # a client's pooled connection must not vanish between two requests
        )
        self._loop = asyncio.get_running_loop()
        self._server = _QuickServer(config, self._listening)
        await self._server.serve(sockets=[self._socket])

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._handle(Exchange(scope, receive, send))
        except (ConnectionLost, ClientDisconnect):
            return
