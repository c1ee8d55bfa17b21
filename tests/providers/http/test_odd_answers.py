"""Answers cut into pieces in every way, answers of an old or odd form, and bytes that are not HTTP. In both colours."""

from __future__ import annotations

import socket
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prill.providers.http.body import Body
from prill.providers.http.message import ConnectionBroken, NotHTTP, TransportError
from providers.http.conftest import Sender
from providers.http.raw_server import OK, RawServer, Received, saying, with_length

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Id: a\r\nX-Id: b\r\n\r\n"
    b'5;ext="x"\r\nhello\r\n006\r\n world\r\n0\r\nX-Trailer: t\r\n\r\n'
)
WHOLE = {
    "chunked": (CHUNKED, b"hello world"),
    "after an interim one": (b"HTTP/1.1 100 Continue\r\n\r\n" + CHUNKED, b"hello world"),
    "with a length": (with_length(b"hello world", "X-Id: a, b"), b"hello world"),
    "of version 1.0": (b"HTTP/1.0 200 OK\r\nX-Id: a, b\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
    "without a body": (b"HTTP/1.1 204 None\r\nX-Id: a, b\r\n\r\n", b""),
    "without a reason": (b"HTTP/1.1 200\r\nX-Id: a, b\r\nContent-Length: 0\r\n\r\n", b""),
}


def in_pieces(data: bytes, size: int) -> Any:
    def handle(received: Received, connection: socket.socket) -> bool:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(data), size):
            connection.sendall(data[start : start + size])
            time.sleep(0.0005)
        return False

    return handle


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("name", WHOLE)
def test_an_answer_is_the_same_however_it_is_cut(name: str, size: int, colour: Any) -> None:
    async def twice(sender: Sender) -> list[tuple[str, bytes]]:
        said = []
        for _ in range(2):
            answer = await sender.send()
            assert "x-trailer" not in answer.headers
            said.append((answer.headers["x-id"], await Body(answer).read_all()))
        return said

    data, body = WHOLE[name]
    with RawServer(in_pieces(data, size)) as server:
        assert colour.run(server.url, twice) == [("a, b", body)] * 2


@settings(max_examples=40)
@given(
    chunks=st.lists(
        st.tuples(st.binary(min_size=1, max_size=300), st.sampled_from(["", ";x", ';x="a;b"'])), max_size=6
    ),
    zeros=st.integers(0, 4),
    upper=st.booleans(),
    trailer=st.sampled_from([b"", b"x-t: 1\r\n", b"x-t: 1\r\nx-u: 2\r\n"]),
    cuts=st.lists(st.integers(0, 3000), max_size=8),
)
def test_chunks_of_any_size_and_form_are_read_however_they_are_cut(
    chunks: list[tuple[bytes, str]], zeros: int, upper: bool, trailer: bytes, cuts: list[int], colour: Any
) -> None:
    """Sizes in both cases, with zeros before them and extensions behind them (RFC 9112, section 7.1)."""
    form = "X" if upper else "x"
    lines = [f"{'0' * zeros}{len(data):{form}}{extra}\r\n".encode() + data + b"\r\n" for data, extra in chunks]
    body = b"".join([*lines, b"0" * (zeros + 1), b"\r\n", trailer, b"\r\n"])
    answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + body
    places = [0, *sorted({cut % len(answer) for cut in cuts}), len(answer)]

    def handle(received: Received, connection: socket.socket) -> bool:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start, end in pairwise(places):
            connection.sendall(answer[start:end])
        return False

    async def twice(sender: Sender) -> list[tuple[int, bytes]]:
        return [await sender.ask() for _ in range(2)]

    with RawServer(handle) as server:
        assert colour.run(server.url, twice) == [(200, b"".join(data for data, _ in chunks))] * 2
        assert server.connections == 1


@pytest.mark.parametrize("data", [CHUNKED, with_length(b"hello world")], ids=["chunked", "with a length"])
def test_an_answer_that_ends_early_at_any_byte_is_broken(data: bytes, colour: Any) -> None:
    sent = [0]

    def cut(received: Received, connection: socket.socket) -> bool:
        connection.sendall(data[: sent[0]])
        return True

    async def all_of_them(sender: Sender) -> None:
        for end in range(len(data)):
            sent[0] = end
            with pytest.raises((ConnectionBroken, NotHTTP)):
                await sender.ask()

    with RawServer(cut) as server:
        colour.run(server.url, all_of_them)


def test_what_came_before_the_connection_broke_is_read(colour: Any) -> None:
    def cut(received: Received, connection: socket.socket) -> bool:
        connection.sendall(CHUNKED[: CHUNKED.index(b"006")])
        return True

    async def read_late(sender: Sender) -> bytes:
        answer = await sender.send()
        await colour.io().sleep(0.2)  # both the bytes and the end have come
        data = await answer.read(None)
        for _ in range(2):
            with pytest.raises(ConnectionBroken, match="inside the answer"):
                await answer.read(None)
        await answer.aclose()
        return bytes(data)

    with RawServer(cut) as server:
        assert colour.run(server.url, read_late) == b"hello"


def test_a_part_of_a_chunk_is_passed_on_before_the_rest_comes(colour: Any) -> None:
    def wait(received: Received, connection: socket.socket) -> bool:
        connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\nstart")
        connection.recv(1)  # until the client leaves
        return True

    async def read(sender: Sender) -> bytes:
        answer = await sender.send()
        data = await answer.read(None)
        await answer.aclose()
        return bytes(data)

    with RawServer(wait) as server:
        assert colour.run(server.url, read) == b"start"


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhelloworld\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"\x16\x03\x01\x02\x00\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 300_000 + b"\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: y\r\n" % n for n in range(50_000)) + b"content-length: 0\r\n\r\n",
    ],
    ids=["no size", "a wrong size", "another protocol", "TLS", "no status", "a long header", "many headers"],
)
def test_what_http_does_not_allow_is_a_failure(data: bytes, colour: Any) -> None:
    with RawServer(saying(data, close=True)) as server, pytest.raises(TransportError) as caught:
        colour.run(server.url, Sender.ask)
    assert len(str(caught.value)) < 300


def test_no_cookie_is_kept_and_no_header_is_made_up(colour: Any) -> None:
    async def twice(sender: Sender) -> None:
        for _ in range(2):
            await sender.ask(headers={"x-key": "a"})

    with RawServer(saying(with_length(b"{}", "set-cookie: a=b"))) as server:
        colour.run(server.url, twice)
    for received in server.requests:
        assert set(received.headers) - {"host", "content-length"} == {"x-key"}


def test_an_address_is_sent_as_it_is_written(colour: Any) -> None:
    with RawServer(saying(OK)) as server:
        colour.run(server.url, lambda sender: sender.ask("/v1/a%2Fb%20c:d", query="q=%41&r=a%2Bb+c"))
    assert server.requests[0].line == "POST /v1/a%2Fb%20c:d?q=%41&r=a%2Bb+c HTTP/1.1"
