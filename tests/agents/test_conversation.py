"""Threads: what a run leaves in them, and that a run goes on from whatever another one left."""

import json

import pytest
from pydantic import BaseModel
from typing_extensions import TypedDict

from agents.scripted import COLOURS, Scripted, assert_valid, calls, shape
from prill.agents import AgentState, InMemoryThreads, SQLiteThreads, create_agent
from prill.errors import ConfigError, ThreadConflictError, ThreadDataError
from prill.messages import HumanMessage
from prill.tools import tool

pytestmark = pytest.mark.parametrize("colour", COLOURS)

THREAD = {"configurable": {"thread_id": "7"}}


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


LOOK = calls(("weather", {"city": "Oslo"}))


def agent_of(*script, threads=None, **kwargs):
    model = Scripted(script=list(script))
    return model, create_agent(model, [weather], threads=threads or InMemoryThreads(), **kwargs)


def test_a_thread_goes_on_where_the_last_run_ended(colour, tmp_path):
    with SQLiteThreads(tmp_path / "chats.db") as threads:
        _, agent = agent_of(LOOK, "It is sunny", threads=threads)
        colour.invoke(agent, "hi", THREAD)
        model, again = agent_of("You asked for Oslo", threads=threads)
        output = colour.invoke(again, "what did I ask?", THREAD)
    assert shape(output["messages"]) == [
        *(("human", "hi"), ("ai", "", ["c1"]), ("tool", "sunny in Oslo", "c1"), ("ai", "It is sunny")),
        *(("human", "what did I ask?"), ("ai", "You asked for Oslo")),
    ]
    assert_valid(model.requests[0])


def test_a_run_with_threads_says_which(colour):
    model, agent = agent_of("hello")
    with pytest.raises(ConfigError, match="thread_id"):
        colour.invoke(agent, "hi")
    assert model.requests == []
    colour.invoke(agent.with_config(configurable={"thread_id": 7}), "hi")
    assert agent.get_state(THREAD).values["messages"][-1].content == "hello"


def test_a_run_that_broke_off_between_any_two_records_goes_on_without_running_anything_again(colour):
    ran = []

    @tool
    def note(n: int) -> str:
        """Note."""
        ran.append(n)
        return f"noted {n}"

    def make(threads, script):
        return create_agent(Scripted(script=script), [note], threads=threads, parallel_tools=False)

    script = [calls(("note", {"n": 1}), ("note", {"n": 2})), calls(("note", {"n": 3}, "c3")), "done"]
    whole = InMemoryThreads()
    colour.invoke(make(whole, list(script)), "hi", THREAD)
    records = whole.load("7")
    for kept in range(1, len(records)):
        broken = InMemoryThreads()
        broken.append("7", records[:kept], 0)
        ran.clear()
        asked = sum(1 for record in records[:kept] for m in record.get("messages", ()) if m["$"] == "ai")
        answered = sum(1 for record in records[:kept] for m in record.get("messages", ()) if m["$"] == "tool")
        output = colour.invoke(make(broken, script[asked:]), None, THREAD)
        assert_valid(output["messages"])
        assert ran == [1, 2, 3][answered:]
        assert shape(output["messages"])[-1] == ("ai", "done")


def test_a_round_adds_the_same_number_of_bytes_to_a_long_thread(colour):
    def size(rounds):
        threads = InMemoryThreads()
        script = [calls(("weather", {"city": "x" * 200}, f"c{n}")) for n in range(rounds)]
        _, agent = agent_of(*script, "done", threads=threads)
        colour.invoke(agent, "hi", {**THREAD, "recursion_limit": 200})
        return sum(len(json.dumps(record)) for record in threads.load("7"))

    short, long = size(20), size(80)
    assert long <= 4 * short
    assert (long - short) / 60 <= 1024 + 2 * 213


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_a_run_is_stored_in_each_durability(colour, durability):
    _, agent = agent_of(LOOK, "ok")
    colour.invoke(agent, "hi", THREAD, durability=durability)
    assert shape(agent.get_state(THREAD).values["messages"])[-1] == ("ai", "ok")
    with pytest.raises(ConfigError, match="durability"):
        colour.invoke(agent, "hi", THREAD, durability="never")


