"""The sum of a stream so far is what adding all its chunks gives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prill.messages import AIMessageChunk
from prill.runnables.engine.accumulator import Accumulator
from prill.runnables.engine.chunks import AddableDict, StreamRestart, join

PIECE = {"name": None, "args": "{", "id": None, "index": 0}

chunks = st.one_of(
    st.builds(AIMessageChunk, content=st.sampled_from(["", "a", "bc"]), id=st.sampled_from([None, "1", "2"])),
    st.builds(AIMessageChunk, content=st.just("x"), response_metadata=st.just({"model": "m"})),
    st.builds(AIMessageChunk, content=st.just(""), tool_call_chunks=st.just([PIECE])),
    st.builds(AIMessageChunk, content=st.just([{"type": "text", "text": "y", "index": 0}])),
    st.builds(AIMessageChunk, content=st.just("z"), extra=st.just(1)),
)


def sum_of(messages: list[Any]) -> Any:
    so_far = Accumulator()
    for message in messages:
        so_far.add(message)
    return so_far.value()


@settings(max_examples=60)
@given(st.lists(chunks, min_size=1, max_size=8))
def test_the_sum_is_that_of_all_chunks_at_once(messages: list[AIMessageChunk]) -> None:
    assert sum_of(messages) == join(messages)


def test_a_long_text_is_kept_whole() -> None:
    messages = [AIMessageChunk(content=f"{index} ", id="1") for index in range(1500)]
    assert sum_of(messages) == join(messages)


def test_asking_for_the_sum_does_not_end_it() -> None:
    so_far = Accumulator()
    for text in ("a", "b"):
        so_far.add(AIMessageChunk(content=text))
        so_far.value()
    so_far.add(AIMessageChunk(content="c"))
    assert so_far.value().content == "abc"
    so_far.clear()
    assert so_far.value() is None
    assert so_far.count == 3


pieces = st.one_of(
    st.lists(st.text(max_size=3), min_size=1, max_size=80),
    st.lists(st.lists(st.integers(), max_size=2), min_size=1, max_size=80),
    st.lists(
        st.builds(AddableDict, st.dictionaries(st.sampled_from("ab"), st.text(max_size=2))), min_size=1, max_size=80
    ),
    st.lists(st.integers(), min_size=1, max_size=80),
    st.lists(chunks, min_size=30, max_size=80),
)


@settings(max_examples=60)
@given(pieces)
def test_of_any_chunks_it_is_that_of_all_at_once(many: list[Any]) -> None:
    assert sum_of(many) == join(many)


def test_a_marker_takes_back_what_was_put_together_long_before() -> None:
    before = [str(number) for number in range(100)]
    assert sum_of([*before, StreamRestart(2, ValueError()), "a", *"b" * 50]) == "a" + "b" * 50


def test_the_chunks_are_counted_whatever_is_done_with_them() -> None:
    so_far = Accumulator()
    for number in range(1, 101):
        so_far.add("x")
        if number % 7 == 0:
            so_far.value()
        if number % 30 == 0:
            so_far.clear()
        assert so_far.count == number
    assert so_far.value() == "x" * 10


def test_chunks_that_cannot_be_added_are_an_error_for_who_asks_alone() -> None:
    class Stubborn:
        def __add__(self, other: Any) -> Any:
            raise ValueError("no")

    so_far = Accumulator()
    for _ in range(2000):
        so_far.add(Stubborn())
    assert so_far.count == 2000
    with pytest.raises(ValueError, match="no"):
        so_far.value()
