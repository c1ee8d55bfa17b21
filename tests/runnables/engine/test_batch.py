"""Many inputs at once: in order, within limits, each with its own outcome."""

import asyncio
import itertools
import threading
import tracemalloc

import pytest
from tests.runnables.flaky import Gauge, chat

from prill.errors import ConfigError, MissingDependencyError, ModelServerError
from prill.runnables import RunnableLambda, RunnableParallel
from prill.testing import Faults, Reply


def test_outputs_keep_the_order_of_the_inputs(verbs):
    async def late_first(number):
        await asyncio.sleep(0.001 * (5 - number))
        return number

    part = RunnableLambda(lambda number: number, afunc=late_first)
    assert verbs.batch(part, range(6)) == [0, 1, 2, 3, 4, 5]
    assert verbs.batch(part, []) == []
    assert sorted(verbs.as_completed(part, range(6))) == [(number, number) for number in range(6)]
    assert verbs.as_completed(part, []) == []


def test_the_first_error_says_which_input_it_was_and_what_is_done(verbs):
    def fail_third(number):
        if number == 2:
            raise ValueError("no")
        return number * 10

    with pytest.raises(ValueError, match="no") as raised:
        verbs.batch(RunnableLambda(fail_third), range(50), {"max_concurrency": 1})
    assert raised.value.batch_index == 2
    assert raised.value.batch_outputs == {0: 0, 1: 10}


def test_after_an_error_no_request_is_made_and_those_under_way_are_ended(verbs, server):
    def reply(seen):
        if seen.json["messages"][0]["content"] == "2":
            return Reply(["no"], faults=Faults(status=500, first_delay=0.05))
        return Reply(["slow"], faults=Faults(stall_at=0))

    server.replies(reply)
    with pytest.raises(ModelServerError) as raised:
        verbs.batch(chat(server), [str(number) for number in range(20)], {"max_concurrency": 3})
    assert raised.value.batch_index == 2
    assert server.wait_closed(10)
    assert (server.request_count, server.closed_early) == (3, 2)


def test_errors_stand_in_the_places_of_their_inputs(verbs):
    error = ValueError("no")

    def fail(number):
        if number % 2:
            raise error
        return number

    outputs = verbs.batch(RunnableLambda(fail), range(4), return_exceptions=True)
    assert outputs == [0, error, 2, error]
    assert dict(verbs.as_completed(RunnableLambda(fail), range(4), return_exceptions=True)) == dict(enumerate(outputs))


@pytest.mark.parametrize("width", [1, 2, 5])
@pytest.mark.parametrize("nest", ["function", "async function", "map"])
def test_one_limit_bounds_the_whole_tree_of_runs(verbs, width, nest):
    gauge = Gauge()

    async def aleaf(number):
        with gauge():
            await asyncio.sleep(0.002)
        return number

    def plain_leaf(number):
        with gauge():
            threading.Event().wait(0.002)
        return number

    leaf = RunnableLambda(plain_leaf, afunc=aleaf)
    numbers = [0, 1, 2]
    inner = {
        "function": RunnableLambda(lambda _: leaf.batch(numbers)),
        "async function": RunnableLambda(
            lambda _: leaf.batch(numbers), afunc=lambda_async(lambda _: leaf.abatch(numbers))
        ),
        "map": RunnableLambda(lambda _: numbers) | leaf.map(),
    }[nest]
    tree = RunnableParallel(a=inner, b=RunnableParallel(c=inner, d=leaf))
    outputs = verbs.batch(tree, [7, 8, 9], {"max_concurrency": width})
    assert outputs == [{"a": numbers, "b": {"c": numbers, "d": each}} for each in (7, 8, 9)]
    assert gauge.most <= width


def lambda_async(make):
    async def call(value):
        return await make(value)

    return call


@pytest.mark.parametrize("verb", ["batch", "as_completed"])
def test_no_more_requests_are_open_than_the_limit_allows(verbs, server, verb):
    most = []

    def reply(seen):
        most.append(server.open_streams)
        return Reply(["well"], faults=Faults(first_event_delay=0.01))

    server.replies(reply)
    part = RunnableParallel(one=chat(server), two=RunnableParallel(three=chat(server), four=chat(server)))
    getattr(verbs, verb)(part, ["Hi"] * 5, {"max_concurrency": 4})
    assert len(most) == 15
    assert max(most) <= 4


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("width", [1, 2, 3])
def test_deep_trees_of_both_colours_never_lock_themselves_up(verbs, width, stream):
    def nested(depth):
        if depth == 0:
            return RunnableLambda(lambda number: number)
        inner = nested(depth - 1)
        plain = RunnableLambda(lambda number: inner.batch([number, number])[0])
        both = RunnableParallel(a=plain, b=inner)
        return both | (lambda found: found["a"])

    part = nested(5)
    config = {"max_concurrency": width}
    if stream:
        assert verbs.stream(part, 1, config) == [1]
    else:
        assert verbs.batch(part, [1, 2], config) == [1, 2]


