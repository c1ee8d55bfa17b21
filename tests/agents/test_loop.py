"""The loop: what an agent is given, what it gives back, and what becomes of calls that cannot be run."""

import time

import pytest

from agents.scripted import COLOURS, Scripted, assert_valid, calls, shape
from prill.agents import Command, Limits, create_agent
from prill.errors import ConfigError, ModelServerError, ToolException
from prill.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from prill.messages.tool import invalid_tool_call
from prill.runnables import RunnableLambda
from prill.testing import check_runnable
from prill.tools import tool

pytestmark = pytest.mark.parametrize("colour", COLOURS)


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


@tool
async def later(city: str) -> str:
    """The weather, asked for in asyncio."""
    return f"rain in {city}"


@tool
def broken(city: str) -> str:
    """Always fails."""
    raise RuntimeError("no connection")


@tool
def told(city: str) -> str:
    """Fails with words for the model."""
    raise ToolException("there is no such city")


def agent_of(*script, tools=(weather, later, broken, told), **kwargs):
    model = Scripted(script=list(script))
    return model, create_agent(model, tools, **kwargs)


LOOKED = calls(("weather", {"city": "Oslo"}), text="let me look")


def test_a_model_is_called_until_it_calls_no_tool(colour):
    model, agent = agent_of(LOOKED, "It is sunny", system_prompt="Be brief.")
    output = colour.invoke(agent, {"messages": [("user", "hi")]})
    assert list(output) == ["messages"]
    expected = [("human", "hi"), ("ai", "let me look", ["c1"]), ("tool", "sunny in Oslo", "c1"), ("ai", "It is sunny")]
    assert shape(output["messages"]) == expected
    assert all(message.id for message in output["messages"])
    assert [shape(request) for request in model.requests] == [
        [("system", "Be brief."), *expected[:1]],
        [("system", "Be brief."), *expected[:3]],
    ]


@pytest.mark.parametrize(
    "given", ["hi", HumanMessage("hi"), ["hi"], [("user", "hi")], {"messages": "hi"}, {"role": "user", "content": "hi"}]
)
def test_an_input_may_be_a_state_messages_or_text(colour, given):
    _, agent = agent_of("hello")
    assert shape(colour.invoke(agent, given)["messages"]) == [("human", "hi"), ("ai", "hello")]


@pytest.mark.parametrize(
    "given", [{}, {"input": "hi"}, {"messages": []}, [], None, 7, {"messages": "hi", "mesages": 1}]
)
def test_an_input_without_messages_is_refused_before_the_model_is_called(colour, given):
    model, agent = agent_of()
    with pytest.raises(ConfigError):
        colour.invoke(agent, given)
    assert model.requests == []


def test_the_messages_that_a_program_gives_are_not_changed(colour):
    message = HumanMessage("hi")
    _, agent = agent_of("hello")
    given = [message]
    colour.invoke(agent, given)
    assert message.id is None
    assert given == [message]


def test_functions_runnables_and_async_tools_are_run_in_both_colours(colour):
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    upper = RunnableLambda(str.upper).as_tool(name="upper", description="Upper case.", arg_types={"input": str})
    _, agent = agent_of(calls(("add", {"a": 1, "b": 2}), ("later", {"city": "Rom"})), "ok", tools=[add, later, upper])
    output = colour.invoke(agent, "hi")
    assert shape(output["messages"])[2:4] == [("tool", "3", "c1"), ("tool", "rain in Rom", "c2")]


def test_answers_stand_in_the_order_of_the_calls(colour):
    @tool
    def wait(seconds: float) -> str:
        """Wait."""
        time.sleep(seconds)
        return str(seconds)

    _, agent = agent_of(calls(("wait", {"seconds": 0.05}), ("wait", {"seconds": 0.0})), "ok", tools=[wait])
    assert [part[-1] for part in shape(colour.invoke(agent, "hi")["messages"])[2:4]] == ["c1", "c2"]


def test_an_unknown_tool_is_answered_with_the_names_there_are(colour):
    _, agent = agent_of(calls(("wether", {"city": "Oslo"})), "sorry")
    answer = colour.invoke(agent, "hi")["messages"][2]
    assert answer.status == "error"
    assert answer.content == (
        "Error: wether is not a valid tool, try one of [weather, later, broken, told]. Did you mean 'weather'?"
    )


