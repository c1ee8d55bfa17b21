"""OpenAI's API over chains, used with OpenAI's own client."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from tests.serve.chains import ANSWER, ask, joke
from tests.serve.serving import Served, serving

import openai
from prill.errors import ConfigError, RequestError
from prill.messages import AIMessageChunk
from prill.openai import ChatOpenAI
from prill.output_parsers import StrOutputParser
from prill.runnables import RunnableGenerator, RunnableLambda
from prill.serve import App, require_key
from prill.testing import ReplayServer
from prill.tools import tool

HELLO = [{"role": "user", "content": "hi"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


def think(chunks: Any) -> Any:
    yield AIMessageChunk("", additional_kwargs={"reasoning_content": "hm"})
    yield AIMessageChunk("yes")
    yield AIMessageChunk("", response_metadata={"finish_reason": "length"})


def half(chunks: Any) -> Any:
    yield "one"
    raise ValueError("secret")


def refuse(x: Any) -> str:
    status = int(x[-1].text)
    raise RequestError("no", status=status, code="said_so")


@tool
def double(x: int) -> int:
    """Twice."""
    return 2 * x


def use_tool(messages: Any) -> str:
    return f"it is {double.invoke({'x': 4})}"


GATE = threading.Event()


async def wait_for_ever(chunks: Any) -> Any:
    yield "one"
    await asyncio.Event().wait()


def wait_for_gate(chunks: Any) -> Any:
    yield "one"
    GATE.wait(60)
    yield " two"


@pytest.fixture(scope="module")
def provider() -> Iterator[ReplayServer]:
    with ReplayServer() as provider:
        yield provider


@pytest.fixture(scope="module")
def server(provider: ReplayServer) -> Iterator[Served]:
    model = ChatOpenAI(model="m", base_url=provider.openai_url, api_key="k", max_retries=0, stream_usage=True)
    app = App()
    app.add_model("chat", model)
    app.add_model("joker", joke())
    app.add_model("text", model | StrOutputParser())
    app.add_model("thinker", RunnableGenerator(think))
    app.add_model("half", RunnableGenerator(half))
    app.add_model("refuse", RunnableLambda(refuse))
    app.add_model("data", RunnableLambda(lambda messages: {"count": len(messages)}))
    app.add_model("tools", RunnableLambda(use_tool))
    app.add_model("gate", RunnableGenerator(wait_for_gate))
    app.add_model("ever", RunnableGenerator(wait_for_ever))
    app.add_model("mine", RunnableLambda(lambda x: x), make_input=lambda messages: f"{len(messages)} messages")
    with serving(app) as served:
        yield served


@pytest.fixture(scope="module")
def client(server: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0) as client:
        yield client


def complete(client: openai.OpenAI, model: str, messages: Any = HELLO, **options: Any) -> Any:
    return client.chat.completions.create(model=model, messages=messages, **options)


def streamed(client: openai.OpenAI, model: str, messages: Any = HELLO, **options: Any) -> list[Any]:
    return list(complete(client, model, messages, stream=True, **options))


def text(chunks: list[Any]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_models_are_listed_and_shown(client: openai.OpenAI) -> None:
    models = client.models.list().data
    assert {"chat", "joker"} <= {model.id for model in models}
    assert client.models.retrieve("joker").object == "model"


def test_a_completion_in_one_piece(client: openai.OpenAI) -> None:
    answer = complete(client, "joker")
    assert answer.object == "chat.completion"
    assert answer.choices[0].message.content == ANSWER
    assert answer.choices[0].finish_reason == "stop"


def test_a_streamed_completion(client: openai.OpenAI) -> None:
    chunks = streamed(client, "joker")
    assert text(chunks) == ANSWER
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert len({chunk.id for chunk in chunks}) == 1


def test_the_stream_ends_with_done_and_has_no_names(server: Served) -> None:
    body = {"model": "joker", "messages": HELLO, "stream": True}
    answer = ask(server.port, "/v1/chat/completions", body)
    assert answer.text.endswith("data: [DONE]\n\n")
    assert answer.text.count("[DONE]") == 1
    assert "event:" not in answer.text


def test_usage_is_sent_only_where_it_is_asked_for(provider: ReplayServer, client: openai.OpenAI) -> None:
    for model in ("chat", "text"):
        provider.reply("Hello", " you")
        assert complete(client, model).usage.total_tokens > 0
        assert all(chunk.usage is None and chunk.choices for chunk in streamed(client, model))
        options = {"include_usage": True, "unknown": 1}
        *chunks, last = streamed(client, model, stream_options=options)
        assert last.choices == []
        assert last.usage.total_tokens == last.usage.prompt_tokens + last.usage.completion_tokens > 0
        assert all(chunk.choices for chunk in chunks)


def test_tools_go_to_the_model_and_its_calls_to_the_client(provider: ReplayServer, client: openai.OpenAI) -> None:
    calls = [{"name": "weather", "args": {"city": "Bern"}, "id": "c1"}]
    provider.reply(tool_calls=calls)
    answer = complete(client, "chat", tools=[WEATHER])
    (call,) = answer.choices[0].message.tool_calls
    assert (call.id, call.function.name, call.function.arguments) == ("c1", "weather", '{"city": "Bern"}')
    assert answer.choices[0].finish_reason == "tool_calls"
    assert provider.requests[-1].json["tools"][0]["function"]["name"] == "weather"
    provider.reply(tool_calls=calls)
    with client.chat.completions.stream(model="chat", messages=HELLO, tools=[WEATHER]) as stream:  # type: ignore[arg-type, list-item]
        final = stream.get_final_completion()
    (call,) = final.choices[0].message.tool_calls or []
    assert call.function.arguments == '{"city": "Bern"}'
    assert final.choices[0].finish_reason == "tool_calls"


def test_a_conversation_with_calls_and_results_reaches_the_model(provider: ReplayServer, client: openai.OpenAI) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    messages = [
        {"role": "system", "content": "be brief"},
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
    ]
    provider.reply("fine")
    assert complete(client, "chat", messages).choices[0].message.content == "fine"
    sent = provider.requests[-1].json["messages"]
    assert [message["role"] for message in sent] == ["system", "user", "assistant", "tool"]


def test_parameters_go_to_a_model(provider: ReplayServer, client: openai.OpenAI) -> None:
    provider.reply("fine")
    complete(client, "chat", temperature=0.5, max_completion_tokens=7, stop=["x"])
    sent = provider.requests[-1].json
    assert sent["temperature"] == 0.5
    assert sent["stop"] == ["x"]
    assert 7 in (sent.get("max_tokens"), sent.get("max_completion_tokens"))


def test_unknown_fields_are_ignored(client: openai.OpenAI) -> None:
    extra = {"presence_penalty": 0.1, "user": "u", "made_up": {"a": 1}}
    assert complete(client, "joker", extra_body=extra, n=1).choices[0].message.content == ANSWER


def test_reasoning_is_passed_on_and_the_finish_reason_kept(client: openai.OpenAI) -> None:
    chunks = streamed(client, "thinker")
    assert [chunk.choices[0].delta.model_extra.get("reasoning_content") for chunk in chunks][1] == "hm"
    assert text(chunks) == "yes"
    assert chunks[-1].choices[0].finish_reason == "length"
    assert complete(client, "thinker").choices[0].message.model_extra["reasoning_content"] == "hm"


def test_the_input_follows_the_chains_schema_or_a_function(client: openai.OpenAI) -> None:
    assert complete(client, "data").choices[0].message.content == '{"count":1}'
    assert complete(client, "mine").choices[0].message.content == "1 messages"


def test_tools_that_the_chain_calls_itself_are_not_the_clients(client: openai.OpenAI) -> None:
    answer = complete(client, "tools").choices[0]
    assert (answer.message.content, answer.message.tool_calls, answer.finish_reason) == ("it is 8", None, "stop")
    assert streamed(client, "tools")[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (503, openai.InternalServerError),
    ],
)
def test_errors_are_the_clients_own_classes(client: openai.OpenAI, status: int, kind: Any, stream: bool) -> None:
    with pytest.raises(kind) as failed:
        complete(client, "refuse", [{"role": "user", "content": str(status)}], stream=stream)
    assert failed.value.code == "said_so"
    assert failed.value.status_code == status
    assert failed.value.request_id


def test_a_provider_that_limits_is_a_429_of_ours(provider: ReplayServer, client: openai.OpenAI) -> None:
    for stream in (False, True):
        provider.fail(429, retry_after=7)
        with pytest.raises(openai.RateLimitError) as limited:
            complete(client, "chat", stream=stream)
        assert limited.value.response.headers["retry-after"] == "7"


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"model": "nobody"}, openai.NotFoundError),
        ({"n": 2}, openai.BadRequestError),
        ({"messages": []}, openai.BadRequestError),
        ({"messages": [{"no": "role"}]}, openai.BadRequestError),
    ],
)
def test_requests_that_cannot_be_answered_are_refused_in_openais_form(
    client: openai.OpenAI, options: Any, kind: Any
) -> None:
    with pytest.raises(kind) as refused:
        client.chat.completions.create(**{"model": "joker", "messages": HELLO, **options})
    assert refused.value.body["message"]


def test_a_body_that_is_wrong_is_a_400_there(server: Served) -> None:
    answer = ask(server.port, "/v1/chat/completions", b"{")
    assert (answer.status, answer.json["error"]["type"]) == (400, "invalid_request_error")


def test_an_error_behind_the_first_chunk_is_told_to_the_client(server: Served, client: openai.OpenAI) -> None:
    chunks: list[Any] = []
    stream = complete(client, "half", stream=True)
    with pytest.raises(openai.APIError) as broken:
        chunks.extend(stream)
    assert text(chunks) == "one"
    assert broken.value.code == "internal_error"
    raw = ask(server.port, "/v1/chat/completions", {"model": "half", "messages": HELLO, "stream": True}).text
    assert raw.count('"error"') == raw.count("[DONE]") == 1
    assert "secret" not in raw


def test_a_key_is_demanded_in_openais_form() -> None:
    app = App(auth=require_key(["right"]))
    app.add_model("joker", joke())
    with serving(app) as server:
        for key, works in (("wrong", False), ("right", True)):
            with openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0) as client:
                if works:
                    assert complete(client, "joker").choices[0].message.content == ANSWER
                else:
                    with pytest.raises(openai.AuthenticationError) as refused:
                        client.models.list()
                    assert refused.value.code == "invalid_api_key"


def test_prills_own_model_is_a_client_too(server: Served) -> None:
    model = ChatOpenAI(model="joker", base_url=f"{server.url}/v1", api_key="k")
    assert model.invoke("hi").content == ANSWER
    assert "".join(chunk.text for chunk in model.stream("hi")) == ANSWER


def test_one_name_for_two_models_is_refused_at_the_start() -> None:
    app = App()
    app.add_model("a", joke())
    with pytest.raises(ConfigError, match="already"):
        app.add_model("a", joke())


# Responses


def test_a_response_in_one_piece(provider: ReplayServer, client: openai.OpenAI) -> None:
    provider.reply("Hello")
    answer = client.responses.create(model="chat", input="hi", instructions="be brief")
    assert answer.output_text == "Hello"
    assert answer.usage is not None
    assert answer.usage.total_tokens > 0
    assert [message["role"] for message in provider.requests[-1].json["messages"]] == ["system", "user"]


def test_a_streamed_response(client: openai.OpenAI) -> None:
    with client.responses.stream(model="joker", input="hi") as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert final.output_text == ANSWER
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].type == "response.completed"


def test_calls_of_a_response(provider: ReplayServer, client: openai.OpenAI) -> None:
    calls = [{"name": "weather", "args": {"city": "Bern"}, "id": "c1"}]
    function: Any = {"type": "function", **WEATHER["function"]}  # type: ignore[dict-item]
    provider.reply(tool_calls=calls)
    (call,) = client.responses.create(model="chat", input="hi", tools=[function]).output
    assert (call.type, call.call_id, call.name) == ("function_call", "c1", "weather")  # type: ignore[union-attr]
    provider.reply(tool_calls=calls)
    with client.responses.stream(model="chat", input="hi", tools=[function]) as stream:
        (call,) = stream.get_final_response().output
    assert call.arguments == '{"city": "Bern"}'  # type: ignore[union-attr]
    provider.reply("done")
    given: Any = [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "sunny"},
    ]
    assert client.responses.create(model="chat", input=given).output_text == "done"


def test_a_response_that_fails_behind_its_first_chunk_says_so(client: openai.OpenAI) -> None:
    events = list(client.responses.create(model="half", input="hi", stream=True))
    assert events[-1].type == "response.failed"
    assert events[-1].response.error is not None
    assert sum(event.type in ("response.completed", "response.failed") for event in events) == 1
    done = [event.type for event in events]
    assert done.count("response.output_item.added") == done.count("response.output_item.done") == 1


def test_a_response_in_the_background_is_read_from_any_event_on(client: openai.OpenAI) -> None:
    GATE.clear()
    started = client.responses.create(model="gate", input="hi", background=True)
    assert started.status == "in_progress"
    assert client.responses.retrieve(started.id).status == "in_progress"
    GATE.set()
    events = list(client.responses.retrieve(started.id, stream=True))
    assert events[-1].type == "response.completed"
    rest = list(client.responses.retrieve(started.id, stream=True, starting_after=3))
    assert [event.sequence_number for event in rest] == list(range(4, len(events)))
    assert client.responses.retrieve(started.id).output_text == "one two"


def test_a_response_in_the_background_is_cancelled_once(client: openai.OpenAI) -> None:
    started = client.responses.create(model="ever", input="hi", background=True)
    assert client.responses.cancel(started.id).status == "cancelled"
    assert client.responses.cancel(started.id).status == "cancelled"
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve("resp_unknown")
