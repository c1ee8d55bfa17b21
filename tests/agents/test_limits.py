"""Limits: counted in calls of the model, the same everywhere, with a valid history at their end."""

import time

import pytest

from agents.scripted import COLOURS, Scripted, assert_valid, calls, shape
from prill.agents import Limits, create_agent
from prill.agents.prices import find_price
from prill.errors import AgentLimitError, ConfigError
from prill.messages import AIMessage
from prill.openai import ChatOpenAI
from prill.tools import tool

pytestmark = pytest.mark.parametrize("colour", COLOURS)

USAGE = {"input_tokens": 60, "output_tokens": 40, "total_tokens": 100}


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


@tool
def other(city: str) -> str:
    """Another tool."""
    return f"other {city}"


LOOK = calls(("weather", {"city": "Oslo"}))


def looping(*script, **limits):
    model = Scripted(script=list(script) or [LOOK], loops=True)
    return model, create_agent(model, [weather, other], limits=Limits(**limits))


def fails(colour, agent, limit, given="hi"):
    with pytest.raises(AgentLimitError) as raised:
        colour.invoke(agent, given)
    assert raised.value.limit == limit
    assert_valid(raised.value.partial["messages"])
    return raised.value


def test_a_run_is_limited_to_25_calls_of_the_model_by_default(colour):
    model = Scripted(script=[LOOK], loops=True)
    error = fails(colour, create_agent(model, [weather]), "model_calls")
    assert len(model.requests) == 25
    assert "limit of 25 model calls" in str(error)
    assert (error.used, error.maximum) == (25, 25)


def test_a_recursion_limit_is_the_number_of_calls_of_the_model(colour):
    model = Scripted(script=[LOOK], loops=True)
    agent = create_agent(model, [weather])
    with pytest.raises(AgentLimitError):
        colour.invoke(agent, "hi", {"recursion_limit": 30})
    assert len(model.requests) == 30


def test_a_limit_may_end_the_run_with_a_message(colour):
    _, agent = looping(model_calls=2, on_limit="end")
    messages = colour.invoke(agent, "hi")["messages"]
    assert_valid(messages)
    assert messages[-1].content == "The agent reached its limit of 2 model calls (used: 2)."


def test_a_run_that_reached_its_limit_can_go_on(colour):
    _, agent = looping(LOOK, LOOK, "done", model_calls=2)
    error = fails(colour, agent, "model_calls")
    assert shape(colour.invoke(agent, error.partial)["messages"])[-1] == ("ai", "done")


def test_calls_of_tools_are_limited_in_all_and_one_by_one(colour):
    three = calls(*(("weather", {"city": str(n)}) for n in range(3)))
    _, agent = looping(three, "never", tool_calls=2)
    error = fails(colour, agent, "tool_calls")
    assert [part[1] for part in shape(error.partial["messages"])[2:]] == [
        "sunny in 0",
        "sunny in 1",
        "Tool call limit exceeded. Do not make additional tool calls.",
    ]
    mixed = calls(("weather", {"city": "a"}), ("other", {"city": "b"}))
    _, agent = looping(mixed, "never", per_tool={"weather": 0}, on_limit="end")
    messages = colour.invoke(agent, "hi")["messages"]
    assert_valid(messages)
    assert [part[1] for part in shape(messages)[2:]] == [
        "Tool call limit exceeded. Do not make additional tool calls.",
        "other b",
        "The agent reached its limit of 0 calls of weather (used: 0).",
    ]


def test_tokens_are_limited_with_those_of_inner_agents(colour):
    counted = LOOK.model_copy(update={"usage_metadata": USAGE})
    model, agent = looping(counted, tokens=250)
    fails(colour, agent, "tokens")
    assert len(model.requests) == 3
    inner = create_agent(Scripted(script=[AIMessage(content="x", usage_metadata=USAGE)], loops=True), name="inner")
    outer_model = Scripted(script=[calls(("inner", {"input": "x"}))], loops=True)
    fails(colour, create_agent(outer_model, [inner], limits=Limits(tokens=250)), "tokens")
    assert len(outer_model.requests) == 3


