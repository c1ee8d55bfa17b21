"""The same ``App`` under granian and hypercorn, in processes of their own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.helpers import eventually, requires
from tests.serve.chains import ask
from tests.serve.clients import RawClient

from prill.testing import Faults, ReplayServer

APP = """
import asyncio, os
from prill.openai import ChatOpenAI
from prill.output_parsers import StrOutputParser
from prill.runnables import RunnableGenerator, RunnableLambda
from prill.serve import App, Settings

async def endless(chunks):
    yield "first"
    await asyncio.Event().wait()

model = ChatOpenAI(model="m", base_url=os.environ["PROVIDER"], api_key="k", max_retries=0)
app = App(settings=Settings(grace=0.2, first_chunk_wait=60))
app.add("/endless", RunnableGenerator(endless))
app.add("/echo", RunnableLambda(lambda text: text))
app.add("/chat", model | StrOutputParser())
"""

COMMANDS = {
    "granian": ["--interface", "asgi", "--host", "127.0.0.1", "--port", "{port}", "--no-ws", "app:app"],
    "hypercorn": ["--workers", "0", "--bind", "127.0.0.1:{port}", "--graceful-timeout", "5", "app:app"],
}

SILENT, HANGING = Faults(stall_at=0), Faults(stall_at=2)


@pytest.fixture
def provider() -> Iterator[ReplayServer]:
    with ReplayServer() as provider:
        yield provider


@pytest.fixture(params=[pytest.param(name, marks=requires(name)) for name in COMMANDS])
def served(request: pytest.FixtureRequest, provider: ReplayServer, tmp_path: Path) -> Iterator[tuple[int, Server]]:
    (tmp_path / "app.py").write_text(APP)
    with serve(request.param, tmp_path, provider.openai_url) as server:
        yield server


Server = subprocess.Popen[str]


@contextmanager
def serve(name: str, folder: Path, provider: str) -> Iterator[tuple[int, Server]]:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", name, *(each.format(port=port) for each in COMMANDS[name])]
    process = subprocess.Popen(
        command, cwd=folder, env={**os.environ, "PROVIDER": provider}, text=True, stderr=subprocess.PIPE
    )
    try:
        assert eventually(lambda: answers(port), patience=60), "the server did not start"
        yield port, process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=30)
        finally:
            process.kill()


def answers(port: int) -> bool:
    try:
        return ask(port, "/echo/invoke", {"input": "x"}).status == 200
    except OSError:
        return False


@pytest.mark.parametrize("path", ["stream", "invoke"])
def test_leaving_closes_the_providers_connection(provider: ReplayServer, served: tuple[int, Server], path: str) -> None:
    provider.reply("one", faults=SILENT)
    with RawClient(served[0]) as client:
        client.post(f"/chat/{path}", {"input": "hi"})
        assert provider.wait_requests(1, 30)
    assert provider.wait_closed(30)
    assert provider.closed_early == 1


def test_each_chunk_is_sent_at_once_and_leaving_later_closes_the_chain(
    provider: ReplayServer, served: tuple[int, Server]
) -> None:
    provider.reply("one", " two", faults=HANGING)
    with RawClient(served[0]) as client:
        client.post("/chat/stream", {"input": "hi"}).read_until(b'"one"')
    assert provider.wait_closed(30)
    assert provider.closed_early == 1


def test_an_error_before_the_first_chunk_is_the_status(provider: ReplayServer, served: tuple[int, Server]) -> None:
    provider.fail(429)
    assert ask(served[0], "/chat/stream", {"input": "hi"}).status == 429


def test_sigterm_ends_open_streams_with_one_event(served: tuple[int, Server]) -> None:
    port, server = served
    clients = [RawClient(port).post("/endless/stream", {"input": ""}) for _ in range(20)]
    for client in clients:
        client.read_until(b'"first"')
    server.send_signal(signal.SIGTERM)
    for client in clients:
        text = client.read_all()
        assert text.count(b"event: error") == 1
        assert b'"code":"shutdown"' in text
        assert text.endswith(b"0\r\n\r\n")
        client.leave()
    _, errors = server.communicate(timeout=60)
    assert "Traceback" not in errors
