"""Events of agents: one run for the agent, balanced whatever happens, in both colours the same."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from agents.scripted import COLOURS, Asyncio, Blocking, Scripted, calls
from prill.agents import Limits, create_agent, interrupt
from prill.callbacks import UsageMetadataCallbackHandler
from prill.callbacks.run import Observer
from prill.errors import AgentLimitError
from prill.messages import AIMessage, ToolMessage
from prill.runnables import RunnableLambda
from prill.tools import tool

pytestmark = pytest.mark.parametrize("colour", COLOURS)


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


@tool
def slowly():
    """Reports what it does."""
    yield "half"
    return "whole"


@tool
def broken() -> str:
    """Fails."""
    raise RuntimeError("no")


@tool
def asking() -> str:
    """Asks."""
    return str(interrupt("sure?"))


LOOKED = calls(("weather", {"city": "Oslo"}), text="let me look")


def agent_of(*script, **kwargs):
    return create_agent(Scripted(script=list(script)), [weather, slowly, broken, asking], **kwargs)


def assert_balanced(events):
    """Each run starts once and ends once, within the run around it; the error of the outermost ends what is left."""
    open_runs = []
    for event in events:
        kind = event["event"].rpartition("_")[2]
        if kind == "start":
            assert event["parent_ids"] == [each for each in open_runs if each in event["parent_ids"]]
            open_runs.append(event["run_id"])
        elif kind in ("end", "error"):
            open_runs.remove(event["run_id"])
            if kind == "error" and not event["parent_ids"]:
                open_runs.clear()
        else:
            assert event["run_id"] in open_runs
    assert open_runs == []


def test_an_agent_is_one_run_with_its_models_and_tools_below(colour):
    events = colour.events(agent_of(LOOKED, "It is sunny", name="helper"), "hi")
    assert_balanced(events)
    starts = [
        (event["event"], event["name"], len(event["parent_ids"])) for event in events if "start" in event["event"]
    ]
    assert starts == [
        ("on_chain_start", "helper", 0),
        ("on_chat_model_start", "Scripted", 1),
        ("on_tool_start", "weather", 1),
        ("on_chat_model_start", "Scripted", 1),
    ]
    counted = Counter(event["event"] for event in events)
    assert counted["on_chat_model_stream"] == 11
    assert counted["on_chain_stream"] == 3


def test_event_data_are_plain_values(colour):
    events = colour.events(agent_of(LOOKED, "It is sunny"), "hi")
    tool_end = next(event for event in events if event["event"] == "on_tool_end")
    assert tool_end["data"]["input"] == {"city": "Oslo"}
    assert isinstance(tool_end["data"]["output"], ToolMessage)
    assert tool_end["metadata"] == {"langgraph_node": "tools", "langgraph_step": 2}
    chunks = [event["data"]["chunk"] for event in events if event["event"] == "on_chain_stream"]
    assert [list(chunk) for chunk in chunks] == [["model"], ["tools"], ["model"]]
    assert [message.type for message in events[-1]["data"]["output"]["messages"]] == ["human", "ai", "tool", "ai"]


def test_progress_of_a_tool_is_an_event_before_its_end(colour):
    events = colour.events(agent_of(calls(("slowly", {})), "ok"), "hi")
    tools = [(event["event"], event["data"].get("chunk")) for event in events if event["event"].startswith("on_tool")]
    assert tools == [("on_tool_start", None), ("on_tool_stream", "half"), ("on_tool_end", None)]


def test_events_are_balanced_when_an_agent_pauses(colour):
    for agent in (agent_of(LOOKED, approve=True), agent_of(calls(("asking", {})))):
        events = colour.events(agent, "hi")
        assert_balanced(events)
        assert events[-1]["event"] == "on_chain_end"
        assert "__interrupt__" in events[-1]["data"]["output"]


@pytest.mark.parametrize(
    ("agent", "error"),
    [
        (lambda: agent_of(LOOKED, LOOKED, limits=Limits(model_calls=1)), AgentLimitError),
        (lambda: agent_of(calls(("broken", {}))), RuntimeError),
        (lambda: agent_of(KeyError("model")), KeyError),
    ],
)
def test_events_are_balanced_when_an_agent_fails(colour, agent, error):
    events: list[Any] = []
    with pytest.raises(error):
        keep_events(colour, agent(), events)
    assert_balanced(events)
    assert events[-1]["event"] == "on_chain_error"


def keep_events(colour, agent, events):
    """Put events into a list as they come."""
    if isinstance(colour, Blocking):
        for event in agent.stream_events("hi"):
            events.append(event)
        return

    async def main():
        async for event in agent.astream_events("hi"):
            events.append(event)

    asyncio.run(main())


def test_limits_are_the_same_with_and_without_events(colour):
    for verb in (colour.invoke, colour.stream, colour.events):
        model = Scripted(script=[LOOKED], loops=True)
        agent = create_agent(model, [weather], limits=Limits(model_calls=5))
        with pytest.raises(AgentLimitError) as raised:
            verb(agent, "hi")
        assert (raised.value.limit, raised.value.used, len(model.requests)) == ("model_calls", 5, 5)


def test_an_agent_in_a_tool_is_a_run_below_the_tool(colour):
    inner = agent_of("inner", name="inner")
    outer = create_agent(Scripted(script=[calls(("inner", {"input": "x"})), "ok"]), [inner], name="outer")
    events = colour.events(outer, "hi")
    assert_balanced(events)
    names = {event["run_id"]: event["name"] for event in events}
    start = next(event for event in events if event["event"] == "on_chain_start" and event["name"] == "inner")
    assert [names[id] for id in start["parent_ids"]][:2] == ["outer", "inner"]
    streams = [event for event in events if event["event"] == "on_chat_model_stream" and len(event["parent_ids"]) > 1]
    assert streams


def test_an_agent_in_a_chain_streams_its_tokens_as_events(colour):
    chain = RunnableLambda(lambda x: {"messages": x}) | agent_of("hello you") | (lambda state: len(state["messages"]))
    events = colour.events(chain, "hi")
    assert_balanced(events)
    assert [str(e["data"]["chunk"].text) for e in events if e["event"] == "on_chat_model_stream"][:2] == [
        "hello ",
        "you",
    ]
    assert events[-1]["data"]["output"] == 2


def test_the_tokens_of_inner_agents_are_counted_for_the_outer_run(colour):
    usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    answer = AIMessage(content="x", usage_metadata=usage, response_metadata={"model_name": "m"})
    inner = create_agent(Scripted(script=[answer]), name="inner")
    asks = calls(("inner", {"input": "x"})).model_copy(
        update={"usage_metadata": usage, "response_metadata": {"model_name": "m"}}
    )
    outer = create_agent(Scripted(script=[asks, answer]), [inner])
    handler = UsageMetadataCallbackHandler()
    colour.invoke(outer, "hi", {"callbacks": [handler]})
    assert handler.usage_metadata["m"]["total_tokens"] == 45


class Counting(Observer):
    def __init__(self):
        self.seen = []

    def on_start(self, run, input):
        self.seen.append(("start", run.name))

    def on_end(self, run, output):
        self.seen.append(("end", run.name))


def test_a_handler_sees_the_same_when_an_agent_is_invoked(colour):
    seen = Counting()
    colour.invoke(agent_of(LOOKED, "ok"), "hi", {"callbacks": [seen]})
    assert seen.seen == [
        ("start", "Agent"),
        *(("start", "Scripted"), ("end", "Scripted")),
        *(("start", "weather"), ("end", "weather")),
        *(("start", "Scripted"), ("end", "Scripted")),
        ("end", "Agent"),
    ]


def test_both_colours_give_the_same_events(colour):
    def told(events):
        return [(event["event"], event["name"], event["metadata"]) for event in events]

    one, other = (each.events(agent_of(LOOKED, "ok"), "hi") for each in (Blocking(), Asyncio()))
    assert told(one) == told(other)
