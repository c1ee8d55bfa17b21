"""Calls that a person decides on, tools that ask, and how a paused agent is resumed, with threads and without."""

import dataclasses
import json
import threading

import pytest

from agents.scripted import COLOURS, Scripted, assert_valid, calls, shape
from prill.agents import (
    Command,
    HumanInTheLoopMiddleware,
    InMemoryThreads,
    ToolRetryMiddleware,
    after_model,
    create_agent,
    interrupt,
    wrap_tool_call,
)
from prill.agents.threads import dump_value, load_value
from prill.errors import ConfigError, PrillError, ThreadConflictError, ThreadNotFoundError
from prill.messages import RemoveMessage
from prill.tools import tool

pytestmark = pytest.mark.parametrize("colour", COLOURS)

THREAD = {"configurable": {"thread_id": "7"}}


class Ran(list):
    """What the tools did."""

    def tools(self):
        @tool
        def send(to: str, text: str = "hi") -> str:
            """Send a mail."""
            self.append(("send", to))
            return f"sent to {to}"

        @tool
        def look(at: str) -> str:
            """Look at something."""
            self.append(("look", at))
            return f"saw {at}"

        @tool
        def book(nights: int) -> str:
            """Book a room; asks twice."""
            self.append(("book", nights))
            room = interrupt({"question": "which room?"})
            price = interrupt({"question": "which price?"})
            return f"booked {room} for {price}"

        return [send, look, book]


@pytest.fixture
def ran():
    return Ran()


SEND = calls(("send", {"to": "ada"}), text="I will")


def agent_of(ran, *script, **kwargs):
    model = Scripted(script=list(script))
    given = {"approve": ["send"], "threads": InMemoryThreads(), **kwargs}
    return model, create_agent(model, ran.tools(), **given)


def test_a_call_waits_and_the_question_is_plain_json(colour, ran):
    _, agent = agent_of(ran, SEND)
    output = colour.invoke(agent, "hi", THREAD)
    (asked,) = output["__interrupt__"]
    assert json.loads(json.dumps(asked.value)) == {
        "action_requests": [
            {
                "name": "send",
                "args": {"to": "ada"},
                "description": "Tool execution requires approval\n\nTool: send\nArgs: {'to': 'ada'}",
                "tool_call_id": "c1",
            }
        ],
        "review_configs": [{"action_name": "send", "allowed_decisions": ["approve", "edit", "reject", "respond"]}],
    }
    assert ran == []
    state = agent.get_state(THREAD)
    assert state.next == ("tools",)
    assert state.interrupts == (asked,)


@pytest.mark.parametrize(
    ("decision", "did", "status", "answer"),
    [
        ({"type": "approve"}, [("send", "ada")], "success", "sent to ada"),
        ("approve", [("send", "ada")], "success", "sent to ada"),
        (
            {"type": "edit", "edited_action": {"name": "send", "args": {"to": "bob"}}},
            [("send", "bob")],
            "success",
            None,
        ),
        ({"type": "edit", "args": {"to": "bob"}}, [("send", "bob")], "success", None),
        (
            {"type": "reject", "message": "not allowed"},
            [],
            "error",
            "User rejected the tool call for `send` with reason: not allowed",
        ),
        ({"type": "reject"}, [], "error", None),
        ({"type": "respond", "message": "ask later"}, [], "success", "ask later"),
    ],
)
@pytest.mark.parametrize("form", ["list", "by id", "bare list", "bare by id"])
def test_decisions_approve_edit_reject_and_respond(colour, ran, decision, did, status, answer, form):
    model, agent = agent_of(ran, SEND, "done")
    colour.invoke(agent, "hi", THREAD)
    given = {
        "list": {"decisions": [decision]},
        "by id": {"decisions": {"c1": decision}},
        "bare list": [decision],
        "bare by id": {"c1": decision},
    }[form]
    output = colour.invoke(agent, Command(resume=json.loads(json.dumps(given))), THREAD)
    assert "__interrupt__" not in output
    assert_valid(output["messages"])
    assert_valid(model.requests[-1])
    assert ran == did
    told = output["messages"][2]
    assert told.status == status
    assert answer is None or told.content == answer
    if decision != "approve" and decision["type"] == "edit":
        assert "A person changed this call" in told.content
        assert told.content.endswith("sent to bob")
        assert output["messages"][1].tool_calls[0]["args"] == {"to": "ada"}


