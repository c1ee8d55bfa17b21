"""Stores of runs, by their kinds, and a Redis server for the tests that need one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.helpers import require, requires
from tests.serve.kinds import Stores
from tests.serve.redis_server import RedisServer

REDIS = pytest.param("redis", marks=requires("redis-server", "redis"))


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """The server of this process. Stores have prefixes of their own in it; it must not be stopped."""
    require("redis-server")
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture(params=["memory", "sqlite", REDIS])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    """Stores of every kind."""
    return Stores(request.param, tmp_path, request)


@pytest.fixture(params=["memory", "sqlite"])
def make_bounded(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    """Stores that bound all runs together; a Redis server has bounds of its own."""
    return Stores(request.param, tmp_path, request)


@pytest.fixture(params=["sqlite", REDIS])
def make_shared(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    """Stores that several processes share."""
    return Stores(request.param, tmp_path, request)
