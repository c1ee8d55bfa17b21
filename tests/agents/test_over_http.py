"""Agents over a real connection: tokens leave as they come, what is left is closed, half a call is never run."""

import asyncio
import threading

import pytest

from agents.scripted import COLOURS, Blocking, assert_valid, shape
from prill.agents import InMemoryThreads, create_agent
from prill.anthropic import ChatAnthropic
from prill.errors import Cancelled, StreamInterrupted
from prill.io import CancelToken
from prill.openai import ChatOpenAI
from prill.testing import Faults, ReplayServer, Reply
from prill.tools import tool

pytestmark = pytest.mark.parametrize("colour", COLOURS)

THREAD = {"configurable": {"thread_id": "7"}}


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


@pytest.fixture
def server():
    with ReplayServer() as server:
        yield server


def openai(server):
    return ChatOpenAI(model="gpt-4o", base_url=server.openai_url, api_key="test", max_retries=0)


def anthropic(server):
    return ChatAnthropic(model="claude-haiku-4-5", base_url=server.anthropic_url, api_key="test", max_retries=0)


VENDORS = pytest.mark.parametrize("vendor", [openai, anthropic])

LOOK = Reply(["let me look"], tool_calls=[{"name": "weather", "args": {"city": "Oslo"}, "id": "c1"}])


@VENDORS
def test_each_vendor_is_sent_a_history_that_it_takes(colour, server, vendor):
    server.queue(LOOK, Reply(["It is", " sunny"]))
    agent = create_agent(vendor(server), [weather], system_prompt="Be brief.")
    messages = colour.stream(agent, "hi", stream_mode="values")[-1]["messages"]
    assert shape(messages) == [
        *(("human", "hi"), ("ai", "let me look", ["c1"]), ("tool", "sunny in Oslo", "c1"), ("ai", "It is sunny")),
    ]
    assert server.errors == []
    assert "sunny in Oslo" in str(server.requests[1].json)


@VENDORS
def test_a_call_that_the_token_limit_cut_is_answered_and_not_run(colour, server, vendor):
    ran = []

    @tool
    def remove(path: str) -> str:
        """Remove."""
        ran.append(path)
        return "removed"

    half = Reply(tool_calls=[{"name": "remove", "args": '{"path": "/ho', "id": "c1"}], finish_reason="length")
    server.queue(half, Reply(["I stop"]))
    agent = create_agent(vendor(server), [remove])
    messages = [
        value for mode, value in colour.stream(agent, "hi", stream_mode=["values", "messages"]) if mode == "values"
    ]
    assert ran == []
    assert_valid(messages[-1]["messages"])
    assert "not run" in messages[-1]["messages"][2].content
    assert "not run" in str(server.requests[1].json)


@VENDORS
def test_a_token_is_there_while_the_server_is_silent_and_leaving_closes_the_connection(colour, server, vendor):
    server.replies(lambda seen: Reply(["one", " two", " three"], faults=Faults(stall_at=5)))
    agent = create_agent(vendor(server), [weather])
    if isinstance(colour, Blocking):
        stream = agent.stream("hi", stream_mode="messages")
        assert next(part.text for part, _ in stream if part.text) == "one"
        stream.close()
    else:

        async def main():
            stream = agent.astream("hi", stream_mode="messages")
            async for part, _ in stream:
                if part.text:
                    break
            assert part.text == "one"
            await stream.aclose()
            assert len(asyncio.all_tasks()) == 1

        asyncio.run(main())
    assert server.wait_closed(10)
    assert server.closed_early == 1


def test_a_cut_connection_ends_the_run_with_what_had_come(colour, server):
    server.queue(LOOK, Reply(["It", " is", " sunny"], faults=Faults(cut_after_events=3)))
    agent = create_agent(openai(server), [weather], threads=InMemoryThreads())
    with pytest.raises(StreamInterrupted) as raised:
        colour.stream(agent, "hi", THREAD, stream_mode="messages")
    assert raised.value.partial.content
    assert raised.value.path[0] == "Agent"
    assert shape(raised.value.state["messages"])[-1] == ("tool", "sunny in Oslo", "c1")
    server.queue(Reply(["again"]))
    assert shape(colour.invoke(agent, None, THREAD)["messages"])[-1] == ("ai", "again")


@pytest.mark.parametrize("verb", ["invoke", "stream"])
def test_a_cancelled_run_stops_and_its_thread_goes_on_with_a_valid_history(colour, server, verb):
    token = CancelToken()
    server.queue(LOOK)
    server.replies(lambda seen: Reply(["slow"], faults=Faults(stall_at=0)))
    agent = create_agent(openai(server), [weather], threads=InMemoryThreads())
    waiting = threading.Thread(target=lambda: server.wait_requests(2, 30) and token.cancel())
    waiting.start()
    with pytest.raises(Cancelled):
        getattr(colour, verb)(agent, "hi", {**THREAD, "cancel": token})
    waiting.join()
    assert server.wait_closed(10)
    server.replies(lambda seen: Reply(["fine"]))
    messages = colour.invoke(agent, "go on", THREAD)["messages"]
    assert_valid(messages)
    assert shape(messages)[-2:] == [("human", "go on"), ("ai", "fine")]


def test_a_run_that_is_cancelled_in_a_tool_leaves_a_history_that_is_answered(colour, server):
    token = CancelToken()
    seen = []

    @tool
    def stops(n: int) -> str:
        """Has the run cancelled from elsewhere, and waits for that."""
        seen.append(n)
        token.cancel()
        return "late"

    server.queue(Reply(tool_calls=[{"name": "stops", "args": {"n": 1}, "id": "c1"}]))
    agent = create_agent(openai(server), [stops], threads=InMemoryThreads())
    with pytest.raises(Cancelled):
        colour.invoke(agent, "hi", {**THREAD, "cancel": token})
    server.queue(Reply(["fine"]))
    messages = colour.invoke(agent, "go on", THREAD)["messages"]
    assert_valid(messages)
    assert seen == [1]
