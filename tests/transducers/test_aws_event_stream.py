"""The event streams of AWS: messages made here, by the format's own description, and read back."""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prill.transducers.aws_event_stream import EventStreamDecoder, read_headers


def text(name: str, value: str) -> bytes:
    return bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value.encode())) + value.encode()


def message(payload: bytes, *headers: bytes) -> bytes:
    joined = b"".join(headers)
    start = struct.pack(">II", 16 + len(joined) + len(payload), len(joined))
    start += struct.pack(">I", zlib.crc32(start))
    return start + joined + payload + struct.pack(">I", zlib.crc32(start + joined + payload))


def event(kind: str, payload: bytes) -> bytes:
    return message(payload, text(":message-type", "event"), text(":event-type", kind))


def decode(data: bytes, cuts: list[int]) -> list[tuple[str | None, bytes]]:
    decoder = EventStreamDecoder()
    places = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    events = [event for start, end in pairwise(places) for event in decoder.feed(data[start:end])]
    assert decoder.finish() == []
    assert not decoder.unfinished
    return [(event.event, event.data) for event in events]


KNOWN = bytes.fromhex("0000001000000000 05c248eb 7d98c8ff".replace(" ", ""))
"""The shortest message there is: no headers, no payload."""


def test_the_shortest_message_is_read() -> None:
    assert message(b"") == KNOWN
    assert decode(KNOWN, []) == [(None, b"")]


@given(
    said=st.lists(st.tuples(st.text(min_size=1, max_size=9), st.binary(max_size=60)), max_size=5),
    cuts=st.lists(st.integers(0, 900), max_size=12),
)
def test_messages_come_out_however_they_are_cut(said: list[Any], cuts: list[int]) -> None:
    assert decode(b"".join(event(kind, payload) for kind, payload in said), cuts) == said


def test_every_kind_of_header_is_read() -> None:
    data = b"".join(
        (
            b"\x01a\x00",
            b"\x01b\x01",
            b"\x01c\x02\xff",
            b"\x01d\x03" + struct.pack(">h", -300),
            b"\x01e\x04" + struct.pack(">i", -70_000),
            b"\x01f\x05" + struct.pack(">q", 2**40),
            b"\x01g\x06\x00\x02\x01\x02",
            text("h", "é"),
            b"\x01i\x08" + struct.pack(">q", 1_700_000_000_000),
            b"\x01j\x09" + bytes(range(16)),
        )
    )
    assert read_headers(data) == {
        "a": True,
        "b": False,
        "c": -1,
        "d": -300,
        "e": -70_000,
        "f": 2**40,
        "g": b"\x01\x02",
        "h": "é",
        "i": 1_700_000_000_000,
        "j": UUID(bytes=bytes(range(16))),
    }


def test_an_exception_says_its_kind() -> None:
    thrown = message(b'{"message":"slow"}', text(":message-type", "exception"), text(":exception-type", "throttling"))
    assert decode(thrown, []) == [("exception throttling", b'{"message":"slow"}')]
    error = message(b"", text(":message-type", "error"), text(":error-code", "E1"), text(":error-message", "words"))
    assert decode(error, []) == [("exception E1", b"words")]


def test_a_changed_byte_anywhere_is_noticed() -> None:
    whole = event("chunk", b'{"bytes":"abc"}')
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0x20
        with pytest.raises(ValueError, match=r"checksum|cannot be"):
            EventStreamDecoder().feed(bytes(damaged))


def test_a_cut_stream_is_unfinished() -> None:
    whole = event("chunk", b"payload")
    for end in range(1, len(whole)):
        decoder = EventStreamDecoder()
        assert decoder.feed(whole[:end]) == []
        decoder.finish()
        assert decoder.unfinished


@given(st.binary(min_size=12, max_size=200))
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not an AWS event stream"):
        EventStreamDecoder().feed(data)


@given(st.binary(max_size=60))
def test_damaged_headers_are_a_value_error(data: bytes) -> None:
    try:
        read_headers(data)
    except ValueError:
        return