def test_wrong_arguments_are_answered_with_each_fault(colour):
    _, agent = agent_of(calls(("weather", {"town": "Oslo"})), "sorry")
    answer = colour.invoke(agent, "hi")["messages"][2]
    assert (answer.status, answer.tool_call_id) == ("error", "c1")
    assert "city: is missing" in answer.content
    assert "town: no argument of this tool" in answer.content


def test_a_tool_exception_is_answered_with_its_text(colour):
    _, agent = agent_of(calls(("told", {"city": "X"})), "sorry")
    answer = colour.invoke(agent, "hi")["messages"][2]
    assert (answer.status, answer.content) == ("error", "Error: there is no such city")


def test_another_exception_ends_the_run_and_what_is_done_is_kept(colour):
    model, agent = agent_of(calls(("weather", {"city": "Oslo"}), ("broken", {"city": "B"})))
    with pytest.raises(RuntimeError, match="no connection") as raised:
        colour.invoke(agent, "hi")
    assert shape(raised.value.state["messages"]) == [
        ("human", "hi"),
        ("ai", "", ["c1", "c2"]),
        ("tool", "sunny in Oslo", "c1"),
    ]
    assert "tool broken" in raised.value.__notes__[-1]
    assert len(model.requests) == 1


def test_a_run_that_failed_goes_on_from_its_state_without_running_anything_again(colour):
    ran = []

    @tool
    def flaky(n: int) -> str:
        """Fails once."""
        ran.append(n)
        if ran == [1, 2]:
            raise RuntimeError("once")
        return f"did {n}"

    _, agent = agent_of(calls(("flaky", {"n": 1}), ("flaky", {"n": 2})), "ok", tools=[flaky], parallel_tools=False)
    with pytest.raises(RuntimeError) as raised:
        colour.invoke(agent, "hi")
    output = colour.invoke(agent, raised.value.state)
    assert ran == [1, 2, 2]
    assert shape(output["messages"])[2:] == [("tool", "did 1", "c1"), ("tool", "did 2", "c2"), ("ai", "ok")]


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        (True, "Error: no connection"),
        ("try later", "try later"),
        (RuntimeError, "Error: no connection"),
        ((KeyError, RuntimeError), "Error: no connection"),
        (lambda error: f"failed: {error}", "failed: no connection"),
    ],
)
def test_exceptions_are_answered_as_handle_tool_errors_says(colour, policy, text):
    _, agent = agent_of(calls(("broken", {"city": "B"})), "sorry", handle_tool_errors=policy)
    answer = colour.invoke(agent, "hi")["messages"][2]
    assert (answer.status, answer.content) == ("error", text)


def test_exceptions_of_other_types_still_end_the_run(colour):
    _, agent = agent_of(calls(("broken", {"city": "B"})), handle_tool_errors=KeyError)
    with pytest.raises(RuntimeError):
        colour.invoke(agent, "hi")


def test_the_error_of_a_model_has_its_path_and_the_messages_so_far(colour):
    _, agent = agent_of(LOOKED, ModelServerError("provider 500"), name="helper")
    with pytest.raises(ModelServerError) as raised:
        colour.invoke(agent, "hi")
    assert raised.value.path == ("helper", "model (Scripted)")
    assert shape(raised.value.state["messages"])[-1] == ("tool", "sunny in Oslo", "c1")


# Calls that are half, or wrongly named


def cut(id="c1"):
    return AIMessage(
        content="",
        invalid_tool_calls=[invalid_tool_call(name="weather", args='{"city": "San', id=id, error="it was cut")],
    )


def test_half_a_call_is_never_run_and_answered_with_the_reason(colour):
    model, agent = agent_of(cut(), LOOKED, "done")
    messages = colour.invoke(agent, "hi")["messages"]
    assert_valid(messages)
    assert shape(messages)[2] == (
        "tool",
        "not run: it was cut. Call the tool again, with all of its arguments.",
        "c1",
    )
    assert messages[2].status == "error"
    assert len(model.requests) == 3


def test_a_stream_that_was_cut_runs_no_call(colour):
    half = calls(("weather", {"city": "San"}), response_metadata={"finish_reason": "length"})
    cut_text = AIMessage(
        content="", invalid_tool_calls=cut().invalid_tool_calls, response_metadata=half.response_metadata
    )
    _, agent = agent_of(cut_text, "I give up")
    shown = colour.stream(agent, "hi", stream_mode="values")[-1]["messages"]
    assert_valid(shown)
    assert "not run" in shown[2].content


