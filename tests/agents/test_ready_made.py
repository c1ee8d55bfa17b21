"""Ready-made middleware: limits, retries, fallbacks, shorter contexts, choice of tools, personal data."""

from typing import Any

import pytest

from agents.scripted import COLOURS, Scripted, assert_valid, calls, shape
from prill.agents import (
    ClearToolUsesEdit,
    ContextEditingMiddleware,
    InMemoryThreads,
    LLMToolSelectorMiddleware,
    ModelCallLimitMiddleware,
    ModelFallbackMiddleware,
    ModelRetryMiddleware,
    PIIDetectionError,
    PIIMatch,
    PIIMiddleware,
    SummarizationMiddleware,
    ToolCallLimitMiddleware,
    ToolErrorMiddleware,
    ToolRetryMiddleware,
    create_agent,
)
from prill.agents.ready_made.call_limits import ModelCallLimitExceededError, ToolCallLimitExceededError
from prill.errors import ConfigError, ModelAuthenticationError, ModelServerError, OutputParserException
from prill.messages import AIMessage, HumanMessage, ToolMessage
from prill.tools import tool

pytestmark = pytest.mark.parametrize("colour", COLOURS)


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


LOOK = calls(("weather", {"city": "Oslo"}))


def agent_of(*script, middleware=(), tools=(weather,), **kwargs):
    model = Scripted(script=list(script))
    return model, create_agent(model, tools, middleware=list(middleware), **kwargs)


# Limits on calls


def test_a_model_call_limit_ends_or_fails(colour):
    _, agent = agent_of(LOOK, LOOK, middleware=[ModelCallLimitMiddleware(run_limit=2)])
    messages = colour.invoke(agent, "hi")["messages"]
    assert shape(messages)[-1] == ("ai", "Model call limits exceeded: run limit (2/2)")
    _, agent = agent_of(LOOK, LOOK, middleware=[ModelCallLimitMiddleware(run_limit=2, exit_behavior="error")])
    with pytest.raises(ModelCallLimitExceededError, match=r"run limit \(2/2\)"):
        colour.invoke(agent, "hi")


def test_a_model_call_limit_counts_in_a_thread(colour):
    around = ModelCallLimitMiddleware(thread_limit=2)
    _, agent = agent_of("one", "two", middleware=[around], threads=InMemoryThreads())
    config = {"configurable": {"thread_id": "1"}}
    said = [shape(colour.invoke(agent, "hi", config)["messages"])[-1][1] for _ in range(3)]
    assert said == ["one", "two", "Model call limits exceeded: thread limit (2/2)"]


@pytest.mark.parametrize(
    ("arguments", "answers", "last"),
    [
        ({"run_limit": 1}, ["sunny in A", "Tool call limit exceeded. Do not make additional tool calls."], "done"),
        (
            {"run_limit": 0, "tool_name": "weather"},
            ["Tool call limit exceeded. Do not call 'weather' again."] * 2,
            "done",
        ),
        (
            {"run_limit": 1, "exit_behavior": "end"},
            ["not run", "Tool call limit exceeded. Do not make additional tool calls."],
            "Tool call limit exceeded: weather was called too often.",
        ),
        ({"thread_limit": 9, "tool_name": "other"}, ["sunny in A", "sunny in B"], "done"),
    ],
)
def test_a_tool_call_limit_answers_what_is_too_much(colour, arguments, answers, last):
    two = calls(("weather", {"city": "A"}), ("weather", {"city": "B"}))
    _, agent = agent_of(two, "done", middleware=[ToolCallLimitMiddleware(**arguments)])
    messages = colour.invoke(agent, "hi")["messages"]
    assert_valid(messages)
    assert all(part[1].startswith(answer) for part, answer in zip(shape(messages)[2:4], answers, strict=True))
    assert shape(messages)[-1] == ("ai", last)


def test_a_tool_call_limit_may_fail_and_starts_again_with_each_run(colour):
    around = ToolCallLimitMiddleware(run_limit=1, exit_behavior="error")
    _, agent = agent_of(
        LOOK, "one", calls(("weather", {"city": "B"}, "c7")), "two", middleware=[around], threads=InMemoryThreads()
    )
    config = {"configurable": {"thread_id": "1"}}
    assert [shape(colour.invoke(agent, "hi", config)["messages"])[-1][1] for _ in range(2)] == ["one", "two"]
    _, agent = agent_of(calls(("weather", {"city": "A"}), ("weather", {"city": "B"})), middleware=[around])
    with pytest.raises(ToolCallLimitExceededError):
        colour.invoke(agent, "hi")