def test_with_durability_exit_a_failed_run_is_stored_too(colour):
    _, agent = agent_of(LOOK, KeyError("model"))
    with pytest.raises(KeyError):
        colour.invoke(agent, "hi", THREAD, durability="exit")
    assert len(agent.get_state(THREAD).values["messages"]) == 3


def test_a_second_run_of_a_thread_is_refused_and_nothing_is_lost(colour):
    threads = InMemoryThreads()

    def intrude(messages):
        _, other = agent_of("other", threads=threads)
        other.invoke("from elsewhere", THREAD)
        return "mine"

    _, agent = agent_of(intrude, threads=threads)
    with pytest.raises(ThreadConflictError):
        colour.invoke(agent, "hi", THREAD)
    kept = agent.get_state(THREAD).values["messages"]
    assert shape(kept) == [("human", "hi"), ("human", "from elsewhere"), ("ai", "other")]


class Extra(AgentState):
    count: int
    notes: list[str]


class Answer(BaseModel):
    city: str


def test_other_keys_and_structured_answers_are_stored(colour):
    answer = calls(("Answer", {"city": "Oslo"}))
    _, agent = agent_of(answer, state_schema=Extra, response_format=Answer)
    colour.invoke(agent, {"messages": "hi", "count": 3, "notes": ["a"]}, THREAD)
    values = agent.get_state(THREAD).values
    assert (values["count"], values["notes"], values["structured_response"]) == (3, ["a"], Answer(city="Oslo"))


def test_a_state_is_read_and_changed_from_outside(colour):
    _, agent = agent_of(LOOK, "ok", "again", state_schema=Extra)
    assert agent.get_state(THREAD) == ({}, (), THREAD, {}, (), None, None, ())
    colour.invoke(agent, "hi", THREAD)
    assert agent.get_state(THREAD).next == ()
    agent.update_state(THREAD, {"messages": [HumanMessage("by hand")], "count": 1})
    state = agent.get_state(THREAD)
    assert (state.values["count"], shape(state.values["messages"])[-1]) == (1, ("human", "by hand"))
    assert state.next == ("model",)
    assert shape(colour.invoke(agent, None, THREAD)["messages"])[-1] == ("ai", "again")
    with pytest.raises(ConfigError, match="did you mean 'count'"):
        agent.update_state(THREAD, {"coun": 1})


def test_an_agent_without_threads_has_no_state(colour):
    with pytest.raises(ConfigError, match="keeps no threads"):
        create_agent(Scripted(script=[])).get_state(THREAD)


@pytest.mark.parametrize(
    "record",
    [
        *({"kind": "other"}, {}, {"kind": "step", "messages": 7}, {"kind": "step", "messages": ["text"]}),
        *(
            {"kind": "step", "values": []},
            {"kind": "step", "interrupts": [{}]},
            {"kind": "step", "messages": [{"$": "x"}]},
        ),
    ],
)
def test_records_that_no_agent_wrote_are_refused_before_the_model_is_called(colour, record):
    model, agent = agent_of()
    agent.threads.append("7", [record], 0)
    with pytest.raises(ThreadDataError):
        colour.invoke(agent, "hi", THREAD)
    assert model.requests == []


class Sub(TypedDict):
    x: int


def test_an_agent_in_a_tool_with_the_same_threads_has_a_thread_of_its_own(colour):
    threads = InMemoryThreads()
    inner = create_agent(Scripted(script=["inner"]), name="inner", threads=threads)
    outer = create_agent(Scripted(script=[calls(("inner", {"input": "x"})), "ok"]), [inner], threads=threads)
    output = colour.invoke(outer, "hi", THREAD)
    assert shape(output["messages"])[2] == ("tool", "inner", "c1")
    assert [each.thread_id for each in threads.list()] == ["7", "7/c1"]
