"""Middleware: hooks in both colours from one definition, and their order."""

from typing import Annotated, Any

import pytest

from agents.scripted import COLOURS, Scripted, assert_valid, calls, shape
from prill.agents import (
    AgentMiddleware,
    AgentState,
    Command,
    ExtendedModelResponse,
    ModelFallbackMiddleware,
    ModelResponse,
    PIIMiddleware,
    after_agent,
    after_model,
    before_agent,
    before_model,
    create_agent,
    dynamic_prompt,
    get_stream_writer,
    hook_config,
    wrap_model_call,
    wrap_tool_call,
)
from prill.errors import ConfigError
from prill.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
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


# Hooks


def recorder(name, log, *, later):
    class Recorder(AgentMiddleware):
        @property
        def name(self):
            return name

        if later:

            async def before_agent(self, state, runtime):
                log.append((name, "before_agent"))

            async def before_model(self, state, runtime):
                log.append((name, "before_model"))

            async def after_model(self, state, runtime):
                log.append((name, "after_model"))

            async def after_agent(self, state, runtime):
                log.append((name, "after_agent"))

            async def wrap_model_call(self, request, handler):
                log.append((name, "model in"))
                response = await handler(request)
                log.append((name, "model out"))
                return response

            async def wrap_tool_call(self, request, handler):
                log.append((name, "tool in"))
                answer = await handler(request)
                log.append((name, "tool out"))
                return answer

        else:

            def before_agent(self, state, runtime):
                log.append((name, "before_agent"))

            def before_model(self, state, runtime):
                log.append((name, "before_model"))

            def after_model(self, state, runtime):
                log.append((name, "after_model"))

            def after_agent(self, state, runtime):
                log.append((name, "after_agent"))

            def wrap_model_call(self, request, handler):
                log.append((name, "model in"))
                response = handler(request)
                log.append((name, "model out"))
                return response

            def wrap_tool_call(self, request, handler):
                log.append((name, "tool in"))
                answer = handler(request)
                log.append((name, "tool out"))
                return answer

    return Recorder()


@pytest.mark.parametrize("kinds", [(False, False), (True, True), (True, False), (False, True)])
def test_the_first_middleware_is_the_outermost_whatever_the_hooks_are(colour, kinds):
    log: list[Any] = []
    around = [recorder(name, log, later=later) for name, later in zip("AB", kinds, strict=True)]
    _, agent = agent_of(LOOK, "done", middleware=around)
    assert shape(colour.invoke(agent, "hi")["messages"])[-1] == ("ai", "done")
    model = [*(("A", "before_model"), ("B", "before_model"), ("A", "model in"), ("B", "model in"))]
    model += [*(("B", "model out"), ("A", "model out"), ("B", "after_model"), ("A", "after_model"))]
    assert log == [
        *(("A", "before_agent"), ("B", "before_agent")),
        *model,
        *(("A", "tool in"), ("B", "tool in"), ("B", "tool out"), ("A", "tool out")),
        *model,
        *(("B", "after_agent"), ("A", "after_agent")),
    ]


def test_a_hook_with_an_a_is_preferred_in_asyncio(colour):
    log = []

    class Two(AgentMiddleware):
        def before_model(self, state, runtime):
            log.append("Blocking")

        async def abefore_model(self, state, runtime):
            log.append("Asyncio")

    _, agent = agent_of("ok", middleware=[Two()])
    colour.invoke(agent, "hi")
    assert log == [type(colour).__name__]


def test_hooks_change_the_state_and_say_where_the_loop_goes_on(colour):
    @before_model
    @hook_config(can_jump_to=["end"])
    def stop(state, runtime):
        return {"messages": [AIMessage("stopped")], "jump_to": "end"} if len(state["messages"]) > 2 else None

    model, agent = agent_of(LOOK, middleware=[stop])
    messages = colour.invoke(agent, "hi")["messages"]
    assert shape(messages)[-1] == ("ai", "stopped")
    assert len(model.requests) == 1


def test_a_jump_past_open_calls_leaves_a_valid_history(colour):
    for target, last in (("end", "not run"), ("model", "done")):
        jumped = []

        @after_model
        def jump(state, runtime, target=target, jumped=jumped):
            jumped.append(target)
            return {"jump_to": target} if len(jumped) == 1 else None

        _, agent = agent_of(LOOK, "done", middleware=[jump])
        messages = colour.invoke(agent, "hi")["messages"]
        assert_valid(messages)
        assert last in str(messages[-1].content)


def test_updates_show_what_hooks_return(colour):
    @before_agent
    def hello(state, runtime):
        return {"messages": [SystemMessage("hello")]}

    @after_agent
    def bye(state, runtime):
        return None

    _, agent = agent_of("ok", middleware=[hello, bye])
    chunks = colour.stream(agent, "hi", stream_mode="updates")
    assert [list(chunk) for chunk in chunks] == [["hello.before_agent"], ["model"], ["bye.after_agent"]]
    assert chunks[-1] == {"bye.after_agent": None}


