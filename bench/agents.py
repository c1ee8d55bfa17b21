"""Agents: a round of the model and a tool, watched and not, and what importing them costs."""

from __future__ import annotations

import subprocess
import sys
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from importlib import import_module
from statistics import median
from typing import Any

from bench.measure import Effort, Row, Sample, at_least, at_most, cpu, duration, in_loop, in_turn, versus

_ROUND = 0.25e-3
_FIRST_TOKEN = 1e-3
_BUILD = 1e-3
_IMPORT = 30e-3


def make_model(root: str, rounds: int) -> Any:
    """An instant model of one of the libraries: it calls a tool in each of ``rounds`` messages, then it answers."""
    messages = import_module(f"{root}.messages")
    models = import_module(f"{root}.language_models")
    outputs = import_module(f"{root}.outputs")

    class Instant(models.BaseChatModel):  # type: ignore[name-defined,misc]  # of either library
        @property
        def _llm_type(self) -> str:
            return "instant"

        def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
            return self

        def _say(self, given: list[Any]) -> dict[str, Any]:
            done = sum(message.type == "tool" for message in given[-2 * rounds :])
            if done >= rounds:
                return {"content": "It is sunny"}
            call = {"name": "weather", "args": {"city": str(done)}, "id": f"c{done}", "type": "tool_call"}
            return {"content": "", "tool_calls": [call]}

        def _generate(self, messages_: list[Any], stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            answer = messages.AIMessage(**self._say(messages_))
            return outputs.ChatResult(generations=[outputs.ChatGeneration(message=answer)])

        async def _agenerate(self, messages_: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            return self._generate(messages_)

        def _stream(self, messages_: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Iterator[Any]:
            yield outputs.ChatGenerationChunk(message=messages.AIMessageChunk(**self._say(messages_)))

        async def _astream(
            self, messages_: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
        ) -> AsyncIterator[Any]:
            yield outputs.ChatGenerationChunk(message=messages.AIMessageChunk(**self._say(messages_)))

    return Instant()


def weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


async def weather_later(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


weather_later.__name__ = "weather"


def make_agent(root: str, rounds: int, tool: Any = weather) -> Any:
    """``create_agent`` of one of the libraries, with an instant model and a tool."""
    package = "prill.agents" if root == "prill" else "langchain.agents"
    return import_module(package).create_agent(make_model(root, rounds), [tool])


def _config(rounds: int) -> Any:
    return {"recursion_limit": 2 * rounds + 5}


def _invoke(root: str, rounds: int, times: int) -> Sample:
    agent, given, config = make_agent(root, rounds), {"messages": [("user", "hi")]}, _config(rounds)
    assert len(agent.invoke(given, config)["messages"]) == 2 * rounds + 2

    def work() -> None:
        for _ in range(times):
            agent.invoke(given, config)

    return lambda: cpu(work, rounds * times)


def _events(root: str, rounds: int, times: int) -> Sample:
    agent, given, config = make_agent(root, rounds, weather_later), {"messages": [("user", "hi")]}, _config(rounds)

    async def work() -> None:
        for _ in range(times):
            async for _ in agent.astream_events(given, config, version="v2"):
                pass

    return lambda: in_loop(work, rounds * times)


def _against_peer(what: str, rounds: int, effort: Effort) -> Row:
    ours, peers = _invoke("prill", rounds, effort.of(10)), _invoke("langchain_core", rounds, 1)
    return versus(what, ours, peers, at_least(15), effort, unit="round", name="create_agent")


def rounds_20(effort: Effort) -> Row:
    rounds = effort.of(20)
    return _against_peer(f"an agent, invoke, {rounds} rounds of the model and a tool", rounds, effort)


def rounds_100(effort: Effort) -> Row:
    rounds = effort.of(100)
    return _against_peer(f"an agent, invoke, {rounds} rounds of the model and a tool", rounds, effort)


def events(effort: Effort) -> Row:
    rounds = effort.of(20)
    what = f"an agent, astream_events, {rounds} rounds of the model and a tool"
    ours, peers = _events("prill", rounds, effort.of(10)), _events("langchain_core", rounds, 1)
    return versus(what, ours, peers, at_least(15), effort, unit="round", name="create_agent")


def round_alone(effort: Effort) -> Iterator[Row]:
    """What a round takes, and whether it takes longer in a long run."""
    short, long = effort.of(20), effort.of(100)
    samples = [_invoke("prill", short, effort.of(25)), _invoke("prill", long, effort.of(5))]
    few, many = in_turn(samples, effort.repeats)
    goal = f"{duration(_ROUND)} at most"
    yield Row(
        "a round of an agent with an instant model",
        f"{duration(median(few))} / round",
        goal,
        tuple(each / _ROUND for each in few),
        at_most(1),
    )
    yield Row(
        f"a round of {long}, against one of {short}",
        f"{duration(median(many))} / round",
        f"{duration(median(few))} / round",
        tuple(b / a for a, b in zip(few, many, strict=True)),
        at_most(1.2),
    )


def _first_token(step: Any, given: Any, times: int, **kwargs: Any) -> Sample:
    def sample() -> float:
        spent = []
        for _ in range(times):
            stream = step.stream(given, **kwargs)
            begin = time.perf_counter()
            next(stream)
            spent.append(time.perf_counter() - begin)
            stream.close()
        return median(spent)

    return sample


def first_token(effort: Effort) -> Row:
    """How much later the first token of an agent comes than that of its model."""
    model = make_model("prill", 0)
    agent = import_module("prill.agents").create_agent(model, [weather])
    times = effort.of(50)
    with_agent = _first_token(agent, {"messages": "hi"}, times, stream_mode="messages")
    agents, bare = in_turn([with_agent, _first_token(model, "hi", times)], effort.repeats)
    later = [max(0.0, a - b) for a, b in zip(agents, bare, strict=True)]
    return Row(
        "first token of an agent, after that of its model",
        duration(median(later)),
        f"{duration(_FIRST_TOKEN)} at most",
        tuple(each / _FIRST_TOKEN for each in later),
        at_most(1),
    )


_IMPORTS = """
import time
begin = time.process_time()
import prill.agents
print(time.process_time() - begin)
"""


def importing(effort: Effort) -> Row:
    """What ``import prill.agents`` costs, the package alone."""

    def sample() -> float:
        command = [sys.executable, "-c", _IMPORTS]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    (spent,) = in_turn([sample], effort.repeats)
    return Row(
        "import of the package `prill.agents`, fresh process",
        duration(median(spent)),
        f"{duration(_IMPORT)} at most",
        tuple(each / _IMPORT for each in spent),
        at_most(1),
    )


def building(effort: Effort) -> Row:
    """What it costs to make an agent with a tool."""
    create, model, times = import_module("prill.agents").create_agent, make_model("prill", 1), effort.of(50)

    def work() -> None:
        for _ in range(times):
            create(model, [weather])

    (spent,) = in_turn([lambda: cpu(work, times)], effort.repeats)
    return Row(
        "making an agent",
        f"{duration(median(spent))} / call",
        f"{duration(_BUILD)} at most",
        tuple(each / _BUILD for each in spent),
        at_most(1),
    )


def by_hand(rounds: int) -> Callable[[], Any]:
    """The loop as a program writes it itself: without limits, ids or hooks."""
    model, part = make_model("prill", rounds), import_module("prill.tools").tool(weather)
    human = import_module("prill.messages").HumanMessage

    def work() -> list[Any]:
        messages = [human("hi")]
        while True:
            messages.append(model.invoke(messages))
            if not messages[-1].tool_calls:
                return messages
            messages += [part.invoke(call) for call in messages[-1].tool_calls]

    return work


def memory(effort: Effort) -> Row:
    """The most memory that a long run takes, against a loop by hand."""
    rounds = effort.of(100)
    agent, given, config = make_agent("prill", rounds), {"messages": [("user", "hi")]}, _config(rounds)
    ours, bare = _peak(lambda: agent.invoke(given, config)), _peak(by_hand(rounds))
    return Row(
        f"memory of a run of {rounds} rounds, against a loop by hand",
        f"{ours / 1024:.0f} KB",
        f"{bare / 1024:.0f} KB",
        (ours / bare,),
        at_most(1.2),
    )


def _peak(work: Callable[[], Any]) -> int:
    work()  # what is cached is made now
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


ROWS: list[Callable[[Effort], Any]] = [
    *(rounds_20, rounds_100, events, round_alone, first_token, building, memory, importing),
]
