"""Events say which run is whose child, wherever a nested run is started."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from prill.callbacks.run import Observer
from prill.runnables import RunnableLambda, RunnablePassthrough, chain
from prill.tools import tool
from tracers.seen import inner, make_events, run, up


def parents(part, input, colour="asyncio"):
    events = make_events(part, input, colour)
    names = {event["run_id"]: event["name"] for event in events}
    starts = [event for event in events if event["event"].endswith("_start")]
    return [(event["name"], [names[id] for id in event["parent_ids"]]) for event in starts]


def plain_outer(x):
    return inner.invoke(x)


async def later_outer(x):
    return await inner.ainvoke(x)


async def task_outer(x):
    return await asyncio.create_task(inner.ainvoke(x))


async def gather_outer(x):
    return (await asyncio.gather(inner.ainvoke(x), inner.ainvoke(x)))[0]


async def thread_outer(x):
    return await asyncio.to_thread(inner.invoke, x)


def pool_outer(x):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(copy_context().run, inner.invoke, x).result()


async def blocking_on_the_loop_outer(x):
    return inner.invoke(x)


def config_outer(x, config):
    with ThreadPoolExecutor(1) as pool:  # without the context: the config carries the run
        return pool.submit(inner.invoke, x, config).result()


def stream_outer(x):
    return "".join(inner.stream(x))


def batch_outer(x):
    return inner.batch([x, x])[0]


async def abatch_outer(x):
    return (await inner.abatch([x, x]))[0]


def loop_outer(x):
    return asyncio.run(inner.ainvoke(x))


NESTED = {
    plain_outer: "both",
    later_outer: "asyncio",
    task_outer: "asyncio",
    gather_outer: "asyncio",
    thread_outer: "asyncio",
    pool_outer: "both",
    blocking_on_the_loop_outer: "asyncio",
    config_outer: "both",
    stream_outer: "both",
    batch_outer: "both",
    abatch_outer: "asyncio",
    loop_outer: "both",
}


@pytest.mark.parametrize("make", [RunnableLambda, chain, tool], ids=lambda make: make.__name__)
@pytest.mark.parametrize("outer", NESTED, ids=lambda outer: outer.__name__)
def test_a_nested_run_is_a_child(outer, make):
    if make is tool and outer is config_outer:
        outer.__annotations__ = {}
    for colour in ("asyncio", "blocking") if NESTED[outer] == "both" or make is tool else ("asyncio",):
        part = tool(outer, description="Call.") if make is tool else make(outer)
        if make is tool:
            part = RunnableLambda(lambda x: {"x": x}, name="args") | part
        told = [(name, line) for name, line in parents(part, "a", colour) if name == "inner"]
        assert len(told) == (2 if "gather" in outer.__name__ or "batch" in outer.__name__ else 1)
        assert {line[-1] for _, line in told} == {outer.__name__}


async def agenerator(inputs):
    async for text in inputs:
        yield await inner.ainvoke(text)
        yield await asyncio.create_task(inner.ainvoke(text))


def generator(inputs):
    for text in inputs:
        yield inner.invoke(text)
        yield inner.invoke(text)


@pytest.mark.parametrize(("part", "colours"), [(agenerator, ["asyncio"]), (generator, ["blocking", "asyncio"])])
def test_a_run_nested_in_a_generator_is_its_child(part, colours):
    for colour in colours:
        told = parents(RunnablePassthrough() | part, "a", colour)
        assert told.count(("inner", ["RunnableSequence", part.__name__])) == 2


def test_the_consumer_s_own_runs_are_no_children():
    """What is started between two events belongs to nobody."""
    seen = []

    class Watcher(Observer):
        def on_start(self, run, input):
            seen.append((run.name, run.parent and run.parent.name))

    async def main():
        async for _ in RunnableLambda(later_outer).astream_events("x"):
            await RunnableLambda(up, name="mine").ainvoke("x", {"callbacks": [Watcher()]})

    run(main())
    assert set(seen) == {("mine", None)}