# Retries and fallbacks


def flaky(times, error=RuntimeError):
    left = [times]

    @tool
    def flaky() -> str:
        """Fails at first."""
        left[0] -= 1
        if left[0] >= 0:
            raise error("no luck")
        return "worked"

    return flaky


QUICK = {"initial_delay": 0.0, "jitter": False}


def test_a_tool_is_run_again_until_it_works(colour):
    _, agent = agent_of(calls(("flaky", {})), "ok", tools=[flaky(2)], middleware=[ToolRetryMiddleware(**QUICK)])
    assert colour.invoke(agent, "hi")["messages"][2].content == "worked"
    slow = ToolRetryMiddleware(initial_delay=0.01, max_delay=0.01, retry_on=lambda error: True)
    _, agent = agent_of(calls(("flaky", {})), "ok", tools=[flaky(2)], middleware=[slow])
    assert colour.invoke(agent, "hi")["messages"][2].content == "worked"


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        ({}, "Tool 'flaky' failed after 3 attempts with RuntimeError: no luck"),
        ({"max_retries": 0}, "Tool 'flaky' failed after 1 attempt with RuntimeError: no luck"),
        ({"on_failure": lambda error: f"sorry: {error}"}, "sorry: no luck"),
        ({"on_failure": "error"}, None),
        ({"retry_on": (KeyError,)}, None),
        ({"tools": ["other"]}, None),
    ],
)
def test_a_tool_that_never_works_is_told_or_fails(colour, arguments, answer):
    around = ToolRetryMiddleware(**{**QUICK, **arguments})
    _, agent = agent_of(calls(("flaky", {})), "ok", tools=[flaky(99)], middleware=[around])
    if answer is None:
        with pytest.raises(RuntimeError):
            colour.invoke(agent, "hi")
    else:
        told = colour.invoke(agent, "hi")["messages"][2]
        assert (told.content, told.status) == (answer, "error")


def test_a_model_is_called_again_but_not_with_a_wrong_key(colour):
    _, agent = agent_of(ModelServerError("500"), "fine", middleware=[ModelRetryMiddleware(**QUICK)])
    assert shape(colour.invoke(agent, "hi")["messages"])[-1] == ("ai", "fine")
    model, agent = agent_of(ModelAuthenticationError("401"), middleware=[ModelRetryMiddleware(**QUICK)])
    with pytest.raises(ModelAuthenticationError):
        colour.invoke(agent, "hi")
    assert len(model.requests) == 1
    model, agent = agent_of(*[ModelServerError("500")] * 3, middleware=[ModelRetryMiddleware(**QUICK)])
    assert "failed after 3 attempts" in colour.invoke(agent, "hi")["messages"][-1].content


def test_another_model_answers_when_the_first_fails(colour):
    second, third = Scripted(script=[KeyError("second")]), Scripted(script=["third"])
    _, agent = agent_of(KeyError("first"), middleware=[ModelFallbackMiddleware(second, third)])
    assert shape(colour.invoke(agent, "hi")["messages"])[-1] == ("ai", "third")
    assert third.bound[0]["tools"] == ["weather"]
    failing = [Scripted(script=[KeyError(name)]) for name in ("b", "c")]
    _, agent = agent_of(KeyError("a"), middleware=[ModelFallbackMiddleware(*failing)])
    with pytest.raises(KeyError, match="c") as raised:
        colour.invoke(agent, "hi")
    assert str(raised.value.__context__) == "'b'"


def test_exceptions_of_tools_are_told_by_the_middleware(colour):
    for around, answer in (
        (ToolErrorMiddleware(), "Error: RuntimeError: no luck"),
        (ToolErrorMiddleware(lambda error: "words"), "words"),
        (ToolErrorMiddleware(tools=[weather]), None),
    ):
        _, agent = agent_of(calls(("flaky", {})), "ok", tools=[flaky(9), weather], middleware=[around])
        if answer is None:
            with pytest.raises(RuntimeError):
                colour.invoke(agent, "hi")
        else:
            assert colour.invoke(agent, "hi")["messages"][2].content == answer


# Context


def long_history(rounds):
    messages: list[Any] = []
    for number in range(rounds):
        call = calls(("weather", {"city": str(number)}, f"h{number}"))
        messages += [
            HumanMessage(f"question {number}"),
            call,
            ToolMessage("x" * 40, tool_call_id=f"h{number}", name="weather"),
        ]
        messages.append(AIMessage(f"answer {number}"))
    return messages


