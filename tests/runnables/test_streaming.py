"""A stream is pulled, bounded and closed."""

import asyncio
import contextlib
import contextvars
import gc
import threading

import anyio
import pytest
from tests.helpers import label

from prill.errors import AsyncRequiredError
from prill.runnables import (
    AddableDict,
    Runnable,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
    RunnablePick,
    RunnableSequence,
    chain,
)
from prill.runnables.engine.streams import REPLACE


class Source:
    """A source that counts what is asked of it and notes when it is closed."""

    def __init__(self, length=1000, fail_at=None):
        self.length, self.fail_at = length, fail_at
        self.asked = 0
        self.closed = 0

    def plain(self, inputs):
        for _ in inputs:
            try:
                for index in range(self.length):
                    self.asked += 1
                    if index == self.fail_at:
                        raise ValueError("the source failed")
                    yield {"n": [index]}
            finally:
                self.closed += 1

    async def later(self, inputs):
        async for _ in inputs:
            try:
                for index in range(self.length):
                    self.asked += 1
                    if index == self.fail_at:
                        raise ValueError("the source failed")
                    yield {"n": [index]}
                    await asyncio.sleep(0)
            finally:
                self.closed += 1

    def step(self, verbs):
        return RunnableGenerator(self.plain if verbs.name == "blocking" else self.later)


def onward(inputs):
    yield from inputs


async def aonward(inputs):
    async for each in inputs:
        yield each


NEXT = {
    "alone": lambda step: step,
    "sequence": lambda step: step | RunnablePassthrough(),
    "generator": lambda step: step | onward,
    "async generator": lambda step: step | aonward,
    "passthrough with function": lambda step: step | RunnablePassthrough(len),
    "pick": lambda step: step | RunnablePick("n"),
    "pick some": lambda step: step | RunnablePick(["n"]),
    "binding": lambda step: (step | RunnablePassthrough()).with_config(tags=["x"]),
    "named sequence": lambda step: RunnableSequence(step, onward, name="inner") | aonward,
    "one branch": lambda step: step | {"a": RunnablePassthrough()},
    "assign": lambda step: (
        RunnableLambda(lambda _: {"k": 1}) | RunnablePassthrough.assign(m=step) | RunnablePick("m") | RunnablePick("n")
    ),
    "returned by a function": lambda step: RunnableLambda(lambda _: step),
}

SIDEWAYS = {
    "parallel after": lambda step: step | {"a": RunnablePassthrough(), "b": onward},
    "parallel around": lambda step: RunnableParallel(a=step, b=step),
    "assign around": lambda step: step | RunnablePassthrough.assign(m=aonward),
    "sequence in parallel in assign": lambda step: (
        RunnableLambda(lambda _: {"k": 1})
        | RunnablePassthrough.assign(m={"x": step | onward, "y": RunnablePassthrough()})
    ),
    "parallel in parallel": lambda step: step | {"a": {"b": {"c": RunnablePassthrough(), "d": onward}}, "e": aonward},
}


@pytest.mark.parametrize("name", NEXT)
def test_chunk_i_leaves_before_chunk_i_plus_1_is_asked_for(name, verbs):
    source = Source()
    part = NEXT[name](source.step(verbs))
    if verbs.name == "blocking":
        for count, _ in zip(range(1, 6), part.stream(1), strict=False):
            assert source.asked == count
    else:

        async def main():
            stream = part.astream(1)
            for count in range(1, 6):
                await anext(stream)
                assert source.asked == count
            await stream.aclose()

        asyncio.run(main())


@pytest.mark.parametrize("name", SIDEWAYS)
def test_branches_run_no_further_ahead_than_the_limit(name, verbs):
    source = Source()
    verbs.take(SIDEWAYS[name](source.step(verbs)), 1, 3)
    assert source.asked < 70


@pytest.mark.parametrize("name", {**NEXT, **SIDEWAYS})
def test_leaving_a_stream_closes_its_source(name, verbs):
    source = Source()
    part = {**NEXT, **SIDEWAYS}[name](source.step(verbs))
    assert len(verbs.take(part, 1, 2)) == 2
    begun = 2 if name == "parallel around" else 1
    # The first chunks may have come from another branch, before the source was begun.
    assert source.closed == (begun if source.asked else 0)


@pytest.mark.parametrize("name", {**NEXT, **SIDEWAYS})
def test_an_error_in_the_source_closes_it_and_is_raised_as_it_is(name, verbs):
    source = Source(fail_at=2)
    part = {**NEXT, **SIDEWAYS}[name](source.step(verbs))
    with pytest.raises(ValueError, match="the source failed"):
        verbs.stream(part, 1)
    assert source.closed >= 1


