"""Limits in time: of the first chunk, of each later one, of the whole; the consumer's own time is its own."""

import asyncio
import pickle
import time

import pytest
from tests.helpers import eventually
from tests.runnables.flaky import NO_WAIT, Names, chat, streaming

from prill.errors import ConfigError, StreamTimeout
from prill.output_parsers import JsonOutputParser, StrOutputParser
from prill.runnables import RunnableGenerator, RunnableLambda, RunnableParallel
from prill.testing import Faults, Reply, check_runnable

SOON = 10.0
"""Seconds that a busy machine may take to see a closed connection."""


@pytest.fixture(scope="module", autouse=True)
def imported(replay_server):
    chat(replay_server).invoke("Hi")  # imports take their time once


@pytest.fixture
def server(own_server):
    """Requests are given up on their way here."""
    return own_server


def stalled(server, at):
    server.replies(lambda seen: Reply(["one", " two", " three"], faults=Faults(stall_at=at)))


async def each(chunks):
    async for chunk in chunks:
        yield chunk


LIMITS = [
    (0, {"first_chunk": 0.1}, "gave nothing within {first_chunk:g} s"),
    (0, {"total": 0.1}, "did not end within {total:g} s"),
    (0, {"first_chunk": 0.1, "between_chunks": 30, "total": 60}, "gave nothing within {first_chunk:g} s"),
    (3, {"between_chunks": 0.2}, "gave no chunk for {between_chunks:g} s"),
    (3, {"first_chunk": 5, "between_chunks": 0.2, "total": 30}, "gave no chunk for {between_chunks:g} s"),
    (3, {"total": 0.7}, "did not end within {total:g} s"),
    (3, {"first_chunk": 0.6, "total": 0.7}, "did not end within {total:g} s"),
]

PATIENCE = (1, 5, 25, 60)
"""By how much limits are multiplied, one try after the other, until a busy machine has shown the chunks in time."""


def limited(part, where, limits):
    if where == "in a chain":
        return each | part.with_timeout(**limits) | each
    return (part.with_retry(**NO_WAIT) if where == "with retry" else part).with_timeout(**limits)


@pytest.mark.parametrize("where", ["alone", "in a chain", "with retry"])
@pytest.mark.parametrize(("at", "limits", "said"), LIMITS)
def test_a_stream_that_stalls_ends_with_what_had_come(verbs, server, where, at, limits, said):
    for factor in PATIENCE:
        stalled(server, at)
        longer = {name: seconds * factor for name, seconds in limits.items()}
        with pytest.raises(StreamTimeout) as raised:
            verbs.stream(limited(chat(server) | StrOutputParser(), where, longer), "Hi")
        # A request that is given up while it is on its way arrives later.
        gone = eventually(lambda: server.open_streams == 0 and server.closed_early == server.request_count)
        assert gone, server.requests
        assert server.request_count <= 1
        if raised.value.partial == "one two" or at == 0:
            break
        server.clear()
    assert said.format(**longer) in str(raised.value)
    assert raised.value.partial == (None if at == 0 else "one two")
    assert (raised.value.chunks_received > 0) == (at > 0)


@pytest.mark.parametrize("limits", [{"first_chunk": 0.1}, {"total": 0.1}])
@pytest.mark.parametrize("silence", [Faults(first_delay=30), Faults(stall_at=0)], ids=["no answer", "headers alone"])
def test_invoke_has_one_chunk(verbs, server, limits, silence):
    server.replies(lambda seen: Reply(["one"], faults=silence))
    with pytest.raises(StreamTimeout):
        verbs.invoke(chat(server).with_timeout(**limits), "Hi")
    assert server.wait_closed(SOON)
    assert server.request_count <= 1  # on a busy machine a short time may be over before the request has arrived
    assert server.closed_early == server.request_count


