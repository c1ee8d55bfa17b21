"""The stream of events keeps up with its consumer, and ends with it."""

import asyncio
import gc
import threading
import time
from contextlib import aclosing, closing

import pytest
from tests.helpers import left_threads, threads

from prill.callbacks import adispatch_custom_event, dispatch_custom_event
from prill.callbacks.run import Observer
from prill.runnables import RunnableGenerator, RunnableLambda, RunnablePassthrough
from tracers.seen import inner, run

MANY = 3000


@pytest.mark.parametrize("colour", ["blocking", "asyncio"])
def test_a_slow_consumer_slows_the_producer_down(colour):
    produced, ahead = 0, []

    def source(inputs):
        nonlocal produced
        for _ in inputs:
            for number in range(400):
                produced += 1
                yield number

    async def asource(inputs):
        nonlocal produced
        async for _ in inputs:
            for number in range(400):
                produced += 1
                yield number

    part = RunnableGenerator(source, asource)

    def look(event, consumed):
        if event["event"] == "on_chain_stream":
            ahead.append(produced - consumed)

    async def main():
        consumed = 0
        async for event in part.astream_events("x"):
            consumed += event["event"] == "on_chain_stream"
            look(event, consumed)
            if consumed % 40 == 0:
                await asyncio.sleep(0.001)

    if colour == "asyncio":
        run(main())
    else:
        consumed = 0
        for event in part.stream_events("x"):
            consumed += event["event"] == "on_chain_stream"
            look(event, consumed)
            if consumed % 40 == 0:
                time.sleep(0.001)
    assert produced == 400
    assert max(ahead) <= 64


@pytest.mark.parametrize("way", ["plain in a thread", "plain on the loop", "coroutine"])
def test_many_events_of_a_function_and_a_slow_consumer(way):
    """A blocking call on the loop's own thread cannot wait for the consumer; it does not hang, warn or lose."""

    def plain(x):
        for number in range(100):
            inner.invoke(number)
            dispatch_custom_event("said", number)
        return x

    async def on_the_loop(x):
        return plain(x)

    async def coroutine(x):
        for number in range(100):
            await inner.ainvoke(number)
            await adispatch_custom_event("said", number)
        return x

    part = RunnableLambda({"plain in a thread": plain, "plain on the loop": on_the_loop, "coroutine": coroutine}[way])

    async def main():
        return [event["data"] async for event in part.astream_events("x") if event["event"] == "on_custom_event"]

    assert run(asyncio.wait_for(main(), 20)) == list(range(100))
    gc.collect()


@pytest.mark.parametrize("steps", ["custom events", "nested runs"])
def test_a_function_in_a_thread_ends_soon_after_the_consumer_has_left(steps):
    done = threading.Event()
    calls = []

    def busy(x):
        try:
            for number in range(10_000):
                calls.append(number)
                dispatch_custom_event("said", number) if steps == "custom events" else inner.invoke(number)
        finally:
            done.set()

    async def main():
        async with aclosing(RunnableLambda(busy).astream_events("x")) as events:
            for _ in range(5):
                await anext(events)
        await asyncio.wait_for(asyncio.to_thread(done.wait, 20), 20)

    asyncio.run(main())
    assert done.is_set()
    assert len(calls) < 200


@pytest.mark.parametrize("way", ["aclose", "cancel", "drop"])
def test_leaving_the_events_ends_the_run(way):
    ended = []

    class Watcher(Observer):
        def on_end(self, run, output):
            ended.append((run.name, "end"))

        def on_cancel(self, run, partial):
            ended.append((run.name, "cancel"))

    async def endless(inputs):
        try:
            while True:
                yield "x"
                await asyncio.sleep(0)
        finally:
            ended.append("closed")

    part = RunnablePassthrough() | endless

    async def take(events, wait):
        async with aclosing(events):
            for _ in range(5):
                await anext(events)
            await asyncio.sleep(wait)

    async def drop(events):
        for _ in range(5):
            await anext(events)

    async def main():
        stream = part.astream_events("x", {"callbacks": [Watcher()]})
        if way == "cancel":
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(take(stream, 60), 0.05)
        else:
            await (take(stream, 0) if way == "aclose" else drop(stream))
        del stream
        for _ in range(200):
            if len(asyncio.all_tasks()) > 1:
                await asyncio.sleep(0.005)

    run(main())
    assert ended[0] == "closed"
    assert sorted(ended[1:]) == [
        ("RunnablePassthrough", "cancel"),
        ("RunnableSequence", "cancel"),
        ("endless", "cancel"),
    ]


def test_leaving_blocking_events_ends_the_run_and_its_thread():
    closed = []

    def endless(inputs):
        try:
            while True:
                yield "x"
        finally:
            closed.append(True)

    before = threads()
    with closing(RunnableGenerator(endless).stream_events("x")) as events:
        for _ in range(5):
            next(events)
    assert closed == [True]
    assert not left_threads(before)


def test_another_observer_sees_the_whole_course_of_each_run_when_the_consumer_leaves():
    facts = []

    class Watcher(Observer):
        def on_start(self, run, input):
            facts.append(("start", run.id))

        def on_end(self, run, output):
            facts.append(("ended", run.id))

        def on_error(self, run, error):
            facts.append(("ended", run.id))

        def on_cancel(self, run, partial):
            facts.append(("ended", run.id))

    async def walk(x):
        for number in range(1000):
            await inner.with_config(callbacks=[Watcher()]).ainvoke(number)

    async def main(count):
        async with aclosing(RunnableLambda(walk).astream_events("x")) as events:
            for _ in range(count):
                await anext(events)

    for count in range(1, 12):
        run(main(count))
    starts = [id for what, id in facts if what == "start"]
    ends = [id for what, id in facts if what == "ended"]
    assert len(starts) == len(set(starts)) == len(ends)
    assert set(starts) == set(ends)