@pytest.mark.parametrize("wrong", [7, "text", {"mesages": []}, {"jump_to": "nowhere"}])
def test_what_a_hook_cannot_return_is_refused_with_its_name(colour, wrong):
    @before_model
    def odd(state, runtime):
        return wrong

    _, agent = agent_of(middleware=[odd])
    with pytest.raises(ConfigError, match=r"odd\.before_model"):
        colour.invoke(agent, "hi")


class CountState(AgentState):
    seen: Annotated[int, lambda old, new: old + new]
    last: str


class Counts(AgentMiddleware):
    state_schema = CountState

    def after_model(self, state, runtime):
        return {"seen": 1, "last": state["messages"][-1].text}


def test_middleware_adds_keys_to_the_state(colour):
    _, agent = agent_of(LOOK, "done", middleware=[Counts()])
    output = colour.invoke(agent, {"messages": "hi", "seen": 5})
    assert (output["seen"], output["last"]) == (7, "done")


def test_hooks_write_into_the_stream(colour):
    @before_model
    def plain(state, runtime):
        runtime.stream_writer("from plain")

    @before_model
    async def later(state, runtime):
        get_stream_writer()("from later")

    _, agent = agent_of("ok", middleware=[plain, later])
    assert colour.stream(agent, "hi", stream_mode="custom") == ["from plain", "from later"]


def test_a_subclass_of_ready_made_middleware_may_await_anything(colour):
    import asyncio

    class Patient(ModelFallbackMiddleware):
        async def wrap_model_call(self, request, handler):
            await asyncio.sleep(0)
            return await super().wrap_model_call(request, handler)

    _, agent = agent_of(KeyError("first"), middleware=[Patient(Scripted(script=["second"]))])
    assert shape(colour.invoke(agent, "hi")["messages"])[-1] == ("ai", "second")


def test_an_agent_that_nobody_watches_makes_no_runs(colour):
    from prill.callbacks.run import CURRENT_RUN

    seen = []

    @tool
    def look() -> str:
        """Look."""
        seen.append(CURRENT_RUN.get())
        return "ok"

    _, agent = agent_of(calls(("look", {})), "done", tools=[look])
    colour.invoke(agent, "hi")
    assert seen == [None]


def test_requests_are_changed_by_override(colour):
    other = Scripted(script=["from another model"])

    @wrap_model_call
    def change(request, handler):
        assert request.system_prompt == "old"
        return handler(
            request.override(
                model=other,
                system_prompt="new",
                messages=[HumanMessage("instead")],
                tools=[],
                model_settings={"stop": ["x"]},
            )
        )

    _, agent = agent_of(middleware=[change], system_prompt="old")
    assert shape(colour.invoke(agent, "hi")["messages"])[-1] == ("ai", "from another model")
    assert shape(other.requests[0]) == [("system", "new"), ("human", "instead")]
    assert other.bound == []

    @wrap_model_call
    def wrong(request, handler):
        return handler(request.override(prompt="x"))

    with pytest.raises(ConfigError, match="no field 'prompt'"):
        colour.invoke(agent_of(middleware=[wrong])[1], "hi")


def test_the_history_that_a_hook_cuts_is_repaired(colour):
    @wrap_model_call
    async def last_two(request, handler):
        return await handler(request.override(messages=request.messages[-1:]))

    model, agent = agent_of(LOOK, "done", middleware=[last_two])
    colour.invoke(agent, "hi")
    for request in model.requests:
        assert_valid(request)


def test_a_hook_may_answer_in_place_of_the_model_or_the_tool(colour):
    @wrap_model_call
    def answers(request, handler):
        if len(request.messages) == 1:
            return LOOK
        return ExtendedModelResponse(ModelResponse([AIMessage("own words")]), Command(update={"last": "x"}))

    @wrap_tool_call
    def tool_answers(request, handler):
        assert request.tool.name == "weather"
        return ToolMessage("from a hook", tool_call_id="another id")

    model, agent = agent_of(middleware=[answers, tool_answers], state_schema=CountState)
    output = colour.invoke(agent, "hi")
    assert shape(output["messages"])[2:] == [("tool", "from a hook", "c1"), ("ai", "own words")]
    assert output["last"] == "x"
    assert model.requests == []


def test_a_prompt_may_depend_on_the_request(colour):
    @dynamic_prompt
    def plain(request):
        return f"{len(request.messages)} messages"

    @dynamic_prompt
    async def later(request):
        return SystemMessage(f"{len(request.messages)} later")

    for prompt, words in ((plain, "messages"), (later, "later")):
        model, agent = agent_of(LOOK, "done", middleware=[prompt])
        colour.invoke(agent, "hi")
        assert [request[0].content for request in model.requests] == [f"1 {words}", f"3 {words}"]


def test_middleware_of_one_name_is_refused(colour):
    with pytest.raises(ConfigError, match="more than once"):
        agent_of(
            middleware=[ModelFallbackMiddleware(Scripted(script=[])), ModelFallbackMiddleware(Scripted(script=[]))]
        )
    agent_of(middleware=[PIIMiddleware("email"), PIIMiddleware("ip")])