@pytest.mark.parametrize("name", {**NEXT, **SIDEWAYS})
def test_cancelling_or_timing_out_closes_the_source_and_leaves_no_task(name):
    async def forever(inputs):
        async for _ in inputs:
            try:
                begun.set()
                yield {"n": [0]}
                await asyncio.sleep(3600)
            finally:
                await asyncio.sleep(0)  # closing may take a turn of the loop
                closed.append(True)

    part = {**NEXT, **SIDEWAYS}[name](RunnableGenerator(forever))

    async def consume(at_first=lambda: None):
        async for _ in part.astream(1):
            at_first()

    async def main():
        nonlocal begun
        begun = asyncio.Event()
        task = asyncio.create_task(consume())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert closed.pop()
        closed.clear()
        # The first chunks may come from another branch, before the source has begun.
        begun = asyncio.Event()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60) as limit:
                await consume(lambda: begun.is_set() and limit.reschedule(0))
        assert closed.pop()
        closed.clear()
        begun = asyncio.Event()
        with anyio.move_on_after(60) as scope:
            await consume(lambda: begun.is_set() and setattr(scope, "deadline", 0))
        assert scope.cancelled_caught
        assert asyncio.all_tasks() == {asyncio.current_task()}

    begun = None
    closed = []
    asyncio.run(main())


def test_anyio_closes_what_closes_without_awaiting():
    source = Source()

    async def main():
        with anyio.CancelScope() as scope:
            async for _ in (RunnableGenerator(source.later) | {"a": aonward, "b": RunnablePassthrough()}).astream(1):
                scope.cancel()
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    gc.collect()
    assert source.closed == 1


def test_breaking_out_of_a_blocking_stream_closes_it_at_once():
    source = Source()
    for _ in (RunnableGenerator(source.plain) | {"a": onward, "b": RunnablePassthrough()}).stream(1):
        break
    assert source.closed == 1


def test_an_exception_in_the_consumer_closes_the_stream():
    source = Source()

    def consume():
        for _ in (RunnableGenerator(source.plain) | onward).stream(1):
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        consume()
    assert source.closed == 1


def test_a_stream_that_is_never_iterated_starts_nothing():
    source = Source()
    part = RunnableGenerator(source.plain) | {"a": onward, "b": RunnablePassthrough()}

    async def main():
        part.astream(1)
        gc.collect()

    asyncio.run(main())
    part.stream(1)
    part.transform(iter([1]))
    gc.collect()
    assert source.asked == 0


def test_a_stream_starts_when_it_is_first_asked():
    source = Source()
    stream = (RunnableGenerator(source.plain) | onward).stream(1)
    assert source.asked == 0
    next(stream)
    assert source.asked == 1
    stream.close()


def test_dropping_an_asyncio_stream_closes_it():
    source = Source()

    async def main():
        stream = (RunnableGenerator(source.later) | {"a": aonward, "b": aonward}).astream(1)
        await anext(stream)
        del stream
        gc.collect()
        for _ in range(20):
            await asyncio.sleep(0)
        assert source.closed == 1

    asyncio.run(main())


def test_closing_reaches_the_given_input(verbs):
    closed = []

    def given():
        try:
            yield from range(100)
        finally:
            closed.append(True)

    async def agiven():
        try:
            for n in range(100):
                yield n
        finally:
            closed.append(True)

    part = RunnableLambda(lambda x: x) | str
    streaming = RunnablePassthrough() | {"a": onward, "b": aonward}
    if verbs.name == "blocking":
        stream = streaming.transform(given())
        next(stream)
        stream.close()
        assert list(part.transform(given())) == ["4950"]
    else:

        async def main():
            stream = streaming.atransform(agiven())
            await anext(stream)
            await stream.aclose()
            assert [x async for x in part.atransform(agiven())] == ["4950"]

        asyncio.run(main())
    assert closed == [True, True]


def test_advanced_by_alternating_tasks_and_closed_by_a_third():
    source = Source()

    async def main():
        stream = (RunnableGenerator(source.later) | {"a": aonward, "b": RunnablePassthrough()}).astream(
            1, {"tags": ["watched"]}
        )
        for _ in range(4):
            await asyncio.create_task(anext(stream))
        await asyncio.create_task(stream.aclose())
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    assert source.closed == 1


