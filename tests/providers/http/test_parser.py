"""Responses, cut into pieces in every way, and what is not HTTP."""

from __future__ import annotations

import contextlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prill.providers.http.message import ConnectionBroken, NotHTTP, TransportError
from prill.providers.http.parser import MAX_HEAD_BYTES, ResponseParser


def parse(data: bytes, cuts: list[int] | None = None) -> ResponseParser:
    parser = ResponseParser()
    places = [0, *sorted({cut % (len(data) + 1) for cut in cuts or ()}), len(data)]
    for start, end in pairwise(places):
        if start < end:
            parser.feed(data[start:end])
    if not parser.ended:
        parser.feed_eof()
    return parser


CHUNKED = (
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Id: a\r\n\r\n"
    b'5;ext="x"\r\nhello\r\n006\r\n world\r\n0\r\nX-Trailer: t\r\n\r\n'
)
WHOLE = {
    "chunked": (CHUNKED, b"hello world", True),
    "with a length": (b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\nX-Id: a\r\n\r\nhello world", b"hello world", True),
    "until the end": (b"HTTP/1.1 200 OK\r\nX-Id: a\r\n\r\nhello world", b"hello world", False),
    "of version 1.0": (b"HTTP/1.0 200 OK\r\nX-Id: a\r\nContent-Length: 3\r\n\r\nabc", b"abc", False),
    "of 1.0, kept alive": (
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nX-Id: a\r\nContent-Length: 3\r\n\r\nabc",
        b"abc",
        True,
    ),
    "closing": (b"HTTP/1.1 200 OK\r\nConnection: close\r\nX-Id: a\r\nContent-Length: 1\r\n\r\na", b"a", False),
    "without a body": (b"HTTP/1.1 204 None\r\nX-Id: a\r\n\r\n", b"", True),
    "without a reason": (b"HTTP/1.1 200\r\nX-Id: a\r\nContent-Length: 0\r\n\r\n", b"", True),
}


@pytest.mark.parametrize("name", WHOLE)
@given(cuts=st.lists(st.integers(0, 400), max_size=12))
def test_a_response_is_the_same_however_it_is_cut(name: str, cuts: list[int]) -> None:
    data, body, reusable = WHOLE[name]
    parser = parse(data, cuts)
    assert parser.take() == body
    assert parser.headers["x-id"] == "a"
    assert "x-trailer" not in parser.headers
    assert (parser.ended, parser.reusable) == (True, reusable)


@pytest.mark.parametrize("name", ["chunked", "with a length", "closing"])
def test_a_response_that_ends_early_at_any_byte_is_broken(name: str) -> None:
    data = WHOLE[name][0]
    for end in range(len(data)):
        with pytest.raises(ConnectionBroken, match="closed the connection"):
            parse(data[:end])


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=300), max_size=8),
    cuts=st.lists(st.integers(0, 4000), max_size=20),
)
def test_any_body_in_chunks_comes_out_as_it_went_in(pieces: list[bytes], cuts: list[int]) -> None:
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    parser = parse(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n", cuts)
    assert parser.take() == b"".join(pieces)
    assert parser.reusable


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=5))
def test_nonsense_is_a_typed_error(data: bytes, cuts: list[int]) -> None:
    with pytest.raises(TransportError):
        parse(data, cuts)


@given(st.binary(max_size=60), st.lists(st.integers(0, 200), max_size=5))
def test_nonsense_in_the_body_is_an_end_or_a_typed_error(data: bytes, cuts: list[int]) -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    with contextlib.suppress(TransportError):
        assert parse(head + data, cuts).ended


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFFFF\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\na",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
)
def test_what_http_does_not_allow_is_refused(data: bytes) -> None:
    with pytest.raises(NotHTTP):
        parse(data)


def test_endless_headers_are_refused() -> None:
    lines = b"".join(b"x-%d: y\r\n" % number for number in range(MAX_HEAD_BYTES // 8))
    with pytest.raises(NotHTTP, match="bytes of headers"):
        parse(b"HTTP/1.1 200 OK\r\n" + lines, list(range(0, len(lines), 5000)))


def test_one_endless_header_is_refused() -> None:
    size = 2 * MAX_HEAD_BYTES
    with pytest.raises(NotHTTP, match="bytes of headers"):
        parse(b"HTTP/1.1 200 OK\r\nx: " + b"y" * size, list(range(0, size, 5000)))


@pytest.mark.parametrize("extra", [b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil", b"junk", b"\r\n\r\nHTTP"])
@pytest.mark.parametrize("together", [True, False])
def test_a_connection_with_bytes_after_the_response_is_not_used_again(extra: bytes, together: bool) -> None:
    parser = ResponseParser()
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood"
    parser.feed(answer + extra) if together else (parser.feed(answer), parser.feed(extra))
    assert parser.take() == b"good"
    assert parser.ended
    assert not parser.reusable
