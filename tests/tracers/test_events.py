"""The stream of events: what it shows, how it keeps up with its consumer, and what becomes of it when that leaves."""

import asyncio
import gc
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing
from contextvars import copy_context

import pytest
from tests.leftovers import left_threads, threads

from runlet.callbacks import adispatch_custom_event, dispatch_custom_event
from runlet.callbacks.run import Observer
from runlet.errors import Cancelled, ConfigError, StreamInterrupted
from runlet.language_models import FakeListChatModel, GenericFakeChatModel
from runlet.messages import AIMessage, AIMessageChunk
from runlet.output_parsers import StrOutputParser
from runlet.runnables import RunnableGenerator, RunnableLambda, RunnablePassthrough, chain
from runlet.tools import tool


def run(body):
    async def main():
        result = await body
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    return asyncio.run(main())


def events_of(part, input, colour="asyncio", config=None, **more):
    """The events, in either colour."""
    if colour == "blocking":
        return list(part.stream_events(input, config, **more))

    async def main():
        return [event async for event in part.astream_events(input, config, **more)]

    return run(main())


def up(text):
    return str(text).upper()


inner = RunnableLambda(up, name="inner")
COLOURS = pytest.mark.parametrize("colour", ["blocking", "asyncio"])


# What is shown


@pytest.mark.parametrize(("word", "value"), [("version", "v3"), ("include_types", ["chat"]), ("exclude_types", ["x"])])
@pytest.mark.parametrize("verb", ["astream_events", "stream_events"])
def test_what_is_not_known_is_refused_when_the_verb_is_called(verb, word, value):
    with pytest.raises(ConfigError, match=repr(value[0] if isinstance(value, list) else value)):
        getattr(inner, verb)("x", **{word: value})


def same(events):
    """Events with ids in the order of their appearance."""
    ids = {}
    told = []
    for event in events:
        for id in (*event["parent_ids"], event["run_id"]):
            ids.setdefault(id, len(ids))
        about = {**event, "run_id": ids[event["run_id"]], "parent_ids": [ids[id] for id in event["parent_ids"]]}
        told.append(re.sub(r"'run-[-0-9a-f]+'", "'ID'", repr(about)))
    return told


def letters(inputs):
    for text in inputs:
        yield from text


def asks(text):
    return "".join(chunk.content for chunk in FakeListChatModel(responses=["abc"]).stream(str(text)))


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize(
    "part",
    [
        inner,
        inner | RunnableGenerator(letters) | up,
        inner | FakeListChatModel(responses=["abc"]) | StrOutputParser(),
        RunnableLambda(asks) | inner,
        inner.with_config(tags=["t"], metadata={"m": 1}),
    ],
    ids=["function", "generator", "model", "model in a function", "configured"],
)
def test_blocking_events_are_those_of_asyncio(part, version):
    input = {"x": 1}
    events = [events_of(part, input, colour, version=version) for colour in ("blocking", "asyncio")]
    assert same(events[0]) == same(events[1])


def test_blocking_events_inside_of_a_running_loop():
    async def main():
        return [event["event"] for event in (inner | up).stream_events("x")]

    assert run(main()) == [event["event"] for event in events_of(inner | up, "x")]


@COLOURS
def test_root_only(colour):
    events = events_of(inner | up, "x", colour, root_only=True)
    assert [event["event"] for event in events] == ["on_chain_start", "on_chain_stream", "on_chain_end"]
    assert {tuple(event["parent_ids"]) for event in events} == {()}


@COLOURS
def test_paths(colour):
    agent = (inner | RunnableLambda(up, name="tool")).with_config(run_name="agent")
    part = inner | agent
    events = events_of(part, "x", colour, include_paths=["*/agent/*"])
    assert sorted(event["name"] for event in events) == ["RunnableSequence", *["inner"] * 3, *["tool"] * 3]
    events = events_of(part, "x", colour, include_paths=["RunnableSequence/agent"])
    assert {event["name"] for event in events} == {"agent", "RunnableSequence"}
    assert [event["event"] for event in events if event["name"] == "RunnableSequence"] == ["on_chain_end"]


def test_an_input_that_a_model_cannot_take_is_a_start_and_an_error():
    events = []

    async def main():
        async for event in FakeListChatModel(responses=["a"]).astream_events(3):
            events.append(event["event"])

    with pytest.raises(ConfigError):
        run(main())
    assert events == ["on_chat_model_start", "on_chat_model_error"]


# Custom events


def plain_emit(text):
    dispatch_custom_event("said", text)
    return text


async def later_emit(text):
    await adispatch_custom_event("said", text)
    return text


def emit_in_threads(text):
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda n: copy_context().run(int, n), range(2)))
        for each in [pool.submit(copy_context().run, dispatch_custom_event, "said", n) for n in range(3)]:
            each.result()
    return text


async def emit_in_a_thread_of_asyncio(text):
    await asyncio.gather(*(asyncio.to_thread(dispatch_custom_event, "said", n) for n in range(3)))
    return text


async def emit_plainly_in_a_coroutine(text):
    dispatch_custom_event("said", text)
    return text


@pytest.mark.parametrize(
    ("emit", "count", "colours"),
    [
        (plain_emit, 1, ("blocking", "asyncio")),
        (later_emit, 1, ("asyncio",)),
        (emit_in_threads, 3, ("blocking", "asyncio")),
        (emit_in_a_thread_of_asyncio, 3, ("asyncio",)),
        (emit_plainly_in_a_coroutine, 1, ("asyncio",)),
    ],
)
def test_custom_events_reach_the_stream_from_wherever_they_are_dispatched(emit, count, colours):
    for colour in colours:
        events = events_of(inner | RunnableLambda(emit, name="emit"), "x", colour)
        said = [event for event in events if event["event"] == "on_custom_event"]
        emitter = next(event for event in events if event["name"] == "emit")
        assert [event["name"] for event in said] == ["said"] * count
        assert {(event["run_id"], *event["parent_ids"]) for event in said} == {
            (emitter["run_id"], *emitter["parent_ids"])
        }


