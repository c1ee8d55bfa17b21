from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from language_models.models import Answering, BothColours, Shout, Streaming
from prill.errors import ConfigError, EmptyResponseError
from prill.language_models import FakeListChatModel, GenericFakeChatModel
from prill.language_models.chat_models import agenerate_from_stream, generate_from_stream
from prill.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage
from prill.outputs import ChatGeneration, ChatGenerationChunk
from prill.prompt_values import StringPromptValue
from prill.testing import check_runnable


def same_text(one: Any, other: Any) -> bool:
    return isinstance(one, AIMessage) and isinstance(other, AIMessage) and one.text == other.text


@pytest.mark.parametrize("kind", [Answering, Streaming, Shout])
def test_a_users_model_keeps_the_promises_of_a_runnable(kind: type[Any]) -> None:
    check_runnable(kind(), "hello", compare=same_text)


def test_a_users_asyncio_forms_are_used_in_asyncio() -> None:
    model = BothColours()
    assert model.invoke("x").text == "X"
    assert asyncio.run(model.ainvoke("x")).text == "async"

    async def stream() -> list[str]:
        return [chunk.text async for chunk in model.astream("x")]

    assert asyncio.run(stream()) == list("async")


@pytest.mark.parametrize(
    "input",
    [
        "hi",
        [HumanMessage("hi")],
        [("human", "hi")],
        [{"role": "user", "content": "hi"}],
        StringPromptValue(text="hi"),
    ],
)
def test_a_model_takes_text_messages_and_prompt_values(input: Any) -> None:
    model = Answering(seen=[])
    assert model.invoke(input).text == "HI"
    assert model.seen[0][0] == [HumanMessage("hi")]


def test_what_is_no_prompt_is_refused_with_what_would_be() -> None:
    with pytest.raises(ConfigError, match=r"text, a list of messages or a prompt value, not int \(3\)"):
        Answering().invoke(3)  # type: ignore[arg-type]


def test_stop_and_other_arguments_reach_the_model_from_invoke_and_from_bind() -> None:
    model = Answering(seen=[])
    model.invoke("a", stop=["x"], colour="red")
    model.bind(stop=["y"]).invoke("a")
    assert [(stop, more) for _, stop, more in model.seen] == [(["x"], {"colour": "red"}), (["y"], {})]


def test_all_chunks_of_an_answer_have_one_id_and_each_answer_its_own() -> None:
    model = Streaming()
    first = {chunk.id for chunk in model.stream("hello")}
    second = {chunk.id for chunk in model.stream("hello")}
    assert len(first) == 1
    assert len(second) == 1
    assert first != second
    assert next(iter(first)).startswith("run-")  # type: ignore[union-attr]


def test_an_id_that_the_provider_gave_is_kept() -> None:
    model = GenericFakeChatModel(messages=iter([AIMessage("a b", id="mine"), AIMessage("c", id="too")]))
    assert {chunk.id for chunk in model.stream("x")} == {"mine"}
    assert model.invoke("x").id == "too"


def test_a_model_that_cannot_stream_yields_its_one_answer() -> None:
    assert [chunk.text for chunk in Answering().stream("hello")] == ["HELLO"]


def test_a_model_without_tools_says_how_else_to_get_values() -> None:
    with pytest.raises(NotImplementedError, match=r"StructuredParser"):
        Answering().with_structured_output(int)


def test_disable_streaming_makes_the_streaming_verbs_wait_for_the_whole_answer() -> None:
    assert len(list(Streaming(disable_streaming=True).stream("hello"))) == 1
    assert len(list(Streaming(disable_streaming="tool_calling").stream("hello"))) == 5
    assert len(list(Streaming(disable_streaming="tool_calling").stream("hello", tools=[{}]))) == 1


def test_a_plain_models_stream_is_pulled_outside_of_the_event_loops_thread() -> None:
    threads = set()

    class Noting(Streaming):
        def _stream(self, *args: Any, **kwargs: Any) -> Any:
            for chunk in super()._stream(*args, **kwargs):
                threads.add(threading.current_thread())
                yield chunk

    async def stream() -> None:
        async for _ in Noting().astream("hello"):
            pass

    asyncio.run(stream())
    assert threads
    assert threading.main_thread() not in threads


def test_an_empty_stream_is_an_error_that_may_be_retried() -> None:
    class Silent(Streaming):
        def _stream(self, *args: Any, **kwargs: Any) -> Any:
            return iter(())

    with pytest.raises(EmptyResponseError, match="Silent ended the stream without a chunk") as caught:
        list(Silent().stream("x"))
    assert caught.value.retryable


def test_generate_gives_a_result_for_each_list_of_messages_and_adds_up_their_usage() -> None:
    result = Answering().generate([["a"], [SystemMessage("s"), HumanMessage("b")]])
    assert [generations[0].text for generations in result.generations] == ["A", "B"]
    assert result.llm_output == {"token_usage": {"total_tokens": 3}}
    assert asyncio.run(Answering().agenerate([["a"]])).generations[0][0].text == "A"


def test_generate_prompt_takes_prompt_values() -> None:
    prompts = [StringPromptValue(text="a"), StringPromptValue(text="b")]
    assert [each[0].text for each in Answering().generate_prompt(prompts).generations] == ["A", "B"]
    assert len(asyncio.run(Answering().agenerate_prompt(prompts)).generations) == 2


def test_a_model_can_be_called() -> None:
    assert Shout()([HumanMessage("hi")]).text == "hi!"


def test_a_whole_answer_is_made_of_a_stream_of_generations() -> None:
    def chunks() -> Any:
        yield ChatGenerationChunk(message=AIMessageChunk(content="a"))
        yield ChatGenerationChunk(message=AIMessageChunk(content="b"), generation_info={"finish_reason": "stop"})

    async def achunks() -> Any:
        for chunk in chunks():
            yield chunk

    expected = ChatGeneration(message=AIMessage("ab"), generation_info={"finish_reason": "stop"})
    assert generate_from_stream(chunks()).generations == [expected]
    assert asyncio.run(agenerate_from_stream(achunks())).generations == [expected]
    with pytest.raises(EmptyResponseError):
        generate_from_stream(iter(()))


def test_observers_are_told_the_models_provider_name_and_settings() -> None:
    class ChatOpenThing(FakeListChatModel):
        model: str = "thing-1"
        temperature: float = 0.5

    async def labels() -> Any:
        async for event in ChatOpenThing(responses=["a"], metadata={"mine": 1}, tags=["t"]).astream_events("x"):
            return event["metadata"], event["tags"]

    metadata, tags = asyncio.run(labels())
    assert metadata == {
        "ls_provider": "openthing",
        "ls_model_name": "thing-1",
        "ls_model_type": "chat",
        "ls_temperature": 0.5,
        "mine": 1,
    }
    assert tags == ["t"]


def test_tokens_are_counted_exactly_with_a_tokenizer_and_roughly_without() -> None:
    assert Answering(custom_get_token_ids=lambda text: [ord(c) for c in text]).get_num_tokens("abc") == 3
    assert 0 < Answering().get_num_tokens("a text of some length") < 21
    assert Answering().get_num_tokens_from_messages([HumanMessage("hi")]) > 0
    with pytest.raises(ConfigError, match="custom_get_token_ids"):
        Answering().get_token_ids("x")
