"""Chains behind HTTP: processor time of the server for each event, against bare starlette and LangServe; memory.

The servers are processes of their own, under uvicorn with uvloop and httptools; the client is this one. A server says
on its standard output what it has used, when it is asked on its standard input.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from bench.measure import Effort, Row, Sample, at_most, versus
from bench.memory import resident

BODY = json.dumps({"input": "go"})


class Served:
    """A server process; ``use`` is the processor time in seconds and the resident memory in MB so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.port = int(self._read())

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def use(self) -> tuple[float, float]:
        assert self._process.stdin is not None
        self._process.stdin.write("?\n")
        self._process.stdin.flush()
        spent, memory = self._read().split()
        return float(spent), float(memory)


@contextlib.contextmanager
def served(kind: str, events: int) -> Iterator[Served]:
    command = [sys.executable, "-m", "bench.serve", kind, str(events)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield Served(process)
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


def stream(effort: Effort) -> Iterator[Row]:
    """The output of a chain of one step, chunk by chunk; the bare response has no chain and writes no JSON."""
    events = effort.of(20_000, 10)
    with served("prill", events) as ours, served("bare", events) as bare, served("langserve", events) as peer:
        here = _sample(ours, "/1/stream", events)
        few = Effort(min(effort.repeats, 5))
        what = "`App`, CPU of the server, `/stream`"
        yield versus(
            what,
            here,
            _sample(bare, "/1/stream", events),
            at_most(1.3),
            few,
            unit="event",
            name="bare `StreamingResponse`",
        )
        yield versus(what, here, _sample(peer, "/1/stream", events), at_most(0.4), few, unit="event", name="LangServe")


def stream_events(effort: Effort) -> Iterator[Row]:
    """What happens inside: two events for each chunk of a chain of two steps."""
    events = effort.of(5000, 10)
    with served("prill", events) as ours, served("langserve", events) as peer:
        few = Effort(min(effort.repeats, 5))
        what = "`App`, CPU of the server, `/stream_events`"
        samples = [_sample(each, "/2/stream_events", events) for each in (ours, peer)]
        yield versus(what, *samples, at_most(0.5), few, unit="chunk", name="LangServe")


def idle(effort: Effort) -> Row:
    """Streams that say nothing."""
    count = effort.of(900, 5)
    with served("prill", 0) as server, contextlib.ExitStack() as clients:
        for _ in range(5):  # what is loaded with the first request is not counted
            clients.enter_context(_open(server.port))
        _, before = server.use()
        for _ in range(count):
            clients.enter_context(_open(server.port))
        _, after = server.use()
    each = max(after - before, 0.0) * 1024 / count
    return Row(f"memory, {count:,} idle streams", f"{each:.0f} KiB / stream", "–", (each,), at_most(50), "in KiB")


def _sample(server: Served, path: str, events: int) -> Sample:
    def sample() -> float:
        begin, _ = server.use()
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        with contextlib.closing(connection):
            connection.request("POST", path, BODY, {"content-type": "application/json"})
            body = connection.getresponse().read()
        assert body.count(b"event: data") >= events
        end, _ = server.use()
        return max(end - begin, 1e-9) / events

    return sample


@contextlib.contextmanager
def _open(port: int) -> Iterator[None]:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        lines = ["POST /1/stream HTTP/1.1", "host: x", "content-type: application/json", f"content-length: {len(BODY)}"]
        client.sendall("\r\n".join([*lines, "", BODY]).encode())
        received = b""
        while b"token" not in received:
            piece = client.recv(65536)
            assert piece
            received += piece
        yield


# The server processes


async def _tokens(inputs: AsyncIterator[Any], events: int) -> AsyncIterator[str]:
    import asyncio

    async for _ in inputs:
        pass
    for index in range(events):
        yield f"token {index} "
    if not events:
        yield "token "
        await asyncio.Event().wait()


async def _same(inputs: AsyncIterator[str]) -> AsyncIterator[str]:
    async for each in inputs:
        yield each


def _make_chain(runnables: Any, events: int, steps: int) -> Any:
    async def tokens(inputs: AsyncIterator[Any]) -> AsyncIterator[str]:
        async for each in _tokens(inputs, events):
            yield each

    first = runnables.RunnableGenerator(tokens)
    return first if steps == 1 else first | runnables.RunnableGenerator(_same)


def _make_prill(events: int) -> Any:
    from prill import runnables
    from prill.serve import App

    app = App()
    for steps in (1, 2):
        app.add(f"/{steps}", _make_chain(runnables, events, steps), show="steps")
    return app


def _make_langserve(events: int) -> Any:
    from fastapi import FastAPI
    from langchain_core import runnables
    from langserve import add_routes

    app = FastAPI()
    for steps in (1, 2):
        add_routes(app, _make_chain(runnables, events, steps), input_type=str, path=f"/{steps}")
    return app


def _make_bare(events: int) -> Any:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import StreamingResponse
    from starlette.routing import Route

    async def frames() -> AsyncIterator[bytes]:
        for index in range(events):
            yield f'event: data\ndata: "token {index} "\n\n'.encode()

    async def answer(request: Request) -> StreamingResponse:
        await request.json()
        return StreamingResponse(frames(), media_type="text/event-stream")

    return Starlette(routes=[Route("/1/stream", answer, methods=["POST"])])


MAKERS = {"prill": _make_prill, "langserve": _make_langserve, "bare": _make_bare}


def main(kind: str, events: int) -> None:
    import threading

    import uvicorn

    say, sys.stdout = sys.stdout, sys.stderr  # LangServe greets there
    options = {"log_level": "critical", "loop": "uvloop", "http": "httptools"}
    config = uvicorn.Config(MAKERS[kind](events), port=0, **options)
    listener = config.bind_socket()
    listener.listen(1024)
    server = uvicorn.Server(config)

    def answer() -> None:
        for _ in sys.stdin:
            memory = resident()  # collects garbage, which is not counted
            print(time.process_time(), memory, flush=True, file=say)
        server.should_exit = server.force_exit = True

    threading.Thread(target=answer, daemon=True).start()
    print(listener.getsockname()[1], flush=True, file=say)
    server.run(sockets=[listener])


ROWS = [stream, stream_events, idle]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