def test_retry_tries_again_what_was_too_late(verbs, server):
    server.queue(Reply(["late"], faults=Faults(stall_at=0)), Reply(["well"]))
    part = chat(server).with_timeout(first_chunk=0.7).with_retry(**NO_WAIT) | StrOutputParser()
    assert "".join(verbs.stream(part, "Hi")) == "well"
    assert server.request_count == 2


def test_a_timeout_around_a_retry_ends_its_pauses(verbs):
    part, plan = streaming([ValueError()])
    waits = {"initial": 30, "jitter": 0, "max": 30}
    with pytest.raises(StreamTimeout):
        verbs.invoke(part.with_retry(exponential_jitter_params=waits).with_timeout(total=0.05), "x")
    assert plan.begun == 1


def test_chunks_that_keep_coming_in_time_never_time_out(verbs, server):
    server.replies(lambda seen: Reply(["tok "] * 6, faults=Faults(pace=0.09)))
    chunks = verbs.stream(chat(server).with_timeout(first_chunk=5, between_chunks=0.3) | StrOutputParser(), "Hi")
    assert "".join(chunks) == "tok " * 6


@pytest.mark.parametrize("between_chunks", [0.05])
def test_the_consumers_own_time_does_not_count(verbs, between_chunks):
    part = streaming(["a", "b", "c"])[0].with_timeout(first_chunk=between_chunks, between_chunks=between_chunks)
    if verbs.name == "blocking":
        taken = []
        for chunk in part.stream("x"):
            taken.append(chunk)
            time.sleep(0.1)
    else:

        async def main():
            taken = []
            async for chunk in part.astream("x"):
                taken.append(chunk)
                await asyncio.sleep(0.1)
            return taken

        taken = asyncio.run(main())
    assert taken == ["a", "b", "c"]


def test_but_it_does_for_the_total(verbs):
    part = streaming(["a", "b", "c"])[0].with_timeout(total=0.1)

    async def in_asyncio():
        async for _ in part.astream("x"):
            await asyncio.sleep(0.15)

    def in_blocking():
        for _ in part.stream("x"):
            time.sleep(0.15)

    with pytest.raises(StreamTimeout, match=r"did not end within 0.1 s") as raised:
        in_blocking() if verbs.name == "blocking" else asyncio.run(in_asyncio())
    assert (raised.value.partial, raised.value.chunks_received) == ("a", 1)


def test_of_growing_values_the_last_is_the_partial(verbs, server):
    server.replies(lambda seen: Reply(["[1, ", "2, ", "3]"], faults=Faults(stall_at=3)))
    with pytest.raises(StreamTimeout) as raised:
        verbs.stream((chat(server) | JsonOutputParser()).with_timeout(between_chunks=0.3), "Hi")
    assert raised.value.partial == [1, 2]


def test_in_parallel_each_has_its_own(verbs, server):
    stalled(server, 0)
    quick = RunnableLambda(lambda _: "quick")
    late = (chat(server) | StrOutputParser()).with_timeout(first_chunk=0.1).with_fallbacks([lambda _: "other"])
    assert verbs.invoke(RunnableParallel(late=late, quick=quick), "Hi") == {"late": "other", "quick": "quick"}
    assert server.wait_closed(SOON)


def test_observers_see_the_wrapped_step_alone(verbs):
    names = Names()
    verbs.invoke(RunnableLambda(len).with_timeout(total=30), "four", {"callbacks": [names]})
    assert names.seen == [("start", "len"), ("end", "len")]


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({}, "sets no limit"),
        ({"total": 0}, "total is a number of seconds over 0, not 0"),
        ({"first_chunk": -1}, "first_chunk is a number of seconds over 0, not -1"),
        ({"between_chunks": float("nan")}, "between_chunks is a number"),
        ({"total": "1"}, "total is a number"),
        ({"total": True}, "total is a number"),
        ({"first_chunk": 3, "total": 2}, "first_chunk=3 can never be reached within total=2"),
        ({"between_chunks": 3, "total": 2}, "between_chunks=3 can never be reached within total=2"),
    ],
)
def test_limits_that_make_no_sense_are_refused_by_the_name_of_the_step(limits, said):
    with pytest.raises(ConfigError, match=f"^with_timeout of len.*{said}"):
        RunnableLambda(len).with_timeout(**limits)


