"""A client of the server that misbehaves, and a real server that is reached by HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.helpers import require

from mcp_servers import Asyncio, Blocking, HttpServer, odd
from prill.agents.mcp import MCPClient


@pytest.fixture(params=[Blocking, Asyncio], ids=["blocking", "asyncio"])
def colour(request: pytest.FixtureRequest) -> Any:
    return request.param()


@pytest.fixture
def client() -> Iterator[MCPClient]:
    require("mcp")
    with MCPClient({"odd": odd()}) as made:
        yield made


@pytest.fixture
def tools(client: MCPClient) -> dict[str, Any]:
    return {tool.tool: tool for tool in client.tools()}


@pytest.fixture
def http_server() -> Iterator[HttpServer]:
    require("mcp-server-everything")
    server = HttpServer()
    yield server
    server.kill()
