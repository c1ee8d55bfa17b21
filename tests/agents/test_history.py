"""Histories stay valid, whatever happens: after errors, limits, rejections, cancellation, new questions and crashes."""

import random

import pytest

from agents.scripted import Scripted, assert_valid, calls, shape
from prill.agents import Command, InMemoryThreads, Limits, create_agent, interrupt
from prill.agents.history import open_calls, repair, sort_answers
from prill.agents.middleware import after_model, before_model
from prill.errors import AgentLimitError, ToolException
from prill.messages import AIMessage, HumanMessage, RemoveMessage, ToolMessage
from prill.messages.tool import invalid_tool_call
from prill.tools import tool


def answer(id, text="ok"):
    return ToolMessage(text, tool_call_id=id)


CALL = calls(("t", {}), ("t", {}))


@pytest.mark.parametrize(
    ("given", "valid"),
    [
        ([CALL, answer("c2"), answer("c1")], ["c1", "c2"]),
        ([CALL, answer("c2")], ["c1", "c2"]),
        ([CALL, answer("c1"), answer("c1"), answer("c2")], ["c1", "c2"]),
        ([CALL, HumanMessage("go on"), answer("c2", "late")], ["c1", "c2"]),
        ([answer("c1"), HumanMessage("hi")], []),
        ([CALL, answer("other")], ["c1", "c2"]),
        ([calls(("t", {}, "x"), ("t", {}, "x")), answer("x", "one"), answer("x", "two")], None),
        ([calls(("t", {}, None))], None),
    ],
)
def test_a_repaired_history_has_one_answer_for_each_call(given, valid):
    repaired = repair(given)
    assert_valid(repaired)
    answers = [message.tool_call_id for message in repaired if isinstance(message, ToolMessage)]
    assert valid is None or answers == valid
    assert shape(repair(repaired)) == shape(repaired)


def test_a_late_answer_is_kept_and_a_valid_history_is_the_same():
    assert [m.content for m in repair([CALL, HumanMessage("x"), answer("c2", "late")])][2] == "late"
    valid = [HumanMessage("hi"), CALL, answer("c1"), answer("c2")]
    assert all(one is other for one, other in zip(repair(valid), valid, strict=True))


def test_the_calls_of_the_last_message_may_stay_open():
    assert [call["id"] for call in open_calls(repair([CALL, answer("c1")], keep_open=True))] == ["c2"]
    assert open_calls(repair([CALL, answer("c1"), HumanMessage("x")], keep_open=True)) == []


def test_the_blocks_of_renamed_calls_are_renamed_too():
    block = {"type": "tool_use", "id": "x", "name": "t", "input": {}}
    message = calls(("t", {}, "x"), ("t", {}, "x")).model_copy(update={"content": [block, dict(block)]})
    renamed = repair([message])[0]
    assert [part["id"] for part in renamed.content] == [call["id"] for call in renamed.tool_calls]


def test_answers_are_sorted_by_their_calls():
    messages = [CALL, answer("c2"), HumanMessage("x"), answer("c1")]
    sort_answers(messages, 0)
    assert [getattr(message, "tool_call_id", message.type) for message in messages] == ["ai", "c1", "c2", "human"]


# Random scripts


@tool
def good(n: int) -> str:
    """Works."""
    return str(n)


@tool
def bad(n: int) -> str:
    """Fails."""
    raise RuntimeError("bad")


@tool
def told(n: int) -> str:
    """Fails with words."""
    raise ToolException("told")


@tool
def gated(n: int) -> str:
    """Needs approval."""
    return f"gated {n}"


@tool
def asking(n: int) -> str:
    """Asks."""
    return str(interrupt({"n": n}))


TOOLS = [good, bad, told, gated, asking]


def random_message(chance):
    """What a model might say: text, calls of all kinds, half calls, ids that are missing or there twice."""
    if chance.random() < 0.25:
        return AIMessage(content="text")
    names = ["good", "bad", "told", "gated", "asking", "unknown"]
    made = calls(
        *(
            (
                chance.choice(names),
                {"n": chance.randint(0, 2)} if chance.random() < 0.8 else {"wrong": 1},
                chance.choice([None, "same", f"c{chance.randint(0, 10**6)}", f"d{place}"]),
            )
            for place in range(chance.randint(1, 4))
        )
    )
    if chance.random() < 0.3:
        broken = invalid_tool_call(name="good", args='{"n', id=chance.choice([None, "half", "same"]), error="cut")
        made = made.model_copy(update={"invalid_tool_calls": [broken]})
    return made


def random_middleware(chance):
    @before_model
    def forget(state, runtime):
        if chance.random() < 0.2 and len(state["messages"]) > 3:
            return {"messages": [RemoveMessage(id=chance.choice(state["messages"]).id)]}
        return None

    @after_model
    def jump(state, runtime):
        return {"jump_to": chance.choice(["tools", "model", "end"])} if chance.random() < 0.2 else None

    return [part for part in (forget, jump) if chance.random() < 0.3]


def random_agent(chance, threads):
    script = [random_message(chance) for _ in range(chance.randint(1, 6))] + ["end"]
    model = Scripted(script=script, loops=True)
    limits = Limits(
        model_calls=chance.randint(1, 6),
        tool_calls=chance.choice([None, 1, 3]),
        per_tool=chance.choice([{}, {"good": 1}]),
        repeats=chance.choice([None, 1]),
        on_limit=chance.choice(["end", "error"]),
    )
    return model, create_agent(
        model,
        TOOLS,
        approve=["gated"],
        threads=threads,
        limits=limits,
        handle_tool_errors=chance.choice([True, False]),
        middleware=random_middleware(chance),
        parallel_tools=False,
    )


def random_resume(chance, asked):
    kinds = [{"type": "approve"}, {"type": "reject"}, {"type": "respond", "message": "me"}]
    given = {}
    for each in asked:
        if each.tool_call_id is not None:
            given[each.id] = "an answer"
        else:
            for request in each.value["action_requests"]:
                given[request["tool_call_id"]] = chance.choice(kinds)
    return Command(resume=given)


def one_conversation(seed):
    """Some turns of one thread, each of which may fail, pause, be resumed, be crashed, or be asked something else."""
    chance = random.Random(seed)
    threads = InMemoryThreads()
    config = {"configurable": {"thread_id": "t"}}
    model, agent = random_agent(chance, threads)
    output = {}
    for turn in range(chance.randint(1, 4)):
        asked = output.get("__interrupt__")
        given = random_resume(chance, asked) if asked and chance.random() < 0.6 else f"question {turn}"
        try:
            output = agent.invoke(given, config)
            if "__interrupt__" not in output:
                assert_valid(output["messages"])
        except (RuntimeError, AgentLimitError) as error:
            output = {}
            if isinstance(error, AgentLimitError):
                assert_valid(error.partial["messages"])
    for request in model.requests:
        assert_valid(request)
    return len(model.requests)


@pytest.mark.parametrize("block", range(8))
def test_every_request_of_random_conversations_has_one_answer_for_each_call(block):
    requests = sum(one_conversation(seed) for seed in range(block * 300, (block + 1) * 300))
    assert requests > 300
