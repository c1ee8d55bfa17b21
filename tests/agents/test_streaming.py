"""What the streams of an agent show, when, and that leaving one stops everything."""

import asyncio
import threading
import time

import pytest

from agents.scripted import COLOURS, Scripted, calls, shape
from prill.agents import create_agent, get_stream_writer, wrap_model_call
from prill.errors import ConfigError
from prill.messages import AIMessage, AIMessageChunk, ToolMessage, merge_chunks, message_chunk_to_message
from prill.tools import tool

pytestmark = pytest.mark.parametrize("colour", COLOURS)


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    get_stream_writer()({"progress": f"looking at {city}"})
    return f"sunny in {city}"


@tool
def slowly(to: int):
    """Reports what it does."""
    for number in range(to):
        yield f"at {number}"
    return "arrived"


LOOKED = calls(("weather", {"city": "Oslo"}), text="let me look")


def agent_of(*script, tools=(weather, slowly), **kwargs):
    return create_agent(Scripted(script=list(script)), tools, **kwargs)


def test_updates_show_what_each_step_added(colour):
    chunks = colour.stream(agent_of(LOOKED, "It is sunny"), "hi", stream_mode="updates")
    assert [(node, shape(change["messages"])) for chunk in chunks for node, change in chunk.items()] == [
        ("model", [("ai", "let me look", ["c1"])]),
        ("tools", [("tool", "sunny in Oslo", "c1")]),
        ("model", [("ai", "It is sunny")]),
    ]
    assert [list(chunk) for chunk in colour.stream(agent_of(LOOKED, "ok"), "hi")] == [["model"], ["tools"], ["model"]]


def test_an_update_knows_the_state_after_it(colour):
    chunks = colour.stream(agent_of(LOOKED, "It is sunny"), "hi")
    assert shape(chunks[-1].state["messages"])[-1] == ("ai", "It is sunny")


def test_values_show_the_whole_state_after_each_step(colour):
    chunks = colour.stream(agent_of(LOOKED, "It is sunny"), "hi", stream_mode="values")
    assert [len(chunk["messages"]) for chunk in chunks] == [1, 2, 3, 4]


def test_messages_show_tokens_and_what_they_belong_to(colour):
    chunks = colour.stream(agent_of(LOOKED, "It is sunny", name="helper"), "hi", stream_mode="messages")
    shown = [(str(part.text), about["langgraph_node"], about["langgraph_step"]) for part, about in chunks if part.text]
    assert shown == [
        *(("let ", "model", 1), ("me ", "model", 1), ("look", "model", 1)),
        ("sunny in Oslo", "tools", 2),
        *(("It ", "model", 3), ("is ", "model", 3), ("sunny", "model", 3)),
    ]
    assert all(about["path"] == ["helper"] and about["agent"] == "helper" for _, about in chunks)


def test_the_chunks_of_a_message_add_up_to_it_and_show_no_call_without_a_name(colour):
    agent = agent_of(calls(("weather", {"city": "Oslo"}), ("slowly", {"to": 1}), text="let me look"), "done")
    chunks = colour.stream(agent, "hi", stream_mode=["messages", "values"])
    final = [value["messages"] for mode, value in chunks if mode == "values"][-1]
    pieces: dict[str, list[AIMessageChunk]] = {}
    for mode, value in chunks:
        if mode == "messages" and isinstance(value[0], AIMessageChunk):
            pieces.setdefault(value[0].id, []).append(value[0])
            assert all(call["name"] and call["id"] for call in value[0].tool_calls)
            assert value[0].invalid_tool_calls == []
    whole = [message_chunk_to_message(merge_chunks(parts)) for parts in pieces.values()]
    assert [(m.content, m.tool_calls) for m in whole] == [
        (m.content, m.tool_calls) for m in final if isinstance(m, AIMessage)
    ]


def test_the_answer_is_told_from_what_is_said_before_calls(colour):
    chunks = colour.stream(agent_of(LOOKED, "It is sunny"), "hi", stream_mode="messages")
    finals = {}
    for part, about in chunks:
        if isinstance(part, AIMessageChunk):
            finals.setdefault(part.id, about["final"])
    assert list(finals.values()) == [False, True]


