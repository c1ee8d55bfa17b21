"""Models that send through clients which a user passes in: of the vendor's SDK, or of httpx."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

import anthropic
import openai
from prill.anthropic import ChatAnthropic
from prill.errors import (
    ConfigError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelRateLimitError,
    ModelTimeoutError,
    StreamErrorEvent,
    StreamInterrupted,
    StreamTimeout,
)
from prill.openai import ChatOpenAI, OpenAI, OpenAIEmbeddings
from prill.providers.http.adapters import map_client_error
from prill.providers.http.message import ConnectionBroken, NotHTTP
from prill.testing import Faults, ReplayServer, Reply
from providers.clients import clients_for, close_clients
from providers.sent import OWN, shown

PIECES = ["one", " two", " three", " four"]


@pytest.fixture(params=["sdk", "httpx"], scope="module")
def way(request: pytest.FixtureRequest) -> str:
    return request.param  # type: ignore[no-any-return]  # a string


@pytest.fixture(params=[ChatOpenAI, ChatAnthropic], ids=["openai", "anthropic"], scope="module")
def given(request: pytest.FixtureRequest, way: str, replay_server: ReplayServer) -> Iterator[tuple[type[Any], Any]]:
    """A class, and settings that make it send through clients; making those takes long."""
    url = replay_server.anthropic_url if request.param is ChatAnthropic else replay_server.openai_url
    settings = {"model": "model-1", "base_url": url, "api_key": "sk-of-the-client-012345", "max_retries": 0}
    settings |= clients_for(way, request.param, settings)
    yield request.param, settings
    close_clients(request.param(**settings))


@pytest.fixture
def make(given: tuple[type[Any], Any], server: ReplayServer) -> Any:
    cls, settings = given
    return lambda **more: cls(**{**settings, **more})


def text_of(chunks: Any) -> str:
    return "".join(str(chunk.text) for chunk in chunks)


def test_it_answers_whole_and_streamed(make: Any, server: ReplayServer, colour: Any) -> None:
    server.replies(lambda seen: Reply(PIECES))
    model = make()
    assert colour.invoke(model).text == "".join(PIECES)
    assert text_of(colour.stream(model)) == "".join(PIECES)
    assert [seen.json["stream"] for seen in server.requests] == [False, True]
    assert {seen.headers["authorization"] for seen in server.requests} == {"Bearer sk-of-the-client-012345"}


@pytest.mark.parametrize("verb", ["invoke", "stream"])
def test_a_status_is_a_typed_error(verb: str, make: Any, server: ReplayServer, colour: Any) -> None:
    server.fail(401, error_message="wrong sk-of-the-client-012345")
    with pytest.raises(ModelAuthenticationError) as caught:
        getattr(colour, verb)(make())
    assert "sk-of-the-client" not in str(caught.value) or make().client is not None
    assert caught.value.request_id


@pytest.mark.parametrize("verb", ["invoke", "stream"])
def test_it_asks_as_often_as_the_model_says(verb: str, make: Any, server: ReplayServer, colour: Any) -> None:
    server.fail(429, times=9, retry_after=0.01)
    with pytest.raises(ModelRateLimitError, match="asked 3 times"):
        getattr(colour, verb)(make(max_retries=2))
    assert server.request_count == 3


def test_a_stream_that_breaks_carries_what_had_arrived(make: Any, server: ReplayServer, colour: Any) -> None:
    server.queue(Reply(PIECES, faults=Faults(cut_after_events=5)))
    with pytest.raises(StreamInterrupted) as caught:
        colour.stream(make())
    assert "one" in str(caught.value.partial.text)
    server.queue(Reply(PIECES, faults=Faults(error_event=4)))
    with pytest.raises(StreamErrorEvent):
        colour.stream(make())


def test_a_stream_that_stalls_is_ended(make: Any, server: ReplayServer, colour: Any) -> None:
    server.queue(Reply(PIECES, faults=Faults(stall_at=5)))
    with pytest.raises(StreamTimeout, match="no chunk after the first"):
        colour.stream(make(stream_idle_timeout=0.3))
    server.queue(Reply(PIECES, faults=Faults(first_delay=2)))
    with pytest.raises(StreamTimeout, match="no first chunk"):
        colour.stream(make(first_chunk_timeout=0.3))


def test_an_answer_that_does_not_come_in_time_is_a_timeout(make: Any, server: ReplayServer, colour: Any) -> None:
    server.queue(Reply(PIECES, faults=Faults(first_delay=2)))
    with pytest.raises(ModelTimeoutError):
        colour.invoke(make(timeout=0.3))


def test_a_stream_that_is_left_is_closed_at_the_server(make: Any, server: ReplayServer) -> None:
    server.replies(lambda seen: Reply(["tok "] * 50, faults=Faults(pace=0.02)))
    model = make()
    stream = model.stream("Hi")
    next(stream)
    stream.close()
    assert server.wait_closed(10)
    assert server.closed_early == 1

    async def leave() -> None:
        asynchronous = model.astream("Hi")
        await anext(asynchronous)
        await asynchronous.aclose()
        assert await asyncio.to_thread(server.wait_closed, 10)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(leave())
    assert server.closed_early == 2


@pytest.mark.parametrize("name", ["openai queries", "openai extra headers", "anthropic betas", "anthropic extras"])
@pytest.mark.parametrize("way", ["sdk", "httpx"])
def test_headers_and_queries_are_sent_too(name: str, way: str, server: ReplayServer, colour: Any) -> None:
    cls, settings, arguments = OWN[name]
    url = server.anthropic_url if "anthropic" in name else server.openai_url
    given = {"model": "model-1", "base_url": url, "api_key": "sk-1234567", "max_retries": 0, **settings}
    seen: list[Any] = []
    for clients in ({}, clients_for(way, cls, given)):
        model = cls(**given, **clients)
        colour.invoke(model, "Hi", **arguments)
        seen.append(shown(server.requests[-1], digested=False))
        model.close()
        close_clients(model)
    assert seen[0] == seen[1]


def test_embeddings_and_completions_go_through_a_client_too(server: ReplayServer, colour: Any) -> None:
    with openai.OpenAI(base_url=server.openai_url, api_key="sk-1") as client:
        assert OpenAI(client=client).invoke("Hi there") == "Hi there"
        assert len(OpenAIEmbeddings(client=client).embed_query("Hi")) == 1536


def test_a_client_needs_no_key_and_no_address(server: ReplayServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with openai.OpenAI(base_url=server.openai_url, api_key="sk-1") as client:
        assert ChatOpenAI(client=client).invoke("Hi").content == "Hi"
        assert ChatOpenAI(client=client.chat.completions).invoke("Hi").content == "Hi"  # a part of it, as in LangChain
    with pytest.raises(ConfigError, match="clients of the vendor's SDK, not object"):
        ChatOpenAI(client=object()).invoke("Hi")


def test_azure_is_reached_by_its_own_client(server: ReplayServer) -> None:
    client = openai.AzureOpenAI(
        azure_endpoint=server.url, api_version="2025-01-01", azure_ad_token_provider=lambda: "t"
    )
    with client:
        assert ChatOpenAI(client=client, model="dep").invoke("Hi").content == "Hi"
    seen = server.requests[0]
    assert (seen.path, seen.query) == ("/openai/deployments/dep/chat/completions", "api-version=2025-01-01")
    assert seen.headers["authorization"] == "Bearer t"


def _token() -> str:
    return "t"


def test_vertex_is_asked_by_its_own_client(server: ReplayServer) -> None:
    with anthropic.AnthropicVertex(base_url=server.url, region="r", project_id="p", access_token="t") as client:
        with pytest.raises(LookupError):  # the server here does not speak at that address
            ChatAnthropic(client=client, model="claude", max_retries=0).invoke("Hi")
    assert server.requests[0].path == "/projects/p/locations/r/publishers/anthropic/models/claude:rawPredict"


def test_a_host_that_is_down_is_told_through_a_client_too() -> None:
    with httpx2.Client() as http:
        with pytest.raises(ModelConnectionError):
            ChatOpenAI(base_url="http://127.0.0.1:1/v1", api_key="sk-1", http_client=http, max_retries=0).invoke("Hi")
    with openai.OpenAI(base_url="http://127.0.0.1:1/v1", api_key="sk-1") as client:
        with pytest.raises(ModelConnectionError):
            ChatOpenAI(client=client, max_retries=0).invoke("Hi")


def test_an_error_in_a_users_hook_is_the_users(server: ReplayServer) -> None:
    def hook(request: Any) -> None:
        raise KeyError("mine")

    with httpx2.Client(event_hooks={"request": [hook]}) as http, pytest.raises(KeyError, match="mine"):
        ChatOpenAI(base_url=server.openai_url, api_key="sk-1", http_client=http).invoke("Hi")


def test_a_clients_time_is_its_own_unless_the_model_sets_one(server: ReplayServer) -> None:
    with openai.OpenAI(base_url=server.openai_url, api_key="sk-1", timeout=0.2) as client:
        server.queue(Reply(["x"], faults=Faults(first_delay=2)))
        started = time.monotonic()
        with pytest.raises(ModelTimeoutError):
            ChatOpenAI(client=client, max_retries=0).invoke("Hi")
        assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "text", ["peer closed connection without sending complete message body", "Server disconnected"]
)
def test_a_server_that_leaves_is_a_lost_connection_and_not_another_protocol(text: str) -> None:
    assert isinstance(map_client_error(httpx2.RemoteProtocolError(text)), ConnectionBroken)
    assert isinstance(map_client_error(httpx2.RemoteProtocolError("illegal status line")), NotHTTP)
