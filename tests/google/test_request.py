"""What requests to the Gemini API say beside the messages."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest
from pydantic import BaseModel

from prill.errors import ConfigError
from prill.google import ChatGoogleGenerativeAI, HarmBlockThreshold, HarmCategory
from prill.google.request import build_request
from prill.google.tools import encode_tools
from prill.messages import HumanMessage
from prill.tools import tool


@tool
def weather(city: str, days: int = 1) -> str:
    """The weather in a city."""
    return city


@tool
def now() -> str:
    """The time."""
    return ""


class Row(BaseModel):
    """A row."""

    name: str


class Modality(Enum):
    """As Google's own packages write it."""

    IMAGE = 2


def request(settings: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    model = ChatGoogleGenerativeAI(**{"model": "gemini-test", "api_key": "x", **settings})
    sent = model._request([HumanMessage("Hi")], False, kwargs)
    return {key: value for key, value in sent.items() if key not in ("contents", "model", "stream")}


# Settings


def test_nothing_is_said_that_was_not_given() -> None:
    assert request({}) == {}


@pytest.mark.parametrize(
    ("settings", "config"),
    [
        ({"temperature": 0, "top_p": 0.5, "top_k": 4}, {"temperature": 0, "topP": 0.5, "topK": 4}),
        ({"max_output_tokens": 9}, {"maxOutputTokens": 9}),
        ({"max_tokens": 9}, {"maxOutputTokens": 9}),
        ({"stop": "x"}, {"stopSequences": ["x"]}),
        ({"stop_sequences": ["x", "y"]}, {"stopSequences": ["x", "y"]}),
        ({"thinking_budget": 0}, {"thinkingConfig": {"thinkingBudget": 0}}),
        (
            {"thinking_level": "low", "include_thoughts": True},
            {"thinkingConfig": {"thinkingLevel": "low", "includeThoughts": True}},
        ),
        ({"response_mime_type": "application/json"}, {"responseMimeType": "application/json"}),
        ({"response_modalities": ["TEXT", Modality.IMAGE]}, {"responseModalities": ["TEXT", "IMAGE"]}),
        ({"seed": 1, "presence_penalty": 0.1}, {"seed": 1, "presencePenalty": 0.1}),
        ({"response_logprobs": True, "logprobs": 3}, {"responseLogprobs": True, "logprobs": 3}),
        ({"image_config": {"aspectRatio": "1:1"}}, {"imageConfig": {"aspectRatio": "1:1"}}),
    ],
)
def test_settings_and_arguments_of_calls_are_the_generation_config(settings: Any, config: Any) -> None:
    assert request(settings) == {"generationConfig": config}
    assert request({}, **settings) == {"generationConfig": config}


def test_arguments_of_a_call_go_before_settings() -> None:
    assert request({"max_output_tokens": 9, "temperature": 0}, max_output_tokens=5, temperature=1) == {
        "generationConfig": {"maxOutputTokens": 5, "temperature": 1}
    }
    assert request({"max_output_tokens": 9}, max_tokens=5) == {"generationConfig": {"maxOutputTokens": 5}}
    assert request({"temperature": 0}, generation_config={"temperature": 2, "newThing": 1}) == {
        "generationConfig": {"temperature": 2, "newThing": 1}
    }


def test_what_has_no_argument_goes_into_the_request_as_it_is() -> None:
    assert request({"model_kwargs": {"newThing": {"x": 1}}}, other=2) == {"newThing": {"x": 1}, "other": 2}
    assert request({"cached_content": "cachedContents/1", "labels": {"a": "b"}}, service_tier="flex") == {
        "cachedContent": "cachedContents/1",
        "labels": {"a": "b"},
        "serviceTier": "flex",
    }


def test_a_slip_is_named() -> None:
    with pytest.raises(ConfigError, match="Did you mean max_output_tokens"):
        ChatGoogleGenerativeAI(model="gemini-test", max_ouput_tokens=1)  # type: ignore[call-arg]  # the mistake is meant
    with pytest.raises(ConfigError, match="Did you mean temperature"):
        request({}, temperatur=1)


@pytest.mark.parametrize(
    "settings",
    [
        {HarmCategory.HARM_CATEGORY_HARASSMENT: HarmBlockThreshold.BLOCK_NONE},
        {"HARM_CATEGORY_HARASSMENT": "BLOCK_NONE"},
        [{"category": HarmCategory.HARM_CATEGORY_HARASSMENT, "threshold": "BLOCK_NONE"}],
    ],
    ids=["members", "names", "list"],
)
def test_safety_settings_are_a_dictionary_or_a_list(settings: Any) -> None:
    expected = {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]}
    assert request({"safety_settings": settings}) == expected
    assert request({}, safety_settings=settings) == expected