def test_older_messages_give_way_to_a_summary_and_calls_keep_their_answers(colour):
    for keep in (("messages", 3), ("messages", 2), ("tokens", 30)):
        writer = Scripted(script=["short"])
        around = SummarizationMiddleware(writer, trigger=[("messages", 8), ("tokens", 10_000)], keep=keep)
        model, agent = agent_of("ok", middleware=[around])
        messages = colour.invoke(agent, [*long_history(3), HumanMessage("last question")])["messages"]
        assert_valid(model.requests[0])
        assert_valid(messages)
        assert messages[0].content == "A summary of the conversation so far:\n\nshort"
        assert "last question" in [message.content for message in messages]
        assert "question 0" in writer.requests[0][0].content
        assert len(messages) < 9


def test_the_last_question_and_running_calls_are_never_summarised(colour):
    around = SummarizationMiddleware(Scripted(script=["short"] * 3), trigger=("messages", 3), keep=("messages", 1))
    model, agent = agent_of(LOOK, "ok", middleware=[around])
    colour.invoke(agent, [*long_history(1), HumanMessage("last question")])
    for request in model.requests:
        assert_valid(request)
        assert "last question" in [message.content for message in request]


def test_the_system_prompt_and_the_tools_count_for_the_trigger(colour):
    for prompt, summaries in (("short", 0), ("long " * 2000, 1)):
        writer = Scripted(script=["short"])
        around = SummarizationMiddleware(writer, trigger=("tokens", 1000), keep=("messages", 1))
        _, agent = agent_of("ok", middleware=[around], system_prompt=prompt)
        colour.invoke(agent, [*long_history(2), HumanMessage("last")])
        assert len(writer.requests) == summaries


def test_the_tokens_of_a_summary_are_not_shown(colour):
    around = SummarizationMiddleware(Scripted(script=["secret summary"]), trigger=("messages", 2))
    _, agent = agent_of("ok", middleware=[around])
    chunks = colour.stream(agent, [*long_history(8), HumanMessage("x")], stream_mode="messages")
    assert [str(part.text) for part, _ in chunks if part.text] == ["ok"]


def test_sizes_that_cannot_be_are_refused(colour):
    for wrong in (("fraction", 0.5), ("words", 3), ("tokens", 0)):
        with pytest.raises(ConfigError):
            SummarizationMiddleware(Scripted(script=[]), trigger=wrong)
    SummarizationMiddleware(Scripted(script=[]), trigger=("fraction", 0.5), max_input_tokens=1000)


def test_older_outputs_of_tools_are_cleared_for_the_model_alone(colour):
    edit = ClearToolUsesEdit(trigger=50, keep=1, clear_tool_inputs=True)
    model, agent = agent_of("ok", middleware=[ContextEditingMiddleware(edits=[edit])])
    messages = colour.invoke(agent, [*long_history(3), HumanMessage("x")])["messages"]
    outputs = [message.content for message in model.requests[0] if isinstance(message, ToolMessage)]
    assert outputs == ["[cleared]", "[cleared]", "x" * 40]
    inputs = [call["args"] for message in model.requests[0] for call in getattr(message, "tool_calls", ())]
    assert inputs == [{}, {}, {"city": "2"}]
    assert [message.content for message in messages if isinstance(message, ToolMessage)] == ["x" * 40] * 3
    for quiet in (ClearToolUsesEdit(), ClearToolUsesEdit(trigger=50, exclude_tools=["weather"])):
        model, agent = agent_of("ok", middleware=[ContextEditingMiddleware(edits=[quiet])])
        colour.invoke(agent, [*long_history(3), HumanMessage("x")])
        assert "[cleared]" not in [message.content for message in model.requests[0]]


def test_a_model_chooses_the_tools_that_are_offered(colour):
    @tool
    def other() -> str:
        """Other."""
        return "x"

    @tool
    def third() -> str:
        """Third."""
        return "x"

    chooser = Scripted(script=[calls(("ToolSelection", {"tools": ["weather", "third"]}))])
    around = LLMToolSelectorMiddleware(model=chooser, max_tools=1, always_include=["other"])
    model, agent = agent_of("ok", tools=[weather, other, third], middleware=[around])
    colour.invoke(agent, "hi")
    assert model.bound[-1]["tools"] == ["weather", "other"]
    failing = Scripted(script=["no", "no"])
    around = LLMToolSelectorMiddleware(model=failing, max_tools=1, on_parsing_failure="all")
    model, agent = agent_of("ok", tools=[weather, other, third], middleware=[around])
    colour.invoke(agent, "hi")
    assert len(failing.requests) == 2
    assert model.bound[-1]["tools"] == ["weather", "other", "third"]
    around = LLMToolSelectorMiddleware(model=Scripted(script=["no"]), max_tools=1, max_retries=0)
    _, agent = agent_of("ok", tools=[weather, other, third], middleware=[around])
    with pytest.raises(OutputParserException):
        colour.invoke(agent, "hi")


