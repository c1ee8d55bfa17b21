"""Chains: streaming, invoking, batches."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from bench.measure import Effort, Row, Sample, at_least, at_most, cpu, duration, in_loop, versus, wall

_NAMES = {
    "callbacks": ("BaseCallbackHandler",),
    "language_models": ("BaseChatModel", "GenericFakeChatModel"),
    "messages": ("AIMessage", "AIMessageChunk"),
    "output_parsers": ("StrOutputParser",),
    "outputs": ("ChatGeneration", "ChatGenerationChunk", "ChatResult"),
    "prompts": ("ChatPromptTemplate",),
    "runnables": ("RunnableLambda",),
}


def library(root: str) -> SimpleNamespace:
    """The names that both libraries have, of one of them."""
    rooms = {room: import_module(f"{root}.{room}") for room in _NAMES}
    return SimpleNamespace(**{name: getattr(rooms[room], name) for room, names in _NAMES.items() for name in names})


def ours() -> SimpleNamespace:
    return library("prill")


def peers() -> SimpleNamespace:
    return library("langchain_core")


def answer(words: int) -> str:
    """An answer that streams as ``2 * words - 1`` tokens, spaces counted."""
    return " ".join(f"word{index % 97}" for index in range(words))


def make_chain(lib: SimpleNamespace, text: str) -> Any:
    """``prompt | fake model | StrOutputParser``; the model says ``text`` again and again."""
    prompt = lib.ChatPromptTemplate.from_messages([("system", "You are {who}."), ("human", "{question}")])
    return prompt | lib.GenericFakeChatModel(messages=iter(lambda: text, None)) | lib.StrOutputParser()


def make_own_chain(lib: SimpleNamespace, text: str) -> Any:
    """The same with a model of the user's, which makes the chunk of each token itself."""
    tokens = [token for word in text.split() for token in (word, " ")][:-1]

    class Own(lib.BaseChatModel):  # type: ignore[misc, name-defined]  # the class of either library
        @property
        def _llm_type(self) -> str:
            return "own"

        def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            return lib.ChatResult(generations=[lib.ChatGeneration(message=lib.AIMessage(content=text))])

        def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            for token in tokens:
                yield lib.ChatGenerationChunk(message=lib.AIMessageChunk(content=token))

        async def _astream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            for token in tokens:
                yield lib.ChatGenerationChunk(message=lib.AIMessageChunk(content=token))

    prompt = lib.ChatPromptTemplate.from_messages([("system", "You are {who}."), ("human", "{question}")])
    return prompt | Own() | lib.StrOutputParser()


ASKED = {"who": "a poet", "question": "Why?"}


MakeChain = Callable[[SimpleNamespace, str], Any]


def _stream(lib: SimpleNamespace, words: int, rounds: int, make: MakeChain = make_chain) -> Sample:
    text = answer(words)
    chain, tokens = make(lib, text), rounds * (2 * words - 1)
    assert "".join(chain.stream(ASKED)) == text

    def work() -> None:
        for _ in range(rounds):
            for _ in chain.stream(ASKED):
                pass

    return lambda: cpu(work, tokens)


def _astream(lib: SimpleNamespace, words: int, rounds: int, make: MakeChain = make_chain) -> Sample:
    chain, tokens = make(lib, answer(words)), rounds * (2 * words - 1)

    async def work() -> None:
        for _ in range(rounds):
            async for _ in chain.astream(ASKED):
                pass

    return lambda: in_loop(work, tokens)


def stream(effort: Effort) -> Row:
    words = effort.of(2000)
    return versus(
        "`prompt | fake model | StrOutputParser`, stream",
        _stream(ours(), words, 5),
        _stream(peers(), words, 1),
        at_least(10),
        effort,
        unit="token",
    )


def astream(effort: Effort) -> Row:
    words = effort.of(2000)
    return versus(
        "the same, astream",
        _astream(ours(), words, 5),
        _astream(peers(), words, 1),
        at_least(50),
        effort,
        unit="token",
    )


def own_model_stream(effort: Effort) -> Row:
    words = effort.of(2000)
    return versus(
        "`prompt | a model of one's own with _stream | StrOutputParser`, stream",
        _stream(ours(), words, 5, make_own_chain),
        _stream(peers(), words, 1, make_own_chain),
        at_least(10),
        effort,
        unit="token",
    )


