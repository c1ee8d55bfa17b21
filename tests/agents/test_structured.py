"""Structured answers: forms, texts that a provider keeps to a schema, and what happens to those that do not fit."""

from dataclasses import dataclass

import pytest
from pydantic import BaseModel
from typing_extensions import TypedDict

from agents.scripted import COLOURS, Scripted, assert_valid, calls, shape
from prill.agents import (
    AutoStrategy,
    MultipleStructuredOutputsError,
    ProviderStrategy,
    StructuredOutputValidationError,
    ToolStrategy,
    create_agent,
)
from prill.errors import ConfigError, OutputParserException
from prill.tools import tool

pytestmark = pytest.mark.parametrize("colour", COLOURS)


class Report(BaseModel):
    """Final report."""

    city: str
    degrees: int


class Other(BaseModel):
    """Another report."""

    words: str


@dataclass
class Dated:
    city: str
    degrees: int


class Typed(TypedDict):
    city: str
    degrees: int


SCHEMA = {
    "title": "Schema",
    "type": "object",
    "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
    "required": ["city", "degrees"],
}

VALUES = {"city": "Oslo", "degrees": 21}


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


def agent_of(response_format, *script):
    model = Scripted(script=list(script))
    return model, create_agent(model, [weather], response_format=response_format)


@pytest.mark.parametrize(
    ("schema", "name", "value"),
    [
        (Report, "Report", Report(**VALUES)),
        (Dated, "Dated", Dated(**VALUES)),
        (Typed, "Typed", VALUES),
        (SCHEMA, "Schema", VALUES),
        (Report | Other, "Report", Report(**VALUES)),
        (Report | Other, "Other", Other(words="x")),
        (ToolStrategy(Report), "Report", Report(**VALUES)),
        (AutoStrategy(Report), "Report", Report(**VALUES)),
    ],
)
def test_the_answer_is_a_value_of_the_schema(colour, schema, name, value):
    args = {"words": "x"} if name == "Other" else VALUES
    model, agent = agent_of(schema, calls(("weather", {"city": "Oslo"})), calls((name, args, "c2")))
    output = colour.invoke(agent, "hi")
    assert output["structured_response"] == value
    assert_valid(output["messages"])
    assert shape(output["messages"])[-1][1].startswith("Returning structured response: ")
    assert (model.bound[0]["tool_choice"], len(model.requests)) == ("any", 2)


def test_a_form_that_does_not_fit_is_returned_to_the_model_as_an_error(colour):
    model, agent = agent_of(Report, calls(("Report", {"city": "Oslo"})), calls(("Report", VALUES, "c2")))
    output = colour.invoke(agent, "hi")
    assert output["structured_response"] == Report(**VALUES)
    told = output["messages"][2]
    assert told.status == "error"
    assert "degrees: Field required" in told.content
    assert_valid(model.requests[1])


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("again, please", "again, please"),
        (lambda error: f"wrong: {type(error).__name__}", "wrong: StructuredOutputValidationError"),
        (StructuredOutputValidationError, None),
        (True, None),
    ],
)
def test_errors_of_forms_are_told_as_the_strategy_says(colour, policy, told):
    strategy = ToolStrategy(Report, handle_errors=policy, tool_message_content="thanks")
    _, agent = agent_of(strategy, calls(("Report", {})), calls(("Report", VALUES, "c2")))
    output = colour.invoke(agent, "hi")
    assert told is None or output["messages"][2].content == told
    assert output["messages"][-1].content == "thanks"


@pytest.mark.parametrize("policy", [False, KeyError])
def test_an_error_of_a_form_is_raised_where_that_is_asked_for(colour, policy):
    _, agent = agent_of(ToolStrategy(Report, handle_errors=policy), calls(("Report", {})))
    with pytest.raises(StructuredOutputValidationError) as raised:
        colour.invoke(agent, "hi")
    assert raised.value.ai_message.tool_calls[0]["name"] == "Report"


def test_a_text_instead_of_the_form_is_asked_again_and_then_an_error(colour):
    model, agent = agent_of(Report, "just text", calls(("Report", VALUES)))
    assert colour.invoke(agent, "hi")["structured_response"] == Report(**VALUES)
    assert shape(model.requests[1])[-1] == ("human", "Give the answer by calling the tool Report.")
    model, agent = agent_of(Report, "text", "more text", "only text")
    with pytest.raises(OutputParserException, match="3 times") as raised:
        colour.invoke(agent, "hi")
    assert len(model.requests) == 3
    assert raised.value.llm_output == "only text"
    assert_valid(raised.value.state["messages"])


def test_tools_that_are_called_beside_a_valid_form_run_and_the_run_ends(colour):
    both = calls(("weather", {"city": "Oslo"}), ("Report", VALUES))
    model, agent = agent_of(Report, both)
    output = colour.invoke(agent, "hi")
    assert output["structured_response"] == Report(**VALUES)
    assert [part[2] for part in shape(output["messages"])[2:]] == ["c1", "c2"]
    assert output["messages"][2].content == "sunny in Oslo"
    assert len(model.requests) == 1


def test_several_forms_are_returned_to_the_model(colour):
    _, agent = agent_of(Report, calls(("Report", VALUES), ("Report", VALUES)), calls(("Report", VALUES, "c3")))
    output = colour.invoke(agent, "hi")
    assert "one is wanted" in output["messages"][2].content
    assert_valid(output["messages"])
    _, agent = agent_of(ToolStrategy(Report, handle_errors=False), calls(("Report", VALUES), ("Report", VALUES)))
    with pytest.raises(MultipleStructuredOutputsError):
        colour.invoke(agent, "hi")


def test_a_provider_keeps_its_text_to_the_schema(colour):
    model, agent = agent_of(ProviderStrategy(Report, strict=True), '{"city": "Oslo", "degrees": 21}')
    assert colour.invoke(agent, "hi")["structured_response"] == Report(**VALUES)
    asked = model.bound[0]["response_format"]["json_schema"]
    assert (asked["name"], asked["strict"], asked["schema"]["required"]) == ("Report", True, ["city", "degrees"])
    assert model.bound[0]["tools"] == ["weather"]
    _, agent = agent_of(ProviderStrategy(Report), '{"city": "Oslo"}')
    with pytest.raises(StructuredOutputValidationError, match="degrees"):
        colour.invoke(agent, "hi")


def test_a_growing_answer_is_streamed_and_text_before_it_too(colour):
    _, agent = agent_of(
        Report, calls(("weather", {"city": "Oslo"}), text="let me look"), calls(("Report", VALUES, "c2"))
    )
    chunks = colour.stream(agent, "hi", stream_mode=["structured", "messages"])
    grown = [value for mode, value in chunks if mode == "structured"]
    assert grown
    assert grown[0].city.startswith(("O", "Oslo")) or grown[0].city == ""
    assert "let " in [str(value[0].text) for mode, value in chunks if mode == "messages"]


def test_schemas_that_cannot_be_described_are_refused(colour):
    with pytest.raises(ConfigError):
        agent_of(ProviderStrategy(Report | Other))
    with pytest.raises(ConfigError):
        agent_of("a text")
