"""The transport of one event loop, over aiohttp."""

from __future__ import annotations

import asyncio
import contextlib
import select
import time
from typing import Any

import aiohttp
from yarl import URL

from prill.providers.http.message import Answer, Request, TransportError
from prill.providers.http.route import Route
from prill.providers.http.sending import MAX_CONNECTIONS, READ_BYTES, Sending, join_headers, refuse_tunnel
from prill.providers.http.tls import get_context

MAX_CONNECTING = 100
"""How many connections are opened at once: a server's queue of them is short, and who finds it full waits long."""

_NOT_HTTP = (aiohttp.ClientResponseError, aiohttp.http.HttpProcessingError)

_LIMITS = {"max_line_size": READ_BYTES, "max_field_size": READ_BYTES, "read_bufsize": READ_BYTES}

_MADE_UP = ("accept", "accept-encoding", "content-type", "user-agent")
"""Headers that aiohttp would make up."""


class AsyncioTransport:
    """Sends requests in the event loop that it was made in."""

    def __init__(self, route: Route, ca_file: str | None = None) -> None:
        self._route = route
        self._ca_file = ca_file
        self._connecting = asyncio.Semaphore(MAX_CONNECTING)
        self._open: set[aiohttp.ClientResponse] = set()
        self._session = aiohttp.ClientSession(
            connector=_Connector(limit=MAX_CONNECTIONS),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            auto_decompress=False,
            skip_auto_headers=_MADE_UP,
            trace_configs=[_trace()],
            **_LIMITS,  # type: ignore[arg-type]
        )

    async def send(self, request: Request) -> Answer:
        while True:
            sending = _Sending(request, self._connecting)
            try:
                async with sending.limit:
                    return _Answer(sending, await self._request(request, sending), self._open)
            except aiohttp.ClientHttpProxyError as error:
                failure: TransportError = refuse_tunnel(error.status)
            except (aiohttp.ClientError, OSError, ValueError) as error:
                failure = sending.translate(error)
            finally:
                sending.leave_connecting()
            if not sending.is_stale(failure):
                raise failure

    async def _request(self, request: Request, sending: _Sending) -> aiohttp.ClientResponse:
        route = self._route
        options: dict[str, Any] = {}
        if route.uses_tls:
            # Not in the loop: the first time, certificates are read for some ten milliseconds.
            options["ssl"] = await asyncio.get_running_loop().run_in_executor(None, get_context, self._ca_file)
        headers = request.headers
        if route.proxy is not None:
            options["proxy"] = route.proxy
            if route.secure:
                options["proxy_headers"] = route.proxy_headers
            else:
                headers = {**headers, **route.proxy_headers}
        return await self._session.request(
            request.method,
            URL(request.url, encoded=True),
            data=request.content,
            headers=headers,
            allow_redirects=False,
            trace_request_ctx=sending,
            **options,
        )

    async def aclose(self) -> None:
        """Close all connections, also those of answers that are being read."""
        for response in list(self._open):
            response.close()
        await self._session.close()


class _Connector(aiohttp.TCPConnector):
    async def connect(self, *args: Any, **options: Any) -> Any:
        """A connection on which nothing has come that was not asked for: aiohttp would take it for the next answer."""
        while True:
            connection = await super().connect(*args, **options)
            if _is_quiet(connection.protocol):
                return connection
            connection.close()


def _is_quiet(protocol: Any) -> bool:
    """Whether nothing has come on a kept connection, be it that the loop has taken it or not."""
    # Bytes that are parsed, and that are not; aiohttp has no public names for them.
    if protocol.exception() is not None or getattr(protocol, "_buffer", None) or getattr(protocol, "_tail", None):
        return False
    if not vars(protocol).setdefault("prill_kept", False):  # a new one, on which TLS may have sent more
        protocol.prill_kept = True
        return True
    connection = protocol.transport.get_extra_info("socket")
    return connection is None or not _has_input(connection.fileno())


def _has_input(descriptor: int) -> bool:
    if not hasattr(select, "poll"):  # Windows, where a descriptor may have any number for ``select``
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


class _Sending(Sending):
    """The limit in time is that of connecting, then that of the headers; a wait for a turn has none."""

    def __init__(self, request: Request, connecting: asyncio.Semaphore) -> None:
        super().__init__(request, _NOT_HTTP)
        self.limit = asyncio.timeout(None)
        self._turn = connecting
        self._has_turn = False

    async def start_connecting(self) -> None:
        self.reused = False
        await self._turn.acquire()
        self._has_turn = True
        timeout = self.request.timeout.connect
        if timeout is not None:
            self.limit.reschedule(asyncio.get_running_loop().time() + timeout)

    def leave_connecting(self) -> None:
        if self._has_turn:
            self._has_turn = False
            self._turn.release()

    def start_waiting(self) -> None:
        deadline = self.start()
        left = None if deadline is None else deadline - time.monotonic()
        self.limit.reschedule(None if left is None else asyncio.get_running_loop().time() + left)


def _trace() -> aiohttp.TraceConfig:
    """What hears from aiohttp how far a request is."""

    async def start_connecting(session: Any, context: Any, params: Any) -> None:
        await context.trace_request_ctx.start_connecting()

    async def leave_connecting(session: Any, context: Any, params: Any) -> None:
        context.trace_request_ctx.leave_connecting()

    async def reuse(session: Any, context: Any, params: Any) -> None:
        context.trace_request_ctx.reused = True

    async def start_waiting(session: Any, context: Any, params: Any) -> None:
        context.trace_request_ctx.start_waiting()

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_start.append(start_connecting)
    trace.on_connection_create_end.append(leave_connecting)
    trace.on_connection_reuseconn.append(reuse)
    trace.on_request_headers_sent.append(start_waiting)
    return trace


class _Answer:
    """A response of aiohttp. The transport holds it too, so that it is closed before it is collected."""

    def __init__(self, sending: _Sending, response: aiohttp.ClientResponse, siblings: set[Any]) -> None:
        self.request = sending.request
        self.status = response.status
        self.headers = join_headers(response.headers.items())
        self.sent_at = sending.sent_at or 0.0
        self._sending = sending
        self._response: aiohttp.ClientResponse | None = response
        self._failure: TransportError | None = None
        self._siblings = siblings
        self._loop = asyncio.get_running_loop()
        siblings.add(response)

    async def read(self, deadline: float | None) -> bytes:
        response = self._response
        if self._failure is not None:
            raise self._failure
        if response is None:
            return b""
        content = response.content
        try:
            data = content.read_nowait(-1)
            if data or content.at_eof():
                return data
            async with asyncio.timeout(None if deadline is None else deadline - time.monotonic()):
                return await content.readany()
        except TimeoutError:
            raise
        except (aiohttp.ClientError, aiohttp.http.HttpProcessingError, OSError) as error:
            self._failure = self._sending.translate(error, in_body=True)
        content.set_exception(None)  # type: ignore[arg-type]  # else what came before the failure could not be read
        if data := content.read_nowait(-1):
            return data
        raise self._failure

    def close(self) -> None:
        """Close the connection, unless the body has come to its end and it was given back."""
        response, self._response = self._response, None
        if response is not None:
            _close(response, self._siblings)

    async def aclose(self) -> None:
        self.close()

    def __del__(self) -> None:
        response = getattr(self, "_response", None)
        if response is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(_close, response, self._siblings)


def _close(response: aiohttp.ClientResponse, siblings: set[Any]) -> None:
    siblings.discard(response)
    response.close()
