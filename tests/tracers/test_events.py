"""The stream of events: what it shows, how it keeps up with its consumer, and what becomes of it when that leaves."""

import asyncio
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from contextvars import copy_context

import pytest

from prill.callbacks import adispatch_custom_event, dispatch_custom_event
from prill.callbacks.run import Observer
from prill.errors import Cancelled, ConfigError, StreamInterrupted
from prill.language_models import FakeListChatModel, GenericFakeChatModel
from prill.messages import AIMessage, AIMessageChunk
from prill.output_parsers import StrOutputParser
from prill.runnables import RunnableGenerator, RunnableLambda
from prill.tools import tool
from tracers.seen import COLOURS, inner, make_events, run, up

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
    events = [make_events(part, input, colour, version=version) for colour in ("blocking", "asyncio")]
    assert same(events[0]) == same(events[1])


def test_blocking_events_inside_of_a_running_loop():
    async def main():
        return [event["event"] for event in (inner | up).stream_events("x")]

    assert run(main()) == [event["event"] for event in make_events(inner | up, "x")]


@COLOURS
def test_root_only(colour):
    events = make_events(inner | up, "x", colour, root_only=True)
    assert [event["event"] for event in events] == ["on_chain_start", "on_chain_stream", "on_chain_end"]
    assert {tuple(event["parent_ids"]) for event in events} == {()}


@COLOURS
def test_paths(colour):
    agent = (inner | RunnableLambda(up, name="tool")).with_config(run_name="agent")
    part = inner | agent
    events = make_events(part, "x", colour, include_paths=["*/agent/*"])
    assert sorted(event["name"] for event in events) == ["RunnableSequence", *["inner"] * 3, *["tool"] * 3]
    events = make_events(part, "x", colour, include_paths=["RunnableSequence/agent"])
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
        events = make_events(inner | RunnableLambda(emit, name="emit"), "x", colour)
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
    events = make_events(RunnableLambda(plain_emit), "x", include_names=["said"])
    assert [event["event"] for event in events] == ["on_custom_event", "on_chain_end"]


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
    end = make_events(part, "x", colour)[-1]
    assert end["event"] == "on_chain_end"
    assert end["data"]["usage_metadata"] == {"big": twice(USAGE), "small": twice(USAGE)}


@COLOURS
def test_no_addition_is_lost_in_branches(colour):
    part = RunnableLambda(lambda x: [x] * 50) | counting("big").map()
    end = make_events(part, "x", colour)[-1]
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
            seen.append(run.root.usage.by_model)

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


@pytest.mark.parametrize("call_id", ["id1", None], ids=["whole call", "arguments"])
def test_the_error_of_a_tool_by_itself_has_its_input_and_the_id_of_the_call(call_id):
    @tool
    def fails(x: int) -> str:
        "Fail."
        raise ValueError("no")

    async def watch():
        given = {"x": 1}
        input = {"type": "tool_call", "name": "fails", "args": given, "id": call_id} if call_id else given
        events = []
        with suppress(ValueError):
            async for event in fails.astream_events(input, version="v2"):
                events.append(event)
        return events[-1]

    last = asyncio.run(watch())
    data = last["data"]
    assert last["event"] == "on_tool_error"
    assert (data["input"], data["tool_call_id"], str(data["error"])) == ({"x": 1}, call_id, "no")
    assert (data["type"], data["message"], data["retryable"]) == ("ValueError", "no", False)