def test_other_safety_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="safety_settings"):
        request({"safety_settings": "none"})


@pytest.mark.parametrize(
    ("schema", "key"),
    [
        ({"type": "OBJECT", "properties": {"name": {"type": "STRING"}}}, "responseSchema"),
        ({"type": "object", "properties": {"name": {"type": "string"}}}, "responseJsonSchema"),
        (Row, "responseJsonSchema"),
    ],
    ids=["own", "json", "class"],
)
def test_a_schema_of_the_answer_is_sent_in_its_form(schema: Any, key: str) -> None:
    config = request({"response_schema": schema})["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    assert "name" in config[key]["properties"]
    with pytest.raises(ConfigError, match="response_schema"):
        request({"response_schema": 3})


# Tools


def bound(tools: Any, **kwargs: Any) -> dict[str, Any]:
    model: Any = ChatGoogleGenerativeAI(model="gemini-test", api_key="x").bind_tools(tools, **kwargs)
    return request({}, **model.kwargs)


def test_functions_are_declared_together() -> None:
    (tools,) = bound([weather, now])["tools"]
    first, second = tools["functionDeclarations"]
    assert first["name"] == "weather"
    assert first["parametersJsonSchema"]["properties"].keys() == {"city", "days"}
    assert second == {"name": "now", "description": "The time."}  # without arguments there is no schema


@pytest.mark.parametrize(
    "own", ["google_search", {"google_search": {}}, {"googleSearch": {}}], ids=["name", "python", "json"]
)
def test_tools_that_google_runs_stand_beside_the_functions(own: Any) -> None:
    assert bound([own, now])["tools"] == [
        {"functionDeclarations": [{"name": "now", "description": "The time."}]},
        {"googleSearch": {}},
    ]


def test_declarations_in_the_apis_form_are_taken() -> None:
    given = {"function_declarations": [{"name": "f", "description": "x"}], "code_execution": {}}
    assert encode_tools([given]) == [
        {"functionDeclarations": [{"name": "f", "description": "x"}]},
        {"codeExecution": {}},
    ]
    assert given.keys() == {"function_declarations", "code_execution"}


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        ("auto", {"mode": "AUTO"}),
        ("any", {"mode": "ANY"}),
        ("required", {"mode": "ANY"}),
        (True, {"mode": "ANY"}),
        ("none", {"mode": "NONE"}),
        ("weather", {"mode": "ANY", "allowedFunctionNames": ["weather"]}),
        (["weather", "now"], {"mode": "ANY", "allowedFunctionNames": ["weather", "now"]}),
        ({"type": "function", "function": {"name": "now"}}, {"mode": "ANY", "allowedFunctionNames": ["now"]}),
        ({"function_calling_config": {"mode": "ANY"}}, {"mode": "ANY"}),
        ({"mode": "ANY", "allowed_function_names": ["now"]}, {"mode": "ANY", "allowedFunctionNames": ["now"]}),
    ],
    ids=str,
)
def test_a_choice_is_a_mode_and_the_functions_that_it_allows(choice: Any, config: Any) -> None:
    assert bound([weather, now], tool_choice=choice)["toolConfig"] == {"functionCallingConfig": config}
    direct = build_request({"tools": [weather, now], "tool_choice": choice})
    assert direct["toolConfig"] == {"functionCallingConfig": config}


def test_calls_keep_strictly_to_their_schemas_where_the_model_may_make_them() -> None:
    validated = {"functionCallingConfig": {"mode": "VALIDATED"}}
    assert bound([now], strict=True)["toolConfig"] == validated
    assert bound([now], strict=True, tool_choice="auto")["toolConfig"] == validated
    assert bound([now], strict=True, tool_choice="any")["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
    assert "toolConfig" not in bound([now])


def test_a_config_in_the_apis_form_is_sent_as_it_is() -> None:
    given = {"function_calling_config": {"mode": "NONE"}, "retrieval_config": {"lat_lng": {"latitude": 1}}}
    assert build_request({"tools": [now], "tool_config": given})["toolConfig"] == {
        "functionCallingConfig": {"mode": "NONE"},
        "retrievalConfig": {"latLng": {"latitude": 1}},
    }


@pytest.mark.parametrize(
    ("tools", "choice", "why"),
    [
        ([weather], "now", "none of the bound tools"),
        ([weather, weather], None, "several tools are named weather"),
        ({"x": 1}, None, "list of tools"),
        (["hammer"], None, r"."),
    ],
)
def test_tools_that_would_be_refused_are_refused_before(tools: Any, choice: Any, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        bound(tools, tool_choice=choice)


def test_no_tools_are_not_sent() -> None:
    assert bound([]) == {}
