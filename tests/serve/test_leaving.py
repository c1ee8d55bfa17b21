"""Clients that leave or stall: the run ends, up to the provider's socket."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.routing import Mount
from tests.helpers import eventually
from tests.serve.chains import ask, events
from tests.serve.clients import RawClient
from tests.serve.serving import Served, serving

from prill.openai import ChatOpenAI
from prill.output_parsers import StrOutputParser
from prill.runnables import RunnableGenerator, RunnableLambda
from prill.serve import App, Settings
from prill.testing import Faults, ReplayServer


@pytest.fixture
def provider() -> Iterator[ReplayServer]:
    with ReplayServer() as provider:
        yield provider


def chat(provider: ReplayServer) -> Any:
    return ChatOpenAI(model="m", base_url=provider.openai_url, api_key="k", max_retries=0) | StrOutputParser()


@pytest.fixture
def server(provider: ReplayServer) -> Iterator[Served]:
    app = App(settings=Settings(first_chunk_wait=60))
    app.add("/chat", chat(provider))
    with serving(app) as served:
        yield served


HANGING = Faults(stall_at=2)
SILENT = Faults(stall_at=0)


def test_leaving_a_stream_closes_the_providers_connection(provider: ReplayServer, server: Served) -> None:
    provider.reply("one", " two", faults=HANGING)
    with RawClient(server.port) as client:
        client.post("/chat/stream", {"input": "hi"}).read_until(b'"one"')
    assert provider.wait_closed(30)
    assert provider.closed_early == 1


@pytest.mark.parametrize("path", ["stream", "stream_events", "stream_log", "invoke"])
def test_leaving_before_the_first_chunk_closes_the_providers_connection(
    provider: ReplayServer, server: Served, path: str
) -> None:
    provider.reply("one", faults=SILENT)
    with RawClient(server.port) as client:
        client.post(f"/chat/{path}", {"input": "hi"})
        assert provider.wait_requests(1, 30)
    assert provider.wait_closed(30)
    assert provider.closed_early == 1


def test_leaving_a_batch_closes_all_of_the_providers_connections(provider: ReplayServer, server: Served) -> None:
    for _ in range(3):
        provider.reply("one", faults=SILENT)
    with RawClient(server.port) as client:
        client.post("/chat/batch", {"inputs": ["a", "b", "c"]})
        assert provider.wait_requests(3, 30)
    assert provider.wait_closed(30)
    assert provider.closed_early == 3


async def pass_on(request: Any, call_next: Any) -> Any:
    return await call_next(request)


@pytest.mark.parametrize("verb", ["stream", "invoke"])
@pytest.mark.parametrize("around", ["mounted", "middleware"])
def test_leaving_is_noticed_inside_of_other_applications(provider: ReplayServer, around: str, verb: str) -> None:
    app = App()
    app.add("/chat", chat(provider))
    middleware = [Middleware(BaseHTTPMiddleware, dispatch=pass_on)] if around == "middleware" else []
    parent = Starlette(routes=[Mount("/in", app)], middleware=middleware)
    provider.reply("one", " two", faults=SILENT)
    with serving(parent) as server:
        with RawClient(server.port) as client:
            client.post(f"/in/chat/{verb}", {"input": "hi"})
            assert provider.wait_requests(1, 30)
        assert provider.wait_closed(30)
    assert provider.closed_early == 1


def test_clients_that_leave_leave_no_tasks_behind(provider: ReplayServer, server: Served) -> None:
    with RawClient(server.port) as client:  # what a first request makes for all others
        client.post("/chat/stream", {"input": "hi"}).read_until(b"event: end")
    before = server.tasks()
    for _ in range(20):
        provider.reply("one", " two", faults=HANGING)
        with RawClient(server.port) as client:
            client.post("/chat/stream", {"input": "hi"}).read_until(b'"one"')
    assert eventually(lambda: server.tasks() <= before)


def test_a_run_that_continues_is_read_to_its_end_by_another_client() -> None:
    gate = threading.Event()

    def count(chunks: Iterator[str]) -> Iterator[str]:
        for number in range(300):
            if number == 3:
                gate.wait(60)
            yield f"{number} "

    app = App()
    app.add("/count", RunnableGenerator(count), on_disconnect="continue")
    with serving(app) as server:
        with RawClient(server.port) as client:
            client.post("/count/stream", {"input": ""}).read_until(b'"2 "')
            first = client.received
        gate.set()
        run_id, _, seen = first.rpartition(b"id: ")[2].partition(b"\n")[0].decode().partition(":")
        rest = ask(server.port, f"/count/runs/{run_id}/stream", headers={"last-event-id": f"{run_id}:{seen}"})
    chunks = [data for kind, data in events(rest.text) if kind == "data"]
    assert chunks == [f"{number} " for number in range(3, 300)]
    assert events(rest.text)[-1] == ("end", None)


def test_a_client_that_does_not_read_is_dropped_and_its_run_closed() -> None:
    closed = threading.Event()

    def flood(chunks: Iterator[str]) -> Iterator[str]:
        try:
            while True:
                yield "x" * 100_000
        finally:
            closed.set()

    app = App(settings=Settings(send_timeout=0.2))
    app.add("/flood", RunnableGenerator(flood))
    with serving(app) as server, RawClient(server.port, receive_buffer=4096) as client:
        client.post("/flood/stream", {"input": ""}).read_until(b"xxx")
        assert closed.wait(60)


def test_silence_is_filled_with_comments_also_before_the_first_chunk() -> None:
    gate = threading.Event()
    app = App(settings=Settings(first_chunk_wait=0.05, keep_alive=0.05))
    app.add("/slow", RunnableLambda(lambda text: gate.wait(60) and text))
    with serving(app) as server, RawClient(server.port) as client:
        client.post("/slow/stream", {"input": "late"})
        before = client.read_until(b": ping\r\n\r\n", 3)
        assert before.startswith(b"HTTP/1.1 200")
        assert b'"late"' not in before
        gate.set()
        text = client.read_until(b"event: end").partition(b"\r\n\r\n")[2].decode()
    assert b"metadata" in before.partition(b": ping")[0]  # the client knows the run's id at once
    assert b'data: "late"' in text.encode()


def test_a_stream_that_flows_has_no_comments() -> None:
    app = App(settings=Settings(keep_alive=5))
    app.add("/fast", RunnableGenerator(lambda_stream))
    with serving(app) as server:
        assert ": ping" not in ask(server.port, "/fast/stream", {"input": ""}).text


def lambda_stream(chunks: Iterator[str]) -> Iterator[str]:
    for number in range(500):
        yield str(number)


def test_a_run_is_stopped_by_its_id_and_its_stream_ends_with_an_event(provider: ReplayServer, server: Served) -> None:
    provider.reply("one", " two", faults=HANGING)
    with RawClient(server.port) as client:
        client.post("/chat/stream", {"input": "hi"}).read_until(b'"one"')
        run_id = client.received.partition(b'"run_id":"')[2].partition(b'"')[0].decode()
        stopped = ask(server.port, f"/chat/runs/{run_id}/stop", {})
        text = client.read_until(b"0\r\n\r\n")
    assert (stopped.status, stopped.json["status"]) == (202, "stopping")
    assert text.count(b"event: error") == 1
    assert b'"code":"stopped"' in text
    assert provider.wait_closed(30)


def test_an_unknown_run_cannot_be_stopped(server: Served) -> None:
    assert ask(server.port, "/chat/runs/nothing/stop", {}).status == 404