def test_a_command_is_read_from_its_json_too(colour, ran):
    _, agent = agent_of(ran, SEND, "done")
    colour.invoke(agent, "hi", THREAD)
    command = json.loads(json.dumps(dataclasses.asdict(Command(resume=[{"type": "approve"}]))))
    assert shape(colour.invoke(agent, command, THREAD)["messages"])[-1] == ("ai", "done")
    _, agent = agent_of(ran, SEND, "done")
    colour.invoke(agent, "hi", THREAD)
    output = colour.invoke(agent, {"resume": {"c1": {"type": "approve"}}}, THREAD)
    assert shape(output["messages"])[-1] == ("ai", "done")


@pytest.mark.parametrize(
    "wrong",
    [
        *([], [{"type": "approve"}] * 2, [{"type": "maybe"}], ["no"], "approve", {"c2": "approve"}, {}, 7),
        [{"type": "edit", "edited_action": {"name": "nope", "args": {}}}],
        [{"type": "edit", "edited_action": {"name": "send", "args": {"to": 7}}}],
        [{"type": "edit"}],
        [{"type": "respond"}],
    ],
)
def test_decisions_that_cannot_be_are_refused_and_the_agent_still_waits(colour, ran, wrong):
    model, agent = agent_of(ran, SEND, "done")
    colour.invoke(agent, "hi", THREAD)
    length = agent.threads.length("7")
    with pytest.raises(ConfigError):
        colour.invoke(agent, Command(resume=wrong), THREAD)
    assert (ran, len(model.requests), agent.threads.length("7")) == ([], 1, length)
    assert shape(colour.invoke(agent, Command(resume=["approve"]), THREAD)["messages"])[-1] == ("ai", "done")


def test_only_allowed_decisions_can_be_taken(colour, ran):
    rule = {"send": {"allowed_decisions": ["approve", "reject"]}}
    _, agent = agent_of(ran, SEND, approve=rule)
    output = colour.invoke(agent, "hi", THREAD)
    assert output["__interrupt__"][0].value["review_configs"][0]["allowed_decisions"] == ["approve", "reject"]
    with pytest.raises(ConfigError, match="not one of approve, reject"):
        colour.invoke(agent, Command(resume=[{"type": "respond", "message": "x"}]), THREAD)


def test_a_function_of_the_arguments_says_which_calls_wait(colour, ran):
    _, agent = agent_of(
        ran,
        calls(("send", {"to": "ada"}), ("send", {"to": "boss"})),
        approve={"send": lambda args: args["to"] == "boss"},
    )
    output = colour.invoke(agent, "hi", THREAD)
    assert ran == [("send", "ada")]
    assert [each["args"]["to"] for each in output["__interrupt__"][0].value["action_requests"]] == ["boss"]


def test_a_tool_may_demand_approval_itself(colour):
    ran = []

    @tool(approve=lambda args: args["amount"] > 100)
    def pay(amount: int) -> str:
        """Pay."""
        ran.append(amount)
        return "paid"

    agent = create_agent(Scripted(script=[calls(("pay", {"amount": 5}), ("pay", {"amount": 500}))]), [pay])
    output = colour.invoke(agent, "hi")
    assert ran == [5]
    assert output["__interrupt__"][0].value["action_requests"][0]["args"] == {"amount": 500}
    trusted = create_agent(Scripted(script=[calls(("pay", {"amount": 500})), "ok"]), [pay], approve={"pay": False})
    assert "__interrupt__" not in colour.invoke(trusted, "hi")


def test_free_calls_beside_a_waiting_one_run_once_and_answers_keep_their_order(colour, ran):
    _, agent = agent_of(ran, calls(("send", {"to": "ada"}), ("look", {"at": "sky"})), "done")
    colour.invoke(agent, "hi", THREAD)
    assert ran == [("look", "sky")]
    output = colour.invoke(agent, Command(resume=["approve"]), THREAD)
    assert ran == [("look", "sky"), ("send", "ada")]
    assert [part[1] for part in shape(output["messages"])[2:4]] == ["sent to ada", "saw sky"]


def test_a_rejected_call_cannot_be_run_by_a_hook(colour, ran):
    @after_model
    def jump(state, runtime):
        return {"jump_to": "tools"}

    @wrap_tool_call
    async def twice(request, handler):
        await handler(request)
        return await handler(request)

    for around in (
        [jump, twice],
        [HumanInTheLoopMiddleware({"send": True}), jump],
        [jump, HumanInTheLoopMiddleware({"send": True})],
    ):
        ran.clear()
        _, agent = agent_of(ran, SEND, "done", middleware=around)
        colour.invoke(agent, "hi", THREAD)
        colour.invoke(agent, Command(resume=[{"type": "reject"}]), THREAD)
        assert ran == []


