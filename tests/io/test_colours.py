"""The two colours, tested like a concurrency library."""

import asyncio
import contextvars
import inspect
import threading
import time
import traceback

import pytest

from prill.errors import AsyncRequiredError, Cancelled
from prill.io import BLOCKING, Limit, Scope, Tee, close, closing, drive, drive_stream, get_asyncio_mode, interruptible
from prill.io.context import InContext
from prill.io.scope import current_scope, scoped
from prill.io.tee import TEE_LIMIT


def in_blocking(make):
    return drive(make(BLOCKING))


def in_asyncio(make):
    async def main():
        result = await make(get_asyncio_mode())
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    return asyncio.run(main())


@pytest.fixture(params=[in_blocking, in_asyncio], ids=["blocking", "asyncio"])
def run(request):
    """Run ``make(colour)``, a body, in one colour."""
    return request.param


async def count(end, closed=None):
    try:
        for number in range(end):
            yield number
    finally:
        if closed is not None:
            closed.append(end)


async def listed(stream):
    return [item async for item in stream]


class TestGather:
    @pytest.mark.parametrize("width", [None, 1, 2, 100])
    @pytest.mark.parametrize("length", [0, 1, 2, 50])
    def test_results_keep_the_order_of_the_bodies(self, length, width, run):
        async def square(number):
            return number * number

        def make(io):
            return io.gather([lambda n=n: square(n) for n in range(length)], None if width is None else Limit(width))

        assert run(make) == [n * n for n in range(length)]

    def test_the_first_error_is_raised_when_all_have_ended(self, run):
        ended = []

        async def body(io, number):
            if number == 0:
                raise ValueError("first")
            try:
                await io.sleep(60)
            finally:
                ended.append(number)

        with pytest.raises(ValueError, match="first"):
            run(lambda io: io.gather([lambda n=n: body(io, n) for n in (1, 2, 0)]))
        assert len(ended) <= 2

    def test_nested_gathers_deeper_than_the_pool_is_wide_end(self):
        async def nest(io, depth):
            if depth == 0:
                return 1
            return sum(await io.gather([lambda: nest(io, depth - 1)] * 3))

        assert in_blocking(lambda io: nest(io, 6)) == 3**6

    def test_nested_gathers_of_width_one_end(self, run):
        async def nest(io, depth):
            return 1 if depth == 0 else sum(await io.gather([lambda: nest(io, depth - 1)] * 2, Limit(1)))

        assert run(lambda io: nest(io, 5)) == 32

    @pytest.mark.parametrize("width", [1, 2, 5])
    def test_one_limit_bounds_all_levels_of_a_tree(self, run, width):
        lock, now, most, give_up = threading.Lock(), 0, 0, time.monotonic() + 30

        async def leaf(io):
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
            await io.sleep(0.005)
            # On a busy machine the others take a while to come.
            while most < width and time.monotonic() < give_up:
                await io.sleep(0.005)
            with lock:
                now -= 1

        async def nest(io, limit, depth):
            below = leaf(io) if depth == 0 else io.gather([lambda: nest(io, limit, depth - 1)] * 3, limit)
            await below

        run(lambda io: nest(io, Limit(width), 3))
        assert most == width

    def test_a_limit_within_a_limit_counts_in_both(self, run):
        lock, now, most = threading.Lock(), 0, 0

        async def leaf(io):
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
            await io.sleep(0.005)
            with lock:
                now -= 1

        async def main(io):
            outer = Limit(3)
            await io.gather([lambda: io.gather([lambda: leaf(io)] * 4, Limit(2, outer)) for _ in range(4)], outer)

        run(main)
        assert most <= 3

    def test_context_variables_of_the_caller_are_seen_and_not_changed(self, run):
        variable = contextvars.ContextVar("variable", default=0)

        async def body(number):
            seen = variable.get()
            variable.set(number)
            return seen

        async def main(io):
            variable.set(7)
            seen = await io.gather([lambda: body(1), lambda: body(2)])
            return seen, variable.get()

        assert run(main) == ([7, 7], 7)

    def test_an_interrupt_in_a_body_is_raised_and_takes_the_others_out(self):
        async def body(number):
            if number == 1:
                raise KeyboardInterrupt
            await BLOCKING.sleep(60)

        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            drive(BLOCKING.gather([lambda n=n: body(n) for n in (0, 1)]))
        assert time.monotonic() - started < 50


