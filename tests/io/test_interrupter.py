"""Stopping from outside what runs, and knowing whether one did."""

import asyncio
import threading
import time
from itertools import pairwise

import pytest

from prill.errors import Cancelled
from prill.io import BLOCKING, Watchdog, drive, get_asyncio_mode


def in_blocking(make):
    return drive(make(BLOCKING))


def in_asyncio(make):
    async def main():
        return await make(get_asyncio_mode())

    return asyncio.run(main())


@pytest.fixture(params=[in_blocking, in_asyncio], ids=["blocking", "asyncio"])
def run(request):
    return request.param


def later(function, seconds=0.02):
    thread = threading.Timer(seconds, function)
    thread.start()
    return thread


async def stopped_while(io, body, stopper):
    """What came out of ``body``, and whether the stopper caused it."""
    entered = stopper.enter()
    try:
        return await body
    except BaseException as error:
        return stopper.caused(error)
    finally:
        stopper.leave(entered)
        stopper.close()


def test_a_sleep_is_ended_from_another_thread(run):
    async def body(io):
        stopper = io.make_interrupter()
        thread = later(stopper.stop)
        caused = await stopped_while(io, io.sleep(60), stopper)
        thread.join()
        return caused, stopper.stopped

    assert run(body) == (True, True)


def test_an_error_of_its_own_was_not_caused(run):
    async def fail():
        raise ValueError

    async def body(io):
        return await stopped_while(io, fail(), io.make_interrupter())

    assert run(body) is False


def test_what_is_not_inside_is_not_stopped(run):
    async def body(io):
        stopper = io.make_interrupter()
        stopper.stop()
        await io.sleep(0.001)
        stopper.leave(stopper.enter())
        await io.sleep(0.001)
        stopper.close()
        return "went on"

    assert run(body) == "went on"


def test_one_inside_of_another_stops_alone(run):
    async def body(io):
        outer, inner = io.make_interrupter(), io.make_interrupter()
        entered = outer.enter()
        thread = later(inner.stop)
        caused = await stopped_while(io, io.sleep(60), inner)
        await io.sleep(0)
        outer.leave(entered)
        thread.join()
        return caused, outer.stopped

    assert run(body) == (True, False)


def test_the_outer_one_stops_what_is_within(run):
    async def body(io):
        outer, inner = io.make_interrupter(), io.make_interrupter()
        entered = outer.enter()
        inner = io.make_interrupter()
        thread = later(outer.stop)
        entered_inner = inner.enter()
        try:
            await io.sleep(60)
        except (Cancelled, asyncio.CancelledError) as error:
            by_inner = inner.caused(error)
            inner.leave(entered_inner)
            by_outer = outer.caused(error)
            outer.leave(entered)
        thread.join()
        return by_inner, by_outer

    assert run(body) == (False, True)


def test_both_at_once_are_told_apart(run):
    async def body(io):
        outer = io.make_interrupter()
        entered = outer.enter()
        inner = io.make_interrupter()
        thread = None

        def stop_both():
            inner.stop()
            outer.stop()

        if io.blocking:
            thread = later(stop_both)
        else:  # in one turn of the loop, so that neither is seen without the other
            asyncio.get_running_loop().call_later(0.02, stop_both)
        entered_inner = inner.enter()
        try:
            await io.sleep(60)
        except (Cancelled, asyncio.CancelledError) as error:
            if thread is not None:
                thread.join()
            inner.caused(error)
            inner.leave(entered_inner)
            caused = outer.caused(error)
            outer.leave(entered)
        return caused

    assert run(body) is True


def test_an_earlier_cancellation_of_the_task_remains():
    async def body():
        task = asyncio.current_task()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(0)
        io = get_asyncio_mode()
        stopper = io.make_interrupter()
        later(stopper.stop)
        caused = await stopped_while(io, io.sleep(60), stopper)
        return caused, task.cancelling()

    assert asyncio.run(body()) == (True, 1)


class TestWatchdog:
    def test_it_stops_what_does_not_move_on(self, run):
        async def body(io):
            stopper = io.make_interrupter()
            watchdog = Watchdog(stopper)
            watchdog.until(time.monotonic() + 0.02)
            caused = await stopped_while(io, io.sleep(60), stopper)
            watchdog.close()
            return caused

        assert run(body) is True

    def test_a_deadline_that_moves_is_not_missed(self, run):
        async def body(io):
            stopper = io.make_interrupter()
            watchdog = Watchdog(stopper)
            moved = []
            entered = stopper.enter()
            for _ in range(6):
                moved.append(time.monotonic())
                watchdog.until(moved[-1] + 0.2)
                await io.sleep(0.05)
            stopper.leave(entered)
            watchdog.close()
            moved.append(time.monotonic())
            stopper.close()
            return stopper.stopped, all(later - earlier < 0.15 for earlier, later in pairwise(moved))

        # A busy machine may let a deadline pass; what is said is said of a round in which none did.
        stopped = next(stopped for stopped, in_time in (run(body) for _ in range(20)) if in_time)
        assert stopped is False

    def test_a_pause_does_not_count_and_the_watch_goes_on(self, run):
        async def body(io):
            stopper = io.make_interrupter()
            watchdog = Watchdog(stopper)
            watchdog.until(time.monotonic() + 0.3)
            watchdog.deadline = None
            await io.sleep(0.4)
            assert not stopper.stopped
            watchdog.until(time.monotonic() + 0.02)
            caused = await stopped_while(io, io.sleep(60), stopper)
            watchdog.close()
            return caused

        assert run(body) is True

    def test_an_earlier_deadline_counts(self, run):
        async def body(io):
            stopper = io.make_interrupter()
            watchdog = Watchdog(stopper)
            watchdog.until(time.monotonic() + 60)
            watchdog.until(time.monotonic() + 0.02)
            caused = await stopped_while(io, io.sleep(60), stopper)
            watchdog.close()
            return caused

        assert run(body) is True

    def test_a_deadline_given_while_the_timer_looks_is_seen(self):
        class Racing:
            """A stopper whose timer is looked at by hand."""

            def __init__(self):
                self.set = []

            def call_at(self, deadline, look):
                self.set.append(look)
                return lambda: None

            def stop(self): ...

        stopper = Racing()
        watchdog = Watchdog(stopper)
        watchdog.until(time.monotonic() + 60)
        watchdog.deadline = None
        stopper.set[0]()
        watchdog.until(time.monotonic() + 60)
        assert len(stopper.set) == 2