def test_calls_without_an_id_or_with_one_of_another_call_get_their_own(colour):
    twins = calls(("weather", {"city": "A"}, "x"), ("weather", {"city": "B"}, "x"), ("weather", {"city": "C"}, None))
    model, agent = agent_of(twins, "ok")
    messages = colour.invoke(agent, "hi")["messages"]
    assert_valid(messages)
    assert [message.content for message in messages[2:5]] == ["sunny in A", "sunny in B", "sunny in C"]
    assert_valid(model.requests[-1])


def test_two_hundred_calls_of_one_message_are_answered_in_order(colour):
    many = calls(*(("weather", {"city": str(n)}) for n in range(200)))
    _, agent = agent_of(many, "ok")
    messages = colour.invoke(agent, "hi")["messages"]
    assert_valid(messages)
    assert [message.content for message in messages[2:202]] == [f"sunny in {n}" for n in range(200)]


def test_open_calls_of_a_history_are_answered_before_a_new_question(colour):
    model, agent = agent_of("ok")
    colour.invoke(agent, ["hi", LOOKED, HumanMessage("forget it")])
    assert_valid(model.requests[0])
    assert shape(model.requests[0])[2][1].startswith("not run:")


def test_a_history_that_ends_with_a_call_goes_on_with_it(colour):
    model, agent = agent_of("ok")
    messages = colour.invoke(agent, ["hi", LOOKED])["messages"]
    assert shape(messages)[2] == ("tool", "sunny in Oslo", "c1")
    assert len(model.requests) == 1


# How tools run


def test_tools_run_one_after_the_other_where_that_is_asked_for(colour):
    order = []

    @tool
    def note(n: int) -> str:
        """Note."""
        order.append(("in", n))
        time.sleep(0.01)
        order.append(("out", n))
        return "ok"

    made = calls(*(("note", {"n": n}) for n in range(3)))
    for parallel, part in ((False, note), (True, note.model_copy(update={"alone": True}))):
        order.clear()
        _, agent = agent_of(made, "ok", tools=[part], parallel_tools=parallel)
        colour.invoke(agent, "hi")
        assert order == [(step, n) for n in range(3) for step in ("in", "out")]


def test_a_tool_that_takes_too_long_is_answered(colour):
    @tool(timeout=0.05)
    async def slow() -> str:
        """Never ends."""
        import asyncio

        await asyncio.Event().wait()
        return "never"

    _, agent = agent_of(calls(("slow", {})), "ok", tools=[slow])
    answer = colour.invoke(agent, "hi")["messages"][2]
    assert answer.status == "error"
    assert "slow did not end within 0.05 s" in answer.content


def test_the_output_of_a_tool_that_returns_directly_ends_the_run(colour):
    direct = weather.model_copy(update={"return_direct": True})
    model, agent = agent_of(LOOKED, tools=[direct])
    assert shape(colour.invoke(agent, "hi")["messages"])[-1] == ("tool", "sunny in Oslo", "c1")
    assert len(model.requests) == 1


def test_a_huge_output_is_cut_in_its_middle(colour):
    @tool
    def huge() -> str:
        """Says much."""
        return "a" * 500 + "b" * 500

    _, agent = agent_of(calls(("huge", {})), "ok", tools=[huge], max_tool_output=100)
    content = colour.invoke(agent, "hi")["messages"][2].content
    assert content == "a" * 50 + "\n… 900 characters were left out …\n" + "b" * 50


# The agent as a Runnable


def same_messages(one, other):
    return shape(one["messages"]) == shape(other["messages"])


def without_calls(messages):
    return "hello" if len(messages) == 1 else "never"


def test_an_agent_keeps_the_promises_of_a_runnable(colour):
    def say(messages):
        return "It is sunny" if isinstance(messages[-1], ToolMessage) else LOOKED

    agent = create_agent(Scripted(script=[say], loops=True), [weather])
    name = "blocking" if type(colour).__name__ == "Blocking" else "asyncio"
    check_runnable(agent, {"messages": "hi"}, compare=same_messages, colours=(name,))
    plain = create_agent(Scripted(script=[without_calls], loops=True))
    check_runnable(plain, {"messages": "hi"}, compare=same_messages, colours=(name,))