def own_model_astream(effort: Effort) -> Row:
    words = effort.of(2000)
    return versus(
        "the same with _astream, astream",
        _astream(ours(), words, 5, make_own_chain),
        _astream(peers(), words, 1, make_own_chain),
        at_least(50),
        effort,
        unit="token",
    )


def _invoke(lib: SimpleNamespace, steps: int, rounds: int) -> Sample:
    chain = lib.RunnableLambda(lambda x: x)
    for _ in range(steps - 1):
        chain = chain | lib.RunnableLambda(lambda x: x)

    def work() -> None:
        for _ in range(rounds):
            chain.invoke(1)

    return lambda: cpu(work, rounds * steps)


def _invoke_row(steps: int, effort: Effort) -> Row:
    rounds = effort.of(2200 // steps, 1)
    return versus(
        f"invoke, chain of {steps} trivial functions",
        _invoke(ours(), steps, rounds * 20),
        _invoke(peers(), steps, rounds),
        at_least(30),
        effort,
        unit="step",
    )


def invoke_11(effort: Effort) -> Row:
    return _invoke_row(11, effort)


def invoke_101(effort: Effort) -> Row:
    return _invoke_row(101, effort)


def _ainvoke(lib: SimpleNamespace, steps: int, rounds: int) -> Sample:
    async def same(x: int) -> int:
        return x

    chain = lib.RunnableLambda(same)
    for _ in range(steps - 1):
        chain = chain | lib.RunnableLambda(same)

    async def work() -> None:
        for _ in range(rounds):
            await chain.ainvoke(1)

    return lambda: in_loop(work, rounds * steps)


def ainvoke_11(effort: Effort) -> Row:
    rounds = effort.of(200, 1)
    return versus(
        "ainvoke, chain of 11 trivial async functions",
        _ainvoke(ours(), 11, rounds * 20),
        _ainvoke(peers(), 11, rounds),
        at_least(30),
        effort,
        unit="step",
    )


def _batch(lib: SimpleNamespace, count: int) -> Sample:
    step, inputs = lib.RunnableLambda(lambda x: x + 1), list(range(count))
    return lambda: wall(lambda: step.batch(inputs), count)


def _abatch(lib: SimpleNamespace, function: Callable[[int], Any], count: int) -> Sample:
    step, inputs = lib.RunnableLambda(function), list(range(count))
    return lambda: in_loop(lambda: step.abatch(inputs), count, time.perf_counter)


def batch(effort: Effort) -> Row:
    count = effort.of(1000)
    return versus(
        f"batch of {count:,}, plain function",
        _batch(ours(), count),
        _batch(peers(), count),
        at_least(8),
        effort,
        unit="input",
    )


def abatch_plain(effort: Effort) -> Row:
    count = effort.of(1000)
    return versus(
        f"abatch of {count:,}, plain function",
        _abatch(ours(), lambda x: x + 1, count),
        _abatch(peers(), lambda x: x + 1, count),
        at_least(8),
        effort,
        unit="input",
    )


def abatch_async(effort: Effort) -> Row:
    async def increment(x: int) -> int:
        return x + 1

    count = effort.of(10_000)
    return versus(
        f"abatch of {count:,}, async function",
        _abatch(ours(), increment, count),
        _abatch(peers(), increment, count),
        at_least(10),
        effort,
        unit="input",
    )


def tool_call(effort: Effort) -> Row:
    """What a tool costs over its bare function: arguments checked, the answer a message."""
    from prill.tools import tool

    def add(a: int, b: int = 2) -> int:
        """Add two numbers."""
        return a + b

    part, args = tool(add), {"a": 1, "b": 3}
    call = {"type": "tool_call", "name": "add", "args": args, "id": "1"}
    rounds = effort.of(5_000)

    def timed(function: Callable[[], Any]) -> float:
        def work() -> None:
            for _ in range(rounds):
                function()

        return cpu(work, rounds)

    samples = [timed(lambda: part.invoke(call)) - timed(lambda: add(**args)) for _ in range(max(3, effort.repeats))]
    own = sorted(samples)[len(samples) // 2]
    goal = "20 µs at most"
    return Row("a tool call, over the bare function", f"{duration(own)} / call", goal, (own / 20e-6,), at_most(1))


ROWS = [
    stream,
    astream,
    own_model_stream,
    own_model_astream,
    invoke_11,
    invoke_101,
    ainvoke_11,
    batch,
    abatch_plain,
    abatch_async,
    tool_call,
]