class TestMerge:
    def test_each_item_comes_with_the_index_of_its_stream(self, run):
        items = run(lambda io: listed(io.merge([count(3), count(0), count(2)])))
        assert sorted(items) == [(0, 0), (0, 1), (0, 2), (2, 0), (2, 1)]
        assert run(lambda io: listed(io.merge([count(2)]))) == [(0, 0), (0, 1)]

    def test_leaving_closes_every_stream(self, run):
        closed = []

        async def main(io):
            async with closing(io.merge([count(100, closed), count(200, closed)])) as merged:
                async for _ in merged:
                    break

        run(main)
        assert sorted(closed) == [100, 200]
        assert not [thread for thread in threading.enumerate() if thread.name == "prill-branch"]

    def test_a_stream_runs_one_item_ahead_at_most(self, run):
        asked = []

        async def source(name):
            for number in range(100):
                asked.append(name)
                yield number

        async def main(io):
            async with closing(io.merge([source("a"), source("b")])) as merged:
                await anext(merged)

        run(main)
        assert asked.count("a") <= 1
        assert asked.count("b") <= 1

    def test_an_error_ends_all(self, run):
        closed = []

        async def bad():
            yield 1
            raise ValueError("bad")

        with pytest.raises(ValueError, match="bad"):
            run(lambda io: listed(io.merge([bad(), count(10**6, closed)])))
        assert closed == [10**6]


class TestApart:
    def test_the_same_items_come_from_another_stack(self, run):
        depths = []

        async def source():
            for number in range(3):
                depths.append(len(inspect.stack(0)))
                yield number

        async def nested(depth, make):
            return await make() if not depth else await nested(depth - 1, make)

        assert run(lambda io: nested(200, lambda: listed(io.run_on_new_stack(source())))) == [0, 1, 2]
        assert max(depths) < 100

    def test_the_next_item_is_asked_for_when_it_is_wanted(self, run):
        async def body(io):
            given = []

            async def source():
                for number in range(3):
                    given.append(number)
                    yield number

            async with closing(io.run_on_new_stack(source())) as stream:
                async for number in stream:
                    await io.sleep(0.01)
                    assert given == list(range(number + 1))

        run(body)

    def test_leaving_closes_the_stream(self, run):
        closed = []

        async def body(io):
            async with closing(io.run_on_new_stack(count(5, closed))) as stream:
                async for _ in stream:
                    break

        run(body)
        assert closed == [5]

    def test_an_error_is_raised_as_it_is(self, run):
        async def fail():
            yield 1
            raise ValueError("no")

        with pytest.raises(ValueError, match="no") as raised:
            run(lambda io: listed(io.run_on_new_stack(fail())))
        assert "fail" in [frame.name for frame in traceback.extract_tb(raised.value.__traceback__)]

    def test_one_that_blocks_is_ended_by_the_scope_of_who_waits_for_it(self):
        async def source():
            yield 1
            await BLOCKING.sleep(600)

        stream = drive_stream(BLOCKING.run_on_new_stack(source()))
        assert next(stream) == 1
        scope = Scope()  # another one than that in which it began
        timer = threading.Timer(0.05, scope.cancel)
        timer.start()
        with pytest.raises(Cancelled):
            scoped(lambda: next(stream), scope)
        timer.join()


class TestClosing:
    def test_a_generator_that_is_being_closed_is_left_to_that(self):
        async def slow():
            try:
                yield 1
            finally:
                await asyncio.sleep(0.01)
                ended.append(1)

        async def shut(stream):
            await close(stream)

        async def main():
            stream = slow()
            await anext(stream)
            closing_it = asyncio.create_task(shut(stream))
            await asyncio.sleep(0)
            await close(stream)
            assert ended == []
            await closing_it

        ended = []
        asyncio.run(main())
        assert ended == [1]

    def test_what_cannot_be_closed_is_left_alone(self):
        async def main():
            await close(object())
            async with closing(iter(())) as stream:
                assert list(stream) == []

        drive(main())


class TestTee:
    def test_every_reader_sees_every_item(self, run):
        async def main(io):
            readers = Tee(count(200), 3, io).readers()
            return await io.gather([lambda r=r: listed(r) for r in readers])

        assert run(main) == [list(range(200))] * 3

    def test_the_last_reader_to_leave_closes_the_source(self, run):
        closed = []

        async def main(io):
            first, second = Tee(count(10, closed), 2, io).readers()
            assert await anext(first) == 0
            await close(first)
            assert closed == []
            assert await anext(second) == 0
            await close(second)
            assert closed == [10]

        run(main)

    def test_a_reader_that_leaves_before_it_begins_holds_nobody_up(self, run):
        async def main(io):
            first, second = Tee(count(TEE_LIMIT * 3), 2, io).readers()
            await close(second)
            return await listed(first)

        assert len(run(main)) == TEE_LIMIT * 3

    def test_no_reader_is_further_ahead_than_the_limit(self):
        pulled = []

        async def source():
            for number in range(TEE_LIMIT * 3):
                pulled.append(number)
                yield number

        async def main():
            ahead, behind = Tee(source(), 2, get_asyncio_mode()).readers()
            task = asyncio.create_task(listed(ahead))
            for _ in range(TEE_LIMIT * 4):
                await asyncio.sleep(0)
            assert len(pulled) == TEE_LIMIT
            assert len(await listed(behind)) == len(await task) == TEE_LIMIT * 3

        asyncio.run(main())

    def test_an_error_of_the_source_reaches_every_reader_after_the_items_before_it(self, run):
        async def bad():
            yield 1
            raise ValueError("bad")

        async def read(reader):
            items = []
            try:
                async for item in reader:
                    items.append(item)
            except ValueError:
                items.append("bad")
            return items

        async def main(io):
            return await io.gather([lambda r=r: read(r) for r in Tee(bad(), 2, io).readers()])

        assert run(main) == [[1, "bad"]] * 2

    def test_a_reader_that_is_cancelled_while_it_pulls_does_not_cancel_the_others(self):
        async def source():
            yield 1
            await asyncio.sleep(3600)

        async def main():
            first, second = Tee(source(), 2, get_asyncio_mode()).readers()
            task = asyncio.create_task(listed(first))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            with pytest.raises(Cancelled, match="another reader"):
                await listed(second)

        asyncio.run(main())


