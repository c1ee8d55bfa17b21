"""A response's bytes and their limits in time."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import httpcore2
import httpx2
import pytest
from tests.helpers import threads

from prill.errors import StreamTimeout
from prill.io import BLOCKING, drive_stream
from prill.wire.body import Body
from prill.wire.interrupt import InterruptibleBackend, InterruptibleStream

LONG = 30.0


class Wire(httpx2.SyncByteStream):
    """What is read from a connection, whose other end is ``peer``."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.stream: InterruptibleStream = InterruptibleBackend().connect_tcp(*server.getsockname())
            self.peer, _ = server.accept()
        self.timeout: float | None = LONG

    def __iter__(self) -> Iterator[bytes]:
        while True:
            try:
                data = self.stream.read(1000, self.timeout)
            except httpcore2.ReadTimeout as error:
                raise httpx2.ReadTimeout("too late") from error
            if not data:
                return
            yield data

    def close(self) -> None:
        self.stream.close()

    def body(self, **limits: Any) -> Iterator[bytes]:
        response = httpx2.Response(200, stream=self, extensions={"network_stream": self.stream})
        return drive_stream(Body(response, BLOCKING, **limits).pieces())


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    yield wire
    wire.peer.close()
    wire.close()


def test_bytes_come_as_they_arrive_and_end_with_the_response(wire: Wire) -> None:
    pieces = wire.body()
    for data in (b"one", b"two"):
        wire.peer.send(data)
        assert next(pieces) == data
    wire.peer.close()
    assert list(pieces) == []


def test_a_stalled_read_ends_at_its_limit_without_a_thread_of_its_own(wire: Wire) -> None:
    before = threads()
    pieces = wire.body(first_timeout=0.1)
    wire.peer.send(b": a greeting")
    assert next(pieces) == b": a greeting"
    assert not threads() - before
    with pytest.raises(StreamTimeout, match="no first chunk of content within"):
        next(pieces)


def test_a_read_that_is_late_for_another_reason_is_no_stall(wire: Wire) -> None:
    """The client's own read timeout is shorter than the limit."""
    wire.timeout = 0.05
    with pytest.raises(httpx2.ReadTimeout):
        next(wire.body(idle_timeout=LONG))


def test_what_has_come_is_read_however_late_it_is(wire: Wire) -> None:
    pieces = wire.body(idle_timeout=0.05)
    wire.peer.send(b"one")
    time.sleep(0.1)  # a slow consumer is no slow server
    assert next(pieces) == b"one"


def test_a_read_without_a_limit_is_not_bounded_by_the_one_before(wire: Wire) -> None:
    wire.stream.deadline = time.monotonic() - 1
    with pytest.raises(httpcore2.ReadTimeout):
        wire.stream.read(10, None)
    wire.stream.deadline = None
    wire.peer.send(b"one")
    assert wire.stream.read(10, LONG) == b"one"
