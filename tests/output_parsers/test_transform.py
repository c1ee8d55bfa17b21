"""Parsers of users that work while the text arrives."""

from typing import Any

import langchain_core.output_parsers as peer
import pytest

from prill.messages.ai import AIMessageChunk
from prill.output_parsers import BaseCumulativeTransformOutputParser, BaseTransformOutputParser
from prill.outputs import ChatGenerationChunk, Generation
from prill.runnables import RunnableLambda


class Upper(BaseTransformOutputParser[str]):
    def parse(self, text: str) -> str:
        return text.upper()


class Words(BaseCumulativeTransformOutputParser[list[str]]):
    def parse(self, text: str) -> list[str]:
        return text.split()

    def _diff(self, prev: list[str] | None, next: list[str]) -> Any:
        return next[len(prev or []) :]


class PeerWords(peer.BaseCumulativeTransformOutputParser[list[str]]):
    def parse(self, text: str) -> list[str]:
        return text.split()

    def _diff(self, prev: list[str] | None, next: list[str]) -> Any:
        return next[len(prev or []) :]


def test_parse_is_called_with_each_chunk(colour: Any) -> None:
    assert colour.stream(Upper(), ["a", "", AIMessageChunk("b")]) == ["A", "", "B"]


def test_in_asyncio_aparse_is_awaited_for_each_chunk(colour: Any) -> None:
    class Both(Upper):
        async def aparse(self, text: str) -> str:
            return f"a{text}"

    expected = ["X", "Y"] if type(colour).__name__ == "Blocking" else ["ax", "ay"]
    assert colour.stream(Both(), ["x", "y"]) == expected


@pytest.mark.parametrize("diff", [False, True])
def test_a_cumulative_parser_gives_each_new_value_as_the_peer_does(colour: Any, diff: bool) -> None:
    chunks = ["a", "b", "", " c", " ", "d"]
    expected = list(PeerWords(diff=diff).transform(iter(chunks)))
    assert colour.stream(Words(diff=diff), chunks) == expected
    assert colour.stream(Words(diff=diff), [AIMessageChunk(chunk) for chunk in chunks]) == expected


def test_values_replace_each_other_for_the_next_step_and_changes_add_up(colour: Any) -> None:
    whole = RunnableLambda(lambda value: value)
    assert colour.stream(Words() | whole, ["a", " b", " c"]) == [["a", "b", "c"]]
    assert colour.stream(Words(diff=True) | whole, ["a", " b", " c"]) == [["a", "b", "c"]]


def test_parse_result_sees_all_of_the_text_so_far_and_is_told_when_it_is_whole(colour: Any) -> None:
    seen = []

    class Watch(BaseCumulativeTransformOutputParser[str]):
        def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
            seen.append((type(result[0]), result[0].text, partial))
            return None if partial else result[0].text

        def parse(self, text: str) -> str:
            raise AssertionError

    assert colour.stream(Watch(), [AIMessageChunk("a"), AIMessageChunk("b")]) == ["ab"]
    kind = ChatGenerationChunk
    assert seen == [(kind, "a", True), (kind, "ab", True), (kind, "ab", False)]


def test_diff_without_a_way_to_make_one_says_so(colour: Any) -> None:
    class Plain(BaseCumulativeTransformOutputParser[str]):
        def parse(self, text: str) -> str:
            return text

    with pytest.raises(NotImplementedError, match="define _diff"):
        colour.stream(Plain(diff=True), ["a"])


def test_a_stream_without_chunks_gives_nothing(colour: Any) -> None:
    assert colour.stream(Upper(), []) == []
    assert colour.stream(Words(), []) == []