class TestDrive:
    def test_a_body_that_suspends_is_refused_and_ended(self):
        ended = []

        async def body():
            try:
                await asyncio.sleep(0)
            finally:
                ended.append(True)

        with pytest.raises(AsyncRequiredError, match="Use the asyncio verb"):
            drive(body())
        assert ended == [True]

    def test_a_body_that_swallows_the_refusal_is_refused_all_the_same(self):
        async def stubborn():
            while True:
                try:
                    await asyncio.sleep(0)
                except AsyncRequiredError:
                    continue

        async def polite():
            try:
                await asyncio.sleep(0)
            except AsyncRequiredError:
                return 1

        with pytest.raises(AsyncRequiredError):
            drive(polite())
        body = stubborn()
        with pytest.raises((AsyncRequiredError, RuntimeError)):
            drive(body)

    def test_leaving_a_driven_stream_closes_it(self):
        closed = []
        stream = drive_stream(count(5, closed))
        assert next(stream) == 0
        stream.close()
        assert closed == [5]


class TestPull:
    def test_a_plain_iterator_is_pulled_lazily_and_closed(self, run):
        log = []

        def plain():
            try:
                for number in range(5):
                    log.append(number)
                    yield number
            finally:
                log.append("closed")

        async def main(io):
            async with closing(io.pull(plain)) as pulled:
                assert await anext(pulled) == 0
                assert await anext(pulled) == 1

        run(main)
        assert log == [0, 1, "closed"]

    def test_a_worker_that_waits_for_the_loop_ends_when_it_is_cancelled(self):
        closed = []

        async def slow():
            try:
                yield 1
                limit.reschedule(0)
                await asyncio.sleep(3600)
            finally:
                closed.append("source")

        limit = None

        async def main():
            nonlocal limit
            io = get_asyncio_mode()
            source = slow()
            given = io.iterate(source)

            def plain():
                try:
                    yield from given
                finally:
                    closed.append("generator")

            with pytest.raises(TimeoutError):
                async with asyncio.timeout(60) as limit:
                    await listed(io.pull(plain))
            assert closed == ["source", "generator"]

        asyncio.run(main())


class TestScope:
    def test_cancelling_takes_every_way_out_once_even_if_one_refuses(self):
        scope, taken = Scope(), []

        def refuses():
            taken.append("refuses")
            raise OSError

        scope.add(refuses)
        scope.add(lambda: taken.append("out"))
        scope.cancel()
        scope.cancel()
        assert sorted(taken) == ["out", "refuses"]
        scope.add(lambda: taken.append("late"))
        assert taken[-1] == "late"

    def test_scopes_nest_until_they_are_left(self):
        outer = Scope()
        inner, left = Scope(outer), Scope(outer)
        left.leave()
        outer.cancel()
        assert inner.cancelled
        assert not left.cancelled

    def test_a_cancelled_scope_wakes_a_sleeper(self):
        scope = Scope()
        threading.Timer(0.01, scope.cancel).start()
        with pytest.raises(Cancelled):
            scoped(lambda: drive(BLOCKING.sleep(60)), scope)

    def test_what_blocks_registers_its_way_out_while_it_blocks(self):
        scope, taken = Scope(), []

        def body():
            with interruptible(lambda: taken.append("inside")):
                scope.cancel()
            with interruptible(lambda: taken.append("after")):
                pass
            assert current_scope() is scope

        scoped(body, scope)
        assert taken == ["inside", "after"]
        assert current_scope() is None


def test_in_context_an_awaitable_keeps_its_context_whichever_task_awaits_it():
    variable = contextvars.ContextVar("variable", default=0)
    context = contextvars.copy_context()

    async def add():
        await asyncio.sleep(0)
        variable.set(variable.get() + 1)
        await asyncio.sleep(0)
        return variable.get()

    async def fails():
        await asyncio.sleep(0)
        raise ValueError("as it is")

    async def main():
        results = [await asyncio.create_task(asyncio.wait_for(InContext(context, add()), 5)) for _ in range(3)]
        assert results == [1, 2, 3]
        assert variable.get() == 0
        with pytest.raises(ValueError, match="as it is"):
            await InContext(context, fails())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await InContext(context, asyncio.sleep(60))

    asyncio.run(main())
