"""``AgentExecutor``: what it gives out is what programs of 2023 and 2024 read, recorded of LangChain's."""

from collections import Counter

import pytest

from agents.scripted import COLOURS, Scripted, calls, shape
from prill.agents import (
    AgentAction,
    AgentExecutor,
    AgentFinish,
    AgentStep,
    ToolAgentAction,
    create_openai_tools_agent,
    create_tool_calling_agent,
)
from prill.callbacks import BaseCallbackHandler
from prill.chat_history import InMemoryChatMessageHistory
from prill.errors import ConfigError, OutputParserException
from prill.messages import AIMessage, AIMessageChunk
from prill.messages.tool import invalid_tool_call
from prill.prompts import ChatPromptTemplate
from prill.runnables import RunnableLambda, RunnableWithMessageHistory
from prill.testing import check_runnable
from prill.tools import tool

pytestmark = pytest.mark.parametrize("colour", COLOURS)

PROMPT = ChatPromptTemplate.from_messages(
    [("system", "Be brief."), ("placeholder", "{history}"), ("human", "{input}"), ("placeholder", "{agent_scratchpad}")]
)
LOOKED = calls(("weather", {"city": "Oslo"}), text="let me look ")
INVOKING = "\nInvoking: `weather` with `{'city': 'Oslo'}`\n"


@tool
def weather(city: str) -> str:
    """Weather of a city."""
    return f"sunny in {city}"


@tool
def broken(city: str) -> str:
    """Always fails."""
    raise RuntimeError("no connection to db")


@tool(return_direct=True)
def direct(city: str) -> str:
    """Answers itself."""
    return f"rain in {city}"


def executor_of(*script, tools=(weather, broken, direct), **kwargs):
    model = Scripted(script=list(script))
    return model, AgentExecutor(agent=create_tool_calling_agent(model, tools, PROMPT), tools=list(tools), **kwargs)


def test_the_output_is_the_input_and_the_answer(colour):
    model, executor = executor_of(LOOKED, "It is sunny ")
    assert colour.invoke(executor, {"input": "hi"}) == {"input": "hi", "output": "It is sunny "}
    scratchpad = [("ai", "let me look ", ["c1"]), ("tool", "sunny in Oslo", "c1")]
    assert [shape(request) for request in model.requests] == [
        [("system", "Be brief."), ("human", "hi")],
        [("system", "Be brief."), ("human", "hi"), *scratchpad],
    ]


def test_steps_are_part_of_the_output_where_asked_for(colour):
    _, executor = executor_of(LOOKED, "It is sunny ", return_intermediate_steps=True)
    [(action, observation)] = colour.invoke(executor, {"input": "hi"})["intermediate_steps"]
    assert isinstance(action, ToolAgentAction)
    assert (action.tool, action.tool_input, action.tool_call_id) == ("weather", {"city": "Oslo"}, "c1")
    assert action.log == f"{INVOKING}responded: let me look \n\n"
    assert action.type == "AgentActionMessageLog"
    assert observation == "sunny in Oslo"
    [message] = action.message_log
    assert isinstance(message, AIMessageChunk)
    assert message.tool_call_chunks == [
        {"name": "weather", "args": '{"city":"Oslo"}', "id": "c1", "index": 0, "type": "tool_call_chunk"}
    ]


def test_a_stream_shows_actions_steps_and_the_output(colour):
    _, executor = executor_of(LOOKED, "It is sunny ")
    actions, steps, output = colour.stream(executor, {"input": "hi"})
    [action] = actions["actions"]
    assert actions["messages"] == action.message_log
    assert steps["steps"] == [AgentStep(action=action, observation="sunny in Oslo")]
    assert [(each.type, each.name, each.content) for each in steps["messages"]] == [
        ("function", "weather", "sunny in Oslo")
    ]
    assert output["output"] == "It is sunny "
    assert [(each.type, each.content) for each in output["messages"]] == [("ai", "It is sunny ")]


