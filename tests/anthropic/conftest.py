"""What the tests of Anthropic's models share: a server, models that speak to it, and the verbs of both colours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from prill.anthropic import ChatAnthropic
from prill.testing import ReplayServer

KEY = "sk-ant-very-secret"


@pytest.fixture(scope="module")
def shared_server() -> Iterator[ReplayServer]:
    with ReplayServer() as server:
        yield server


@pytest.fixture
def server(shared_server: ReplayServer) -> Iterator[ReplayServer]:
    yield shared_server
    assert shared_server.wait_closed(10)
    shared_server.clear()


@pytest.fixture
def make(server: ReplayServer) -> Iterator[Callable[..., ChatAnthropic]]:
    made: list[ChatAnthropic] = []

    def make(**settings: Any) -> ChatAnthropic:
        settings = {
            "model": "claude-test",
            "base_url": server.anthropic_url,
            "api_key": KEY,
            "max_retries": 0,
        } | settings
        made.append(ChatAnthropic(**settings))
        return made[-1]

    yield make
    for model in made:
        model.close()


@pytest.fixture
def model(make: Callable[..., ChatAnthropic]) -> ChatAnthropic:
    return make()


class Blocking:
    """The blocking verbs."""

    def invoke(self, model: Any, input: Any) -> Any:
        return model.invoke(input)

    def stream(self, model: Any, input: Any) -> list[Any]:
        return list(model.stream(input))

    def generate(self, model: Any, inputs: Any) -> Any:
        return model.generate(inputs)

    def leave_after(self, count: int, model: Any, input: Any) -> None:
        """Take some chunks, then close the stream."""
        stream = model.stream(input)
        for _ in range(count):
            next(stream)
        stream.close()


class Asyncio:
    """The same with the asyncio verbs, each in an event loop of its own."""

    def invoke(self, model: Any, input: Any) -> Any:
        return asyncio.run(model.ainvoke(input))

    def stream(self, model: Any, input: Any) -> list[Any]:
        async def collect() -> list[Any]:
            return [chunk async for chunk in model.astream(input)]

        return asyncio.run(collect())

    def generate(self, model: Any, inputs: Any) -> Any:
        return asyncio.run(model.agenerate(inputs))

    def leave_after(self, count: int, model: Any, input: Any) -> None:
        async def leave() -> None:
            stream = model.astream(input)
            for _ in range(count):
                await anext(stream)
            await stream.aclose()

        asyncio.run(leave())


@pytest.fixture(params=[Blocking(), Asyncio()], ids=["blocking", "asyncio"])
def verbs(request: pytest.FixtureRequest) -> Any:
    """The verbs of one colour, so that each behaviour is tested in both."""
    return request.param
