"""Compressed bodies, whole and damaged, in pieces of any size."""

from __future__ import annotations

import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prill.providers.http.compression import Decompressor, find_decompressor
from prill.providers.http.message import BadBody


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


def read(encoding: str, data: bytes, cuts: list[int] = []) -> bytes:  # noqa: B006 - it is not changed
    decompressor = Decompressor(encoding)
    places = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    pieces = [piece for start, end in pairwise(places) for piece in decompressor.feed(data[start:end])]
    decompressor.finish()
    return b"".join(pieces)


FORMS = {
    "gzip": ("gzip", gzip.compress),
    "two members": ("gzip", lambda data: gzip.compress(data[:5]) + gzip.compress(data[5:])),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
}


@pytest.mark.parametrize("form", FORMS)
@given(data=st.binary(max_size=500), cuts=st.lists(st.integers(0, 600), max_size=6))
def test_a_body_comes_out_as_it_went_in(form: str, data: bytes, cuts: list[int]) -> None:
    encoding, compress = FORMS[form]
    assert read(encoding, compress(data), cuts) == data


@pytest.mark.parametrize(
    "data",
    [b"not compressed", gzip.compress(b"x" * 1000)[:-6], b"\x1f\x8b\x08" + b"\xff" * 40],
    ids=["not compressed", "cut", "damaged"],
)
def test_a_damaged_body_is_a_typed_error(data: bytes) -> None:
    with pytest.raises(BadBody):
        read("gzip", data)


def test_a_small_body_that_is_huge_inside_comes_in_bounded_pieces() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    sizes = [len(piece) for piece in Decompressor("gzip").feed(bomb)]
    assert sum(sizes) == 50_000_000
    assert max(sizes) <= 1024 * 1024


def test_an_event_is_read_when_the_server_flushes_it() -> None:
    stream, decompressor = zlib.compressobj(wbits=zlib.MAX_WBITS | 16), Decompressor("gzip")
    for event in (b"data: 1\n\n", b"data: 2\n\n"):
        sent = stream.compress(event) + stream.flush(zlib.Z_SYNC_FLUSH)
        assert b"".join(decompressor.feed(sent)) == event


def test_a_form_that_was_not_asked_for_is_refused() -> None:
    assert find_decompressor({}) is None
    assert find_decompressor({"content-encoding": "identity"}) is None
    assert find_decompressor({"content-encoding": "x-gzip"}) is not None
    with pytest.raises(BadBody, match="'br'"):
        find_decompressor({"content-encoding": "br"})
