"""Chains of hundreds of steps of any kind: they work, are left and fail as short ones do, watched or not."""

import asyncio
import contextvars
import sys
import threading

import pytest
from tests.runnables.conftest import each

from prill.callbacks import BaseCallbackHandler
from prill.errors import Cancelled, StreamTimeout
from prill.language_models import FakeListChatModel
from prill.output_parsers import BaseTransformOutputParser, StrOutputParser
from prill.runnables import (
    CancelToken,
    Runnable,
    RunnableBranch,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
    RunnablePick,
    RunnableSequence,
)

MANY = 300


def plain(chunks):
    yield from chunks


async def later(chunks):
    async for chunk in chunks:
        yield chunk


def same(value):
    return value


async def same_later(value):
    return value


class Transforms(Runnable):
    """A user's own class with verbs of its own."""

    def invoke(self, input, config=None, **kwargs):
        return input

    def transform(self, input, config=None, **kwargs):
        yield from input

    async def atransform(self, input, config=None, **kwargs):
        async for chunk in input:
            yield chunk


class Parses(BaseTransformOutputParser):
    """A user's own parser."""

    def parse(self, text):
        return text


STREAMING = {
    "plain generators": lambda: RunnableGenerator(plain),
    "async generators": lambda: RunnableGenerator(later),
    "bound plain generators": lambda: RunnableGenerator(plain).with_config(tags=["a"]),
    "own classes": Transforms,
    "string parsers": StrOutputParser,
    "own parsers": Parses,
    "passthroughs": RunnablePassthrough,
    "passthroughs that look": lambda: RunnablePassthrough(lambda value: None, later_nothing),
    "parsers with timeouts": lambda: StrOutputParser().with_timeout(total=600),
    "named chains": lambda: RunnableSequence(StrOutputParser(), RunnableGenerator(later), name="pair"),
    "parallels": lambda: RunnableSequence(RunnableParallel(a=RunnablePassthrough()), RunnablePick("a"), name="both"),
}

WAITING = {
    "functions": lambda: RunnableLambda(same, same_later),
    "bound functions": lambda: RunnableLambda(same, same_later).with_config(tags=["a"]),
    "retried functions": lambda: RunnableLambda(same, same_later).with_retry(),
    "retried parsers": lambda: StrOutputParser().with_retry(),
    "fallbacks": lambda: StrOutputParser().with_fallbacks([StrOutputParser()]),
    "branches": lambda: RunnableBranch((lambda value: True, StrOutputParser()), StrOutputParser()),
}


async def later_nothing(value):
    return None


@pytest.fixture(params=[False, True], ids=["unwatched", "watched"])
def config(request):
    return {"callbacks": [BaseCallbackHandler()]} if request.param else None


def steps_of(kind, verbs):
    # In asyncio each plain generator has a thread of its own.
    many = 60 if kind.endswith("plain generators") and verbs.name == "asyncio" else MANY
    return [{**STREAMING, **WAITING}[kind]() for _ in range(many)]


class Source:
    """Three pieces, or an error in the place of one; knows how far it was asked and whether it was closed."""

    def __init__(self, fails_at=None):
        self.given = self.closed = 0
        self._fails_at = fails_at

    async def source(self, chunks):
        async for _ in chunks:
            try:
                for piece in "abc":
                    if self.given == self._fails_at:
                        raise ValueError("no more")
                    self.given += 1
                    yield piece
            finally:
                self.closed += 1

    @property
    def step(self):
        return RunnableGenerator(self.source)


@pytest.mark.parametrize("kind", {**STREAMING, **WAITING})
def test_they_stream_and_answer(verbs, config, kind):
    chain = RunnableSequence(Source().step, *steps_of(kind, verbs))
    assert verbs.stream(chain, "x", config) == (["abc"] if kind in WAITING else ["a", "b", "c"])
    assert verbs.invoke(chain, "x", config) == "abc"


@pytest.mark.parametrize("kind", STREAMING)
def test_left_early_all_is_closed_and_no_chunk_was_asked_for_too_much(verbs, config, kind):
    source = Source()
    chain = RunnableSequence(source.step, *steps_of(kind, verbs))
    assert verbs.take(chain, "x", 2, config) == ["a", "b"]
    assert source.closed == 1
    # Where a parallel step merges its branches, they may be asked while the consumer has the chunk.
    assert source.given == 2


@pytest.mark.parametrize("kind", {**STREAMING, **WAITING})
def test_an_error_says_which_step_it_was(verbs, config, kind):
    source = Source(fails_at=1)
    middle = steps_of(kind, verbs)
    chain = RunnableSequence(RunnablePassthrough(), *middle[:100], source.step, *middle[100:])
    with pytest.raises(ValueError, match="no more") as raised:
        verbs.stream(chain, "x", config)
    (path,) = [note for note in raised.value.__notes__ if note.startswith("in the chain: ")]
    place = min(len(middle), 100) + 2
    assert path == f"in the chain: RunnableSequence > step {place} (source)"
    assert source.closed == 1


