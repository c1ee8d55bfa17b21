"""``ChatAnthropic`` against a real server: what it sends, and what it makes of the answer."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from prill.anthropic import ChatAnthropic
from prill.callbacks import BaseCallbackHandler
from prill.errors import ConfigError, ModelAuthenticationError, ModelError, ModelInvalidRequestError
from prill.messages import (
    AIMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    merge_chunks,
    message_chunk_to_message,
)
from prill.testing import Faults, ReplayServer, Reply

KEY = "sk-ant-very-secret"  # that of the models which the fixtures make

Make = Callable[..., ChatAnthropic]
THINKING: Any = {"type": "enabled", "budget_tokens": 1024}
WEATHER: Any = {"name": "weather", "args": {"city": "Tromsø", "days": 3}, "id": "toolu_a"}
CLOCK: Any = {"name": "clock", "args": {}, "id": "toolu_b"}

REPLIES = {
    "text": Reply(["Hello", " world", "!"], usage=(12, 3)),
    "one call": Reply(tool_calls=[WEATHER], usage=(12, 3)),
    "text and calls": Reply(["Let me ", "see"], tool_calls=[WEATHER, CLOCK], usage=(12, 3)),
    "thinking": Reply(["42"], thinking=["6 by ", "7"], usage=(12, 3)),
    "thinking and call": Reply(thinking=["6 by ", "7"], tool_calls=[WEATHER], usage=(12, 3)),
    "broken call": Reply(tool_calls=[{**WEATHER, "args": '{"city": "Tro'}], finish_reason="max_tokens", usage=(12, 3)),
    "refusal": Reply(refusal="No.", usage=(12, 3)),
}


def weather(city: str) -> str:
    """The weather in a city."""
    return city


# Settings


def test_the_seen_parameters_of_a_run_are_those_that_are_documented() -> None:
    model = ChatAnthropic(model="claude-3-haiku-20240307")
    assert list(model._get_ls_params().items()) == [
        ("ls_provider", "anthropic"),
        ("ls_model_name", "claude-3-haiku-20240307"),
        ("ls_model_type", "chat"),
        ("ls_temperature", None),
        ("ls_max_tokens", 1024),
    ]


def test_arguments_go_by_their_other_names_too() -> None:
    model = ChatAnthropic(
        model_name="claude-test",
        max_tokens_to_sample=7,
        stop_sequences=["X"],
        anthropic_api_key="k",
        anthropic_api_url="http://localhost:1",
        default_request_timeout=3,
        reasoning_effort="low",
    )
    assert (model.model, model.max_tokens, model.stop, model.base_url) == (
        "claude-test",
        7,
        ["X"],
        "http://localhost:1",
    )
    assert (model.timeout, model.effort) == (3, "low")


def test_an_unknown_argument_is_refused_with_the_one_that_may_be_meant() -> None:
    with pytest.raises(ValueError, match="Did you mean temperature"):
        ChatAnthropic(model="claude-test", temprature=0)


def test_the_key_and_the_address_come_from_the_environment(
    server: ReplayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.anthropic_url)
    model = ChatAnthropic(model="claude-test")
    assert model.invoke("Hi").content == "Hi"
    assert KEY in server.requests[0].headers["authorization"]
    model.close()


def test_without_a_key_the_error_says_where_to_put_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ModelAuthenticationError, match="ANTHROPIC_API_KEY"):
        ChatAnthropic(model="claude-test").invoke("Hi")


def test_the_key_is_shown_nowhere(server: ReplayServer, make: Make) -> None:
    model = make(max_retries=0)
    assert KEY not in repr(model) + str(model) + repr(model._identifying_params) + repr(model.model_dump())
    for faults in (Faults(status=401, error_message=f"wrong key {KEY}"), Faults(error_event=0, error_message=KEY)):
        server.queue(Reply(["x"], faults=faults))
        with pytest.raises(ModelError) as caught:
            list(model.stream("Hi"))
        assert KEY not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize("wrong", [{"temprature": 0}, {"temperature": "hot"}, {"max_tokens": 0}])
def test_a_wrong_argument_does_not_show_the_key(make: Make, wrong: Any) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))) as caught:
        make(**wrong)
    assert KEY not in str(caught.value) + repr(caught.value)


@pytest.mark.usefixtures("own_way")
def test_copies_and_pickles_ask_too(server: ReplayServer, make: Make) -> None:
    model = make()
    model.invoke("Hi")
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert other == model
        assert other.invoke("Hi").content == "Hi"
        other.close()


@pytest.mark.usefixtures("own_way")
def test_a_copy_that_is_told_where_to_connect_connects_there(server: ReplayServer, make: Make) -> None:
    model = make()
    model.invoke("Hi")
    with ReplayServer() as other:
        there = model.model_copy(update={"base_url": other.anthropic_url})
        assert there.invoke("Hi").content == "Hi"
        assert (server.request_count, other.request_count) == (1, 1)
        there.close()
    assert model.model_copy(update={"temperature": 0})._clients is model._clients


# Requests


def test_a_request_says_what_was_set(server: ReplayServer, make: Make) -> None:
    model = make(
        temperature=0.5,
        top_k=3,
        top_p=0.9,
        stop="X",
        thinking=THINKING,
        effort="low",
        service_tier="auto",
        betas=["one-beta", "two-beta"],
        default_headers={"x-mine": "1"},
        model_kwargs={"metadata": {"user_id": "u"}},
    )
    model.invoke([SystemMessage(content="Be brief"), HumanMessage(content="Hi")])
    request = server.requests[0]
    assert request.path == "/v1/messages"
    assert request.headers["anthropic-beta"] == "one-beta,two-beta"
    assert request.headers["x-mine"] == "1"
    assert request.json == {
        "model": "claude-test",
        "max_tokens": 1024,
        "messages": [{"role": "user", "content": "Hi"}],
        "system": "Be brief",
        "stream": False,
        "temperature": 0.5,
        "top_k": 3,
        "top_p": 0.9,
        "stop_sequences": ["X"],
        "thinking": THINKING,
        "output_config": {"effort": "low"},
        "service_tier": "auto",
        "metadata": {"user_id": "u"},
    }


def test_arguments_of_a_call_go_before_those_of_the_constructor(server: ReplayServer, make: Make) -> None:
    list(make(stop=["X"], temperature=1).stream("Hi", stop=["Y"], temperature=0, extra_headers={"x-mine": "1"}, new=1))
    request = server.requests[0]
    assert (request.json["stop_sequences"], request.json["temperature"], request.json["new"]) == (["Y"], 0, 1)
    assert request.headers["x-mine"] == "1"
    assert request.json["stream"] is True


def test_messages_that_the_api_would_refuse_are_not_sent(
    server: ReplayServer, model: ChatAnthropic, verbs: Any
) -> None:
    for verb in (verbs.invoke, verbs.stream):
        with pytest.raises(ModelInvalidRequestError, match="no user message"):
            verb(model, [SystemMessage(content="x")])
    assert server.request_count == 0


def test_an_answer_too_long_for_one_piece_is_refused_with_advice(server: ReplayServer, make: Make) -> None:
    model = make(max_tokens=64000)
    with pytest.raises(ConfigError, match="streaming=True"):
        model.invoke("Hi")
    assert list(model.stream("Hi"))[1].content == "Hi"
    assert make(max_tokens=64000, streaming=True).invoke("Hi").content == "Hi"
    assert make(max_tokens=64000, timeout=900).invoke("Hi").content == "Hi"


def test_one_model_works_in_one_event_loop_after_another(server: ReplayServer, model: ChatAnthropic) -> None:
    for _ in range(3):
        assert asyncio.run(model.ainvoke("Hi")).content == "Hi"
    assert server.request_count == 3


# Answers


@pytest.mark.parametrize("name", REPLIES)
@pytest.mark.parametrize("thinking", [None, THINKING], ids=["", "blocks"])
def test_a_streamed_answer_is_the_same_as_one_in_one_piece(
    name: str, thinking: Any, server: ReplayServer, make: Make, verbs: Any
) -> None:
    model = make(thinking=thinking)
    server.queue(REPLIES[name])
    whole = verbs.invoke(model, "Hi")
    server.queue(REPLIES[name])
    streamed = message_chunk_to_message(merge_chunks(verbs.stream(model, "Hi")))
    assert type(streamed) is AIMessage
    for message in (whole, streamed):  # the server gives every answer an id of its own
        message.response_metadata.pop("id")
        message.id = None
        _forget_broken_text(message)
    assert streamed == whole


def _forget_broken_text(message: AIMessage) -> None:
    """A plain answer holds broken arguments as a string of JSON, so the reason for refusing them differs."""
    for call in message.invalid_tool_calls:
        call["error"] = None


def test_streaming_inside_invoke_gives_the_same_and_tells_handlers(
    server: ReplayServer, make: Make, verbs: Any
) -> None:
    tokens: list[str] = []

    class Tokens(BaseCallbackHandler):
        def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
            tokens.append(token)

    server.queue(REPLIES["text"])
    message = verbs.invoke(make(streaming=True, callbacks=[Tokens()]), "Hi")
    assert type(message) is AIMessage
    assert message.content == "".join(tokens) == "Hello world!"
    assert "Hello" in tokens
    assert server.requests[0].json["stream"] is True


def test_the_usage_is_the_same_by_every_verb(server: ReplayServer, model: ChatAnthropic, verbs: Any) -> None:
    usage = {"input_tokens": 12, "output_tokens": 3, "total_tokens": 15}
    usage["input_token_details"] = {"cache_creation": 0, "cache_read": 0}  # type: ignore[assignment]  # a nested one
    server.replies(lambda request: REPLIES["text"])
    assert verbs.invoke(model, "Hi").usage_metadata == usage
    assert merge_chunks(verbs.stream(model, "Hi")).usage_metadata == usage
    result = verbs.generate(model, [[HumanMessage(content="Hi")], [HumanMessage(content="Ho")]])
    assert [one[0].message.usage_metadata for one in result.generations] == [usage, usage]
    assert result.llm_output["token_usage"]["total_tokens"] == 30


def test_a_stop_sequence_is_told(server: ReplayServer, model: ChatAnthropic, verbs: Any) -> None:
    server.queue(Reply(["a"], finish_reason="stop_sequence"))
    assert verbs.invoke(model, "Hi").response_metadata["stop_reason"] == "stop_sequence"
    server.queue(Reply(["a"], finish_reason="stop_sequence"))
    assert verbs.stream(model, "Hi")[-1].response_metadata["stop_reason"] == "stop_sequence"


# Tools


def test_bound_tools_and_the_choice_are_sent(server: ReplayServer, model: ChatAnthropic) -> None:
    model.bind_tools([weather], tool_choice="any", parallel_tool_calls=False).invoke("Hi")
    request = server.requests[0].json
    assert [tool["name"] for tool in request["tools"]] == ["weather"]
    assert request["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}


def test_tools_of_a_call_are_converted_too(server: ReplayServer, model: ChatAnthropic) -> None:
    model.invoke("Hi", tools=[weather])
    assert server.requests[0].json["tools"][0]["input_schema"]["required"] == ["city"]


@pytest.mark.parametrize("thinking", [None, THINKING], ids=["", "blocks"])
def test_parallel_calls_arrive_whole(thinking: Any, server: ReplayServer, make: Make, verbs: Any) -> None:
    server.queue(REPLIES["text and calls"])
    merged = merge_chunks(verbs.stream(make(thinking=thinking), "Hi"))
    assert [(call["name"], call["args"], call["id"]) for call in merged.tool_calls] == [
        ("weather", {"city": "Tromsø", "days": 3}, "toolu_a"),
        ("clock", {}, "toolu_b"),
    ]
    assert merged.text == "Let me see"


@pytest.mark.parametrize("name", ["thinking", "thinking and call", "text and calls", "text"])
def test_an_answer_goes_back_as_it_came(name: str, server: ReplayServer, make: Make, verbs: Any) -> None:
    model = make(thinking=THINKING)
    server.queue(REPLIES[name])
    merged = merge_chunks(verbs.stream(model, "Hi"))
    results = [ToolMessage(content="r", tool_call_id=call["id"]) for call in merged.tool_calls]
    server.queue(REPLIES[name])
    whole = verbs.invoke(model, "Hi")
    expected = _blocks_of(REPLIES[name])
    for answer in (merged, whole, message_chunk_to_message(merged)):
        model.invoke([HumanMessage(content="Hi"), answer, *(results or [HumanMessage(content="more")])])
        sent = server.requests[-1].json["messages"][1]
        said = sent["content"] if isinstance(sent["content"], list) else [{"type": "text", "text": sent["content"]}]
        assert [{**block, "signature": "…"} if "signature" in block else block for block in said] == expected


def _blocks_of(reply: Reply) -> list[dict[str, Any]]:
    thinking = {"type": "thinking", "thinking": "".join(reply.thinking), "signature": "…"}
    text = {"type": "text", "text": reply.text}
    calls = [
        {"type": "tool_use", "id": call["id"], "name": call["name"], "input": call["args"]} for call in reply.tool_calls
    ]
    return [*([thinking] if reply.thinking else []), *([text] if reply.pieces else []), *calls]