def test_tools_write_and_report_progress_with_the_id_of_their_call(colour):
    agent = agent_of(calls(("weather", {"city": "Oslo"})), calls(("slowly", {"to": 2}, "s")), "done")
    chunks = colour.stream(agent, "hi", stream_mode=["custom", "updates"])
    kinds = [(mode, value if mode == "custom" else list(value)) for mode, value in chunks]
    progress = {"type": "tool_progress", "name": "slowly", "tool_call_id": "s"}
    assert kinds == [
        ("updates", ["model"]),
        ("custom", {"progress": "looking at Oslo"}),
        ("updates", ["tools"]),
        ("updates", ["model"]),
        ("custom", {**progress, "data": "at 0"}),
        ("custom", {**progress, "data": "at 1"}),
        ("updates", ["tools"]),
        ("updates", ["model"]),
    ]


def test_a_list_of_modes_gives_pairs_and_version_2_dicts(colour):
    pairs = colour.stream(agent_of("hello"), "hi", stream_mode=["updates"])
    assert [(mode, list(value)) for mode, value in pairs] == [("updates", ["model"])]
    dicts = colour.stream(agent_of("hello"), "hi", stream_mode="updates", version="v2")
    assert [(chunk["type"], chunk["ns"], list(chunk["data"])) for chunk in dicts] == [("updates", (), ["model"])]
    within = colour.stream(agent_of("hello"), "hi", stream_mode="messages", subgraphs=True)
    assert [namespace for namespace, _ in within] == [(), ()]
    with pytest.raises(ConfigError, match="version"):
        colour.stream(agent_of("hello"), "hi", version="v3")


def test_a_writer_outside_of_an_agent_is_refused(colour):
    with pytest.raises(ConfigError, match="no"):
        get_stream_writer()


# While it happens


class Gate:
    """Lets a tool or a model go on when the consumer has seen something."""

    def __init__(self):
        self.seen = threading.Event()

    def wait(self):
        assert self.seen.wait(20), "the consumer has not seen what came before"


def test_a_token_leaves_before_the_next_one_is_made(colour):
    gate = Gate()

    class Slow(Scripted):
        async def _chunks(self, messages, run, **kwargs):
            yield AIMessageChunk(content="first ", id="m")
            await run.io.call(gate.wait)
            yield AIMessageChunk(content="second", id="m", chunk_position="last")

    def see(chunk):
        if chunk[0].text == "first ":
            gate.seen.set()

    agent = create_agent(Slow(script=[]))
    assert each(colour, agent, see, stream_mode="messages") == 2


def test_tokens_leave_at_once_also_through_middleware(colour):
    gate = Gate()

    class Slow(Scripted):
        async def _chunks(self, messages, run, **kwargs):
            yield AIMessageChunk(content="first ", id="m")
            await run.io.call(gate.wait)
            yield AIMessageChunk(content="second", id="m", chunk_position="last")

    @wrap_model_call
    def plain(request, handler):
        return handler(request)

    @wrap_model_call
    async def later(request, handler):
        return await handler(request)

    def see(chunk):
        if chunk[0].text == "first ":
            gate.seen.set()

    for around in ([plain], [later], [plain, later]):
        gate.seen.clear()
        agent = create_agent(Slow(script=[]), middleware=around)
        assert each(colour, agent, see, stream_mode="messages") == 2


def test_progress_arrives_while_the_tool_runs(colour):
    gate = Gate()

    @tool
    def works():
        """Works."""
        yield "started"
        gate.wait()
        yield "done"

    def see(chunk):
        gate.seen.set()

    agent = create_agent(Scripted(script=[calls(("works", {})), "ok"]), [works])
    assert each(colour, agent, see, stream_mode="custom") == 2


def test_the_first_answer_of_several_is_shown_while_the_others_run(colour):
    gate = Gate()

    @tool
    def quick() -> str:
        """Quick."""
        return "quick"

    @tool
    def slow() -> str:
        """Slow."""
        gate.wait()
        return "slow"

    order = []

    def see(chunk):
        if "tools" in chunk:
            order.append(chunk["tools"]["messages"][0].content)
            gate.seen.set()

    agent = create_agent(Scripted(script=[calls(("slow", {}), ("quick", {})), "ok"]), [quick, slow])
    each(colour, agent, see, stream_mode="updates")
    assert order == ["quick", "slow"]


