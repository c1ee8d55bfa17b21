"""The same model and tools as in recordings of ``langchain.agents.create_agent`` 1.5.2, and what is to come of them.

``tests/data/agents_recorded.json`` has the output, the updates, the lengths of the values, and what the tools wrote;
ids were left out when it was made. Where an agent of Prill does something else, the test says what, and
``docs/differences.md`` why.
"""

import json
from pathlib import Path

import pytest
from pydantic import BaseModel

from agents.scripted import COLOURS, Scripted, calls
from prill.agents import (
    ModelCallLimitMiddleware,
    ProviderStrategy,
    ToolCallLimitMiddleware,
    ToolStrategy,
    create_agent,
    get_stream_writer,
)
from prill.errors import OutputParserException, ToolException
from prill.messages import AIMessage, BaseMessage
from prill.messages.tool import invalid_tool_call
from prill.tools import tool

pytestmark = pytest.mark.parametrize("colour", COLOURS)

RECORDED = json.loads((Path(__file__).parents[1] / "data" / "agents_recorded.json").read_text("utf8"))


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    get_stream_writer()({"progress": f"looking at {city}"})
    return f"sunny in {city}"


@tool
def broken(city: str) -> str:
    """Fails."""
    raise RuntimeError("no connection to db")


@tool
def toolexc(city: str) -> str:
    """Fails with words."""
    raise ToolException("told to the model")


class Report(BaseModel):
    """Final report."""

    city: str
    degrees: int


OSLO = calls(("weather", {"city": "Oslo"}))
REPORT = {"city": "Oslo", "degrees": 21}
HALF = AIMessage("", invalid_tool_calls=[invalid_tool_call(name="weather", args='{"city": "Os', id="c1", error="cut")])

CASES = {
    "a": (lambda: [calls(("weather", {"city": "Oslo"}), text="let me look"), "It is sunny"], {}),
    "b": (lambda: [calls(("weather", {"city": "Oslo"}), ("weather", {"city": "Bergen"})), "Both sunny"], {}),
    "d": (lambda: [calls(("wether", {"city": "Oslo"})), "sorry"], {}),
    "e": (lambda: [calls(("weather", {"town": "Oslo"})), "sorry"], {}),
    "e2": (lambda: [HALF, "sorry"], {}),
    "g": (lambda: [OSLO, calls(("Report", REPORT, "c2"))], {"response_format": ToolStrategy(Report)}),
    "g2": (
        lambda: [calls(("Report", {"city": "Oslo"}, "c2")), calls(("Report", REPORT, "c3"))],
        {"response_format": ToolStrategy(Report)},
    ),
    "g3": (
        lambda: [calls(("weather", {"city": "Oslo"}), ("Report", REPORT))],
        {"response_format": ToolStrategy(Report)},
    ),
    "g5": (lambda: [json.dumps(REPORT, separators=(",", ":"))], {"response_format": ProviderStrategy(Report)}),
    "h2": (lambda: [OSLO, OSLO, OSLO], {"middleware": [ModelCallLimitMiddleware(run_limit=2)]}),
    "h4": (
        lambda: [calls(("weather", {"city": "Oslo"}), ("weather", {"city": "B"})), "ok"],
        {"middleware": [ToolCallLimitMiddleware(run_limit=1)]},
    ),
    "j": (lambda: ["hello there"], {"tools": None}),
}


def agent_of(case):
    script, arguments = CASES[case]
    model = Scripted(script=script())
    return model, create_agent(
        model,
        arguments.get("tools", [weather, broken, toolexc]),
        **{name: value for name, value in arguments.items() if name != "tools"},
    )


def plain(value):
    """A value as the recordings have it."""
    if isinstance(value, BaseMessage):
        shown = {"type": type(value).__name__, "content": value.content}
        for name in ("tool_calls", "invalid_tool_calls"):
            if found := getattr(value, name, None):
                shown[name] = found
        if value.type == "tool":
            shown |= {"name": value.name, "tool_call_id": value.tool_call_id, "status": value.status}
        return shown
    if isinstance(value, BaseModel):
        return {"<pydantic>": type(value).__name__, **value.model_dump()}
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


def ordered(value):
    """Keys in any order: only lists have one."""
    return json.loads(json.dumps(value, sort_keys=True))


@pytest.mark.parametrize("case", ["a", "b", "g", "h2", "j", "g5"])
def test_outputs_updates_values_and_custom_chunks_are_those_of_the_recording(colour, case):
    recorded = RECORDED[case]
    model, agent = agent_of(case)
    assert ordered(plain(colour.invoke(agent, {"messages": [("user", "hi")]}))) == ordered(recorded["output"])
    assert len(model.requests) == recorded["model_calls"]
    updates = plain(colour.stream(agent_of(case)[1], "hi", stream_mode="updates"))
    if case == "b":  # calls that run at once are shown in the order in which they end
        updates[1:3] = sorted(updates[1:3], key=str, reverse=True)
    assert ordered(updates) == ordered(recorded["updates"])
    values = colour.stream(agent_of(case)[1], "hi", stream_mode="values")
    assert [len(each["messages"]) for each in values] == recorded["values"]
    custom = colour.stream(agent_of(case)[1], "hi", stream_mode="custom")
    assert sorted(custom, key=str) == sorted(recorded["custom"], key=str)


# What is not the same


def answers(output):
    return [(each["content"], each["status"], each["tool_call_id"]) for each in output["messages"] if "status" in each]


def both(colour, case):
    return plain(colour.invoke(agent_of(case)[1], "hi")), RECORDED[case]["output"]


def test_an_unknown_tool_is_answered_with_the_name_that_was_meant_too(colour):
    ours, recorded = both(colour, "d")
    ((text, *rest),) = answers(ours)
    ((expected, *others),) = answers(recorded)
    assert text == f"{expected} Did you mean 'weather'?"
    assert rest == others


def test_wrong_arguments_are_answered_with_those_that_do_not_exist_too(colour):
    ours, recorded = both(colour, "e")
    assert "town" in answers(ours)[0][0]
    assert "town: " not in answers(recorded)[0][0]
    assert [each[1:] for each in answers(ours)] == [each[1:] for each in answers(recorded)]


def test_half_a_call_is_answered_where_the_recorded_run_ended_with_nothing(colour):
    ours, recorded = both(colour, "e2")
    assert len(recorded["messages"]) == 2
    assert ours["messages"][-1]["content"] == "sorry"


def test_a_form_that_does_not_fit_is_an_error_where_the_recorded_answer_is_a_success(colour):
    ours, recorded = both(colour, "g2")
    assert ours["structured_response"] == recorded["structured_response"]
    assert [status for _, status, _ in answers(ours)] == ["error", "success"]
    assert [status for _, status, _ in answers(recorded)] == ["success", "success"]


@pytest.mark.parametrize("case", ["g3", "h4"])
def test_answers_are_those_of_the_recording_but_in_the_order_of_the_calls(colour, case):
    ours, recorded = both(colour, case)
    assert sorted(answers(ours)) == sorted(answers(recorded))
    assert [id for *_, id in answers(ours)] == ["c1", "c2"]
    assert [id for *_, id in answers(recorded)] == ["c2", "c1"]


def test_text_instead_of_a_form_is_an_error_where_the_recorded_answer_is_none(colour):
    assert RECORDED["g4"]["output"]["structured_response"] is None
    agent = create_agent(Scripted(script=["just text"] * 3), [weather], response_format=ToolStrategy(Report))
    with pytest.raises(OutputParserException):
        colour.invoke(agent, "hi")