def test_streaming_goes_on_after_a_step_that_waits(verbs):
    source = Source(length=3)

    def split(inputs):
        for text in inputs:
            yield from text

    part = source.step(verbs) | (lambda whole: f"<{whole['n']}>") | split
    assert verbs.stream(part, 1) == list("<[2]>")


def test_a_function_waits_for_the_whole_input(verbs):
    seen = []

    def look(x):
        seen.append(x)
        return x

    assert verbs.transform(RunnableLambda(look) | RunnablePassthrough(), ["a", "b", "c"]) == ["abc"]
    assert seen == ["abc"]


def test_a_stream_without_chunks_runs_no_function(verbs):
    seen = []

    def nothing(inputs):
        for _ in inputs:
            if seen:
                yield 1

    part = RunnableGenerator(nothing) | (lambda x: seen.append(x)) | {"a": str, "b": str}
    assert verbs.stream(part, 1) == []
    assert seen == []


def test_parallel_yields_each_chunk_under_its_key(verbs):
    def twice(inputs):
        for x in inputs:
            yield x
            yield x

    chunks = verbs.stream(RunnableParallel(a=twice, b=RunnablePassthrough()), "x")
    assert sorted(map(repr, chunks)) == ["{'a': 'x'}", "{'a': 'x'}", "{'b': 'x'}"]
    assert sum(chunks[1:], chunks[0]) == {"a": "xx", "b": "x"}


def test_the_branches_of_a_parallel_run_at_once(verbs):
    barrier = threading.Barrier(3, timeout=5)

    def meet(x):
        barrier.wait()
        return x

    part = RunnableParallel(a=meet, b=meet, c=meet)
    assert verbs.invoke(part, 1) == {"a": 1, "b": 1, "c": 1}
    assert len(verbs.stream(part, 1)) == 3
    assert verbs.batch(RunnableLambda(meet), [1, 2, 3]) == [1, 2, 3]
    assert verbs.invoke(RunnableLambda(meet).map(), [1, 2, 3]) == [1, 2, 3]


def test_chunks_leave_a_parallel_in_the_order_in_which_they_arrive(verbs):
    go = threading.Event()

    def slow(x):
        assert go.wait(5)
        return x

    part = RunnableParallel(slow=slow, quick=RunnablePassthrough())
    if verbs.name == "blocking":
        stream = part.stream(1)
        assert next(stream) == {"quick": 1}
        go.set()
        assert list(stream) == [{"slow": 1}]
    else:

        async def main():
            stream = part.astream(1)
            assert await anext(stream) == {"quick": 1}
            go.set()
            assert [x async for x in stream] == [{"slow": 1}]

        asyncio.run(main())


def test_a_branch_that_ignores_its_input_does_not_stop_the_others(verbs):
    def ignore(inputs):
        yield "x"

    part = Source(length=300).step(verbs) | {"a": ignore, "b": RunnablePassthrough()}
    assert len(verbs.stream(part, 1)) == 301


def test_a_passthrough_with_a_function_passes_any_number_of_chunks(verbs):
    seen = []
    part = Source(length=300).step(verbs) | RunnablePick("n") | RunnablePassthrough(seen.append)
    assert len(verbs.stream(part, 1)) == 300
    assert seen == [list(range(300))]


def test_an_early_leaving_branch_closes_its_part_alone(verbs):
    def first_only(inputs):
        for each in inputs:
            yield each
            return

    source = Source(length=200)
    chunks = verbs.stream(source.step(verbs) | {"a": first_only, "b": RunnablePassthrough()}, 1)
    assert len(chunks) == 201
    assert source.closed == 1


def test_the_first_error_cancels_the_other_branches_of_an_asyncio_parallel():
    ended = []

    async def bad(x):
        await asyncio.sleep(0)
        raise ValueError("bad")

    async def sleeps(x):
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(x)

    part = RunnableParallel(a=bad, b=sleeps, c=sleeps)

    async def main():
        with pytest.raises(ValueError, match="bad"):
            await part.ainvoke(1)
        with pytest.raises(ValueError, match="bad"):
            async for _ in part.astream(2):
                pass
        with pytest.raises(ValueError, match="bad"):
            await RunnableLambda(lambda x: part).abatch([3])
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    assert ended == [1, 1, 2, 2, 3, 3]


VARIABLE: contextvars.ContextVar[int] = contextvars.ContextVar("test_variable", default=0)


