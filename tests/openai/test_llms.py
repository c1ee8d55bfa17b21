"""Text completions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from prill.errors import ConfigError, StreamInterrupted
from prill.openai import OpenAI
from prill.openai.completions_decode import streamed_result
from prill.outputs import generation_chunk
from prill.testing import Faults, ReplayServer


@pytest.fixture
def llm(server: ReplayServer) -> Iterator[OpenAI]:
    llm = OpenAI(base_url=server.openai_url, api_key="test", max_retries=0)
    yield llm
    llm.close()


def test_a_prompt_is_continued(colour: Any, llm: OpenAI, server: ReplayServer) -> None:
    server.reply("once", " upon")
    assert colour.invoke(llm, "Tell") == "once upon"
    assert server.requests[0].json == {"model": "gpt-3.5-turbo-instruct", "prompt": "Tell", "stream": False}


def test_tokens_are_texts(colour: Any, llm: OpenAI, server: ReplayServer) -> None:
    server.reply("once", " upon")
    pieces = colour.stream(llm, "Tell")
    assert [piece for piece in pieces if piece] == ["once", " upon"]


def test_invoke_streams_where_it_is_asked_to(colour: Any, server: ReplayServer) -> None:
    llm = OpenAI(base_url=server.openai_url, api_key="test", streaming=True)
    server.reply("once", " upon")
    assert colour.invoke(llm, "Tell") == "once upon"
    assert server.requests[0].streaming
    llm.close()


def test_each_prompt_has_its_generations(colour: Any, llm: OpenAI) -> None:
    result = colour.generate(llm, ["one", "two"], n=2)
    assert [[generation.text for generation in each] for each in result.generations] == [["one"] * 2, ["two"] * 2]
    assert result.llm_output["token_usage"]["total_tokens"] > 0


def test_a_streamed_result_is_that_of_an_answer_in_one_piece(colour: Any, llm: OpenAI) -> None:
    streaming = llm.model_copy(update={"streaming": True})
    whole, streamed = colour.generate(llm, ["one", "two"]), colour.generate(streaming, ["one", "two"])
    assert streamed.generations == whole.generations
    assert [type(each) for each in streamed.generations[0]] == [type(each) for each in whole.generations[0]]
    # OpenAI is not asked to count tokens in streams of text: some servers refuse.
    assert streamed.llm_output == {**whole.llm_output, "token_usage": {}}
    streaming.close()


def test_logprobs_of_a_stream_are_those_of_its_pieces() -> None:
    told = [{"tokens": ["a"], "token_logprobs": [-0.5]}, {"tokens": ["b"], "token_logprobs": [-0.25]}]
    result = streamed_result(
        [generation_chunk("a", {"logprobs": told[0]}), generation_chunk("b", {"logprobs": told[1]})]
    )
    assert result.generations[0][0].generation_info == {
        "finish_reason": None,
        "logprobs": {"tokens": ["a", "b"], "token_logprobs": [-0.5, -0.25]},
    }


def test_a_cut_stream_is_interrupted(colour: Any, llm: OpenAI, server: ReplayServer) -> None:
    server.reply("once", " upon", " a", faults=Faults(cut_after_events=2))
    with pytest.raises(StreamInterrupted) as caught:
        colour.stream(llm, "Tell")
    assert caught.value.partial.text == "once upon"


def test_a_stream_of_several_choices_is_refused(llm: OpenAI) -> None:
    with pytest.raises(ConfigError, match="use generate"):
        list(llm.stream("Tell", best_of=2))
