"""``Anthropic``: text in, text out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from prill.anthropic import Anthropic
from prill.callbacks import BaseCallbackHandler
from prill.errors import ModelError, StreamInterrupted
from prill.testing import Faults, ReplayServer, Reply

Make = Callable[..., Anthropic]


@pytest.fixture
def make_llm(server: ReplayServer) -> Iterator[Make]:
    made: list[Anthropic] = []

    def make(**settings: Any) -> Anthropic:
        made.append(Anthropic(**{"base_url": server.anthropic_url, "api_key": "k", "max_retries": 0} | settings))
        return made[-1]

    yield make
    for llm in made:
        llm.close()


@pytest.fixture
def llm(make_llm: Make) -> Anthropic:
    return make_llm()


def test_a_prompt_is_answered_with_text(server: ReplayServer, llm: Anthropic, verbs: Any) -> None:
    server.reply("Hello", " world")
    assert verbs.invoke(llm, "Say it") == "Hello world"
    assert server.requests[0].json["messages"] == [{"role": "user", "content": "Say it"}]
    assert server.requests[0].json["stream"] is False


def test_a_stream_is_text_piece_by_piece(server: ReplayServer, llm: Anthropic, verbs: Any) -> None:
    server.reply("Hello", " world")
    assert verbs.stream(llm, "Say it") == ["Hello", " world", ""]


def test_thinking_is_not_part_of_the_text(server: ReplayServer, make_llm: Make, verbs: Any) -> None:
    llm = make_llm(thinking={"type": "enabled", "budget_tokens": 1024})
    server.queue(Reply(["42"], thinking=["hm"]))
    assert verbs.invoke(llm, "x") == "42"
    server.queue(Reply(["42"], thinking=["hm"]))
    assert verbs.stream(llm, "x") == ["42", ""]


def test_settings_and_stops_are_sent(server: ReplayServer, make_llm: Make) -> None:
    make_llm(model="claude-test", temperature=0, max_tokens=9, top_k=2).invoke("x", stop=["Y"])
    said = server.requests[0].json
    assert (said["model"], said["temperature"], said["max_tokens"], said["top_k"]) == ("claude-test", 0, 9, 2)
    assert said["stop_sequences"] == ["Y"]


def test_a_copy_has_its_own_settings(server: ReplayServer, llm: Anthropic) -> None:
    llm.invoke("x")
    llm.model_copy(update={"temperature": 0.25}).invoke("x")
    assert "temperature" not in server.requests[0].json
    assert server.requests[1].json["temperature"] == 0.25


@pytest.mark.parametrize("streaming", [False, True])
def test_several_prompts_are_answered_with_what_the_provider_told(
    streaming: bool, server: ReplayServer, make_llm: Make, verbs: Any
) -> None:
    result = verbs.generate(make_llm(streaming=streaming), ["one", "two"])
    assert [generations[0].text for generations in result.generations] == ["one", "two"]
    assert result.generations[0][0].generation_info["stop_reason"] == "end_turn"
    assert [request.json["stream"] for request in server.requests] == [streaming, streaming]


def test_a_streamed_result_is_that_of_an_answer_in_one_piece(make_llm: Make, verbs: Any) -> None:
    whole, streamed = [verbs.generate(make_llm(streaming=streaming), ["one", "two"]) for streaming in (False, True)]
    for generation in (
        each for result in (whole, streamed) for generations in result.generations for each in generations
    ):
        assert generation.generation_info.pop("id").startswith("msg_")
    assert streamed.generations == whole.generations
    assert streamed.llm_output == whole.llm_output


def test_streaming_inside_invoke_tells_handlers_each_token(server: ReplayServer, make_llm: Make, verbs: Any) -> None:
    tokens: list[str] = []

    class Tokens(BaseCallbackHandler):
        def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
            tokens.append(token)

    server.reply("Hello", " world")
    assert verbs.invoke(make_llm(streaming=True, callbacks=[Tokens()]), "x") == "Hello world"
    assert tokens == ["Hello", " world", ""]


def test_a_cut_stream_raises(server: ReplayServer, make_llm: Make, verbs: Any) -> None:
    for llm, verb in ((make_llm(), verbs.stream), (make_llm(streaming=True), verbs.invoke)):
        server.queue(Reply(["a", "b"], faults=Faults(pace=0.01, cut_after_events=4)))
        with pytest.raises(StreamInterrupted):
            verb(llm, "x")


def test_errors_are_typed(server: ReplayServer, llm: Anthropic, verbs: Any) -> None:
    for verb in (verbs.invoke, verbs.stream):
        server.fail(529)
        with pytest.raises(ModelError) as caught:
            verb(llm, "x")
        assert caught.value.retryable


def test_leaving_a_stream_closes_its_connection(server: ReplayServer, llm: Anthropic, verbs: Any) -> None:
    server.queue(Reply(["a"] * 100, faults=Faults(pace=0.01)))
    verbs.leave_after(2, llm, "x")
    assert server.wait_closed(10)
    assert server.closed_early == 1


def test_observers_are_told_what_kind_of_model_it_is(llm: Anthropic) -> None:
    params = llm._get_ls_params()
    assert (params["ls_provider"], params["ls_model_type"], params["ls_max_tokens"]) == ("anthropic", "llm", 1024)
