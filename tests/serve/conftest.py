"""A Redis server for the tests that need one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.helpers import require
from tests.serve.redis_server import RedisServer


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """The server of this process. Stores have prefixes of their own in it; it must not be stopped."""
    require("redis-server")
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()