def test_two_calls_are_two_actions_and_then_two_steps(colour):
    two = calls(("weather", {"city": "Oslo"}), ("weather", {"city": "Bergen"}))
    model, executor = executor_of(two, "both sunny")
    chunks = colour.stream(executor, {"input": "hi"})
    assert [sorted(chunk) for chunk in chunks] == [["actions", "messages"]] * 2 + [["messages", "steps"]] * 2 + [
        ["messages", "output"]
    ]
    assert chunks[0]["actions"][0].log == f"{INVOKING}\n\n"
    assert [chunk["steps"][0].observation for chunk in chunks[2:4]] == ["sunny in Oslo", "sunny in Bergen"]
    assert shape(model.requests[1])[2:] == [
        ("ai", "", ["c1", "c2"]),
        ("tool", "sunny in Oslo", "c1"),
        ("tool", "sunny in Bergen", "c2"),
    ]


def test_iter_shows_the_steps(colour):
    _, executor = executor_of(LOOKED, "It is sunny ")
    [step, output] = list(executor.iter({"input": "hi"}))
    [(action, observation)] = step["intermediate_step"]
    assert (action.tool, observation, output["output"]) == ("weather", "sunny in Oslo", "It is sunny ")


def test_an_unknown_tool_is_answered_with_the_names_of_the_others(colour):
    _, executor = executor_of(calls(("nope", {"city": "Oslo"})), "end ")
    [_, step, output] = colour.stream(executor, {"input": "hi"})
    assert step["steps"][0].observation == "nope is not a valid tool, try one of [weather, broken, direct]."
    assert output["output"] == "end "


def test_an_exception_of_a_tool_ends_the_run_and_wrong_arguments_too(colour):
    _, executor = executor_of(calls(("broken", {"city": "Oslo"})))
    with pytest.raises(RuntimeError, match="no connection to db"):
        colour.invoke(executor, {"input": "hi"})
    _, executor = executor_of(calls(("weather", {"town": "O"})))
    with pytest.raises(ValueError, match="city"):
        colour.invoke(executor, {"input": "hi"})


def test_the_bound_of_iterations_ends_the_run_with_words(colour):
    model, executor = executor_of(*[LOOKED] * 3, max_iterations=2)
    output = colour.invoke(executor, {"input": "hi"})
    assert output["output"] == "Agent stopped due to max iterations."
    assert len(model.requests) == 2
    model, executor = executor_of(LOOKED, max_execution_time=0)
    assert colour.invoke(executor, "hi")["output"] == "Agent stopped due to max iterations."
    assert model.requests == []


def test_a_tool_that_returns_directly_ends_the_run(colour):
    model, executor = executor_of(calls(("direct", {"city": "Oslo"})))
    assert colour.invoke(executor, {"input": "hi"})["output"] == "rain in Oslo"
    assert len(model.requests) == 1


def test_half_a_call_is_never_run(colour):
    half = AIMessage(
        content="",
        invalid_tool_calls=[invalid_tool_call(name="weather", args='{"city": "San', id="c1", error="it was cut")],
    )
    _, executor = executor_of(half)
    with pytest.raises(OutputParserException, match="handle_parsing_errors=True"):
        colour.invoke(executor, {"input": "hi"})
    model, executor = executor_of(half, "fine", handle_parsing_errors=True)
    assert colour.invoke(executor, {"input": "hi"})["output"] == "fine"
    assert len(model.requests) == 2


@pytest.mark.parametrize(
    ("handle", "seen"),
    [("say it again", "say it again"), (lambda error: f"no: {type(error).__name__}", "no: OutputParserException")],
)
def test_an_answer_that_cannot_be_read_is_explained_as_the_program_says(handle, seen, colour):
    answers = iter([OutputParserException("what?"), AgentFinish({"output": "done"}, "done")])

    def decide(input):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        assert input["intermediate_steps"][0][1] == seen
        return answer

    executor = AgentExecutor(RunnableLambda(decide), [weather], handle_parsing_errors=handle)
    assert colour.invoke(executor, {"input": "hi"})["output"] == "done"


def test_the_agent_sees_the_last_steps_only_where_it_is_to(colour):
    model, executor = executor_of(
        LOOKED, calls(("weather", {"city": "Bergen"}, "c2")), "end", trim_intermediate_steps=1
    )
    colour.invoke(executor, {"input": "hi"})
    assert shape(model.requests[2])[2:] == [("ai", "", ["c2"]), ("tool", "sunny in Bergen", "c2")]