def test_money_is_limited_by_a_price_or_by_the_list_of_prices(colour):
    model, agent = looping(cost=1.0, price=lambda message: 0.4)
    assert fails(colour, agent, "cost").used == pytest.approx(1.2)
    assert len(model.requests) == 3
    known = AIMessage(
        content="",
        tool_calls=LOOK.tool_calls,
        usage_metadata=USAGE,
        response_metadata={"model_name": "gpt-4o-mini-2024"},
    )
    assert find_price(known) == pytest.approx((60 * 0.15 + 40 * 0.6) / 1e6)
    _, agent = looping(known, cost=1e-4)
    assert fails(colour, agent, "cost").used >= 1e-4


def test_a_limit_in_money_without_a_price_is_refused(colour):
    with pytest.raises(ConfigError, match="price of some-model"):
        create_agent(ChatOpenAI(model="some-model", api_key="x"), [], limits=Limits(cost=1))
    create_agent("openai:gpt-4o-mini", [], limits=Limits(model_calls=20, tool_calls=40, cost=0.50))
    _, agent = looping(cost=1.0)
    with pytest.raises(ConfigError, match="price"):
        colour.invoke(agent, "hi")


def test_time_is_limited_while_a_tool_waits(colour):
    @tool
    async def slow() -> str:
        """Never ends."""
        import asyncio

        await asyncio.Event().wait()
        return "never"

    model = Scripted(script=[calls(("slow", {}))], loops=True)
    agent = create_agent(model, [slow], limits=Limits(seconds=0.2))
    before = time.monotonic()
    error = fails(colour, agent, "seconds")
    assert time.monotonic() - before < 20
    assert "did not end within" in error.partial["messages"][-1].content


def test_time_is_limited_while_the_model_waits(colour):
    class Slow(Scripted):
        async def _answer(self, messages, run, **kwargs):
            await run.io.sleep(60)
            raise AssertionError("it was stopped")

    agent = create_agent(Slow(script=[]), limits=Limits(seconds=0.1))
    error = fails(colour, agent, "seconds")
    assert shape(error.partial["messages"]) == [("human", "hi")]


def test_repeated_calls_are_told_to_the_model_and_then_end_the_run(colour):
    model, agent = looping(repeats=2)
    error = fails(colour, agent, "repeats")
    texts = [part[1] for part in shape(error.partial["messages"]) if part[0] == "tool"]
    assert texts[:2] == ["sunny in Oslo"] * 2
    assert texts[2].startswith("not run: weather was called with the same arguments 2 times")
    assert len(model.requests) == 4


def test_calls_with_other_arguments_are_not_repeated_calls(colour):
    script = [calls(("weather", {"city": str(n)})) for n in range(5)]
    _, agent = looping(*script, "done", repeats=1)
    assert shape(colour.invoke(agent, "hi")["messages"])[-1] == ("ai", "done")


def test_an_inner_agent_has_limits_of_its_own(colour):
    inner_model = Scripted(script=[LOOK], loops=True)
    inner = create_agent(inner_model, [weather], name="inner", limits=Limits(model_calls=2, on_limit="end"))
    outer = create_agent(Scripted(script=[calls(("inner", {"input": "x"})), "ok"]), [inner])
    messages = colour.invoke(outer, "hi", {"recursion_limit": 9})["messages"]
    assert "limit of 2 model calls" in messages[2].content
    assert len(inner_model.requests) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        *({"model_calls": 0}, {"model_calls": True}, {"tool_calls": -1}, {"tokens": 1.5}, {"seconds": 0}),
        *({"cost": -1}, {"per_tool": {"x": -1}}, {"on_limit": "stop"}, {"repeats": "3"}),
    ],
)
def test_values_that_are_no_limits_are_refused(colour, wrong):
    with pytest.raises(ConfigError):
        Limits(**wrong)
