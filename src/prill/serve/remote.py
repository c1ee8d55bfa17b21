"""``RemoteRunnable``: a chain behind HTTP, as a Runnable."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal, TypeVar

from prill.callbacks.run import Run
from prill.errors import ModelError, PrillError, StreamInterrupted, add_step
from prill.io import closing
from prill.providers.calls import merge_headers, read_timeout, split_address
from prill.providers.http.body import ERROR_BYTES, Body
from prill.providers.http.clients import Clients
from prill.providers.http.compression import ACCEPTED
from prill.providers.http.failures import map_transport_error
from prill.providers.http.message import Answer, Request, Transport, TransportError
from prill.providers.http.route import find_route
from prill.runnables import Runnable
from prill.runnables.engine.streams import ADD, EMPTY, Combine, Stream, collect, new_accumulator
from prill.serve.objects import OBJECTS_HEADER, OBJECTS_VERSION, encode_objects, wants_objects
from prill.serve.remote_answers import RemoteStream, decode, read_failure, read_json
from prill.serve.wire import encode
from prill.version import __version__

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)

_SENT = ("tags", "metadata", "configurable")
_PAUSE = 0.2


class RemoteRunnable(Runnable[Input, Output]):
    """A chain that a server of ``prill.serve`` or LangServe serves: every verb, in both colours, as if it were here.

        joke = RemoteRunnable("http://localhost:8000/joke")
        joke.invoke({"topic": "owls"})

    Callbacks see it as one step. Errors are of Prill's own classes, with ``status``, ``retryable`` and the path of the
    step that failed at the server; a bug there is a ``RemoteError`` with the run's id. A stream that the server did not
    end raises ``StreamInterrupted``. Messages and documents arrive as what they were; of a LangServe server, dicts that
    look like them become them.

    Args:
        url: where the chain is, without the verb.
        headers: headers of each request, such as ``{"authorization": "Bearer …"}``.
        timeout: seconds, or a pair (to connect, between two pieces of an answer); by default 10 and 600.
        config_keys: the parts of a config that are sent.
        resume: let the run go on if the connection breaks, and read the rest over a new one, up to ``reconnects``
            times. Leaving the stream stops the run. Servers of LangServe cannot.
        reconnects: how often.
        combine: how chunks make the output: ``"add"``, or ``"replace"`` where each chunk is the whole value so far,
            as with a chain that ends in a JSON parser; ``"collect"`` for chunks that are elements of a list.
        proxy: the address of a proxy, in place of what the environment says.
        ca_file: certificates to trust, in place of the system's.

    Raises:
        ConfigError: an argument cannot be used.
    """

    _combine = ADD
    _buffers_input = True

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: Any = None,
        config_keys: Sequence[str] = _SENT,
        resume: bool = False,
        reconnects: int = 3,
        combine: Literal["add", "replace", "collect"] = "add",
        proxy: str | None = None,
        ca_file: str | None = None,
        name: str | None = None,
    ) -> None:
        self.url = url
        self.name = name
        self._address = split_address(url)
        basic = {"authorization": self._address.authorization} if self._address.authorization else None
        self._headers = merge_headers(_HEADERS, basic, headers)
        self._timeout = read_timeout(timeout)
        self._config_keys = tuple(config_keys)
        self._resume = resume
        self._reconnects = reconnects
        self._combine = Combine(combine)  # type: ignore[misc]  # of this object alone
        self._route = find_route(self._address.url, proxy)
        self._ca_file = ca_file
        self._clients: Clients[Transport, Transport] = Clients()

    def __repr__(self) -> str:
        return f"RemoteRunnable({self._address.url!r})"

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        try:
            answer = await self._send(run, self._post("/invoke", input, run, kwargs))
            content = await self._read(answer)
            body = read_json(content)
            return decode(body["output"], wants_objects(answer.headers))
        except PrillError as error:
            add_step(error, *error.path)
            raise

    async def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        input = await collect(inputs)
        if input is EMPTY:
            return
        total = new_accumulator(self._combine)
        try:
            async with closing(self._chunks(self._post("/stream", input, run, kwargs), run)) as chunks:
                async for chunk in chunks:
                    if isinstance(chunk, PrillError):
                        raise chunk
                    total.add(chunk)
                    yield chunk
        except PrillError as error:
            if hasattr(error, "partial") and total.count:
                error.partial = total.value()
            add_step(error, *error.path)
            raise

    async def _chunks(self, request: Request, run: Run) -> AsyncIterator[Any]:
        """The chunks of a stream, and those behind a break of the connection."""
        stream = RemoteStream()
        breaks = 0
        try:
            while not stream.ended:
                try:
                    async with closing(self._read_stream(request, run, stream)) as pieces:
                        async for chunk in pieces:
                            breaks = 0
                            yield chunk
                    if not stream.ended:
                        raise StreamInterrupted("the connection ended before the server had ended the stream")
                except ModelError:
                    breaks += 1
                    if stream.last_id is None or stream.run_id is None or breaks > self._reconnects:
                        raise
                    await run.io.sleep(_PAUSE * breaks)
                request = self._request("GET", f"/runs/{stream.run_id}/stream", {"last-event-id": stream.last_id or ""})
        finally:
            if not stream.ended and self._resume and stream.run_id is not None:
                run_id = stream.run_id
                await run.io.shield(lambda: self._stop(run, run_id))

    async def _read_stream(self, request: Request, run: Run, stream: RemoteStream) -> AsyncIterator[Any]:
        """The chunks that one connection brings."""
        answer = await self._send(run, request)
        stream.connect(answer.headers)
        if answer.status == 204:
            stream.ended = True
        body = Body(answer)
        try:
            while not stream.ended and (data := await body.read()):
                for chunk in stream.feed(data):
                    yield chunk
            if stream.ended:
                body.expect_end()
                await body.read()
        except TransportError as error:
            raise self._translate(error, in_stream=True) from None
        finally:
            await body.aclose()

    async def _stop(self, run: Run, run_id: str) -> None:
        try:
            await self._read(await self._send(run, self._request("POST", f"/runs/{run_id}/stop", {}, b"{}")))
        except PrillError:
            return  # it has ended, or cannot be reached: its lease or its end stops it

    # Requests

    def _post(self, path: str, input: Any, run: Run, kwargs: Mapping[str, Any]) -> Request:
        config = {key: run.config[key] for key in self._config_keys if run.config.get(key)}
        plain, exact = encode(input, "input"), encode_objects(input, "input")
        body = b'{"input":' + plain + b',"config":' + encode(config, "config")
        if exact != plain:
            body += b',"input_objects":' + exact  # a server of LangServe takes no notice of it
        if kwargs:
            body += b',"kwargs":' + encode(kwargs, "kwargs")
        headers = {"prill-on-disconnect": "continue"} if self._resume else {}
        return self._request("POST", path, headers, body + b"}")

    def _request(self, method: str, path: str, headers: Mapping[str, str], content: bytes = b"") -> Request:
        address = self._address
        return Request(
            method,
            address.url,
            path,
            address.query,
            {**self._headers, **headers},
            content=content,
            timeout=self._timeout,
            sets_timeout=True,
            stream=path.endswith("/stream"),
        )

    async def _send(self, run: Run, request: Request) -> Answer:
        clients = self._clients
        try:
            if run.io.blocking:
                transport = clients.plain(self._make_transport)
            else:
                if "prill.providers.http.asynchronous" not in sys.modules:
                    await run.io.call(_load_asyncio)  # elsewhere: it takes a while, and a loop must go on
                transport = await clients.for_loop(self._make_async_transport)
            answer = await transport.send(request)
            if 200 <= answer.status < 300:
                return answer
            content = await Body(answer).read_all(ERROR_BYTES)
        except TransportError as error:
            raise self._translate(error) from None
        raise read_failure(answer.status, content, answer.headers)

    async def _read(self, answer: Answer) -> bytes:
        try:
            return await Body(answer).read_all()
        except TransportError as error:
            raise self._translate(error) from None

    def _translate(self, error: TransportError, *, in_stream: bool = False) -> ModelError:
        return map_transport_error(error, provider="the server", model=None, url=self._address.url, in_stream=in_stream)

    def _make_transport(self) -> Transport:
        from prill.providers.http.blocking import BlockingTransport  # noqa: PLC0415 - imports a client of HTTP

        return BlockingTransport(self._route, self._ca_file)

    def _make_async_transport(self) -> Transport:
        return _load_asyncio()(self._route, self._ca_file)  # type: ignore[no-any-return]  # imported there

    def close(self) -> None:
        """Close the connections of blocking verbs now; they are opened again when they are needed."""
        self._clients.close()

    async def aclose(self) -> None:
        """Close the running loop's connections now; they are opened again when they are needed."""
        await self._clients.aclose()


def _load_asyncio() -> Any:
    from prill.providers.http.asynchronous import AsyncioTransport  # noqa: PLC0415 - imports a client of HTTP

    return AsyncioTransport


_HEADERS = {
    "accept": "application/json, text/event-stream",
    "accept-encoding": ACCEPTED,
    "content-type": "application/json",
    "user-agent": f"prill/{__version__}",
    OBJECTS_HEADER: OBJECTS_VERSION,
}
