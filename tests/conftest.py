"""One provider for all tests of a process, both colours of a model, and what is checked of every test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from tests.helpers import AsyncioModel, BlockingModel, require

from prill.testing import ReplayServer

PEERS = ("langchain-core", "langchain", "langchain-openai", "langchain-anthropic", "langgraph")


def pytest_report_header() -> str:
    return "compared with: " + ", ".join(f"{name} {version(name)}" for name in PEERS)


# Examples take as long as the machine lets them, and none of them changes what a fixture gives.
settings.register_profile(
    "prill", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.load_profile("prill")

_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse names of tests that differ from process to process: workers that share the tests must know the same."""
    named = [item.nodeid for item in items if _ADDRESS.search(item.nodeid)]
    if named:
        raise pytest.UsageError("Give these parameters ids, since theirs hold addresses:\n" + "\n".join(named))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("requires"):
        for need in mark.args:
            require(need)


@pytest.fixture(scope="session")
def replay_server() -> Iterator[ReplayServer]:
    """The server of this process. Tests use ``server``, or start their own if they stop it or need two."""
    with ReplayServer() as server:
        yield server


@pytest.fixture
def server(replay_server: ReplayServer) -> Iterator[ReplayServer]:
    """A provider that knows nothing of other tests. What its script raises fails the test."""
    yield replay_server
    closed, errors = replay_server.wait_closed(30), replay_server.errors
    replay_server.clear()
    assert closed, "the test ended, and a request of it is still open"
    if errors:
        raise errors[0]


@pytest.fixture
def own_server() -> Iterator[ReplayServer]:
    """A server of this test alone: a request that is given up on its way may arrive when another test has started."""
    with ReplayServer() as server:
        yield server


@pytest.fixture(params=[BlockingModel(), AsyncioModel()], ids=["blocking", "asyncio"])
def colour(request: pytest.FixtureRequest) -> Any:
    """The verbs of a model in one colour."""
    return request.param
