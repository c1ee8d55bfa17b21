"""A process that is asked to end: its streams get an event, under uvicorn's defaults."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.serve.chains import ask
from tests.serve.clients import RawClient

PROGRAM = """
import sys, time
from prill.runnables import RunnableGenerator, RunnableLambda
from prill.serve import App, Settings
import uvicorn

def slow(chunks):
    yield "first"
    while True:
        time.sleep(0.01)
        yield "."

async def endless(chunks):
    import asyncio
    yield "first"
    await asyncio.Event().wait()

app = App(settings=Settings(grace=float(sys.argv[1])))
app.add("/endless", RunnableGenerator(endless))
app.add("/busy", RunnableGenerator(slow))
app.add("/echo", RunnableLambda(lambda text: text))
import socket
listener = socket.socket(); listener.bind(("127.0.0.1", 0)); listener.listen(200)
print(listener.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
"""


@contextmanager
def process(grace: float) -> Iterator[tuple[subprocess.Popen[str], int]]:
    started = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(grace)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert started.stdout is not None
        yield started, int(started.stdout.readline())
    finally:
        started.kill()
        started.communicate()


@pytest.mark.parametrize("path", ["endless", "busy"])
def test_sigterm_ends_open_streams_with_one_event(path: str) -> None:
    with process(0.2) as (server, port):
        clients = [RawClient(port).post(f"/{path}/stream", {"input": ""}) for _ in range(100)]
        for client in clients:
            client.read_until(b'"first"')
        server.send_signal(signal.SIGTERM)
        for client in clients:
            text = client.read_all()
            assert text.count(b"event: error") == 1
            assert b'"code":"shutdown"' in text
            assert text.endswith(b"0\r\n\r\n")  # the body ends in order
            client.leave()
        _, errors = server.communicate(timeout=60)
        assert "Traceback" not in errors
        assert server.returncode in (0, -signal.SIGTERM)


def test_a_draining_server_refuses_new_runs_and_lets_open_ones_go_on() -> None:
    with process(60) as (server, port):
        with RawClient(port) as other, RawClient(port) as client:
            other.send(b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n").read_until(b"}}")  # its connection stays open
            client.post("/busy/stream", {"input": ""}).read_until(b'"first"')
            server.send_signal(signal.SIGTERM)
            count = client.received.count(b'"."')
            client.read_until(b'"."', count + 20)
            other.received = b""
            try:
                refused = other.post("/echo/invoke", {"input": "x"}).read_all()
            except OSError:
                refused = b""  # uvicorn may have closed the idle connection first
        assert refused == b"" or refused.startswith(b"HTTP/1.1 503")
        server.communicate(timeout=60)


def test_a_server_serves_again_when_nothing_was_asked_of_it() -> None:
    with process(1) as (_, port):
        assert ask(port, "/echo/invoke", {"input": "x"}).json["output"] == "x"
