"""Agents inside of tools, and agents that take over a conversation."""

import pytest

from agents.scripted import COLOURS, Scripted, assert_valid, calls, shape
from prill.agents import Command, InMemoryThreads, Limits, create_agent
from prill.errors import ConfigError
from prill.tools import tool

pytestmark = pytest.mark.parametrize("colour", COLOURS)

THREAD = {"configurable": {"thread_id": "7"}}


@tool
def refund(amount: int) -> str:
    """Refund money."""
    return f"refunded {amount}"


def handing(*script, to, **kwargs):
    model = Scripted(script=list(script))
    return model, create_agent(model, handoffs=to, **kwargs)


HAND = calls(("transfer_to_billing", {}), text="one moment")


def test_an_agent_hands_over_with_a_valid_history_on_both_sides(colour):
    billing_model = Scripted(script=[calls(("refund", {"amount": 5}, "r1")), "refunded"])
    billing = create_agent(billing_model, [refund], name="billing", system_prompt="You are billing.")
    desk_model, desk = handing(HAND, to=[billing], name="desk")
    messages = colour.invoke(desk, "my money!")["messages"]
    assert shape(messages) == [
        ("human", "my money!"),
        ("ai", "one moment", ["c1"]),
        ("tool", "done", "c1"),
        ("ai", "", ["r1"]),
        ("tool", "refunded 5", "r1"),
        ("ai", "refunded"),
    ]
    assert [message.name for message in messages if message.type == "ai"] == ["desk", "billing", "billing"]
    for request in [*desk_model.requests, *billing_model.requests]:
        assert_valid(request)
    assert shape(billing_model.requests[0])[0] == ("system", "You are billing.")
    assert desk_model.bound[0]["tools"] == ["transfer_to_billing"]


def test_calls_beside_a_handoff_are_answered(colour):
    billing = create_agent(Scripted(script=["mine now"]), name="billing")
    both = calls(("refund", {"amount": 1}), ("transfer_to_billing", {}))
    _, desk = handing(both, to=[billing], tools=[refund])
    messages = colour.invoke(desk, "hi")["messages"]
    assert_valid(messages)
    assert shape(messages)[-1] == ("ai", "mine now")


def test_a_handoff_is_stored_in_the_thread(colour):
    billing = create_agent(Scripted(script=["mine now"]), name="billing")
    _, desk = handing(HAND, "again", to=[billing], threads=InMemoryThreads())
    colour.invoke(desk, "hi", THREAD)
    messages = colour.invoke(desk, "and now?", THREAD)["messages"]
    assert_valid(messages)
    assert shape(messages)[-3:] == [("ai", "mine now"), ("human", "and now?"), ("ai", "again")]


def test_tokens_of_the_agent_that_takes_over_are_shown(colour):
    billing = create_agent(Scripted(script=["mine now"]), name="billing")
    _, desk = handing(HAND, to=[billing], name="desk")
    chunks = colour.stream(desk, "hi", stream_mode="messages")
    assert ("mine ", "billing") in [(str(part.text), about["agent"]) for part, about in chunks]


def test_an_agent_that_took_over_pauses_and_goes_on(colour):
    billing_model = Scripted(script=[calls(("refund", {"amount": 5}, "r1")), "refunded"])
    billing = create_agent(billing_model, [refund], name="billing", approve=True)
    desk_model, desk = handing(HAND, to=[billing], threads=InMemoryThreads())
    (asked,) = colour.invoke(desk, "my money!", THREAD)["__interrupt__"]
    assert asked.value["action_requests"][0]["args"] == {"amount": 5}
    messages = colour.invoke(desk, Command(resume={asked.id: ["approve"]}), THREAD)["messages"]
    assert_valid(messages)
    assert shape(messages)[2:] == [
        *(("tool", "done", "c1"), ("ai", "", ["r1"]), ("tool", "refunded 5", "r1"), ("ai", "refunded")),
    ]
    assert (len(desk_model.requests), len(billing_model.requests)) == (1, 2)


def test_what_cannot_take_over_is_refused(colour):
    for wrong in ([7], [create_agent(Scripted(script=[]))], [create_agent(Scripted(script=[]), name="a")] * 2):
        with pytest.raises(ConfigError):
            handing(to=wrong)

    @tool
    def lost() -> Command:
        """Goes nowhere."""
        return Command(goto="nowhere")

    _, desk = handing(calls(("lost", {})), to=[], tools=[lost])
    with pytest.raises(ConfigError, match="nowhere"):
        colour.invoke(desk, "hi")


def test_an_agent_is_a_tool_with_a_task_in_words(colour):
    inner_model = Scripted(script=["it is 4"])
    inner = create_agent(inner_model, name="calculator")
    made = inner.as_tool(description="Calculates.")
    assert (made.name, made.description, list(made.args)) == ("calculator", "Calculates.", ["input"])
    outer = create_agent(Scripted(script=[calls(("calculator", {"input": "2+2"})), "ok"]), [made])
    assert shape(colour.invoke(outer, "hi")["messages"])[2] == ("tool", "it is 4", "c1")
    assert shape(inner_model.requests[0]) == [("human", "2+2")]
    with pytest.raises(ConfigError, match="needs a name"):
        create_agent(Scripted(script=[])).as_tool()


def test_two_agents_at_once_do_not_mix_their_states(colour):
    def answer(messages):
        return f"about {messages[-1].text}"

    inner = create_agent(Scripted(script=[answer], loops=True), name="inner")
    both = calls(*(("inner", {"input": str(n)}) for n in range(5)))
    outer = create_agent(Scripted(script=[both, "ok"]), [inner])
    messages = colour.invoke(outer, "hi", {"max_concurrency": 2})["messages"]
    assert [message.content for message in messages[2:7]] == [f"about {n}" for n in range(5)]


def test_a_limit_of_concurrency_holds_over_agents_in_tools(colour):
    import threading
    import time

    running, most = [0], [0]
    lock = threading.Lock()

    @tool
    def work() -> str:
        """Work."""
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.01)
        with lock:
            running[0] -= 1
        return "ok"

    def once(messages):
        return "done" if len(messages) > 1 else calls(*(("work", {}, f"w{n}") for n in range(3)))

    inner = create_agent(Scripted(script=[once], loops=True), [work], name="inner", limits=Limits(model_calls=3))
    outer = create_agent(Scripted(script=[calls(*(("inner", {"input": "x"}) for _ in range(3))), "ok"]), [inner])
    colour.invoke(outer, "hi", {"max_concurrency": 2})
    assert most[0] <= 2
