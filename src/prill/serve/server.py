"""What all routes of one server share: who may ask, limits, open work, stored runs, and how it ends."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

from pydantic_core import from_json
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from prill.callbacks.config import RunnableConfig, merge_configs
from prill.errors import RequestError
from prill.io.event_loop import DetachedTasks, Timer, on_terminate
from prill.serve.access import ANYBODY, Caller, Hook, identify
from prill.serve.encoders import PROTOCOLS
from prill.serve.encoders.base import Encoder, FrameEncoder
from prill.serve.exchange import SHUTDOWN, STOPPED, ClientLeft, Exchange, OpenWork, Work
from prill.serve.facts import Fact, Failure
from prill.serve.permits import Permits
from prill.serve.producing import Producer, make_owner, read_cursor, read_stored
from prill.serve.settings import Settings
from prill.serve.stores.base import RunStore, StoredRun
from prill.serve.stores.memory import MemoryStore
from prill.serve.wire import encode

_CLIENT_LEFT = 499
"""The status that nginx has for requests whose client left."""

Handle: TypeAlias = Callable[[Exchange, Caller], Awaitable[None]]
Render: TypeAlias = Callable[[Failure], bytes]


class Server:
    """The state that the routes of one application share.

    It needs no lifespan: it starts with the first request, so it works mounted in another application too.
    """

    def __init__(self, settings: Settings, auth: Hook | None = None, store: RunStore | None = None) -> None:
        self.settings = settings
        self.auth = auth
        self.store: RunStore = store if store is not None else MemoryStore()
        self.permits = Permits(settings)
        self.open_work: OpenWork = {}
        self.producers = DetachedTasks()
        self.observers: list[Any] = []
        """Callbacks of every run, such as metrics."""
        self.workers = _count_workers()
        """How many processes serve the same; with more than one, runs are found only in a store that they share."""
        self.draining = False
        self._restore_signals: Callable[[], None] | None = None
        self._deadline: Timer | None = None

    def start(self) -> None:
        """Start to listen for SIGTERM, on the running loop; calling it again does nothing."""
        if self._restore_signals is None:
            self._restore_signals = on_terminate(self.drain)

    def drain(self) -> None:
        """Refuse new runs, and end open ones with an event when the grace time is over."""
        if not self.draining:
            self.draining = True
            self._deadline = Timer(self._end_work)
            self._deadline.set(self.settings.grace)

    def _end_work(self) -> None:
        for work in list(self.open_work.values()):
            work.interruption.interrupt(SHUTDOWN)

    async def aclose(self) -> None:
        """End what is open now."""
        self.draining = True
        if self._deadline is not None:
            self._deadline.cancel()
        self._end_work()
        await self.producers.finish()
        if self._restore_signals is not None:
            self._restore_signals()
            self._restore_signals = None

    def watch(self, config: RunnableConfig) -> RunnableConfig:
        """The config of a run with the server's own callbacks, such as metrics."""
        return merge_configs(config, {"callbacks": self.observers}) if self.observers else config

    def route(self, path: str, handle: Handle, method: str, render: Render, **kind: bool) -> JSONRoute:
        """A route that is handled by ``handle``; ``kind`` is that of ``asgi``."""
        return JSONRoute(self, path, handle, method, render, **kind)

    def asgi(self, handle: Handle, render: Render, *, runs: bool = False, public: bool = False) -> Handler:
        """An ASGI application that handles one route.

        ``runs`` says that it starts runs, which count against limits; ``public`` that nobody has to say who asks.
        """
        return Handler(self, handle, render, runs=runs, public=public)

    # Streams

    async def stream(
        self,
        exchange: Exchange,
        facts: AsyncIterator[Fact],
        encoder: Encoder,
        *,
        keep: str = "",
        topic: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Send a run as a stream.

        With the name of its protocol in ``keep`` it goes on when the client leaves, and can be read again.
        """
        if not keep:
            exchange.topic = topic
            await exchange.stream(facts, encoder, headers)
            return
        run = await self.start_run(exchange, facts, encoder, keep=keep, topic=topic)
        await self.send_stored(exchange, run, 0, headers)

    async def start_run(
        self, exchange: Exchange, facts: AsyncIterator[Fact], encoder: Encoder, *, keep: str, topic: str = ""
    ) -> StoredRun:
        """Start a run that nobody has to read.

        Raises:
            Exception: it failed before its first chunk.
        """
        run = StoredRun(str(exchange.run_id), make_owner(), exchange.principal, keep, topic)
        await self._produce(exchange, run, facts, encoder)
        return run

    async def _produce(self, exchange: Exchange, run: StoredRun, facts: AsyncIterator[Fact], encoder: Encoder) -> None:
        """Start the producer of a run; an error before its first chunk is raised, so that it has its own status."""
        lease = self.settings.lease
        await self.store.create(run, lease)
        producer = Producer(self.store, run, lease, encoder, exchange.describe)
        exchange.holds_place = False
        self.producers.start(self._run_producer(producer, run, facts))
        with contextlib.suppress(TimeoutError):
            error = await exchange.run(partial(producer.first.wait, self.settings.first_chunk_wait))
            if error is not None:
                raise error

    async def _run_producer(self, producer: Producer, run: StoredRun, facts: AsyncIterator[Fact]) -> None:
        name = f"producer:{run.run_id}"
        self.open_work[name] = Work(producer.work, run.principal, run.topic)
        try:
            await producer.run(facts)
        finally:
            self.open_work.pop(name, None)
            self.permits.give_back(run.principal)

    async def send_stored(
        self, exchange: Exchange, run: StoredRun, after: int, headers: Mapping[str, str] | None = None
    ) -> None:
        """Send the frames of a stored run behind number ``after``, to its end."""
        encoder = FrameEncoder(PROTOCOLS[run.protocol]())
        await exchange.stream(read_stored(self.store, run.run_id, after), encoder, headers)

    async def resume(self, exchange: Exchange, run: StoredRun, after: int | None = None) -> None:
        """Send what follows frame ``after``, or the request's cursor: ``Last-Event-ID``, or ``after`` in the query.

        Raises:
            RequestError: 400 for a cursor that is none, or lies in the future; 410 if what follows it is gone.
        """
        after = read_cursor(exchange.request, run.run_id) if after is None else after
        page = await self.store.read(run.run_id, after, 0)
        if page is None or page.kept_from > after + 1:
            raise RequestError("a part of this run is no longer kept", status=410, code="run_gone", run_id=run.run_id)
        if after > page.last:
            raise RequestError("the cursor lies behind the newest event", status=400, code="invalid_cursor")
        if page.state == "ended" and after == page.last:
            await exchange.answer(204, b"")
            return
        await self.send_stored(exchange, run, after)

    async def read_last(self, run: StoredRun, key: str) -> bytes:
        """The JSON of ``key`` in the newest event of a run that has it.

        Raises:
            RequestError: 404 if there is none yet.
        """
        found: bytes | None = None
        after = 0
        while page := await self.store.read(run.run_id, after):
            for frame in page.frames:
                data = frame.partition(b"data: ")[2]
                if b'"%s":' % key.encode("ascii") in data:
                    found = data
            after = page.first + len(page.frames) - 1
            if not page.frames:
                break
        if found is None or key not in (event := from_json(found)):
            raise RequestError("the run has said nothing yet", status=404, code="run_not_found")
        return encode(event[key])

    async def wait_end(self, run: StoredRun, seconds: float) -> None:
        """Wait until a run has ended, is lost, or the time is over: plain code that runs cannot be interrupted."""
        ends = time.monotonic() + seconds
        while (page := await self.store.read(run.run_id, 0, 0)) is not None and page.state == "running":
            left = ends - time.monotonic()
            if left <= 0:
                return
            await self.store.wait(run.run_id, page.last, left)

    async def find_run(self, run_id: str, principal: str | None) -> StoredRun:
        """A stored run of this principal.

        Raises:
            RequestError: 404 if there is none, or it is another's; 410 if it is no longer kept.
        """
        run = await self.store.find(run_id)
        if run is not None and run.principal == principal:
            return run
        old = await self.store.find_expired(run_id) if run is None else None
        if old is not None and old.principal == principal:
            raise RequestError("the run is no longer kept", status=410, code="run_gone", run_id=run_id)
        self.check_shared()
        raise RequestError("there is no run of this id", status=404, code="run_not_found", run_id=run_id)

    def check_shared(self) -> None:
        """Check that a run which is not found here can be nowhere else.

        Raises:
            RequestError: 501, there are other workers, whose runs cannot be seen.
        """
        if self.workers > 1 and not self.store.shared:
            raise RequestError(
                "runs cannot be found: the server has several workers and no store that they share",
                status=501,
                code="store_not_shared",
            )

    async def stop_topic(self, topic: str, principal: str | None) -> bool:
        """Stop the newest run of a topic; returns whether it was still running.

        Raises:
            RequestError: 404 if there is none.
        """
        for work in self.open_work.values():
            if work.topic == topic:
                work.interruption.interrupt(STOPPED)
                return True
        run = await self.store.find_topic(topic)
        if run is None:
            self.check_shared()
            raise RequestError("there is no run of this name", status=404, code="run_not_found")
        return await self.stop_run(run.run_id, principal)

    async def stop_run(self, run_id: str, principal: str | None) -> bool:
        """Stop a run of this principal, wherever it runs; returns whether it was still running.

        Raises:
            RequestError: 404, as ``find_run``.
        """
        work = self.open_work.get(f"producer:{run_id}") or self.open_work.get(run_id)
        if work is not None and work.principal == principal:
            work.interruption.interrupt(STOPPED)
            return True
        run = await self.find_run(run_id, principal)
        return await self.store.stop(run.run_id)


class JSONRoute(Route):
    """A route of one method, whose refusal of others is JSON too."""

    def __init__(self, server: Server, path: str, handle: Handle, method: str, render: Render, **kind: bool) -> None:
        name = path.strip("/").replace("/", "_").replace("{", "").replace("}", "")
        super().__init__(path, server.asgi(handle, render, **kind), methods=[method], name=name)
        self._refuse = server.asgi(self._refuse_method, render, public=True)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        allowed = self.methods is None or scope["method"] in self.methods
        await (self.app if allowed else self._refuse)(scope, receive, send)

    async def _refuse_method(self, exchange: Exchange, caller: Caller) -> None:
        methods = ", ".join(sorted(self.methods or ()))
        raise HTTPException(405, "Method Not Allowed", {"allow": methods})


class Handler:
    """One route as an ASGI application: identifies the caller, keeps the limits, turns errors into answers."""

    def __init__(self, server: Server, handle: Handle, render: Render, *, runs: bool, public: bool) -> None:
        self._server = server
        self._handle = handle
        self._render = render
        self._runs = runs
        self._public = public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        server = self._server
        server.start()
        exchange = Exchange(scope, receive, send, server.settings, server.open_work)
        try:
            with _joined_trace(exchange.request.headers):
                await self._answer(exchange)
        except ClientLeft:
            # Nobody reads it, but middlewares expect an answer of some kind.
            if not exchange.started:
                with contextlib.suppress(Exception):
                    await exchange.answer(_CLIENT_LEFT, b"")
        except Exception as error:
            if exchange.started:
                raise
            await exchange.fail(error, self._render)

    async def _answer(self, exchange: Exchange) -> None:
        server = self._server
        if self._runs and server.draining:
            raise RequestError("the server is shutting down", status=503, code="shutdown", retry_after=1)
        caller = ANYBODY if self._public else await identify(server.auth, exchange.request)
        exchange.principal = caller.principal
        if not self._runs:
            await self._handle(exchange, caller)
            return
        await server.permits.take(caller.principal)
        exchange.holds_place = True
        try:
            await self._handle(exchange, caller)
        finally:
            if exchange.holds_place:  # else the producer of a stored run has taken it over
                server.permits.give_back(caller.principal)


@contextlib.contextmanager
def _joined_trace(headers: Mapping[str, str]) -> Iterator[None]:
    """Make the runs of a request a part of the caller's trace, if there is one and OpenTelemetry is installed.

    The header is ``traceparent``: https://www.w3.org/TR/trace-context/
    """
    if "traceparent" not in headers:
        yield
        return
    try:
        from opentelemetry import context  # noqa: PLC0415 - optional, and only for requests with a trace
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 - as above
            TraceContextTextMapPropagator,
        )
    except ImportError:
        yield
        return
    token = context.attach(TraceContextTextMapPropagator().extract(dict(headers)))
    try:
        yield
    finally:
        context.detach(token)


def _count_workers() -> int:
    """How many processes uvicorn has started of which this is one; 1 where it has started none, or nobody knows."""
    processes = sys.modules.get("multiprocessing.process")
    if processes is None:
        return 1
    # The arguments of a process are there to be read by nobody else; so nothing is taken for granted.
    config = getattr(processes.current_process(), "_kwargs", {}).get("config")
    workers = getattr(config, "workers", 1) if type(config).__module__.startswith("uvicorn.") else 1
    return workers if isinstance(workers, int) else 1