def each(colour, agent, see, **kwargs):
    """Call ``see`` with each chunk as it comes; returns their number."""
    count = 0
    if type(colour).__name__ == "Blocking":
        for chunk in agent.stream("hi", **kwargs):
            see(chunk)
            count += 1
        return count

    async def main():
        count = 0
        async for chunk in agent.astream("hi", **kwargs):
            see(chunk)
            count += 1
        return count

    return asyncio.run(main())


# Agents inside of tools


@pytest.fixture
def nested():
    inner = create_agent(Scripted(script=["inner answer"], loops=True), name="researcher")

    @tool
    def research(question: str) -> str:
        """Research."""
        return inner.invoke(question)["messages"][-1].text

    @tool
    async def research_later(question: str) -> str:
        """Research in asyncio."""
        return (await inner.ainvoke(question))["messages"][-1].text

    return [research, research_later, inner]


@pytest.mark.parametrize("name", ["research", "research_later", "researcher"])
def test_tokens_of_an_agent_in_a_tool_arrive_with_their_path(colour, nested, name):
    args = {"input": "why"} if name == "researcher" else {"question": "why"}
    outer = create_agent(Scripted(script=[calls((name, args)), "outer done"]), nested, name="boss")
    chunks = colour.stream(outer, "hi", stream_mode="messages")
    shown = [(str(part.text), about["path"], about["agent"]) for part, about in chunks if part.text]
    assert shown[:2] == [
        ("inner ", ["boss", name, "researcher"], "researcher"),
        ("answer", ["boss", name, "researcher"], "researcher"),
    ]
    assert [text for text, path, _ in shown if path == ["boss"]] == ["inner answer", "outer ", "done"]


def test_what_a_tool_of_an_inner_agent_writes_arrives_in_the_outer_stream(colour):
    inner = create_agent(Scripted(script=[LOOKED, "ok"]), [weather], name="inner")
    outer = create_agent(Scripted(script=[calls(("inner", {"input": "x"})), "ok"]), [inner])
    assert colour.stream(outer, "hi", stream_mode="custom") == [{"progress": "looking at Oslo"}]


def test_a_model_inside_of_a_tool_is_shown_too_unless_it_is_tagged(colour):
    model = Scripted(script=["from a tool"], loops=True)
    quiet = model.with_config(tags=["nostream"])

    @tool
    def ask(quietly: bool) -> str:
        """Ask a model."""
        return str((quiet if quietly else model).invoke("x").text)

    for is_quiet, expected in ((False, 2), (True, 1)):
        agent = create_agent(Scripted(script=[calls(("ask", {"quietly": is_quiet})), "ok"]), [ask])
        chunks = colour.stream(agent, "hi", stream_mode="messages")
        assert len([part for part, _ in chunks if str(part.text) == "from a tool"]) == expected


# Leaving


def prill_threads():
    return {thread for thread in threading.enumerate() if thread.name == "prill-background"}


def test_leaving_a_stream_ends_the_tools_and_leaves_nothing_running(colour):
    ended = threading.Event()

    @tool
    def endless():
        """Never ends by itself."""
        try:
            while True:
                yield "tick"
        finally:
            ended.set()

    agent = create_agent(Scripted(script=[calls(("endless", {})), "never"]), [endless])
    if type(colour).__name__ == "Blocking":
        stream = agent.stream("hi", stream_mode="custom")
        next(stream)
        stream.close()
    else:

        async def main():
            stream = agent.astream("hi", stream_mode="custom")
            await anext(stream)
            before = time.monotonic()
            await stream.aclose()
            assert time.monotonic() - before < 10
            assert len(asyncio.all_tasks()) == 1

        asyncio.run(main())
    assert ended.wait(10)
    assert prill_threads() == set()


def test_a_slow_consumer_slows_the_tool(colour):
    made = []

    @tool
    def fast():
        """Makes much."""
        for number in range(10_000):
            made.append(number)
            yield number

    agent = create_agent(Scripted(script=[calls(("fast", {})), "never"]), [fast])
    seen = []

    def see(chunk):
        seen.append(chunk)
        if len(seen) == 50:
            raise KeyError("enough")

    with pytest.raises(KeyError):
        each(colour, agent, see, stream_mode="custom")
    assert len(made) < 400


def test_a_message_of_a_tool_is_shown_once(colour):
    chunks = colour.stream(agent_of(LOOKED, "ok"), "hi", stream_mode="messages")
    assert len([part for part, _ in chunks if isinstance(part, ToolMessage)]) == 1
