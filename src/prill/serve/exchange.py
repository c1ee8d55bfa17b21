"""One request and its answer: limits of the body, answers in one piece and as streams, and clients that leave."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, NamedTuple, TypeAlias, TypeVar

from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from prill.errors import RequestError
from prill.io import closing
from prill.io.event_loop import Companion, Interruption, Timer, pass_turn
from prill.io.tasks import start
from prill.serve.encoders.base import Encoder
from prill.serve.facts import Fact, Failure, RunEnded, RunFailed, RunStopped, precedes_output
from prill.serve.failures import describe_failure
from prill.serve.settings import Settings
from prill.serve.wire import decode_body

T = TypeVar("T")
Headers = list[tuple[bytes, bytes]]

_LOG = logging.getLogger("prill.serve")

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_STREAM_HEADERS = [
    (b"cache-control", b"no-cache, no-store"),
    (b"connection", b"keep-alive"),
    (b"x-accel-buffering", b"no"),
]

_TURN = 32
"""After how many frames other tasks get their turn."""

_LOOKS = 4
"""How often the timer looks within the shortest of the times that it watches."""

LEFT = "left"
STALLED = "stalled"
STOPPED = "stopped"
SHUTDOWN = "shutdown"


class ClientLeft(Exception):
    """The client closed its connection, so there is nobody to answer."""


class Exchange:
    """A request, and the answer that is written to it.

    Args:
        scope, receive, send: those of the ASGI application.
        settings: the limits and times.
        open_work: where work that waits is registered by its run, so that it can be ended from outside.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, settings: Settings, open_work: OpenWork) -> None:
        self.request = Request(scope, receive)
        self.settings = settings
        self.run_id = uuid.uuid4()
        self.started = False
        self._receive = receive
        self._send = send
        self.open_work = open_work
        self.principal: str | None = None
        self.topic = ""
        self.holds_place = False
        given = self.request.headers.get("x-request-id", "")
        self.request_id = given if _REQUEST_ID.fullmatch(given) else str(self.run_id)

    # The request

    async def read_json(self) -> Any:
        """The body as JSON.

        Raises:
            RequestError: 415, 413 or 422.
            ClientLeft: the client left while it was sending.
        """
        kind = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
            # Also for security: a page of another site can send text/plain without asking first.
            raise RequestError(
                "send the body with `content-type: application/json`", status=415, code="unsupported_media_type"
            )
        return decode_body(await self._read_body())

    async def _read_body(self) -> bytes:
        limit = self.settings.max_body
        too_large = RequestError(f"the body has more than {limit} bytes", status=413, code="body_too_large")
        declared = self.request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            raise too_large
        pieces, size = [], 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientLeft
            piece = message.get("body", b"")
            size += len(piece)
            if size > limit:
                raise too_large
            pieces.append(piece)
            if not message.get("more_body", False):
                return b"".join(pieces)

    # Answers in one piece

    async def run(self, body: Callable[[], Awaitable[T]]) -> T:
        """Run a body that ends when the client leaves.

        Raises:
            ClientLeft: it left.
            RequestError: 409 if the run was stopped, 503 if the server shuts down.
        """
        with _Registered(self) as work:
            async with Companion(self._watch(work)):
                return await body()
        raise _interrupted(work.reason)

    async def answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Send an answer in one piece, JSON unless ``headers`` say otherwise."""
        given = {"content-type": "application/json", **(headers or {}), "x-request-id": self.request_id}
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in given.items()]
        if status != 204:
            encoded.append((b"content-length", str(len(body)).encode("ascii")))
        await self._start(status, encoded)
        payload = b"" if self.request.method == "HEAD" else body
        await self._send({"type": "http.response.body", "body": payload, "more_body": False})

    async def fail(self, error: BaseException, render: Callable[[Failure], bytes]) -> None:
        """Send an error as an answer; bugs are logged with the run's id."""
        failure = self.describe(error)
        headers = {"allow": error.headers["allow"]} if getattr(error, "status_code", 0) == 405 else {}  # type: ignore[attr-defined]  # starlette's
        if failure.retry_after is not None:
            headers["retry-after"] = str(max(1, round(failure.retry_after)))
        if failure.status == 401:
            headers["www-authenticate"] = "Bearer"
        await self.answer(failure.status, render(failure), headers)

    def describe(self, error: BaseException) -> Failure:
        """What the client is told of an error, which is logged with the run's id if it is the server's fault."""
        failure = describe_failure(error, run_id=str(self.run_id), show_errors=self.settings.show_errors)
        if failure.status >= 500:
            place = self.request.url.path
            _LOG.error("run %s of %s failed", self.run_id, place, exc_info=error)
        return failure

    async def _start(self, status: int, headers: Headers) -> None:
        self.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    # Streams

    async def stream(
        self, facts: AsyncIterator[Any], encoder: Encoder, headers: Mapping[str, str] | None = None
    ) -> None:
        """Send a stream of facts.

        The status waits for the first fact behind ``RunStarted``, at most ``first_chunk_wait`` seconds, so that a run
        that fails at once is answered with the status of its error.

        Raises:
            ClientLeft: the client left, or did not read.
            Exception: the run failed before anything was sent.
        """
        await _StreamAnswer(self, encoder, headers or {}).run(facts)

    async def _watch(self, work: Interruption) -> None:
        while True:
            message: Message = await self._receive()
            if message["type"] == "http.disconnect":
                work.interrupt(LEFT)
                return


class Work(NamedTuple):
    """What answers a request now, and whom it is for."""

    interruption: Interruption
    principal: str | None
    topic: str = ""