def test_a_hook_that_removes_the_rejection_does_not_make_the_call_run(colour, ran):
    @after_model
    def forget(state, runtime):
        answers = [message for message in state["messages"] if message.type == "tool"]
        return {"messages": [RemoveMessage(id=answers[0].id)], "jump_to": "tools"} if answers else None

    _, agent = agent_of(ran, SEND, "done", middleware=[forget])
    colour.invoke(agent, "hi", THREAD)
    output = colour.invoke(agent, Command(resume=[{"type": "reject"}]), THREAD)
    assert ran == []
    assert_valid(output["messages"])


def test_the_middleware_asks_for_all_at_once_or_for_each(colour, ran):
    two = calls(("send", {"to": "ada"}), ("send", {"to": "bob"}))
    around = HumanInTheLoopMiddleware(
        {"send": True, "unknown": True}, description_prefix="Please", interrupt_mode="per_call"
    )
    _, agent = agent_of(ran, two, "done", approve=None, middleware=[around])
    asked = colour.invoke(agent, "hi", THREAD)["__interrupt__"]
    assert [(each.id, each.value["type"], each.value["description"].partition("\n")[0]) for each in asked] == [
        ("c1", "tool_approval", "Please"),
        ("c2", "tool_approval", "Please"),
    ]
    colour.invoke(agent, Command(resume={"c1": {"type": "approve"}, "c2": {"type": "reject"}}), THREAD)
    assert ran == [("send", "ada")]


# Without threads


def test_a_paused_state_is_resumed_without_threads_also_after_json(colour, ran):
    model, agent = agent_of(ran, SEND, "done", threads=None)
    paused = colour.invoke(agent, "hi")
    asked = [each.to_dict() for each in paused["__interrupt__"]]
    stored = json.dumps(dump_value({**paused, "__interrupt__": asked}))
    output = colour.invoke(agent, Command(resume=["approve"], update=load_value(json.loads(stored))))
    assert ran == [("send", "ada")]
    assert shape(output["messages"])[-1] == ("ai", "done")
    assert len(model.requests) == 2


def test_a_tool_that_asked_is_resumed_without_threads(colour, ran):
    _, agent = agent_of(ran, calls(("book", {"nights": 2})), "done", threads=None)
    first = colour.invoke(agent, "hi")
    second = colour.invoke(agent, Command(resume="blue", update=first))
    assert second["__interrupt__"][0].value == {"question": "which price?"}
    output = colour.invoke(agent, Command(resume="10", update=second))
    assert output["messages"][2].content == "booked blue for 10"


def test_resuming_from_nothing_is_refused(colour, ran):
    _, agent = agent_of(ran, threads=None)
    with pytest.raises(ConfigError, match="paused state"):
        colour.invoke(agent, Command(resume=["approve"]))
    with pytest.raises(ConfigError, match="not paused"):
        colour.invoke(agent, Command(resume=["approve"], update={"messages": "hi"}))


# Tools that ask


def test_interrupt_returns_each_answer_when_the_tool_runs_again(colour, ran):
    _, agent = agent_of(ran, calls(("book", {"nights": 2}), ("look", {"at": "sea"})), "done")
    asked = colour.invoke(agent, "hi", THREAD)["__interrupt__"]
    assert [each.value for each in asked] == [{"question": "which room?"}]
    asked = colour.invoke(agent, Command(resume="blue"), THREAD)["__interrupt__"]
    assert [each.value for each in asked] == [{"question": "which price?"}]
    output = colour.invoke(agent, Command(resume={asked[0].id: 10}), THREAD)
    assert [part[1] for part in shape(output["messages"])[2:4]] == ["booked blue for 10", "saw sea"]
    assert ran.count(("look", "sea")) == 1


def test_several_questions_are_answered_by_their_ids(colour, ran):
    _, agent = agent_of(
        ran,
        calls(("book", {"nights": 1}), ("book", {"nights": 2}), ("send", {"to": "ada"})),
        "done",
        parallel_tools=False,
    )
    asked = colour.invoke(agent, "hi", THREAD)["__interrupt__"]
    assert len(asked) == 3
    with pytest.raises(ConfigError, match="several answers"):
        colour.invoke(agent, Command(resume="blue"), THREAD)
    answers = {each.id: "x" for each in asked if each.tool_call_id}
    with pytest.raises(ConfigError):
        colour.invoke(agent, Command(resume=answers), THREAD)
    asked = colour.invoke(agent, Command(resume={**answers, "c3": "approve"}), THREAD)["__interrupt__"]
    assert [each.tool_call_id for each in asked] == ["c1", "c2"]
    assert ("send", "ada") in ran
    output = colour.invoke(agent, Command(resume={each.id: "y" for each in asked}), THREAD)
    assert [part[1] for part in shape(output["messages"])[2:5]] == ["booked x for y"] * 2 + ["sent to ada"]