def test_a_function_at_the_far_end_says_so_too(verbs, config):
    def fail(text):
        raise ValueError("no")

    chain = RunnableSequence(*[RunnableGenerator(later) for _ in range(MANY)], fail)
    with pytest.raises(ValueError, match="no") as raised:
        verbs.stream(chain, "x", config)
    assert f"in the chain: RunnableSequence > step {MANY + 1} (fail)" in raised.value.__notes__


def test_a_timeout_reaches_the_far_end(verbs):
    slow = FakeListChatModel(responses=["abc"], sleep=600)
    chain = RunnableSequence(slow, *[RunnableGenerator(later) for _ in range(MANY)])
    with pytest.raises(StreamTimeout):
        verbs.stream(chain.with_timeout(first_chunk=0.1), "x")


def test_a_token_reaches_the_far_end(verbs):
    token = CancelToken()
    begun = threading.Event()

    async def tell(chunks):
        async for chunk in chunks:
            begun.set()
            yield chunk

    def cancel():
        assert begun.wait(20)
        token.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    slow = FakeListChatModel(responses=["abc"], sleep=600)
    chain = RunnableSequence(RunnableGenerator(tell), slow, *[RunnableGenerator(later) for _ in range(MANY)])
    with pytest.raises(Cancelled):
        verbs.stream(chain, "x", {"cancel": token})
    thread.join()


def test_all_steps_see_the_context_of_the_one_who_runs_the_chain(verbs):
    variable = contextvars.ContextVar("variable", default="unset")
    seen = set()

    async def look(chunks):
        async for chunk in chunks:
            seen.add(variable.get())
            yield chunk

    variable.set("mine")
    verbs.stream(RunnableSequence(*[RunnableGenerator(look) for _ in range(MANY)]), "x")
    assert seen == {"mine"}


def test_the_order_in_which_observers_see_things_is_that_of_short_ones(verbs):
    class Order(BaseCallbackHandler):
        def __init__(self):
            self.seen = []

        def on_chain_start(self, serialized, inputs, *, name=None, **kwargs):
            self.seen.append(f"start {name}")

        def on_chain_end(self, outputs, *, name=None, **kwargs):
            self.seen.append(f"end {name} {outputs}")

    order = Order()
    steps = [RunnableGenerator(later, name=f"step {number}") for number in range(MANY)]
    verbs.stream(RunnableSequence(*steps), "x", {"callbacks": [order]})
    names = [f"step {number}" for number in range(MANY)]
    starts = [f"start {name}" for name in ["RunnableSequence", *names]]
    ends = [f"end {name} x" for name in [*names, "RunnableSequence"]]
    assert order.seen == [*starts, *ends]


class TestInside:
    """Chains inside of chains."""

    @staticmethod
    def of(kind, depth):
        part = RunnableLambda(same, same_later)
        for _ in range(depth):
            part = RunnableSequence({**STREAMING, **WAITING}[kind](), part, name="inner")
        return part

    @pytest.mark.parametrize("kind", {**STREAMING, **WAITING})
    def test_many_inside_one_another_work(self, verbs, config, kind):
        if kind.endswith("plain generators") and verbs.name == "asyncio":
            depth = 30  # each has a thread of its own
        else:
            depth = 60 if kind == "parallels" else 100  # parallels are chains in chains themselves
        chain = self.of(kind, depth)
        assert verbs.stream(chain, "x", config) == ["x"]
        assert verbs.invoke(chain, "x", config) == "x"

    @pytest.mark.parametrize("verb", ["stream", "invoke"])
    def test_too_many_are_told_what_to_do(self, verbs, verb):
        chain = self.of("string parsers", 1000)
        with pytest.raises(RecursionError) as raised:
            getattr(verbs, verb)(chain, "x")
        assert any("sys.setrecursionlimit" in note for note in raised.value.__notes__)
        before = sys.getrecursionlimit()
        sys.setrecursionlimit(20_000)
        try:
            assert getattr(verbs, verb)(chain, "x") in ("x", ["x"])
        finally:
            sys.setrecursionlimit(before)


def test_a_plain_anext_that_raises_is_an_error_as_any_other():
    class Broken:
        def __aiter__(self):
            return self

        def __anext__(self):
            raise ValueError("no")

    class Own(Runnable):
        def invoke(self, input, config=None, **kwargs):
            return input

        def atransform(self, input, config=None, **kwargs):
            return Broken()

    async def main():
        return [chunk async for chunk in Own().atransform(each("x"))]

    with pytest.raises(ValueError, match="no"):
        asyncio.run(main())

    async def in_a_chain():
        return [chunk async for chunk in (Own() | StrOutputParser()).atransform(each("x"))]

    with pytest.raises(ValueError, match="no"):
        asyncio.run(in_a_chain())
