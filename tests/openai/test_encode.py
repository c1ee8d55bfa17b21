"""Messages and settings as requests say them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from prill.errors import ConfigError
from prill.messages import AIMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage
from prill.openai import ChatOpenAI
from prill.openai.encode import encode_messages
from prill.openai.responses_encode import encode_request, needs_responses
from prill.testing import ReplayServer, Reply
from prill.tools import convert_to_openai_tool

CALL = {"name": "weather", "args": {"city": "Oslo"}, "id": "c1", "type": "tool_call"}


def test_plain_messages() -> None:
    messages = [SystemMessage("s"), HumanMessage("h", name="bob"), AIMessage("a"), ChatMessage("c", role="critic")]
    assert encode_messages(messages) == [
        {"role": "system", "content": "s"},
        {"role": "user", "name": "bob", "content": "h"},
        {"role": "assistant", "content": "a"},
        {"role": "critic", "content": "c"},
    ]


def test_calls_of_tools_and_their_results() -> None:
    bad = {"name": "weather", "args": '{"ci', "id": "c2", "error": "cut", "type": "invalid_tool_call"}
    asking = AIMessage("", tool_calls=[CALL], invalid_tool_calls=[bad])
    answers = [ToolMessage("sunny", tool_call_id="c1"), ToolMessage("what?", tool_call_id="c2")]
    assert encode_messages([asking, *answers]) == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"type": "function", "id": "c1", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}},
                {"type": "function", "id": "c2", "function": {"name": "weather", "arguments": '{"ci'}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
        {"role": "tool", "tool_call_id": "c2", "content": "what?"},
    ]


@pytest.mark.parametrize(
    ("block", "sent"),
    [
        ({"type": "text", "text": "t"}, {"type": "text", "text": "t"}),
        ({"type": "image", "url": "http://x/i.png"}, {"type": "image_url", "image_url": {"url": "http://x/i.png"}}),
        (
            {"type": "image", "base64": "AA==", "mime_type": "image/png"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        ),
        (
            {"type": "audio", "base64": "AA==", "mime_type": "audio/wav"},
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
        ),
        ({"type": "file", "file_id": "f1"}, {"type": "file", "file": {"file_id": "f1"}}),
    ],
)
def test_blocks_of_the_input(block: dict[str, Any], sent: dict[str, Any]) -> None:
    assert encode_messages([HumanMessage([block])]) == [{"role": "user", "content": [sent]}]


def test_what_other_providers_put_into_content_is_not_sent_as_content() -> None:
    content = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "a"},
        {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Oslo"}},
    ]
    (entry,) = encode_messages([AIMessage(content, tool_calls=[CALL])])
    assert entry["content"] == [{"type": "text", "text": "a"}]
    assert len(entry["tool_calls"]) == 1


def test_reasoning_goes_back_with_calls_of_tools_where_it_is_wanted() -> None:
    message = AIMessage("", tool_calls=[CALL], additional_kwargs={"reasoning_content": "hm"})
    assert encode_messages([message], keep_reasoning=True)[0]["reasoning_content"] == "hm"
    assert "reasoning_content" not in encode_messages([message])[0]
    answer = AIMessage("a", additional_kwargs={"reasoning_content": "hm"})
    assert "reasoning_content" not in encode_messages([answer], keep_reasoning=True)[0]


def test_what_a_provider_sent_with_a_call_goes_back_to_it_but_not_to_openai() -> None:
    extras = {"extra_content": {"google": {"thought_signature": "c2ln"}}}
    message = AIMessage("", tool_calls=[{"name": "f", "args": {}, "id": "1", "extras": extras}])
    call = {"type": "function", "id": "1", "function": {"name": "f", "arguments": "{}"}}
    assert encode_messages([message], keep_reasoning=True)[0]["tool_calls"] == [{**call, **extras}]
    assert encode_messages([message])[0]["tool_calls"] == [call]


def test_a_refusal_is_sent_as_a_refusal() -> None:
    (entry,) = encode_messages([AIMessage("no", additional_kwargs={"refusal": "no"})])
    assert entry == {"role": "assistant", "content": None, "refusal": "no"}


def test_an_empty_answer_stays_an_answer() -> None:
    assert encode_messages([AIMessage("")]) == [{"role": "assistant", "content": ""}]


def test_a_whole_turn_with_tools_goes_through_the_server(model: Any, server: ReplayServer) -> None:
    server.queue(Reply(tool_calls=[{"name": "weather", "args": {"city": "Oslo"}, "id": "c1"}]))
    asking = model.invoke("Hi")
    model.invoke([HumanMessage("Hi"), asking, ToolMessage("sunny", tool_call_id="c1")])
    sent = server.requests[1].json["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "tool"]
    assert sent[1]["tool_calls"][0]["id"] == "c1"


def test_a_response_goes_back_as_the_items_it_was() -> None:
    content = [
        {
            "type": "reasoning",
            "id": "rs",
            "summary": [{"type": "summary_text", "text": "s", "index": 0}],
            "encrypted_content": "e",
            "index": 0,
        },
        {"type": "web_search_call", "id": "ws", "status": "completed", "index": 1},
        {"type": "text", "text": "a", "id": "msg", "index": 2},
        {"type": "text", "text": "b", "id": "msg", "index": 3},
        {"type": "function_call", "id": "fc", "call_id": "c1", "name": "weather", "arguments": "{}", "index": 4},
    ]
    request = encode_request({"model": "m"}, [AIMessage(content, tool_calls=[CALL])])
    assert request["input"] == [
        {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "s"}], "encrypted_content": "e"},
        {"type": "web_search_call", "id": "ws", "status": "completed"},
        {
            "type": "message",
            "role": "assistant",
            "id": "msg",
            "content": [
                {"type": "output_text", "text": "a", "annotations": []},
                {"type": "output_text", "text": "b", "annotations": []},
            ],
        },
        {"type": "function_call", "id": "fc", "call_id": "c1", "name": "weather", "arguments": "{}"},
    ]


def test_inputs_of_a_response() -> None:
    image = {"type": "image", "url": "http://x/i.png"}
    messages = [
        SystemMessage("s"),
        HumanMessage([{"type": "text", "text": "t"}, image, {"type": "file", "file_id": "f"}]),
        AIMessage("", tool_calls=[CALL]),
        ToolMessage("sunny", tool_call_id="c1"),
    ]
    assert encode_request({"model": "m"}, messages)["input"] == [
        {"role": "system", "content": "s"},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "t"},
                {"type": "input_image", "image_url": "http://x/i.png"},
                {"type": "input_file", "file_id": "f"},
            ],
        },
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"city":"Oslo"}'},
        {"type": "function_call_output", "call_id": "c1", "output": "sunny"},
    ]


def test_reasoning_that_openai_has_not_kept_is_not_sent() -> None:
    message = AIMessage([{"type": "reasoning", "id": "rs", "summary": []}, {"type": "text", "text": "a"}])
    items = encode_request({"store": False}, [message])["input"]
    assert [item["type"] for item in items] == ["message"]


def test_settings_of_a_response() -> None:
    said = {
        "max_tokens": 5,
        "reasoning_effort": "low",
        "verbosity": "high",
        "logprobs": True,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}, {"type": "web_search"}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}},
    }
    assert encode_request(said, []) == {
        "max_output_tokens": 5,
        "reasoning": {"effort": "low"},
        "text": {"verbosity": "high", "format": {"type": "json_schema", "name": "n", "schema": {}}},
        "include": ["message.output_text.logprobs"],
        "tools": [{"type": "function", "name": "f", "parameters": {}}, {"type": "web_search"}],
        "tool_choice": {"type": "function", "name": "f"},
        "input": [],
    }


def test_what_only_responses_know_chooses_them() -> None:
    assert needs_responses({"reasoning": {"effort": "low"}})
    assert needs_responses({"tools": [{"type": "web_search"}]})
    assert not needs_responses({"tools": [{"type": "function"}], "temperature": 0})


def test_the_settings_are_sent(make: Callable[..., ChatOpenAI], server: ReplayServer) -> None:
    model = make(
        temperature=0,
        max_tokens=5,
        stop=["x"],
        seed=1,
        top_p=0.5,
        user="u",
        logit_bias={"1": 2},
        model_kwargs={"metadata": {"a": "b"}},
        extra_body={"top_k": 3},
        default_headers={"x-own": "1"},
    )
    model.invoke("Hi", frequency_penalty=0.1, unknown_to_the_sdk=True)
    seen = server.requests[0]
    assert seen.headers["x-own"] == "1"
    assert seen.json == {
        "stream": False,
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": "Hi"}],
        "temperature": 0.0,
        "max_tokens": 5,
        "stop": ["x"],
        "seed": 1,
        "top_p": 0.5,
        "user": "u",
        "logit_bias": {"1": 2},
        "metadata": {"a": "b"},
        "top_k": 3,
        "frequency_penalty": 0.1,
        "unknown_to_the_sdk": True,
    }


def test_the_limit_of_tokens_has_openais_new_name_at_openai() -> None:
    assert ChatOpenAI(max_tokens=5, base_url="https://api.openai.com/v1")._settings()["max_completion_tokens"] == 5
    assert ChatOpenAI(max_tokens=5, server="groq")._settings()["max_tokens"] == 5


def test_headers_and_time_of_one_call_are_not_in_its_json(model: Any, server: ReplayServer) -> None:
    model.invoke("Hi", extra_headers={"x-call": "2"}, extra_query={"q": "1"}, timeout=5)
    seen = server.requests[0]
    assert seen.headers["x-call"] == "2"
    assert seen.json.keys() == {"model", "messages", "stream"}
    assert seen.query == "q=1"


def test_several_choices_are_several_generations(colour: Any, make: Any, server: ReplayServer) -> None:
    result = colour.generate(make(n=3), [["Hi"], ["Ho"]])
    assert [len(generations) for generations in result.generations] == [3, 3]
    assert result.generations[0][2].message.content == "Hi"
    assert server.request_count == 2


class Weather(BaseModel):
    """The weather."""

    city: str


def test_the_form_of_the_answer_may_be_a_class(model: Any, server: ReplayServer) -> None:
    model.invoke("Hi", response_format=Weather)
    sent = server.requests[0].json["response_format"]
    assert sent["type"] == "json_schema"
    assert sent["json_schema"]["name"] == "Weather"
    assert sent["json_schema"]["schema"]["additionalProperties"] is False


class Forecast(BaseModel):
    """A forecast."""

    city: str = "Oslo"
    default: int = 3
    unit: Literal["C", "F"] = "C"


@pytest.mark.parametrize(
    "bind",
    [
        lambda model: model.bind(response_format=Forecast),
        lambda model: model.bind_tools([Forecast], strict=True),
        lambda model: model.bind_tools([convert_to_openai_tool(Forecast, strict=True)]),
    ],
)
def test_a_strict_schema_has_no_defaults(bind: Any, model: Any, server: ReplayServer) -> None:
    bind(model).invoke("Hi")
    sent = server.requests[0].json
    schema = sent["tools"][0]["function"]["parameters"] if "tools" in sent else sent["response_format"]["json_schema"]
    properties = (schema.get("schema") or schema)["properties"]
    assert properties["city"] == {"type": "string"}
    assert properties["default"] == {"type": "integer"}  # a field of that name is none
    assert "default" not in properties["unit"]


def test_a_schema_that_is_not_strict_keeps_its_defaults(model: Any, server: ReplayServer) -> None:
    model.bind_tools([Forecast]).invoke("Hi")
    properties = server.requests[0].json["tools"][0]["function"]["parameters"]["properties"]
    assert properties["city"]["default"] == "Oslo"


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("any", "required"),
        ("required", "required"),
        (True, "required"),
        ("auto", "auto"),
        ("none", "none"),
        ("Weather", {"type": "function", "function": {"name": "Weather"}}),
        ({"type": "function", "function": {"name": "Weather"}}, {"type": "function", "function": {"name": "Weather"}}),
        ({"type": "function", "name": "Weather"}, {"type": "function", "function": {"name": "Weather"}}),
    ],
)
def test_which_tool_to_call(choice: Any, sent: Any, model: Any, server: ReplayServer) -> None:
    model.bind_tools([Weather], tool_choice=choice, parallel_tool_calls=False, strict=True).invoke("Hi")
    seen = server.requests[0].json
    assert seen["tool_choice"] == sent
    assert seen["parallel_tool_calls"] is False
    assert seen["tools"][0]["function"]["strict"] is True


def test_without_a_choice_none_is_sent(model: Any, server: ReplayServer) -> None:
    model.bind_tools([Weather]).invoke("Hi")
    assert "tool_choice" not in server.requests[0].json


@pytest.mark.parametrize("choice", ["Wether", {"type": "function", "function": {"name": "Wether"}}, 5])
def test_a_choice_of_a_tool_that_is_not_there_is_refused(choice: Any, model: Any) -> None:
    with pytest.raises(ConfigError):
        model.bind_tools([Weather], tool_choice=choice)


def test_tools_are_a_list(model: Any) -> None:
    with pytest.raises(ConfigError, match="a list of tools"):
        model.bind_tools(Weather)


def test_a_tool_of_openai_itself_is_asked_for_by_a_response(colour: Any, model: Any, server: ReplayServer) -> None:
    colour.stream(model.bind_tools([{"type": "web_search"}, Weather]))
    seen = server.requests[0]
    assert seen.path.endswith("/responses")
    assert seen.json["tools"][0] == {"type": "web_search"}
    assert seen.json["tools"][1]["name"] == "Weather"
