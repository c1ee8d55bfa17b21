"""StrOutputParser: the text of messages, chunk by chunk."""

from typing import Any

import langchain_core.messages as peer_messages
import langchain_core.output_parsers as peer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prill.errors import CompositionError
from prill.messages.ai import AIMessage, AIMessageChunk
from prill.output_parsers import StrOutputParser
from prill.outputs import GenerationChunk

contents = st.lists(
    st.one_of(
        st.text(max_size=5),
        st.lists(
            st.one_of(
                st.text(max_size=3),
                st.fixed_dictionaries({"type": st.just("text"), "text": st.text(max_size=3)}),
                st.just({"type": "image_url", "image_url": "x"}),
            ),
            max_size=3,
        ),
    ),
    max_size=5,
)


@settings(max_examples=50)
@given(contents)
def test_each_chunk_gives_its_text_as_the_peer_does(contents: list[Any]) -> None:
    ours = StrOutputParser().transform(iter([AIMessageChunk(content) for content in contents]))
    theirs = peer.StrOutputParser().transform(iter([peer_messages.AIMessageChunk(content) for content in contents]))
    assert list(ours) == list(theirs)


def test_texts_messages_and_generations_are_taken(colour: Any) -> None:
    chunks = ["a", AIMessageChunk("b"), AIMessage("c"), GenerationChunk(text="d"), ""]
    assert colour.stream(StrOutputParser(), chunks) == ["a", "b", "c", "d", ""]
    assert [colour.invoke(StrOutputParser(), chunk) for chunk in chunks] == ["a", "b", "c", "d", ""]


def test_the_text_of_blocks_is_plain_text() -> None:
    [text] = StrOutputParser().transform(iter([AIMessageChunk([{"type": "text", "text": "a"}])]))
    assert type(text) is str


def test_a_chunk_leaves_before_the_next_is_asked_for_and_leaving_closes_the_source(tracked: Any) -> None:
    source = tracked([AIMessageChunk("a"), AIMessageChunk("b"), AIMessageChunk("c")])
    stream = StrOutputParser().transform(iter(source))
    for number, text in enumerate(stream, 1):
        assert (text, source.asked) == ("abc"[number - 1], number)
        if number == 2:
            break
    stream.close()  # type: ignore[attr-defined]  # iterators of ours are generators
    assert source.closed
    assert source.asked == 2


def test_what_has_no_text_is_refused(colour: Any) -> None:
    with pytest.raises(CompositionError, match="got int"):
        colour.stream(StrOutputParser(), [1])


def test_a_subclass_that_overrides_parse_is_obeyed_chunk_by_chunk(colour: Any) -> None:
    class Upper(StrOutputParser):
        def parse(self, text: str) -> str:
            return text.upper()

    assert colour.stream(Upper(), [AIMessageChunk("a"), AIMessageChunk("b")]) == ["A", "B"]
    assert colour.invoke(Upper(), AIMessage("ab")) == "AB"


def test_its_kind_is_the_peers() -> None:
    assert StrOutputParser().asdict() == {"name": None, "_type": "default"}
    assert StrOutputParser().parse_result([GenerationChunk(text="x")]) == "x"