def test_events_are_those_of_a_chain_in_a_chain(colour):
    _, executor = executor_of(LOOKED, "It is sunny ")
    events = colour.events(executor, {"input": "hi"})
    counts = Counter((event["event"], event["name"]) for event in events)
    assert counts["on_chain_start", "AgentExecutor"] == counts["on_chain_end", "AgentExecutor"] == 1
    assert counts["on_chain_stream", "AgentExecutor"] == 3
    assert counts["on_chain_start", "RunnableSequence"] == counts["on_chain_end", "RunnableSequence"] == 2
    assert counts["on_tool_start", "weather"] == counts["on_tool_end", "weather"] == 1
    assert counts["on_chat_model_stream", "Scripted"] >= 6
    assert {event["name"] for event in events} == {
        *("AgentExecutor", "RunnableSequence", "RunnableAssign<agent_scratchpad>", "ChatPromptTemplate", "weather"),
        *("RunnableParallel<agent_scratchpad>", "RunnableLambda", "Scripted", "ToolsAgentOutputParser"),
    }


def test_handlers_are_notified_of_actions_and_of_the_end(colour):
    class Handler(BaseCallbackHandler):
        def __init__(self):
            self.seen = []

        def on_agent_action(self, action, **kwargs):
            self.seen.append(action.tool)

        def on_agent_finish(self, finish, **kwargs):
            self.seen.append(finish.return_values["output"])

    handler = Handler()
    _, executor = executor_of(LOOKED, "It is sunny", callbacks=[handler])
    colour.invoke(executor, {"input": "hi"})
    assert handler.seen == ["weather", "It is sunny"]


def test_a_history_of_messages_is_kept_around_it(colour):
    chats = {}
    model, executor = executor_of("fine", "again")
    agent = RunnableWithMessageHistory(
        executor,
        lambda session_id: chats.setdefault(session_id, InMemoryChatMessageHistory()),
        input_messages_key="input",
        history_messages_key="history",
    )
    config = {"configurable": {"session_id": "1"}}
    colour.invoke(agent, {"input": "one"}, config)
    colour.invoke(agent, {"input": "two"}, config)
    assert shape(model.requests[1]) == [
        *(("system", "Be brief."), ("human", "one"), ("ai", "fine"), ("human", "two")),
    ]


def test_as_a_step_it_gives_a_stream_the_value_that_it_gives_a_call(colour):
    values = []
    for verb in (colour.invoke, lambda *args: colour.stream(*args)[-1]):
        _, executor = executor_of(LOOKED, "It is sunny")
        values.append(verb(executor | (lambda output: sorted(output)), {"input": "hi"}))
    assert values[0] == values[1] == ["input", "output"]


def test_an_agent_of_openai_is_bound_strictly_where_asked_for(colour):
    model = Scripted(script=["fine"])
    executor = AgentExecutor(create_openai_tools_agent(model, [weather], PROMPT, strict=True), [weather])
    assert colour.invoke(executor, {"input": "hi"})["output"] == "fine"
    assert model.bound == [{"tools": ["weather"], "tool_choice": None, "strict": True}]


def test_what_cannot_be_used_is_refused_before_any_call(colour):
    agent = create_tool_calling_agent(Scripted(script=[]), [weather], PROMPT)
    with pytest.raises(ConfigError, match="RunnableWithMessageHistory"):
        AgentExecutor(agent, [weather], memory=object())
    with pytest.raises(ConfigError, match="early_stopping_method"):
        AgentExecutor(agent, [weather], early_stopping_method="generate")
    with pytest.raises(ConfigError, match="no argument 'max_steps'"):
        AgentExecutor(agent, [weather], max_steps=3)
    with pytest.raises(ConfigError, match="agent_scratchpad"):
        create_tool_calling_agent(Scripted(script=[]), [weather], ChatPromptTemplate.from_template("{input}"))
    with pytest.raises(ConfigError, match="a dict such as"):
        colour.invoke(AgentExecutor(agent, [weather]), 3)
    with pytest.raises(ConfigError, match="AgentFinish"):
        colour.invoke(AgentExecutor(RunnableLambda(lambda _: "text"), [weather]), {"input": "hi"})


def test_it_is_a_runnable_like_others(colour):
    agent = RunnableLambda(lambda _: AgentFinish({"output": "done"}, "done"))
    check_runnable(AgentExecutor(agent, [weather]), {"input": "hi"})
    assert AgentExecutor.from_agent_and_tools(agent, [weather]).get_name() == "AgentExecutor"
    assert AgentAction("search", "rain", "log").messages == [AIMessage(content="log")]
