"""One server, and a chat model of each vendor that asks it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from prill.anthropic import ChatAnthropic
from prill.openai import ChatOpenAI
from prill.testing import ReplayServer
from providers.clients import clients_for, close_clients

KEY = "sk-very-secret-key-0123456789"

Make = Callable[..., Any]


@pytest.fixture(scope="session")
def running() -> Iterator[ReplayServer]:
    with ReplayServer() as server:
        yield server


@pytest.fixture
def server(running: ReplayServer) -> Iterator[ReplayServer]:
    running.clear()
    yield running
    running.wait_closed(10)
    running.clear()


def openai(server: ReplayServer, **settings: Any) -> Any:
    given = {"model": "gpt-4o", "base_url": server.openai_url, "api_key": KEY, "max_retries": 0}
    return ChatOpenAI(**{**given, **settings})


def responses(server: ReplayServer, **settings: Any) -> Any:
    return openai(server, use_responses_api=True, **settings)


def anthropic(server: ReplayServer, **settings: Any) -> Any:
    given = {"model": "claude-test", "base_url": server.anthropic_url, "api_key": KEY, "max_retries": 0}
    return ChatAnthropic(**{**given, **settings})


@pytest.fixture
def way() -> str:
    """How the model of a test sends its requests: one of ``WAYS``; modules that try all of them say so."""
    return "own"


@pytest.fixture(params=[openai, anthropic, responses], ids=["openai", "anthropic", "responses"])
def make(request: pytest.FixtureRequest, server: ReplayServer, way: str) -> Iterator[Make]:
    """Makes a model of one vendor; its ``provider`` says which."""
    made: list[Any] = []

    def make(**settings: Any) -> Any:
        model = request.param(server, **settings)
        if way != "own" and not {"client", "http_client"} & settings.keys():
            known = {"api_key": KEY, "base_url": model.base_url}
            clients = clients_for(way, type(model), known)
            model = request.param(server, **settings, **clients)
        made.append(model)
        return model

    yield make
    for model in made:
        model.close()
        close_clients(model)


class Blocking:
    def invoke(self, model: Any, input: Any = "Hi", **kwargs: Any) -> Any:
        return model.invoke(input, **kwargs)

    def stream(self, model: Any, input: Any = "Hi", **kwargs: Any) -> list[Any]:
        return list(model.stream(input, **kwargs))


class Asyncio:
    def invoke(self, model: Any, input: Any = "Hi", **kwargs: Any) -> Any:
        return asyncio.run(model.ainvoke(input, **kwargs))

    def stream(self, model: Any, input: Any = "Hi", **kwargs: Any) -> list[Any]:
        async def all_of_it() -> list[Any]:
            return [chunk async for chunk in model.astream(input, **kwargs)]

        return asyncio.run(all_of_it())


@pytest.fixture(params=[Blocking(), Asyncio()], ids=["blocking", "asyncio"])
def colour(request: pytest.FixtureRequest) -> Any:
    return request.param
