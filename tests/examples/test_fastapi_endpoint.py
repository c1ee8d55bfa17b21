"""An endpoint whose answer is a stream of server-sent events."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import closing

import pytest
from examples.without_a_key import answer
from tests.examples.conftest import documented
from tests.terminals import PATIENCE

from prill.testing import Faults, Reply


@pytest.fixture
def address(examples) -> Iterator[str]:
    """Where the endpoint is served."""
    with examples.serving("fastapi_endpoint") as address:
        yield address


def connect(address: str) -> closing[http.client.HTTPConnection]:
    return closing(http.client.HTTPConnection(address, timeout=PATIENCE))


def get(address: str, path: str) -> str:
    with connect(address) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        assert response.status == 200
        return response.read().decode()


def test_the_endpoint_streams_tells_errors_and_hangs_up_with_its_reader(address, server):
    assert "<form>" in get(address, "/")

    server.replies(answer)
    beginning, end = documented("fastapi_endpoint").split("…")
    streamed = get(address, "/answer?question=Why+is+the+sky+blue")
    assert streamed.startswith(beginning)
    assert streamed.endswith(f"{end}\n")
    assert server.requests[0].json["messages"][1]["content"] == "Why is the sky blue"

    server.fail(401)
    assert get(address, "/answer?question=why").startswith('event: failure\ndata: "openai answered 401')

    server.queue(Reply(["Blue ", "light"], faults=Faults(stall_at=3)))
    with connect(address) as connection:  # a tab that is closed while the answer goes on
        connection.request("GET", "/answer?question=why")
        response = connection.getresponse()
        assert (response.readline(), response.readline()) == (b"event: token\n", b'data: "Blue "\n')
        assert (server.open_streams, server.closed_early) == (1, 0)
        response.close()
    assert server.wait_closed(PATIENCE)
    assert server.closed_early == 1
