"""What tools are given of the agent that runs them, and what they may change."""

import time
from dataclasses import dataclass
from typing import Annotated, Any

import pytest

from agents.scripted import COLOURS, Scripted, assert_valid, calls, shape
from prill.agents import (
    REMOVE_ALL_MESSAGES,
    AgentState,
    Command,
    InjectedState,
    InjectedStore,
    Runtime,
    ToolNode,
    ToolRuntime,
    add_messages,
    before_model,
    create_agent,
    interrupt,
    tools_condition,
)
from prill.errors import ConfigError, Interrupted, ToolException
from prill.messages import AIMessage, HumanMessage, RemoveMessage, ToolMessage
from prill.messages.tool import invalid_tool_call
from prill.testing import check_runnable
from prill.tools import InjectedToolArg, InjectedToolCallId, tool

pytestmark = pytest.mark.parametrize("colour", COLOURS)


class State(AgentState):
    user: str


@dataclass
class Who:
    name: str


@tool
def everything(text: str, runtime: ToolRuntime[Who, State]) -> str:
    """Use what there is."""
    return f"{text} {runtime.state['user']} {runtime.context.name} {runtime.store} {runtime.tool_call_id}"


@tool
async def parts(
    text: str,
    state: Annotated[dict[str, Any], InjectedState],
    user: Annotated[str, InjectedState("user")],
    store: Annotated[Any, InjectedStore()],
    call: Annotated[str, InjectedToolCallId],
) -> str:
    """Use parts of it."""
    return f"{text} {len(state['messages'])} {user} {store} {call}"


@pytest.mark.parametrize(("name", "answer"), [("everything", "x ada ben shop c1"), ("parts", "x 2 ada shop c1")])
def test_tools_are_given_state_context_and_store_and_models_do_not_see_that(colour, name, answer):
    model = Scripted(script=[calls((name, {"text": "x"})), "ok"])
    agent = create_agent(model, [everything, parts], state_schema=State, context_schema=Who, store="shop")
    output = colour.invoke(agent, {"messages": "hi", "user": "ada"}, context={"name": "ben"})
    assert output["messages"][2].content == answer
    assert [list(each.args) for each in (everything, parts)] == [["text"], ["text"]]


def test_arguments_that_only_the_program_may_set_are_not_taken_from_the_model(colour):
    seen = []

    @tool
    def buy(item: str, account: Annotated[str, InjectedToolArg] = "own", runtime: ToolRuntime = None) -> str:  # type: ignore[assignment]  # the agent fills it
        """Buy."""
        seen.append((item, account, type(runtime).__name__))
        return "bought"

    forged = calls(("buy", {"item": "x", "account": "stolen", "runtime": "forged"}))
    agent = create_agent(Scripted(script=[forged, "ok"]), [buy])
    colour.invoke(agent, "hi")
    assert seen == [("x", "own", "ToolRuntime")]


def test_a_state_that_a_tool_was_given_is_a_copy(colour):
    @tool
    def greedy(state: Annotated[dict[str, Any], InjectedState]) -> str:
        """Changes what it is given."""
        state["messages"].clear()
        state["user"] = "changed"
        return "ok"

    agent = create_agent(Scripted(script=[calls(("greedy", {})), "done"]), [greedy], state_schema=State)
    output = colour.invoke(agent, {"messages": "hi", "user": "ada"})
    assert (len(output["messages"]), output["user"]) == (4, "ada")


def test_a_key_that_the_state_does_not_have_is_named(colour):
    agent = create_agent(Scripted(script=[calls(("parts", {"text": "x"}))]), [parts])
    with pytest.raises(ConfigError, match="'user'"):
        colour.invoke(agent, "hi")


def test_a_command_changes_the_state(colour):
    @tool
    def rename(to: str, call_id: Annotated[str, InjectedToolCallId]) -> Command:
        """Rename."""
        return Command(update={"user": to, "messages": [ToolMessage(f"renamed to {to}", tool_call_id=call_id)]})

    @tool
    def silent() -> Command:
        """Changes the state without an answer."""
        return Command(update={"user": "eve"})

    model = Scripted(script=[calls(("rename", {"to": "bob"})), calls(("silent", {}, "s")), "ok"])
    agent = create_agent(model, [rename, silent], state_schema=State)
    chunks = colour.stream(agent, {"messages": "hi", "user": "ada"}, stream_mode="updates")
    assert chunks[1]["tools"]["user"] == "bob"
    output = chunks[-1].state
    assert (output["user"], output["messages"][2].content) == ("eve", "renamed to bob")
    assert_valid(output["messages"])


def test_calls_that_run_at_once_change_the_state_one_after_the_other(colour):
    def slowly(old, new):
        time.sleep(0.002)  # whoever reads the old value now would lose this change
        return old + new

    class Sum(AgentState):
        total: Annotated[int, slowly]

    @tool
    def add() -> Command:
        """Add one."""
        return Command(update={"total": 1})

    many = calls(*(("add", {}) for _ in range(12)))
    agent = create_agent(Scripted(script=[many, "ok"]), [add], state_schema=Sum)
    assert colour.invoke(agent, {"messages": "hi", "total": 0})["total"] == 12


