"""Tools, and the choice among them, in Anthropic's form."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, Field

from prill.anthropic.tools import choice_of_tool, convert_to_anthropic_tool
from prill.errors import ConfigError

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"name": "weather"}, {"name": "auto_pilot"}]


class Weather(BaseModel):
    """The weather in a city."""

    city: str = Field(description="its name")


def weather(city: str, days: int = 1) -> str:
    """The weather in a city.

    Args:
        city: its name
        days: how many
    """
    return f"{city} {days}"


def test_a_function_is_described_by_its_signature_and_docstring() -> None:
    tool = convert_to_anthropic_tool(weather)
    assert (tool["name"], tool["description"]) == ("weather", "The weather in a city.")
    assert tool["input_schema"]["properties"]["city"] == {"type": "string", "description": "its name"}
    assert tool["input_schema"]["required"] == ["city"]


def test_a_class_is_described_by_its_schema() -> None:
    tool = convert_to_anthropic_tool(Weather)
    assert tool.keys() == {"name", "description", "input_schema"}
    assert tool["input_schema"]["properties"] == {"city": {"type": "string", "description": "its name"}}


@pytest.mark.parametrize(
    "given",
    [
        {"title": "weather", "description": "d", **SCHEMA},
        {"name": "weather", "description": "d", "parameters": SCHEMA},
        {"type": "function", "function": {"name": "weather", "description": "d", "parameters": SCHEMA}},
    ],
)
def test_schemas_and_openais_form_are_converted(given: dict[str, Any]) -> None:
    assert convert_to_anthropic_tool(given) == {"name": "weather", "description": "d", "input_schema": SCHEMA}


@pytest.mark.parametrize(
    "given",
    [
        {"name": "weather", "input_schema": SCHEMA, "cache_control": {"type": "ephemeral"}},
        {"type": "custom", "name": "weather", "input_schema": SCHEMA},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 3},
        {"type": "bash_20250124", "name": "bash"},
    ],
)
def test_anthropics_own_form_is_left_as_it_is(given: dict[str, Any]) -> None:
    assert convert_to_anthropic_tool(given) == given


def test_strictness_is_said_beside_the_schema() -> None:
    tool = convert_to_anthropic_tool(weather, strict=True)
    assert tool["strict"] is True
    assert tool["input_schema"]["additionalProperties"] is False


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (None, None),
        ("auto", {"type": "auto"}),
        ("any", {"type": "any"}),
        ("required", {"type": "any"}),
        (True, {"type": "any"}),
        ("none", {"type": "none"}),
        ("weather", {"type": "tool", "name": "weather"}),
        ({"type": "tool", "name": "weather"}, {"type": "tool", "name": "weather"}),
        ({"type": "function", "function": {"name": "weather"}}, {"type": "tool", "name": "weather"}),
    ],
)
def test_a_choice_may_be_said_in_each_familiar_way(choice: Any, sent: Any) -> None:
    assert choice_of_tool(choice, None, TOOLS) == sent


def test_a_choice_of_a_tool_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"'wether' names none of the tools \['weather', 'auto_pilot'\]"):
        choice_of_tool("wether", None, TOOLS)


@pytest.mark.parametrize(
    ("choice", "parallel", "sent"),
    [
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        ("any", False, {"type": "any", "disable_parallel_tool_use": True}),
        ("weather", True, {"type": "tool", "name": "weather", "disable_parallel_tool_use": False}),
        ("none", False, {"type": "none"}),
    ],
)
def test_parallel_calls_may_be_forbidden(choice: Any, parallel: bool, sent: Any) -> None:
    assert choice_of_tool(choice, parallel, TOOLS) == sent
