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
from providers.clients import CONNECTING, Clients, clients_for

PEERS = ("langchain-core", "langchain", "langchain-openai", "langchain-anthropic", "langgraph")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--way", default="own", help="how models send: own, or sdk or httpx, through clients passed in")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the models of modules with ``TRIED_WAYS`` in each of these, where no option says in which."""
    ways = getattr(metafunc.module, "TRIED_WAYS", None)
    if (
        ways
        and "way" in metafunc.fixturenames
        and "own_way" not in metafunc.fixturenames
        and metafunc.config.getoption("way") == "own"
    ):
        metafunc.parametrize("way", ways, indirect=True)


def pytest_report_header() -> str:
    return "compared with: " + ", ".join(f"{name} {version(name)}" for name in PEERS)


# Examples take as long as the machine lets them, and none of them changes what a fixture gives.
settings.register_profile(
    "prill", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.load_profile("prill")

_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse names of tests that differ from process to process: workers that share the tests must know the same."""
    if config.getoption("way") != "own":
        items[:] = [item for item in items if "own_way" not in getattr(item, "fixturenames", ())]
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


@pytest.fixture
def way(request: pytest.FixtureRequest) -> str:
    """How the models of a test send their requests: as the option ``--way`` says, or the modules that try several."""
    given: str = getattr(request, "param", None) or request.config.getoption("way")
    return given


@pytest.fixture
def own_way() -> None:
    """For tests of what a model cannot do through a client: be copied, know its address, be freed while it waits.

    They are not collected for other ways.
    """


@pytest.fixture(scope="session")
def kept_clients() -> Iterator[dict[Any, dict[str, Any]]]:
    """The clients that tests have passed in; making one takes long."""
    kept: dict[Any, dict[str, Any]] = {}
    yield kept
    for clients in kept.values():
        for name in ("client", "http_client"):
            if name in clients:
                clients[name].close()


@pytest.fixture
def clients(way: str, kept_clients: dict[Any, dict[str, Any]]) -> Clients:
    """Gives the settings with which a model of a class sends in the way of the test."""

    def settings_for(cls: type[Any], given: dict[str, Any]) -> dict[str, Any]:
        if way == "own" or not CONNECTING.isdisjoint(given):
            return {}
        key = way, cls, given["base_url"], given["api_key"]
        if key not in kept_clients:
            kept_clients[key] = clients_for(way, cls, given)
        return kept_clients[key]

    return settings_for