OpenWork: TypeAlias = dict[str, Work]


class _Registered:
    """An interruption that can be found by the run's id while it is entered."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._interruption = Interruption()

    def __enter__(self) -> Interruption:
        exchange = self._exchange
        exchange.open_work[str(exchange.run_id)] = Work(self._interruption, exchange.principal, exchange.topic)
        return self._interruption.__enter__()

    def __exit__(self, *error: Any) -> bool:
        self._exchange.open_work.pop(str(self._exchange.run_id), None)
        return self._interruption.__exit__(*error)


class _StreamAnswer:
    """Writes frames; one timer sends the headers in time, comments into silence, and drops a client that stalls.

    An event costs no timer and no look at a clock: the timer counts how often it has seen no new frame.
    """

    def __init__(self, exchange: Exchange, encoder: Encoder, headers: Mapping[str, str]) -> None:
        settings = exchange.settings
        self._exchange = exchange
        self._encoder = encoder
        self._send = exchange._send
        given = [*encoder.headers, *headers.items(), ("content-type", encoder.content_type)]
        self._headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in given]
        self._headers += [*_STREAM_HEADERS, (b"x-request-id", exchange.request_id.encode("ascii"))]
        self._held: list[bytes] = []  # frames that wait for the head
        self._sending = False
        self._writes = 0
        self._comment: Any = None
        self._interval = _choose_interval(settings.first_chunk_wait, settings.keep_alive, settings.send_timeout)
        self._seen = 0
        self._quiet = 0.0

    async def run(self, facts: AsyncIterator[Any]) -> None:
        exchange = self._exchange
        with _Registered(exchange) as work:
            self._work = work
            self._timer = Timer(self._look)
            self._timer.set(self._interval)
            try:
                async with Companion(exchange._watch(work)), closing(facts):
                    await self._send_facts(facts)
            finally:
                self._timer.cancel()
                await self._finish_comment()
        if work.reason in (LEFT, STALLED):
            raise ClientLeft
        if work.reason is not None:
            await self._send_rest(work.reason)

    async def _send_facts(self, facts: AsyncIterator[Any]) -> None:
        exchange, feed, write = self._exchange, self._encoder.feed, self._write
        end: Fact = RunEnded()
        try:
            async for fact in facts:
                frames = feed(fact)
                if exchange.started:
                    for frame in frames:
                        await write(frame)
                    continue
                self._held += frames
                if not precedes_output(fact):
                    await self._send_head()
        except Exception as error:
            if not exchange.started:
                raise
            end = RunFailed(exchange.describe(error))
        self._held += feed(end)  # nothing, if the facts had an end of their own
        await self._send_head()
        await self._write(b"", last=True)

    async def _send_rest(self, reason: str) -> None:
        """The terminal event of a run that was stopped; a client that does not read it is not waited for."""
        with Interruption() as work:
            timer = Timer(lambda: work.interrupt(STALLED))
            timer.set(min(1.0, self._exchange.settings.send_timeout))
            try:
                if not self._exchange.started:
                    raise _interrupted(reason)
                for frame in [*self._encoder.feed(RunStopped(reason)), *self._encoder.finish()]:
                    await self._write(frame)
                await self._write(b"", last=True)
            finally:
                timer.cancel()
        if work.reason is not None:
            raise ClientLeft

    async def _send_head(self) -> None:
        await self._finish_comment()
        if not self._exchange.started:
            await self._exchange._start(200, self._headers)
        held, self._held = self._held, []
        for frame in held:
            await self._write(frame)

    async def _write(self, frame: bytes, last: bool = False) -> None:
        if self._comment is not None:
            await self._finish_comment()
        self._sending = True
        await self._send({"type": "http.response.body", "body": frame, "more_body": not last})
        self._writes += 1
        if not self._writes % _TURN:  # a chain that never waits would keep others, and the client's leaving, waiting
            await pass_turn()
        self._sending = False

    async def _finish_comment(self) -> None:
        comment, self._comment = self._comment, None
        if comment is not None:
            await comment

    def _look(self) -> None:
        """Called by the timer: is there silence, or does the client not read?"""
        settings = self._exchange.settings
        if self._writes != self._seen:
            self._seen, self._quiet = self._writes, 0.0
        else:
            self._quiet += self._interval
        if self._sending or (self._comment is not None and not self._comment.done()):
            if self._quiet >= settings.send_timeout:
                self._work.interrupt(STALLED)
                return
        elif self._quiet >= (settings.keep_alive if self._exchange.started else self._first_wait):
            self._quiet = 0.0
            self._comment = start(self._send_comment())
        elif self._exchange.started:
            self._interval = _choose_interval(settings.keep_alive, settings.send_timeout)
        self._timer.set(self._interval)

    @property
    def _first_wait(self) -> float:
        return min(self._exchange.settings.first_chunk_wait, self._exchange.settings.keep_alive)

    async def _send_comment(self) -> None:
        if not self._exchange.started:
            await self._exchange._start(200, self._headers)
        held, self._held = self._held, []
        body = b"".join([*held, self._encoder.comment])
        await self._send({"type": "http.response.body", "body": body, "more_body": True})


def _choose_interval(*times: float) -> float:
    return max(min(times) / _LOOKS, 0.005)


def _interrupted(reason: str | None) -> Exception:
    if reason == SHUTDOWN:
        return RequestError("the server is shutting down", status=503, code="shutdown", retry_after=1)
    if reason == STOPPED:
        return RequestError("the run was stopped", status=409, code="stopped")
    return ClientLeft()
