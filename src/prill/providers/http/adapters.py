"""Transports over clients that a user has made: of httpx, or of a vendor's SDK.

The SDKs are made by one generator (Stainless): their clients have ``post``, and their errors ``response``. A client of
httpx2, or of httpx, has ``build_request`` and ``send``. Nothing of either is imported here. The clients are the user's
and are never closed.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qsl

from prill.callbacks.secrets import reveal_secrets
from prill.errors import Cancelled, ConfigError
from prill.io import BLOCKING, ExecutionMode, get_asyncio_mode, interruptible
from prill.io.scope import current_scope
from prill.providers.http.message import (
    Answer,
    AnswerTooLate,
    BadBody,
    ConnectFailed,
    ConnectionBroken,
    FirstChunkTooLate,
    Headers,
    NotHTTP,
    Request,
    TransportError,
)
from prill.providers.http.sending import describe, shut_down

_END: Any = object()

_TURNS = 16
"""Turns of the event loop in which httpx's own generators are closed, which would otherwise outlive the stream."""


class ClientTransport:
    """What the transports over clients share: limits in time, being stopped, and errors that are ours."""

    def __init__(self, client: Any, io: ExecutionMode) -> None:
        self._client = client
        self._io = io

    async def send(self, request: Request) -> Answer:
        sent_at = time.monotonic()
        failure: Exception
        try:
            if request.first_timeout is None:
                response = await self._ask(request)
            else:
                limit = sent_at + request.first_timeout
                response = await self._io.run_before(limit, lambda: self._ask(request), lambda: None)
            return _Answer(request, response, sent_at, self._io)
        except Exception as error:
            response = getattr(error, "response", None)
            if response is not None and isinstance(getattr(error, "status_code", None), int):
                return _Answer(request, response, sent_at, self._io)
            failure = self._map(error, request)
        raise failure.with_traceback(None) if isinstance(failure, TransportError) else failure

    def _map(self, error: Exception, request: Request) -> Exception:
        if type(error) is TimeoutError and request.first_timeout is not None:
            return FirstChunkTooLate("the headers of the answer did not come in time", waited_for="an answer")
        return map_client_error(error)

    async def _ask(self, request: Request) -> Any:
        raise NotImplementedError

    async def aclose(self) -> None:
        """The client is the user's."""

    def close(self) -> None:
        """The same."""


class HttpxTransport(ClientTransport):
    """Sends through an httpx client."""

    async def _ask(self, request: Request) -> Any:
        client, timeout = self._client, request.timeout
        limits = {"connect": timeout.connect, "read": timeout.read, "write": timeout.read, "pool": None}
        built = client.build_request(
            request.method,
            request.url,
            headers=dict(request.headers),
            content=request.content,
            extensions={"timeout": limits},
        )
        # Its own redirects would take the headers along to another host.
        sent = client.send(built, stream=True, follow_redirects=False)
        return sent if self._io.blocking else await sent


_RAW = {"X-Stainless-Raw-Response": "true"}


class SDKTransport(ClientTransport):
    """Sends through a client of a vendor's SDK, which knows its own address and credentials; it does not retry."""

    def __init__(self, client: Any, io: ExecutionMode) -> None:
        if not hasattr(client, "post"):  # a part of a client, such as ``client.chat.completions``
            client = getattr(client, "_client", client)
        if not hasattr(client, "post"):
            raise ConfigError(f"client and async_client are clients of the vendor's SDK, not {type(client).__name__}")
        super().__init__(client, io)

    async def _ask(self, request: Request) -> Any:
        options: dict[str, Any] = {"headers": {**request.headers, **_RAW}, "max_retries": 0}
        if request.query:
            options["params"] = dict(parse_qsl(request.query))
        if request.sets_timeout:
            options["timeout"] = request.timeout.read
        sent = self._client.post(
            request.path,
            cast_to=object,
            body=reveal_secrets(request.body),
            options=options,
            stream=request.stream,
            stream_cls=_Unread if request.stream else None,
        )
        answer = sent if self._io.blocking else await sent
        return answer.http_response


