"""``ChatGoogleGenerativeAI`` over HTTP, in both colours."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from gemini_answers import answer, as_array
from prill.errors import (
    ConfigError,
    ContentFilterError,
    ContextOverflowError,
    MalformedResponseError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelOverloadedError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
    ModelServerError,
    StreamErrorEvent,
    StreamInterrupted,
    StreamTimeout,
)
from prill.google import ChatGoogleGenerativeAI
from prill.load import dumps, load
from prill.messages import AIMessage, HumanMessage, ToolMessage, merge_chunks
from prill.testing import Faults, ReplayServer, Reply

Make = Callable[..., ChatGoogleGenerativeAI]
KEY = "AIza-very-secret-key"


def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


class Person(BaseModel):
    """A person."""

    name: str
    age: int = 0


# Answers


def test_it_answers_whole_and_streamed(model: ChatGoogleGenerativeAI, server: ReplayServer, colour: Any) -> None:
    server.reply("Hello", " there", usage=(3, 2))
    whole = colour.invoke(model)
    server.reply("Hello", " there", usage=(3, 2))
    chunks = colour.stream(model)
    assert [chunk.content for chunk in chunks] == ["Hello", " there", ""]
    for message in (whole, merge_chunks(chunks)):
        assert message.content == "Hello there"
        assert message.usage_metadata == {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
        assert message.response_metadata["finish_reason"] == "STOP"
        assert message.response_metadata["model_name"] == "gemini-test"
    paths = [(seen.path, seen.query) for seen in server.requests]
    assert paths == [
        ("/v1beta/models/gemini-test:generateContent", ""),
        ("/v1beta/models/gemini-test:streamGenerateContent", "alt=sse"),
    ]
    assert all(seen.json == {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]} for seen in server.requests)


def test_a_stream_in_an_array_is_read_as_it_comes(
    model: ChatGoogleGenerativeAI, server: ReplayServer, colour: Any
) -> None:
    server.queue(Reply(["one ", "two ", "three"], faults=Faults(split=7)))
    chunks = colour.stream(model, extra_query={"alt": None})
    assert server.requests[-1].query == ""
    assert [chunk.content for chunk in chunks] == ["one ", "two ", "three", ""]


def test_a_stream_that_a_gateway_gives_as_an_array_under_another_name_is_read(
    model: ChatGoogleGenerativeAI, send: Any, colour: Any
) -> None:
    send(as_array(answer({"text": "Hi "}), answer({"text": "you"}, reason="STOP")), kind="text/event-stream")
    assert merge_chunks(colour.stream(model)).content == "Hi you"


def test_thoughts_calls_and_signatures_go_around_the_loop(make: Make, server: ReplayServer, colour: Any) -> None:
    model = make(include_thoughts=True, thinking_budget=128).bind_tools([weather])
    asked = [{"name": "weather", "args": {"city": city}} for city in ("Oslo", "Rome")]
    for ask in (colour.invoke, lambda given: merge_chunks(colour.stream(given))):
        server.reply("I look.", thinking=["The user ", "asks"], tool_calls=asked)
        message = ask(model)
        assert message.content[0]["reasoning"] == "The user asks"
        assert [call["args"]["city"] for call in message.tool_calls] == ["Oslo", "Rome"]
        results = [ToolMessage(weather(**call["args"]), tool_call_id=call["id"]) for call in message.tool_calls]
        server.reply("Sunny.")
        assert colour.invoke(model, [HumanMessage("Hi"), message, *results]).text == "Sunny."
        sent = server.requests[-1].json
        assert sent["generationConfig"] == {"thinkingConfig": {"includeThoughts": True, "thinkingBudget": 128}}
        text, first, second = sent["contents"][1]["parts"]
        assert text == {"text": "I look."}
        assert first["thoughtSignature"] == "cmVwbGF5LXNpZ25hdHVyZQ=="
        assert "thoughtSignature" not in second
        assert [part["functionResponse"]["response"] for part in sent["contents"][2]["parts"]] == [
            {"output": "sunny in Oslo"},
            {"output": "sunny in Rome"},
        ]


def test_several_candidates_are_generations(model: ChatGoogleGenerativeAI, server: ReplayServer, colour: Any) -> None:
    server.reply("same")
    result = colour.generate(model, [[HumanMessage("Hi")]], n=2)
    assert [one.text for one in result.generations[0]] == ["same", "same"]
    assert server.requests[-1].json["generationConfig"] == {"candidateCount": 2}
    with pytest.raises(ConfigError, match="generate"):
        colour.stream(model, n=2)


def test_a_filter_is_a_typed_error_or_the_reason_of_the_end(
    model: ChatGoogleGenerativeAI, server: ReplayServer, send: Any, colour: Any
) -> None:
    for ask in (colour.invoke, colour.stream):
        blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
        send(
            json.dumps(blocked).encode() if ask == colour.invoke else b"data: " + json.dumps(blocked).encode() + b"\n\n"
        )
        with pytest.raises(ContentFilterError, match="blocked the prompt: PROHIBITED_CONTENT") as caught:
            ask(model)
        assert not caught.value.retryable
        server.reply(finish_reason="SAFETY")
        with pytest.raises(ContentFilterError, match="withheld the whole answer"):
            ask(model)
    server.reply("Once ", finish_reason="content_filter")
    assert colour.invoke(model).response_metadata["finish_reason"] == "SAFETY"


# Structured answers


@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
def test_structured_answers_by_each_method(
    method: Any, model: ChatGoogleGenerativeAI, server: ReplayServer, colour: Any
) -> None:
    structured = model.with_structured_output(Person, method=method)
    values = {"name": "Ada", "age": 36}
    for ask in (colour.invoke, lambda given: colour.stream(given)[-1]):
        if method == "function_calling":
            server.reply(tool_calls=[{"name": "Person", "args": values}])
        else:
            server.reply('{"name": "A', 'da", "age": 36}')
        assert ask(structured) == Person(name="Ada", age=36)
    sent = server.requests[-1].json
    if method == "function_calling":
        config = {"mode": "ANY", "allowedFunctionNames": ["Person"]}
        assert sent["toolConfig"] == {"functionCallingConfig": config}
        (function,) = sent["tools"][0]["functionDeclarations"]
        assert function["parametersJsonSchema"]["required"] == ["name"]
        return
    assert sent["generationConfig"]["responseMimeType"] == "application/json"
    assert ("responseJsonSchema" in sent["generationConfig"]) == (method == "json_schema")


# Errors


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, ModelInvalidRequestError, False),
        (401, ModelAuthenticationError, False),
        (403, ModelPermissionDeniedError, False),
        (404, ModelNotFoundError, False),
        (429, ModelRateLimitError, True),
        (500, ModelServerError, True),
        (503, ModelOverloadedError, True),
    ],
)
def test_an_error_status_is_typed(
    status: int, kind: type[ModelError], retryable: bool, server: ReplayServer, make: Make, colour: Any
) -> None:
    model = make()
    for ask in (colour.invoke, colour.stream):
        server.fail(status)
        with pytest.raises(kind) as caught:
            ask(model)
        assert (caught.value.status, caught.value.retryable) == (status, retryable)
        assert caught.value.provider == "google_genai"


ERROR = {
    "code": 400,
    "message": "API key not valid. Please pass a valid API key.",
    "status": "INVALID_ARGUMENT",
    "details": [
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"},
        {
            "@type": "type.googleapis.com/google.rpc.LocalizedMessage",
            "locale": "en-US",
            "message": "API key not valid.",
        },
    ],
}


@pytest.mark.parametrize(
    "form", [lambda error: {"error": error}, lambda error: [{"error": error}]], ids=["one", "list"]
)
def test_errors_of_both_shapes_are_read(form: Any, model: ChatGoogleGenerativeAI, send: Any, colour: Any) -> None:
    send(json.dumps(form(ERROR)).encode(), status=400)
    with pytest.raises(ModelAuthenticationError, match="API key not valid") as caught:
        colour.stream(model)
    assert caught.value.code == "API_KEY_INVALID"
    quota = {"code": 429, "message": "Quota exceeded.", "status": "RESOURCE_EXHAUSTED"}
    quota["details"] = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "47.5s"}]  # type: ignore[assignment]  # JSON
    send(json.dumps(form(quota)).encode(), status=429)
    with pytest.raises(ModelRateLimitError) as limited:
        colour.invoke(model)
    assert limited.value.retry_after == 47.5
    send(json.dumps(form(ERROR)).encode())  # with a status of success, in place of a stream
    with pytest.raises(ModelAuthenticationError):
        colour.stream(model)


def test_an_input_that_is_too_long_is_an_error_of_its_own(model: ChatGoogleGenerativeAI, server: ReplayServer) -> None:
    text = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
    server.fail(400, error_message=text)
    with pytest.raises(ContextOverflowError):
        model.invoke("Hi")


@pytest.mark.parametrize("alt", ["sse", None], ids=["events", "array"])
def test_an_error_inside_a_stream_is_raised_with_what_had_arrived(
    alt: Any, model: ChatGoogleGenerativeAI, server: ReplayServer, colour: Any
) -> None:
    server.reply("one", " two", faults=Faults(error_event=2))
    with pytest.raises(ModelOverloadedError, match="overloaded") as caught:
        colour.stream(model, extra_query={"alt": alt})
    assert isinstance(caught.value, StreamErrorEvent)
    assert caught.value.partial.content == "one two"
    server.reply("one", " two", faults=Faults(garbage_line=1))
    with pytest.raises(MalformedResponseError) as damaged:
        colour.stream(model, extra_query={"alt": alt})
    assert damaged.value.partial.content == "one"


@pytest.mark.parametrize("alt", ["sse", None], ids=["events", "array"])
@pytest.mark.parametrize("reset", [False, True])
def test_a_broken_connection_is_an_interrupted_stream(
    reset: bool, alt: Any, model: ChatGoogleGenerativeAI, server: ReplayServer, colour: Any
) -> None:
    server.reply("one", " two", " three", faults=Faults(cut_after_events=2, reset=reset, pace=0.01))
    with pytest.raises(StreamInterrupted) as caught:
        colour.stream(model, extra_query={"alt": alt})
    assert caught.value.partial is None or "one two".startswith(caught.value.partial.content)


def test_a_stream_without_the_reason_of_its_end_is_not_whole(
    model: ChatGoogleGenerativeAI, send: Any, colour: Any
) -> None:
    send(answer({"text": "Once "}))
    with pytest.raises(StreamInterrupted) as caught:
        colour.stream(model)
    assert caught.value.partial.content == "Once "
    send(b"[" + json.dumps(answer({"text": "Once "})).encode() + b",")
    with pytest.raises(StreamInterrupted):
        colour.stream(model)


def test_a_page_in_place_of_an_answer_is_malformed(
    model: ChatGoogleGenerativeAI, server: ReplayServer, colour: Any
) -> None:
    for ask in (colour.invoke, colour.stream):
        server.queue(Reply(["x"], faults=Faults(html_200=True)))
        with pytest.raises(MalformedResponseError):
            ask(model)


def test_a_failed_request_is_sent_again_after_the_time_that_is_asked_for(
    make: Make, server: ReplayServer, colour: Any
) -> None:
    server.fail(503, retry_after=0)
    server.reply("at last")
    assert colour.invoke(make(max_retries=1)).content == "at last"


def test_a_stream_that_falls_silent_is_given_up(make: Make, server: ReplayServer, colour: Any) -> None:
    server.reply("one", " two", faults=Faults(stall_at=1))
    with pytest.raises(StreamTimeout) as caught:
        colour.stream(make(stream_idle_timeout=0.1))
    assert caught.value.partial.content == "one"
    assert server.wait_closed(30)


def test_a_stream_that_is_left_closes_its_connection(
    model: ChatGoogleGenerativeAI, server: ReplayServer, colour: Any
) -> None:
    server.reply(*["word "] * 2000, faults=Faults(pace=0.02))
    colour.leave_after(2, model, "Hi")
    assert server.wait_closed(30)
    assert server.closed_early == 1


# The key


@pytest.mark.parametrize("variable", ["GOOGLE_API_KEY", "GEMINI_API_KEY"])
def test_the_key_is_sent_in_a_header_and_never_in_the_address(
    variable: str, make: Make, server: ReplayServer, colour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "AIza-of-environment")
    colour.stream(make())
    colour.invoke(make(api_key=None))
    assert [seen.headers["x-goog-api-key"] for seen in server.requests] == [KEY, "AIza-of-environment"]
    assert not any("AIza" in seen.path + seen.query or "authorization" in seen.headers for seen in server.requests)


def test_a_missing_key_is_named() -> None:
    with pytest.raises(ModelAuthenticationError, match="GOOGLE_API_KEY"):
        ChatGoogleGenerativeAI(model="gemini-test").invoke("Hi")


def test_no_secret_is_shown(make: Make, server: ReplayServer, colour: Any) -> None:
    model = make()
    server.fail(403, error_message=f"Key {KEY} may not do this.")
    with pytest.raises(ModelPermissionDeniedError, match=r"Key \*+ may not") as caught:
        colour.invoke(model)
    server.queue(Reply(["x"], faults=Faults(garbage_line=0, garbage=f"data: {KEY}")))
    with pytest.raises(MalformedResponseError) as damaged:
        colour.stream(model)
    with pytest.raises(ModelConnectionError) as lost:
        colour.invoke(make(base_url="http://127.0.0.1:9"))
    errors = [caught.value, damaged.value, lost.value]
    shown = [repr(model), dumps(model), *map(str, errors), *[repr(error.__cause__) for error in errors]]
    assert not any("very-secret" in text for text in shown)


# The model as an object


def test_a_model_that_was_written_is_read_again(make: Make) -> None:
    model = make(temperature=0.5, thinking_level="low")
    read: Any = load(json.loads(dumps(model)), allowed_objects="all", secrets_from_env=False)
    assert (read.model, read.temperature, read.thinking_level) == ("gemini-test", 0.5, "low")


def test_observers_are_told_who_answers(make: Make) -> None:
    params = make(temperature=0.5, max_output_tokens=9)._get_ls_params(stop=["x"])
    assert params == {
        "ls_provider": "google_genai",
        "ls_model_name": "gemini-test",
        "ls_model_type": "chat",
        "ls_temperature": 0.5,
        "ls_max_tokens": 9,
        "ls_stop": ["x"],
    }


def test_an_answer_that_came_from_elsewhere_goes_on_here(model: ChatGoogleGenerativeAI, server: ReplayServer) -> None:
    before = [HumanMessage("Hi"), AIMessage("Hello"), HumanMessage("Again")]
    assert model.invoke(before).content == "Again"
    assert [turn["role"] for turn in server.requests[-1].json["contents"]] == ["user", "model", "user"]