def test_custom_events_outside_of_a_run_are_nothing():
    dispatch_custom_event("said", 1)
    asyncio.run(adispatch_custom_event("said", 1))
    assert RunnableLambda(plain_emit).invoke("x") == "x"


def test_custom_events_can_be_chosen_by_name():
    events = events_of(RunnableLambda(plain_emit), "x", include_names=["said"])
    assert [event["event"] for event in events] == ["on_custom_event", "on_chain_end"]


# Keeping up


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


# Who is whose child


def parents(part, input, colour="asyncio"):
    events = events_of(part, input, colour)
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
        part = make(outer)
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


# Tokens used


USAGE = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}


def counting(model_name=None):
    about = {"model_name": model_name} if model_name else {}
    message = AIMessage(content="hi there", usage_metadata=USAGE, response_metadata=about)
    return GenericFakeChatModel(messages=iter([message] * 99))


def twice(usage, n=2):
    return {key: value * n for key, value in usage.items()}


@COLOURS
def test_the_end_of_the_root_tells_the_tokens_of_the_tree_by_model(colour):
    nested = counting("small")

    def ask(x):
        nested.invoke("x")
        return "".join(chunk.content for chunk in nested.stream("x"))

    part = {"a": counting("big"), "b": counting("big") | StrOutputParser()} | RunnableLambda(str) | ask
    end = events_of(part, "x", colour)[-1]
    assert end["event"] == "on_chain_end"
    assert end["data"]["usage_metadata"] == {"big": twice(USAGE), "small": twice(USAGE)}


@COLOURS
def test_no_addition_is_lost_in_branches(colour):
    part = RunnableLambda(lambda x: [x] * 50) | counting("big").map()
    end = events_of(part, "x", colour)[-1]
    assert end["data"]["usage_metadata"] == {"big": twice(USAGE, 50)}


@COLOURS
def test_an_error_tells_the_tokens_too_and_those_of_the_answer_that_was_cut(colour):
    class Cut(GenericFakeChatModel):
        async def _chunks(self, messages, run, **kwargs):
            chunk = AIMessageChunk(content="half", usage_metadata=USAGE, response_metadata={"model_name": "cut"})
            yield chunk
            raise StreamInterrupted("the line was cut", partial=chunk)

    part = counting("big") | StrOutputParser() | Cut(messages=iter([]))
    seen = []

    async def main():
        async for event in part.astream_events("x"):
            seen.append(event)

    def plain():
        for event in part.stream_events("x"):
            seen.append(event)

    with pytest.raises(StreamInterrupted):
        run(main()) if colour == "asyncio" else plain()
    last = seen[-1]
    assert last["event"] == "on_chain_error"
    assert last["data"]["usage_metadata"] == {"big": USAGE, "cut": USAGE}
    assert (last["data"]["type"], last["data"]["retryable"]) == ("StreamInterrupted", True)
    assert last["data"]["path"][0] == "RunnableSequence"


def test_a_run_that_was_left_tells_its_tokens_to_observers():
    seen = []

    class Watcher(Observer):
        def on_cancel(self, run, partial):
            seen.append(run.root.state.get("usage"))

    class Slow(GenericFakeChatModel):
        async def _chunks(self, messages, run, **kwargs):
            while True:
                yield AIMessageChunk(content="x", usage_metadata=USAGE, response_metadata={"model_name": "slow"})

    stream = Slow(messages=iter([])).stream("x", {"callbacks": [Watcher()]})
    next(stream)
    stream.close()
    assert seen == [{"slow": USAGE}]


def test_an_async_tool_in_blocking_events_leaves_its_loop_to_others():
    """The consumer may need the same loop before it takes the next event."""

    @tool
    async def many(count: int):
        """Run many."""
        for number in range(count):
            await inner.ainvoke(number)
        return count

    @tool
    async def quick(word: str):
        """Give it back."""
        return word

    seen = []

    def consume():
        for event in many.stream_events({"count": 150}):
            seen.append(event["event"])
            quick.invoke("x")

    thread = threading.Thread(target=consume, daemon=True)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    assert seen.count("on_chain_end") == 150


@COLOURS
def test_a_run_that_was_stopped_by_others_ends_with_an_error_event_and_is_no_failure_to_observers(colour):
    told = []

    class Watcher(Observer):
        def on_error(self, run, error):
            told.append("error")

        def on_cancel(self, run, partial):
            told.append("cancel")

    def stopped(x):
        raise Cancelled("by the user")

    events = []

    async def later():
        async for event in RunnableLambda(stopped).astream_events("x", {"callbacks": [Watcher()]}):
            events.append(event)

    def plain():
        for event in RunnableLambda(stopped).stream_events("x", {"callbacks": [Watcher()]}):
            events.append(event)

    with pytest.raises(Cancelled):
        run(later()) if colour == "asyncio" else plain()
    assert told == ["cancel"]
    assert events[-1]["event"] == "on_chain_error"
    assert events[-1]["data"]["type"] == "Cancelled"


def test_leaving_blocking_events_is_no_failure_to_observers():
    told = []

    class Watcher(Observer):
        def on_error(self, run, error):
            told.append("error")

        def on_cancel(self, run, partial):
            told.append("cancel")

    with closing(FakeListChatModel(responses=["a" * 500]).stream_events("x", {"callbacks": [Watcher()]})) as events:
        for _ in range(5):
            next(events)
    assert told == ["cancel"]
