"""Streams through nginx, with the configuration of the examples."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.examples.conftest import EXAMPLES
from tests.helpers import eventually, require
from tests.serve.clients import RawClient
from tests.serve.serving import serving

from prill.runnables import RunnableGenerator
from prill.serve import App


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def gates() -> list[threading.Event]:
    return [threading.Event(), threading.Event()]


@pytest.fixture
def port(tmp_path: Path, gates: list[threading.Event]) -> Iterator[int]:
    """The port of nginx, in front of a chain that says its second word when the first has arrived."""
    require("nginx")

    async def answer(inputs: AsyncIterator[Any]) -> AsyncIterator[str]:
        async for _ in inputs:
            pass
        try:
            yield "first"
            while not gates[0].is_set():  # noqa: ASYNC110 - it is set by another thread
                await asyncio.sleep(0.01)
            yield "second"
        finally:
            gates[1].set()

    app = App()
    app.add("/words", RunnableGenerator(answer))
    with serving(app) as served:
        port = free_port()
        text = (EXAMPLES / "behind_nginx.conf").read_text()
        own = text.replace("127.0.0.1:8000", f"127.0.0.1:{served.port}").replace(":8080", f":{port}")
        (tmp_path / "nginx.conf").write_text(own)
        command = ["nginx", "-p", str(tmp_path), "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off;"]
        environment = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"}
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
            try:
                assert eventually(lambda: listens(port) or process.poll() is not None)
                assert process.poll() is None, process.stderr and process.stderr.read()
                yield port
            finally:
                process.terminate()


def test_an_event_arrives_before_the_next_is_made(port, gates):
    with RawClient(port) as client:
        client.post("/words/stream", {"input": "x"})
        assert b'"second"' not in client.read_until(b'"first"')
        gates[0].set()
        client.read_until(b"event: end")


def test_a_client_that_leaves_ends_the_run_through_nginx(port, gates):
    with RawClient(port) as client:
        client.post("/words/stream", {"input": "x"})
        client.read_until(b'"first"')
    assert gates[1].wait(60)
    assert not gates[0].is_set()