def test_a_chain_with_an_agent_gives_the_same_streamed_and_invoked(colour):
    def say(messages):
        return "It is sunny" if isinstance(messages[-1], ToolMessage) else LOOKED

    chain = create_agent(Scripted(script=[say], loops=True), [weather]) | (lambda state: state["messages"][-1].text)
    assert colour.invoke(chain, "hi") == "It is sunny"
    assert colour.stream(chain, "hi") == ["It is sunny"]


def test_a_config_is_bound_to_an_agent_which_stays_one(colour):
    _, agent = agent_of(LOOKED, "ok")
    bound = agent.with_config({"recursion_limit": 7, "configurable": {"thread_id": "1"}})
    assert list(colour.stream(bound, "hi")[0]) == ["model"]


# What cannot be


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"sytem_prompt": "x"}, "did you mean 'system_prompt'"),
        ({"tools": [weather, weather]}, "two tools are called 'weather'"),
        ({"tools": "weather"}, "tools is a list"),
        ({"tools": [7]}, "a tool of an agent is"),
        ({"middleware": [object()]}, "middleware holds"),
        ({"threads": object()}, "InMemoryThreads"),
        ({"checkpointer": object()}, "InMemoryThreads"),
        ({"approve": {"wether": True}}, "did you mean 'weather'"),
        ({"system_prompt": 7}, "system_prompt is a text"),
        ({"response_format": 7}, "structured answer"),
        ({"state_schema": 7}, "state schema"),
        ({"debug": True}, "debug"),
        ({"interrupt_before": ["model"]}, "interrupt_before"),
        ({"limits": Limits, "model": 7}, "model of an agent"),
    ],
)
def test_what_create_agent_cannot_use_is_refused_by_name(colour, arguments, words):
    given = {"model": Scripted(script=[]), "tools": [weather], **arguments}
    with pytest.raises(ConfigError, match=words):
        create_agent(given.pop("model"), given.pop("tools"), **given)


def test_an_unknown_argument_of_a_run_is_refused(colour):
    model, agent = agent_of()
    with pytest.raises(ConfigError, match="takes no argument 'mode'"):
        colour.invoke(agent, "hi", mode="x")
    with pytest.raises(ConfigError, match="did you mean 'updates'"):
        colour.stream(agent, "hi", stream_mode="update")
    assert model.requests == []


def test_a_model_is_named_by_its_provider(colour):
    agent = create_agent("openai:gpt-4o-mini", [weather])
    assert type(agent.model).__name__ == "ChatOpenAI"
    assert SystemMessage("x").content == "x"


def test_an_agent_is_retried_mapped_explained_and_drawn_as_any_runnable(colour):
    _, agent = agent_of(KeyError("once"), "fine")
    assert shape(colour.invoke(agent.with_retry(wait_exponential_jitter=False), "hi")["messages"])[-1] == ("ai", "fine")
    _, agent = agent_of("one", "two")
    assert len(colour.invoke(agent.map(), ["a", "b"])) == 2
    assert "Agent" in str(agent.explain_streaming())
    assert "Agent" in agent.get_graph().draw_mermaid()
    assert agent.get_input_jsonschema()["properties"].keys() == {"messages"}
    assert [spec.id for spec in agent.config_specs] == ["thread_id"]


def test_arguments_of_streams_that_are_bound_do_not_hinder_invoke(colour):
    _, agent = agent_of("one", "two")
    bound = agent.bind(stream_mode="messages")
    assert shape(colour.invoke(bound, "hi")["messages"])[-1] == ("ai", "one")
    assert [str(part.text) for part, _ in colour.stream(bound, "hi") if part.text] == ["two"]


def test_a_command_without_any_message_is_refused(colour):
    _, agent = agent_of()
    for given in (Command(update={}), Command()):
        with pytest.raises(ConfigError):
            colour.invoke(agent, given)


def test_a_pause_is_the_last_value_of_a_stream(colour):
    _, agent = agent_of(LOOKED, approve=["weather"])
    value = colour.stream(agent, "hi", stream_mode="values")[-1]
    [asked] = value["__interrupt__"]
    assert asked.value["action_requests"][0]["name"] == "weather"
    assert shape(value["messages"]) == [("human", "hi"), ("ai", "let me look", ["c1"])]