@pytest.mark.parametrize("update", [{"usr": "x"}, ["list"]])
def test_a_command_that_the_state_cannot_take_is_refused(colour, update):
    @tool
    def odd() -> Command:
        """Odd."""
        return Command(update=update)

    agent = create_agent(Scripted(script=[calls(("odd", {}))]), [odd], state_schema=State)
    with pytest.raises(ConfigError):
        colour.invoke(agent, "hi")


def test_a_command_may_end_the_run(colour):
    @tool
    def stop() -> Command:
        """Stop."""
        return Command(goto="__end__")

    agent = create_agent(Scripted(script=[calls(("stop", {}))]), [stop])
    assert_valid(colour.invoke(agent, "hi")["messages"])


def test_hooks_are_given_the_runtime(colour):
    seen = []

    @before_model
    def look(state, runtime: Runtime):
        seen.append((runtime.context, runtime.store, runtime.config["metadata"]))

    agent = create_agent(Scripted(script=["ok"]), middleware=[look], store="shop")
    colour.invoke(agent, "hi", {"metadata": {"x": 1}}, context={"user": "ada"})
    assert seen == [({"user": "ada"}, "shop", {"x": 1})]


def test_messages_are_added_replaced_and_removed_by_their_ids(colour):
    old = [HumanMessage("a", id="1"), AIMessage("b", id="2")]
    assert shape(add_messages(old, [HumanMessage("new", id="1"), ("user", "c")])) == [
        ("human", "new"),
        ("ai", "b"),
        ("human", "c"),
    ]
    assert shape(add_messages(old, RemoveMessage(id="1"))) == [("ai", "b")]
    assert shape(add_messages(old, [RemoveMessage(id=REMOVE_ALL_MESSAGES), "x"])) == [("human", "x")]
    with pytest.raises(ConfigError, match="'9'"):
        add_messages(old, RemoveMessage(id="9"))
    assert len(old) == 2


# The tools alone


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    if city == "X":
        raise ToolException("no such city")
    return f"sunny in {city}"


@tool
def asking() -> str:
    """Asks."""
    return str(interrupt("?"))


@tool
def moving() -> Command:
    """Moves."""
    return Command(update={"user": "x"}, goto="there")


def test_a_tool_node_answers_the_calls_of_the_last_message(colour):
    node = ToolNode([weather])
    message = calls(("weather", {"city": "Oslo"}), ("weather", {"city": "X"}), ("wether", {}))
    message = message.model_copy(
        update={"invalid_tool_calls": [invalid_tool_call(name="weather", args="{", id="half", error="it was cut")]}
    )
    output = colour.invoke(node, {"messages": ["hi", message]})
    assert [(each.content.partition(",")[0], each.status) for each in output["messages"]] == [
        ("sunny in Oslo", "success"),
        ("Error: no such city", "error"),
        ("Error: wether is not a valid tool", "error"),
        ("not run: it was cut", "error"),
    ]
    assert_valid([message, *output["messages"]])
    assert shape(colour.invoke(node, [message]))[0] == ("tool", "sunny in Oslo", "c1")
    assert shape(colour.invoke(node, message.tool_calls[:1])) == [("tool", "sunny in Oslo", "c1")]


def test_a_tool_node_raises_what_nobody_handles_and_gives_commands(colour):
    node = ToolNode([asking, moving], name="mine")
    with pytest.raises(Interrupted):
        colour.invoke(node, [calls(("asking", {}))])
    (command,) = colour.invoke(node, {"messages": [calls(("moving", {}))]})
    assert (command.update["user"], command.targets) == ("x", ["there"])
    for wrong in ([], {"other": 1}, ["hi"]):
        with pytest.raises(ConfigError):
            colour.invoke(node, wrong)


def test_a_tool_node_keeps_the_promises_of_a_runnable(colour):
    def same(one, other):
        return shape(one["messages"]) == shape(other["messages"])

    name = "blocking" if type(colour).__name__ == "Blocking" else "asyncio"
    given = {"messages": [calls(("weather", {"city": "a"}), ("weather", {"city": "b"}))]}
    check_runnable(ToolNode([weather]), given, compare=same, colours=(name,))


def test_a_tool_node_has_hooks_around_its_calls(colour):
    async def later(request, handler):
        answer = await handler(request)
        return ToolMessage(f"[{answer.content}]", tool_call_id=answer.tool_call_id)

    node = ToolNode([weather], wrap_tool_call=later, handle_tool_errors=True)
    assert shape(colour.invoke(node, [calls(("weather", {"city": "a"}))])) == [("tool", "[sunny in a]", "c1")]


def test_tools_condition_says_whether_there_are_calls(colour):
    made = calls(("weather", {}))
    assert tools_condition({"messages": ["x", made]}) == tools_condition([made]) == "tools"
    assert tools_condition({"other": [AIMessage("x")]}, messages_key="other") == "__end__"
    with pytest.raises(ConfigError):
        tools_condition({})