class _Unread:
    """Stands for the SDK's own reader of streams, which is not used."""


class _Answer:
    """A response of httpx."""

    def __init__(self, request: Request, response: Any, sent_at: float, io: ExecutionMode) -> None:
        self.request = request
        self.status: int = response.status_code
        # httpx decompresses the body.
        self.headers: Headers = {name: value for name, value in response.headers.items() if name != "content-encoding"}
        self.sent_at = sent_at
        self._response = response
        self._io = io
        self._source: Any = None

    async def read(self, deadline: float | None) -> bytes:
        failure: Exception
        try:
            if deadline is None:
                return await self._next()
            return await self._io.run_before(deadline, self._next, self._unblock)
        except TimeoutError:
            raise
        except Exception as error:
            failure = map_client_error(error, reading=True)
        raise failure.with_traceback(None)

    async def _next(self) -> bytes:
        source = self._source
        if self._io.blocking:
            if source is None:
                source = self._source = self._response.iter_bytes()
            scope = current_scope()
            with interruptible(self._unblock):
                try:
                    data: bytes = next(source, b"")
                except Exception:
                    if scope is None or not scope.cancelled:
                        raise
            if scope is not None and scope.cancelled:
                raise Cancelled("the run was stopped while it waited for the next chunk of a stream")
            return data
        if source is None:
            source = self._source = self._response.aiter_bytes()
        return await anext(source, b"")

    def _unblock(self) -> None:
        stream = self._response.extensions.get("network_stream")
        connection = None if stream is None else stream.get_extra_info("socket")
        if connection is not None:
            shut_down(connection)

    async def aclose(self) -> None:
        if self._response.is_closed:
            return
        if self._io.blocking:
            self._response.close()
        else:
            # In a task of its own: an ``await`` here would be cancelled again under anyio's cancel scopes.
            await self._io.shield(self._close_in_loop)

    async def _close_in_loop(self) -> None:
        await self._response.aclose()
        source, self._source = self._source, None
        if source is not None:
            await source.aclose()
            # httpx nests generators without closing the inner ones: the loop closes them, one level in a turn or two.
            for _ in range(_TURNS):
                await self._io.sleep(0)


_ENDED_EARLY = ("closed connection", "disconnected")
"""How httpx says that the server has left; an SDK reads whole answers itself, so that this comes without a reader."""


def map_client_error(error: Exception, *, reading: bool = False) -> Exception:
    """The failure that an error of httpx or of an SDK is; another error, of a user's hook perhaps, as it is."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if "APIConnectionError" in names and error.__cause__ is not None:
        return map_client_error(error.__cause__) if isinstance(error.__cause__, Exception) else ConnectFailed("")
    text = describe(error)
    if names & {"TimeoutException", "APITimeoutError"}:
        waited_for = "a connection" if names & {"ConnectTimeout", "PoolTimeout"} else "an answer"
        return AnswerTooLate(text, waited_for=waited_for)
    if "DecodingError" in names:
        return BadBody(text)
    if names & {"ConnectError", "ProxyError", "UnsupportedProtocol", "InvalidURL", "APIConnectionError"}:
        return ConnectFailed(text)
    if names & {"ProtocolError"} and not (reading or any(words in text for words in _ENDED_EARLY)):
        return NotHTTP(text)
    if names & {"TransportError", "StreamError"}:
        return ConnectionBroken(text)
    return error


def blocking(client: Any, sdk: bool) -> ClientTransport:
    """The transport over a blocking client."""
    return SDKTransport(client, BLOCKING) if sdk else HttpxTransport(client, BLOCKING)


def asynchronous(client: Any, sdk: bool) -> ClientTransport:
    """The transport over an asyncio client."""
    return SDKTransport(client, get_asyncio_mode()) if sdk else HttpxTransport(client, get_asyncio_mode())