@pytest.mark.parametrize("after", ["nothing", "parallel"])
def test_a_users_context_variable_survives_the_next_yield_and_can_be_reset(after, verbs):
    def plain(inputs):
        for _ in inputs:
            token = VARIABLE.set(7)
            try:
                for _ in range(6):
                    yield [VARIABLE.get()]
            finally:
                VARIABLE.reset(token)

    async def later(inputs):
        async for _ in inputs:
            token = VARIABLE.set(7)
            try:
                for _ in range(6):
                    yield [VARIABLE.get()]
                    await asyncio.sleep(0)
            finally:
                VARIABLE.reset(token)

    for generator in (plain, later) if verbs.name == "asyncio" else (plain,):
        part = RunnableGenerator(generator)
        if after == "nothing":
            assert verbs.stream(part, 1) == [[7]] * 6
        else:
            part = part | {"a": RunnablePassthrough(), "b": onward, "c": aonward}
            chunks = verbs.stream(part, 1)
            assert sum(chunks[1:], chunks[0]) == {"a": [7] * 6, "b": [7] * 6, "c": [7] * 6}
        verbs.take(part, 1, 2)


class Growing(Runnable):
    """A part whose chunks replace each other, as those of a JSON parser do."""

    async def _work(self, input, run, **kwargs):
        return list(input)

    _combine = REPLACE

    async def _flow(self, inputs, run, **kwargs):
        text = ""
        async for piece in inputs:
            for letter in piece:
                text += letter
                yield list(text)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Growing() | len, [3]),
        (Growing() | RunnablePassthrough() | len, [3]),
        (Growing() | RunnablePassthrough(len) | len, [3]),
        (RunnablePassthrough() | Growing().with_config(tags=["x"]) | len, [3]),
        (RunnableSequence(RunnablePassthrough(), Growing(), name="inner") | len, [3]),
        (RunnableParallel(a=Growing(), b=RunnablePassthrough()) | RunnablePick("a") | len, [3]),
        (RunnableParallel(a=Growing(), b=RunnablePassthrough()) | (lambda d: d), [{"a": ["a", "b", "c"], "b": "abc"}]),
        (RunnableParallel(a=Growing()).assign(n=lambda d: len(d["a"])) | (lambda d: d["n"]), [3]),
        (Growing() | {"one": len, "two": RunnablePassthrough()} | (lambda d: d), [{"one": 3, "two": ["a", "b", "c"]}]),
        (RunnableLambda(lambda _: Growing()) | len, [3]),
        (chain(lambda x: RunnableLambda(lambda _: Growing()) | RunnablePassthrough()) | len, [3]),
    ],
    ids=label,
)
def test_of_growing_values_the_last_one_counts(part, expected, verbs):
    assert verbs.stream(part, "abc") == expected
    assert verbs.stream(part, "abc", {"tags": ["x"]}) == expected


def test_growing_values_stream_on():
    part = Growing() | {"a": RunnablePassthrough(), "b": RunnablePassthrough()}
    chunks = list(part.stream("ab"))
    assert sum(chunks[1:], chunks[0]) == {"a": ["a", "b"], "b": ["a", "b"]}
    assert isinstance(chunks[0], AddableDict)


def test_what_a_closing_generator_raises_is_not_lost(verbs):
    def bad(inputs):
        try:
            yield from "abc"
        finally:
            raise ValueError("in finally")

    with pytest.raises(ValueError, match="in finally"):
        verbs.take(RunnableGenerator(bad) | onward, 1, 1)


def test_aclosing_is_enough_at_every_depth():
    source = Source()

    async def main():
        part = RunnableParallel(p=RunnableGenerator(source.later) | {"a": onward, "b": aonward}).assign(c=onward)
        async with contextlib.aclosing(part.astream(1)) as stream:
            async for _ in stream:
                break
        assert source.closed == 1
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


@pytest.mark.parametrize("is_async", [False, True], ids=["function", "coroutine"])
def test_the_function_of_a_passthrough_is_given_the_arguments_of_the_call(verbs, is_async):
    seen = []

    def look(value, **kwargs):
        seen.append((value, kwargs))

    async def look_later(value, **kwargs):
        seen.append((value, kwargs))

    part = RunnablePassthrough(look_later if is_async else look)
    if is_async and verbs.name == "blocking":
        with pytest.raises(AsyncRequiredError):
            verbs.invoke(part, "a", size=1)
        return
    assert verbs.invoke(part, "a", size=1) == "a"
    assert verbs.stream(part, "b", size=2) == ["b"]
    assert verbs.batch(part, ["c"], size=3) == ["c"]
    assert verbs.invoke(part | len, "d", size=4) == 1
    assert seen == [("a", {"size": 1}), ("b", {"size": 2}), ("c", {"size": 3}), ("d", {"size": 4})]
