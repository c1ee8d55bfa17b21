"""Agents under the name ``create_react_agent``: whose models write actions as text, and of ``langgraph.prebuilt``."""

import pytest

from agents.scripted import COLOURS, Scripted, calls, shape
from prill.agents import (
    Agent,
    AgentExecutor,
    AgentFinish,
    InMemoryThreads,
    ReActSingleInputOutputParser,
    create_react_agent,
)
from prill.errors import ConfigError, OutputParserException
from prill.language_models import FakeListLLM
from prill.messages import HumanMessage, SystemMessage
from prill.prompts import ChatPromptTemplate, PromptTemplate
from prill.tools import tool

PROMPT = PromptTemplate.from_template("Tools: {tools}\nNames: {tool_names}\nQuestion: {input}\n{agent_scratchpad}")
LOOK = "Thought: look\nAction: weather\nAction Input: Oslo "
KNOWN = "Thought: known\nFinal Answer: sunny "

both = pytest.mark.parametrize("colour", COLOURS)


@tool
def weather(city: str) -> str:
    """Weather of a city."""
    return f"sunny in {city}"


class Recording(FakeListLLM):
    """Remembers its prompts."""

    prompts: list[str] = []

    def _call(self, prompt, stop=None, run_manager=None, **kwargs):
        self.prompts.append(prompt)
        assert stop == ["\nObservation"]
        return super()._call(prompt, stop, run_manager, **kwargs)


@both
def test_actions_are_read_of_text_and_observations_written_back(colour):
    model = Recording(responses=[LOOK, KNOWN], prompts=[])
    executor = AgentExecutor(create_react_agent(model, [weather], PROMPT), [weather])
    actions, steps, output = colour.stream(executor, {"input": "hi"})
    [action] = actions["actions"]
    assert (action.tool, action.tool_input, action.log) == ("weather", "Oslo", LOOK)
    assert [(each.type, each.content) for each in steps["messages"]] == [("human", "sunny in Oslo")]
    assert output["output"] == "sunny"
    assert output["messages"][0].content == KNOWN
    assert model.prompts[1] == (
        "Tools: weather(city: str) -> str - Weather of a city.\nNames: weather\nQuestion: hi\n"
        f"{LOOK}\nObservation: sunny in Oslo\nThought: "
    )


@both
def test_text_that_cannot_be_read_is_an_error_or_is_explained_to_the_model(colour):
    executor = AgentExecutor(create_react_agent(FakeListLLM(responses=["no format "]), [weather], PROMPT), [weather])
    with pytest.raises(OutputParserException, match=r"handle_parsing_errors=True.*Could not parse LLM output: `no for"):
        colour.invoke(executor, {"input": "hi"})
    agent = create_react_agent(FakeListLLM(responses=["no format ", KNOWN]), [weather], PROMPT)
    step, output = colour.stream(AgentExecutor(agent, [weather], handle_parsing_errors=True), {"input": "hi"})
    assert step["steps"][0].action.tool == "_Exception"
    assert step["steps"][0].observation == "Invalid Format: Missing 'Action:' after 'Thought:'"
    assert output["output"] == "sunny"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Thought: hm", "Missing 'Action:' after 'Thought:'"),
        ("Action: search", "Missing 'Action Input:' after 'Action:'"),
        ("Action: a\nAction Input: b\nFinal Answer: c", "both a final answer and an action"),
    ],
)
def test_the_parser_says_what_is_missing(text, problem):
    with pytest.raises(OutputParserException) as caught:
        ReActSingleInputOutputParser().parse(text)
    assert problem in caught.value.observation
    assert caught.value.llm_output == text
    assert caught.value.send_to_llm


def test_the_parser_takes_the_last_final_answer_and_input_of_many_lines():
    parse = ReActSingleInputOutputParser().parse
    assert parse("Final Answer: a\nFinal Answer: b ") == AgentFinish(
        {"output": "b"}, "Final Answer: a\nFinal Answer: b "
    )
    assert parse('Action 1: run\nAction 1 Input: "a\nb"').tool_input == "a\nb"


def test_the_parser_reads_a_long_text_in_linear_time():
    with pytest.raises(OutputParserException):
        ReActSingleInputOutputParser().parse("Action " * 200_000)


@both
def test_without_a_scratchpad_it_is_an_agent_with_tools(colour):
    model = Scripted(script=[calls(("weather", {"city": "Oslo"})), "sunny"])
    agent = create_react_agent(model, [weather], prompt="Be brief.")
    assert isinstance(agent, Agent)
    assert colour.invoke(agent, {"messages": "hi"})["messages"][-1].content == "sunny"
    assert shape(model.requests[0]) == [("system", "Be brief."), ("human", "hi")]


@both
def test_its_node_of_the_model_is_called_agent(colour):
    model = Scripted(script=[calls(("weather", {"city": "Oslo"})), "sunny"])
    updates = colour.stream(create_react_agent(model, [weather]), {"messages": "hi"})
    assert [next(iter(update)) for update in updates] == ["agent", "tools", "agent"]


@both
@pytest.mark.parametrize(
    "prompt",
    [
        lambda state: [SystemMessage(f"{len(state['messages'])} so far"), *state["messages"]],
        ChatPromptTemplate.from_messages([("system", "1 so far"), ("placeholder", "{messages}")]),
    ],
    ids=["function", "template"],
)
def test_a_prompt_may_make_the_messages_of_each_request(prompt, colour):
    model = Scripted(script=["fine"])
    output = colour.invoke(create_react_agent(model, [weather], prompt=prompt), {"messages": "hi"})
    assert shape(model.requests[0]) == [("system", "1 so far"), ("human", "hi")]
    assert shape(output["messages"]) == [("human", "hi"), ("ai", "fine")]


@both
def test_hooks_around_the_model_change_what_it_is_sent_and_the_state(colour):
    seen = []

    def shorten(state):
        return {"llm_input_messages": state["messages"][-1:]}

    async def look(state):
        seen.append(shape(state["messages"])[-1])
        return {}

    model = Scripted(script=[calls(("weather", {"city": "Oslo"})), "sunny"])
    agent = create_react_agent(model, [weather], pre_model_hook=shorten, post_model_hook=look)
    output = colour.invoke(agent, {"messages": [HumanMessage("one"), HumanMessage("two")]})
    assert shape(model.requests[0]) == [("human", "two")]
    assert seen == [("ai", "", ["c1"]), ("ai", "sunny")]
    assert "llm_input_messages" not in output


@both
def test_the_arguments_of_create_agent_are_taken(colour):
    model = Scripted(script=["fine", "again"])
    agent = create_react_agent(model, [weather], checkpointer=InMemoryThreads(), name="helper")
    config = {"configurable": {"thread_id": "1"}}
    colour.invoke(agent, {"messages": "one"}, config)
    output = colour.invoke(agent, {"messages": "two"}, config)
    assert len(output["messages"]) == 4
    assert agent.get_name() == "helper"


def test_what_belongs_to_the_other_kind_is_refused():
    model = FakeListLLM(responses=[""])
    with pytest.raises(ConfigError, match="checkpointer"):
        create_react_agent(model, [weather], PROMPT, checkpointer=InMemoryThreads())
    with pytest.raises(ConfigError, match="output_parser"):
        create_react_agent(Scripted(script=[]), [weather], "Be brief.", ReActSingleInputOutputParser())
    with pytest.raises(ConfigError, match="tool_names"):
        create_react_agent(model, [weather], PromptTemplate.from_template("{tools} {agent_scratchpad}"))
