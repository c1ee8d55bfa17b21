"""The sum of a stream so far is what adding all its chunks gives."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from runlet.messages import AIMessageChunk
from runlet.runnables.chunks import SoFar, join

PIECE = {"name": None, "args": "{", "id": None, "index": 0}

chunks = st.one_of(
    st.builds(AIMessageChunk, content=st.sampled_from(["", "a", "bc"]), id=st.sampled_from([None, "1", "2"])),
    st.builds(AIMessageChunk, content=st.just("x"), response_metadata=st.just({"model": "m"})),
    st.builds(AIMessageChunk, content=st.just(""), tool_call_chunks=st.just([PIECE])),
    st.builds(AIMessageChunk, content=st.just([{"type": "text", "text": "y", "index": 0}])),
    st.builds(AIMessageChunk, content=st.just("z"), extra=st.just(1)),
)


def sum_of(messages: list[Any]) -> Any:
    so_far = SoFar()
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
    so_far = SoFar()
    for text in ("a", "b"):
        so_far.add(AIMessageChunk(content=text))
        so_far.value()
    so_far.add(AIMessageChunk(content="c"))
    assert so_far.value().content == "abc"
    so_far.clear()
    assert so_far.value() is None
    assert so_far.count == 3
