"""Nothing that a server does makes a model send its secrets elsewhere, wait for ever, or hold a body without end."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from prill.anthropic import ChatAnthropic
from prill.errors import MalformedResponseError, ModelError, ModelTimeoutError, StreamTimeout
from prill.openai import ChatOpenAI
from prill.providers import reading
from providers.http.raw_server import RawServer, Received, saying, with_length

KEY = "sk-DONOTSHOW-0123456789"


@pytest.fixture(params=[ChatOpenAI, ChatAnthropic])
def make(request: pytest.FixtureRequest) -> Any:
    def make(url: str, **settings: Any) -> Any:
        return request.param(model="m", base_url=url, max_retries=0, **{"api_key": KEY, **settings})

    return make


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
@pytest.mark.parametrize("settings", [{}, {"default_headers": {"x-api-key": KEY}}, {"default_query": {"key": KEY}}])
def test_no_secret_follows_a_redirect_to_another_host(make: Any, status: str, settings: Any) -> None:
    with RawServer(saying(with_length(b"{}"))) as other:
        there = f"location: http://localhost:{other.port}/v1/chat/completions"
        with RawServer(saying(with_length(b"", there, status=status))) as server:
            model = make(server.url, **settings)
            for call in (lambda: model.invoke("Hi"), lambda: list(model.stream("Hi"))):
                with pytest.raises(ModelError) as caught:
                    call()
                assert KEY not in str(caught.value)
            model.close()
    assert other.requests == []


def test_an_event_without_an_end_is_an_error_before_memory_is_full(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_EVENT_BYTES", 500_000)

    def pour(received: Received, connection: socket.socket) -> bool:
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: ")
        for _ in range(200):
            connection.sendall(b"x" * 100_000)
        return True

    with RawServer(pour) as server:
        model = make(server.url)
        with pytest.raises(MalformedResponseError, match="longer than 500000 bytes"):
            list(model.stream("Hi"))
        model.close()


def test_the_time_for_the_first_chunk_counts_the_wait_for_headers(make: Any) -> None:
    left = threading.Event()

    def say_nothing(received: Received, connection: socket.socket) -> bool:
        left.wait(30)
        return True

    with RawServer(say_nothing) as server:
        model = make(server.url, first_chunk_timeout=0.3)
        with pytest.raises((StreamTimeout, ModelTimeoutError)):
            list(model.stream("Hi"))
        left.set()
        model.close()
