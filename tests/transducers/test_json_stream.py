"""JSON values one after another, cut into pieces anywhere."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prill.transducers.json_stream import JSONArrayDecoder, JSONLinesDecoder

JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=("Cs",)), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('ab"\\{}[],é', max_size=4), inner, max_size=3),
    max_leaves=8,
)
CUTS = st.lists(st.integers(0, 500), max_size=12)


def decode(decoder: Any, data: bytes, cuts: list[int]) -> list[Any]:
    places = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    events = [event for start, end in pairwise(places) for event in decoder.feed(data[start:end])]
    return [json.loads(event.data) for event in (*events, *decoder.finish())]


@given(values=st.lists(JSON, max_size=6), cuts=CUTS, indent=st.sampled_from([None, 1]), ascii=st.booleans())
def test_the_elements_of_an_array_come_out_however_it_is_cut(
    values: list[Any], cuts: list[int], indent: int | None, ascii: bool
) -> None:
    data = json.dumps(values, indent=indent, ensure_ascii=ascii).encode()
    assert decode(JSONArrayDecoder(), data, cuts) == values


@given(values=st.lists(st.dictionaries(st.text(max_size=3), JSON, max_size=3), max_size=5), cuts=CUTS)
@pytest.mark.parametrize("between", ["", "\n", "\r\n\r\n", " "])
def test_objects_one_after_another_come_out_without_an_array(between: str, values: list[Any], cuts: list[int]) -> None:
    assert decode(JSONArrayDecoder(), between.join(map(json.dumps, values)).encode(), cuts) == values


@given(values=st.lists(JSON, max_size=6), cuts=CUTS, end=st.sampled_from(["\n", "\r\n", "\n\n"]), last=st.booleans())
def test_lines_come_out_however_they_are_cut(values: list[Any], cuts: list[int], end: str, last: bool) -> None:
    data = end.join(map(json.dumps, values)) + (end if last else "")
    assert decode(JSONLinesDecoder(), data.encode(), cuts) == values


def test_an_element_comes_as_soon_as_it_has_ended() -> None:
    decoder = JSONArrayDecoder()
    assert decoder.feed(b'\xef\xbb\xbf\n[{"a": 1') == []
    assert [event.data for event in decoder.feed(b"}")] == [b'{"a": 1}']
    assert decoder.feed(b"\n, 3") == []
    assert [event.data for event in decoder.feed(b",")] == [b"3"]
    assert decoder.feed(b' {"b": 2') == []
    assert [event.data for event in decoder.feed(b"}]")] == [b'{"b": 2}']
    assert decoder.feed(b"anything") == decoder.finish() == []


def test_a_cut_array_gives_the_rest_at_its_end() -> None:
    decoder = JSONArrayDecoder()
    assert decoder.feed(b'[{"a": 1}, {"b": "x') != []
    assert [event.data for event in decoder.finish()] == [b'{"b": "x']


@pytest.mark.parametrize("decoder", [JSONArrayDecoder, JSONLinesDecoder])
def test_many_small_pieces_are_read_in_linear_time(decoder: Any) -> None:
    def spent(size: int) -> float:
        reader, start = decoder(), time.process_time()
        for _ in range(size):
            reader.feed(b'"a\\"b')
        return time.process_time() - start

    spent(1000)
    assert spent(80_000) < 60 * max(spent(8_000), 0.005)


@given(st.binary(max_size=80), CUTS)
@pytest.mark.parametrize("decoder", [JSONArrayDecoder, JSONLinesDecoder])
def test_any_bytes_are_cut_the_same_way_in_any_pieces(decoder: Any, data: bytes, cuts: list[int]) -> None:
    def events(cuts: list[int]) -> list[bytes]:
        reader = decoder()
        places = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
        found = [event for start, end in pairwise(places) for event in reader.feed(data[start:end])]
        return [event.data for event in (*found, *reader.finish())]

    if not b"\xef\xbb\xbf".startswith(data[:1]) or not data:  # a mark that is cut is not one
        assert events(cuts) == events([])
