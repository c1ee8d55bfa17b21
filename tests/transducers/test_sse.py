"""Bytes of a server-sent event stream become events, wherever the stream is split."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from prill.transducers.sse import ServerSentEvent, SSEDecoder


def decode(*chunks: bytes) -> list[ServerSentEvent]:
    decoder = SSEDecoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events + decoder.finish()


def data(*chunks: bytes) -> list[bytes]:
    return [event.data for event in decode(*chunks)]


STREAM = (
    '\ufeffretry: 250\nid: 7\ndata: eins\ndata:zwei\n\n: ping\n\nevent: 消息\ndata: {"text": "日本"}\n\n'
    "event: lost\n\nid\ndata\n\ndata: [DONE]\n\n"
)
EVENTS = [
    ServerSentEvent(None, b"eins\nzwei", "7", 250),
    ServerSentEvent("消息", '{"text": "日本"}'.encode(), "7"),
    ServerSentEvent(None, b"", ""),
    ServerSentEvent(None, b"[DONE]", ""),
]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_each_line_end_and_each_split_gives_the_same_events(end: str, size: int) -> None:
    stream = STREAM.replace("\n", end).encode()
    assert decode(*(stream[i : i + size] for i in range(0, len(stream), size))) == EVENTS


@settings(max_examples=60)
@given(st.lists(st.sampled_from(["data: ä", "data:b", ": c", "event: e", "id: 1", "retry: 5", "", "odd"])), st.data())
def test_any_split_gives_what_the_whole_gives(lines: list[str], draw: st.DataObject) -> None:
    ends = draw.draw(st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=len(lines), max_size=len(lines)))
    stream = "".join(line + end for line, end in zip(lines, ends, strict=True)).encode()
    assume(stream.count(b"\r\n") == ends.count("\r\n"))  # a CR before an empty line's LF is a CRLF, one line end
    cuts = sorted(draw.draw(st.sets(st.integers(0, len(stream)))))
    chunks = [stream[i:j] for i, j in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    normal = "".join(line + "\n" for line in lines).encode()
    assert decode(*chunks) == decode(stream) == decode(normal)


def test_an_event_is_handed_out_as_soon_as_its_blank_line_has_begun() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: a\r\n\r") == [ServerSentEvent(None, b"a")]
    assert decoder.feed(b"\n") == []
    assert decoder.feed(b"data: b\n\n") == [ServerSentEvent(None, b"b")]


def test_an_event_without_its_last_blank_line_is_returned_and_marked() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b'data: {"a": 1}') == []
    assert decoder.finish() == [ServerSentEvent(None, b'{"a": 1}')]
    assert decoder.unfinished


def test_a_stream_that_ends_in_order_is_not_marked() -> None:
    decoder = SSEDecoder()
    decoder.feed(b"data: a\n\n: bye")
    assert decoder.finish() == []
    assert not decoder.unfinished
    assert decoder.comments == 1


def test_a_blank_line_that_ends_the_last_event_without_line_end_of_its_own_is_not_needed() -> None:
    assert data(b"data: a\n\ndata: b\n") == [b"a", b"b"]


def test_only_one_space_after_the_colon_is_taken_away() -> None:
    assert data(b"data:  a \n\n") == [b" a "]


def test_an_event_name_does_not_outlive_its_event() -> None:
    assert [event.event for event in decode(b"event: x\ndata: 1\n\ndata: 2\n\nevent: y\n\ndata: 3\n\n")] == [
        "x", None, None,
    ]  # fmt: skip


def test_a_byte_order_mark_is_skipped_at_the_start_only() -> None:
    bom = b"\xef\xbb\xbf"
    assert data(bom[:1], bom[1:] + b"data: a\n\n" + bom + b"data: b\n\ndata: c\n\n") == [b"a", b"c"]


def test_an_id_with_a_nul_and_a_retry_that_is_no_number_are_ignored() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"id: a\0b\nretry: soon\ndata: x\n\n") == [ServerSentEvent(None, b"x")]
    assert decoder.retry is None


def test_broken_utf8_in_a_name_does_not_raise() -> None:
    assert decode(b"event: \xff\ndata: \xff\n\n") == [ServerSentEvent("\ufffd", b"\xff")]


def test_a_long_line_in_small_pieces_arrives_whole() -> None:
    body = b"0123456789" * 10_000
    stream = b"data: " + body + b"\n\n"
    assert data(*(stream[i : i + 10] for i in range(0, len(stream), 10))) == [body]