def upper(chunks):
    for chunk in chunks:
        yield chunk.upper()


def test_it_keeps_the_promises_of_every_runnable():
    limits = {"first_chunk": 30, "between_chunks": 30, "total": 60}
    check_runnable(RunnableLambda(len).with_timeout(**limits), "four", expected=4)
    check_runnable(RunnableGenerator(upper).with_timeout(**limits), "four", pieces=["fo", "ur"], expected="FOUR")


def test_it_can_be_pickled():
    part = RunnableLambda(len).with_timeout(total=5)
    assert pickle.loads(pickle.dumps(part)) == part


def test_a_cancellation_from_elsewhere_is_not_taken_for_a_timeout():
    async def main():
        async with asyncio.timeout(0.05):
            await RunnableLambda(len, afunc=forever).with_timeout(total=30).ainvoke("x")

    async def forever(_):
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError) as raised:
        asyncio.run(main())
    assert not isinstance(raised.value, StreamTimeout)


def test_a_task_that_was_cancelled_before_can_still_time_out():
    async def forever(_):
        await asyncio.Event().wait()

    async def clean_up():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            with pytest.raises(StreamTimeout):
                await RunnableLambda(len, afunc=forever).with_timeout(total=0.02).ainvoke("x")
            assert asyncio.current_task().cancelling() == 1
            raise

    async def main():
        task = asyncio.create_task(clean_up())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_a_cancellation_that_the_step_swallows_leaves_no_trace():
    async def stubborn(_):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "done all the same"

    async def main():
        with pytest.raises(StreamTimeout):
            await RunnableLambda(len, afunc=stubborn).with_timeout(total=0.02).ainvoke("x")
        assert asyncio.current_task().cancelling() == 0

    asyncio.run(main())


def test_a_cancellation_that_a_stream_swallows_leaves_no_trace():
    async def stubborn(chunks):
        async for _ in chunks:
            yield "a"
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                yield "b"

    async def main():
        stream = RunnableGenerator(stubborn).with_timeout(between_chunks=0.02).astream("x")
        assert await anext(stream) == "a"
        with pytest.raises(StreamTimeout):
            await anext(stream)
        assert asyncio.current_task().cancelling() == 0
        await asyncio.sleep(0)

    asyncio.run(main())


def test_each_chunk_may_be_asked_for_by_another_task():
    async def stalls(chunks):
        async for _ in chunks:
            yield "a"
            yield "b"
            await asyncio.Event().wait()

    async def main():
        stream = RunnableGenerator(stalls).with_timeout(first_chunk=60, between_chunks=0.05).astream("x")
        next_one = stream.__anext__
        assert [await asyncio.create_task(as_coroutine(next_one())) for _ in range(2)] == ["a", "b"]
        waiting = asyncio.create_task(as_coroutine(next_one()))
        with pytest.raises(StreamTimeout):
            await waiting
        assert asyncio.current_task().cancelling() == 0

    async def as_coroutine(waited):
        return await waited

    asyncio.run(main())


def test_a_chunk_that_nothing_could_interrupt_is_still_too_late(verbs):
    async def holds_everything_up(chunks):
        async for _ in chunks:
            yield "a"
            time.sleep(0.3)  # noqa: ASYNC251 - a step may do so
            yield "b"

    part = RunnableGenerator(holds_everything_up).with_timeout(first_chunk=60, between_chunks=0.1)
    with pytest.raises(StreamTimeout, match=r"no chunk for 0.1 s; 1 chunks were received") as raised:
        verbs.stream(part, "x")
    assert raised.value.partial == "a"
