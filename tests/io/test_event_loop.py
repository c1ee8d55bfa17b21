"""What servers need of their event loop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal

import pytest
from tests.helpers import run, run_apart

from prill.io.event_loop import Companion, DetachedTasks, Interruption, Signal, Timer, on_terminate


def test_interrupted_work_ends_without_an_error_and_says_why():
    async def use():
        with Interruption() as work:
            asyncio.get_running_loop().call_soon(work.interrupt, "why")
            await asyncio.Event().wait()
            raise AssertionError("it went on")
        assert work.reason == "why"
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        await asyncio.sleep(0)  # nothing of it is left

    run(use())


def test_work_that_has_ended_is_not_interrupted():
    async def use():
        with Interruption() as work:
            pass
        work.interrupt("late")
        assert work.reason is None
        await asyncio.sleep(0)

    run(use())


def test_only_the_first_reason_counts():
    async def use():
        with Interruption() as work:
            work.interrupt("first")
            work.interrupt("second")
            await asyncio.Event().wait()
        assert work.reason == "first"

    run(use())


def test_an_error_of_the_work_passes():
    async def use():
        with pytest.raises(ValueError, match="mine"):
            with Interruption():
                raise ValueError("mine")

    run(use())


def test_a_cancellation_by_others_passes_also_when_both_come_together():
    async def work(interruption, started):
        with interruption:
            started.set()
            await asyncio.Event().wait()

    async def use(both):
        interruption, started = Interruption(), asyncio.Event()
        task = asyncio.create_task(work(interruption, started))
        await started.wait()
        if both:
            interruption.interrupt("why")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    for both in (False, True):
        run(use(both))


def test_a_companion_ends_with_the_block():
    ended = []

    async def beside():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def use():
        async with Companion(beside()):
            await asyncio.sleep(0)
            assert ended == []
        assert ended == [True]

    run(use())


def test_many_wait_for_one_signal_and_one_that_leaves_takes_nothing_with_it():
    async def use():
        news: Signal[str] = Signal()
        waiting = [asyncio.create_task(news.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.sleep(0)
        assert not news.is_set
        news.set("x")
        assert [await each for each in waiting[1:]] == ["x", "x"]

    run(use())


def test_a_timer_is_moved_and_cancelled():
    async def use():
        fired: Signal[None] = Signal()
        timer = Timer(lambda: fired.set(None))
        timer.set(3600)
        timer.set(0)
        await fired.wait(30)
        again: Signal[None] = Signal()
        timer = Timer(lambda: again.set(None))
        timer.set(0)
        timer.cancel()
        later: Signal[None] = Signal()
        Timer(lambda: later.set(None)).set(0)
        await later.wait(30)
        assert not again.is_set

    run(use())


def test_errors_of_detached_tasks_are_logged_and_all_are_waited_for(caplog):
    async def fail():
        raise ValueError("mine")

    async def use():
        tasks = DetachedTasks()
        tasks.start(fail())
        tasks.start(asyncio.sleep(0.01))
        assert len(tasks) == 2
        await tasks.finish()
        tasks.start(asyncio.Event().wait())
        await tasks.finish(cancel=True)
        assert len(tasks) == 0

    with caplog.at_level(logging.ERROR):
        run(use())
    (record,) = caplog.records
    assert "mine" in str(record.exc_info[1])


def test_a_request_to_end_is_noticed_and_the_handler_before_goes_on():
    seen = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: seen.append("old"))
    try:

        async def use():
            news: Signal[None] = Signal()
            undo = on_terminate(lambda: news.set(None))
            os.kill(os.getpid(), signal.SIGTERM)
            await news.wait(30)
            undo()
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0)

        run(use())
        assert seen == ["old", "old"]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_program_without_a_handler_still_ends():
    code = (
        "import asyncio, os, signal\n"
        "from prill.io.event_loop import on_terminate\n"
        "async def main():\n"
        "    on_terminate(lambda: None)\n"
        "asyncio.run(main())\n"
        "try: signal.raise_signal(signal.SIGINT)\n"
        "except KeyboardInterrupt: print('interrupted')\n"
    )
    assert run_apart({"program": code})["program"] == "interrupted"