# Personal data

CARD = "4111 1111 1111 1111"


@pytest.mark.parametrize(
    ("pii_type", "strategy", "text", "hidden"),
    [
        ("email", "redact", "ask ada@example.org now", "ask [REDACTED_EMAIL] now"),
        ("email", "mask", "ada@example.org", "***@example.org"),
        (
            "credit_card",
            "redact",
            f"card {CARD}, not 4111 1111 1111 1112",
            "card [REDACTED_CREDIT_CARD], not 4111 1111 1111 1112",
        ),
        ("credit_card", "mask", CARD, "*" * 15 + "1111"),
        ("ip", "redact", "at 10.0.0.1 and fe80::1, not 999.1.1.1", "at [REDACTED_IP] and [REDACTED_IP], not 999.1.1.1"),
        ("mac_address", "redact", "aa:bb:cc:dd:ee:ff", "[REDACTED_MAC_ADDRESS]"),
        ("url", "redact", "see https://a.example/b?c=1 there", "see [REDACTED_URL] there"),
    ],
)
def test_personal_data_is_hidden_from_the_model(colour, pii_type, strategy, text, hidden):
    model, agent = agent_of("ok", middleware=[PIIMiddleware(pii_type, strategy=strategy)])
    messages = colour.invoke(agent, text)["messages"]
    assert [message.content for message in model.requests[0]] == [hidden]
    assert messages[0].content == hidden


def test_personal_data_is_hashed_or_blocked_or_found_by_a_detector(colour):
    model, agent = agent_of("ok", middleware=[PIIMiddleware("email", strategy="hash")])
    colour.invoke(agent, [HumanMessage([{"type": "text", "text": "a@b.org and a@b.org"}])])
    first, _, second = model.requests[0][0].content[0]["text"].partition(" and ")
    assert first == second
    assert first.startswith("<email_hash:")
    model, agent = agent_of(middleware=[PIIMiddleware("email", strategy="block")])
    with pytest.raises(PIIDetectionError, match="blocked"):
        colour.invoke(agent, "a@b.org")
    assert model.requests == []
    own = PIIMiddleware("badge", detector=lambda text: [PIIMatch(0, 3, text[:3])] if text.startswith("B-") else [])
    model, agent = agent_of("ok", middleware=[own, PIIMiddleware("pin", detector=r"\bpin\d+")])
    colour.invoke(agent, "B-7 pin1234")
    assert model.requests[0][0].content == "[REDACTED_BADGE] [REDACTED_PIN]"
    with pytest.raises(ConfigError, match="no detector for 'badge'"):
        PIIMiddleware("badge")


def test_personal_data_is_hidden_in_answers_of_models_and_tools(colour):
    @tool
    def find() -> str:
        """Find."""
        return "x@y.org"

    around = PIIMiddleware("email", apply_to_input=False, apply_to_output=True, apply_to_tool_results=True)
    model, agent = agent_of(calls(("find", {})), "write to x@y.org", tools=[find], middleware=[around])
    messages = colour.invoke(agent, "a@b.org")["messages"]
    assert [message.content for message in messages] == ["a@b.org", "", "[REDACTED_EMAIL]", "write to [REDACTED_EMAIL]"]
    assert model.requests[1][2].content == "[REDACTED_EMAIL]"


@pytest.mark.parametrize(
    "make",
    [
        lambda: ModelCallLimitMiddleware(),
        lambda: ModelCallLimitMiddleware(run_limit=-1),
        lambda: ToolCallLimitMiddleware(run_limit=1, exit_behavior="stop"),
        lambda: ToolRetryMiddleware(max_retries=-1),
        lambda: ModelRetryMiddleware(on_failure="stop"),
        lambda: PIIMiddleware("email", strategy="hide"),
        lambda: ContextEditingMiddleware(token_count_method="guess"),
        lambda: LLMToolSelectorMiddleware(on_parsing_failure="none"),
        lambda: ModelFallbackMiddleware(7),
    ],
)
def test_arguments_of_middleware_that_cannot_be_are_refused(colour, make):
    with pytest.raises(ConfigError):
        make()