def test_a_tool_and_a_hook_around_it_may_ask(colour, ran):
    @wrap_tool_call
    def plain(request, handler):
        return handler(request)

    @wrap_tool_call
    async def asks(request, handler):
        return await handler(request) if interrupt("run it?") == "yes" else None

    for around in ([plain], [ToolRetryMiddleware()], [plain, ToolRetryMiddleware()]):
        _, agent = agent_of(ran, calls(("book", {"nights": 2})), "done", threads=None, middleware=around)
        second = colour.invoke(agent, Command(resume="blue", update=colour.invoke(agent, "hi")))
        output = colour.invoke(agent, Command(resume="10", update=second))
        assert output["messages"][2].content == "booked blue for 10"
    ran.clear()
    _, agent = agent_of(ran, calls(("look", {"at": "sky"})), "done", threads=None, middleware=[asks])
    paused = colour.invoke(agent, "hi")
    assert (paused["__interrupt__"][0].value, ran) == ("run it?", [])
    colour.invoke(agent, Command(resume="yes", update=paused))
    assert ran == [("look", "sky")]


def test_interrupt_outside_of_an_agent_is_refused(colour):
    with pytest.raises(ConfigError, match="pauses an agent"):
        interrupt("?")


def test_an_agent_inside_of_a_tool_pauses_the_one_around_it(colour, ran):
    inner_model = Scripted(script=[SEND, "inner done"])
    inner = create_agent(inner_model, ran.tools(), approve=["send"], name="inner")
    outer = create_agent(Scripted(script=[calls(("inner", {"input": "x"})), "ok"]), [inner], threads=InMemoryThreads())
    (asked,) = colour.invoke(outer, "hi", THREAD)["__interrupt__"]
    assert asked.value["action_requests"][0]["name"] == "send"
    assert ran == []
    output = colour.invoke(outer, Command(resume={asked.id: ["approve"]}), THREAD)
    assert shape(output["messages"])[2:] == [("tool", "inner done", "c1"), ("ai", "ok")]
    assert ran == [("send", "ada")]
    assert len(inner_model.requests) == 2


# Threads that cannot be resumed


def test_unknown_and_finished_threads_are_not_resumed(colour, ran):
    model, agent = agent_of(ran, "hello")
    for given in (Command(resume=["approve"]), None):
        with pytest.raises(ThreadNotFoundError):
            colour.invoke(agent, given, THREAD)
    colour.invoke(agent, "hi", THREAD)
    for given in (Command(resume=["approve"]), None):
        with pytest.raises(ConfigError, match=r"not paused|has ended"):
            colour.invoke(agent, given, THREAD)
    assert len(model.requests) == 1


def test_of_two_that_resume_at_once_exactly_one_goes_on(colour, ran):
    _, agent = agent_of(ran, SEND, "done", "done")
    colour.invoke(agent, "hi", THREAD)
    both = threading.Barrier(2, timeout=20)
    load = agent.threads.load

    def loads(*args, **kwargs):
        found = load(*args, **kwargs)
        both.wait()
        return found

    agent.threads.load = loads
    outcomes = []

    def resume():
        try:
            outcomes.append(colour.invoke(agent, Command(resume=["approve"]), THREAD))
        except PrillError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=resume) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(each) for each in outcomes if isinstance(each, Exception)] == [ThreadConflictError]
    assert ran == [("send", "ada")]


def test_a_new_question_to_a_paused_thread_answers_the_open_calls_first(colour, ran):
    model, agent = agent_of(ran, SEND, "fine")
    colour.invoke(agent, "hi", THREAD)
    output = colour.invoke(agent, "forget it", THREAD)
    assert_valid(model.requests[-1])
    assert shape(output["messages"])[2][1].startswith("not run: ")
    assert shape(output["messages"])[-1] == ("ai", "fine")
    assert ran == []


def test_streams_show_that_an_agent_waits(colour, ran):
    _, agent = agent_of(ran, SEND)
    chunks = colour.stream(agent, "hi", THREAD, stream_mode="updates")
    assert [list(chunk) for chunk in chunks] == [["model"], ["__interrupt__"]]
    assert chunks[-1]["__interrupt__"][0].id == "approval-c1"