@pytest.mark.parametrize("outer", [1, 2, 8])
@pytest.mark.parametrize("inner", [1, 3])
def test_a_limit_inside_of_a_limit_holds_too(verbs, outer, inner):
    gauge = Gauge()

    def leaf(number):
        with gauge():
            threading.Event().wait(0.001)
        return number

    part = RunnableLambda(lambda _: RunnableLambda(leaf).batch(range(4), {"max_concurrency": inner}))
    assert verbs.batch(part, range(6), {"max_concurrency": outer}) == [[0, 1, 2, 3]] * 6
    assert gauge.most <= min(outer * inner, outer)


class TestAnEndlessSource:
    def numbers(self, count, taken):
        for number in range(count):
            taken[0] = number + 1
            yield number

    @pytest.mark.parametrize("width", [1, 4])
    def test_inputs_are_taken_as_they_are_needed(self, verbs, width):
        taken, done, ahead = [0], [0], []

        def work(number):
            ahead.append(taken[0] - done[0])
            return number

        part = RunnableLambda(work)
        config = {"max_concurrency": width}
        if verbs.name == "blocking":
            for _ in part.batch_as_completed(self.numbers(300, taken), config):
                done[0] += 1
        else:

            async def main():
                async for _ in part.abatch_as_completed(self.numbers(300, taken), config):
                    done[0] += 1

            asyncio.run(main())
        assert done == [300]
        assert max(ahead) <= width + 1

    def test_memory_stays_flat(self):
        async def same(number):
            return number

        async def main():
            part = RunnableLambda(lambda number: number, afunc=same)
            sizes = []
            async for _ in part.abatch_as_completed(self.numbers(30_000, [0]), {"max_concurrency": 4}):
                done[0] += 1
                if done[0] == 5_000:
                    tracemalloc.start()
                if done[0] in (10_000, 25_000):
                    sizes.append(tracemalloc.get_traced_memory()[0])
                if done[0] == 25_000:
                    tracemalloc.stop()
            return sizes

        done = [0]
        early, late = asyncio.run(main())
        assert done == [30_000]
        assert late < early + 100_000

    def test_leaving_ends_the_others(self, verbs, own_server):
        server = own_server
        first = itertools.count()  # of requests that come at once, only one may be answered

        def reply(seen):
            # A request that the other colour gave up while it was being sent may come late, and is not the first.
            mine = seen.json["messages"][0]["content"].startswith(verbs.name)
            return Reply(["x"], faults=Faults(stall_at=0)) if not mine or next(first) else None

        server.replies(reply)
        part = chat(server)
        inputs = (f"{verbs.name} {number}" for number in range(10**9))
        if verbs.name == "blocking":
            stream = part.batch_as_completed(inputs, {"max_concurrency": 3})
            next(stream)
            stream.close()
        else:

            async def main():
                stream = part.abatch_as_completed(inputs, {"max_concurrency": 3})
                await anext(stream)
                await stream.aclose()

            asyncio.run(main())
        assert server.wait_closed(10)
        assert server.request_count <= 4

    def test_a_source_that_fails_ends_the_batch(self, verbs):
        def source():
            yield 1
            raise KeyError("source")

        with pytest.raises(KeyError, match="source"):
            verbs.as_completed(RunnableLambda(lambda number: number), source())

    def test_it_goes_with_one_config(self, verbs):
        with pytest.raises(ConfigError, match="one config for all"):
            verbs.as_completed(RunnableLambda(len), iter(["a"]), [{}])


@pytest.mark.parametrize("width", [0, -1, 1.5, "2"])
@pytest.mark.parametrize("verb", ["batch", "as_completed", "invoke"])
def test_a_width_that_is_none_is_refused(verbs, verb, width):
    with pytest.raises(ConfigError, match="max_concurrency"):
        getattr(verbs, verb)(RunnableLambda(str), ["ab"], {"max_concurrency": width})


@pytest.mark.parametrize("verb", ["batch", "as_completed"])
def test_a_bar_shows_how_far_it_is(verbs, verb, capsys):
    getattr(verbs, verb)(RunnableLambda(len), ["a"] * 3, progress=True)
    assert "3/3" in capsys.readouterr().out


def test_which_needs_a_package(verbs, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "rich.progress", None)
    with pytest.raises(MissingDependencyError, match=r"prill\[cli\]"):
        verbs.batch(RunnableLambda(len), ["a"], progress=True)


def test_abandoned_parallel_streams_leave_nothing(verbs):
    async def endless(_):
        number = 0
        while True:
            yield number
            number += 1

    part = RunnableParallel({str(index): endless for index in range(6)})
    for width in (None, 1, 2, 9):
        config = {} if width is None else {"max_concurrency": width}
        assert len(verbs.take(part, 1, 3, config)) == 3


def test_threads_are_bounded(verbs):
    most, before = [], set(threading.enumerate())  # threads of what ran before may still be ending

    def count(number):
        most.append(sum(thread.name.startswith("prill") for thread in set(threading.enumerate()) - before))
        return number

    verbs.batch(RunnableLambda(count), range(500), {"max_concurrency": 300})
    verbs.as_completed(RunnableLambda(count), range(500), {"max_concurrency": 20})
    assert max(most) <= 64 + 20 + 2
