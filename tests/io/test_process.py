"""Values, locks and threads that a forked child must not share with its parent."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from typing import Any

import pytest
from tests.helpers import requires

from forking import passes_in_child
from prill.callbacks import AsyncCallbackHandler
from prill.io import BLOCKING, CancelToken, PerProcess, Scope, drive, drive_stream, hold_during_fork, make_lock
from prill.io.process import check_process, process_number
from prill.runnables import RunnableLambda, RunnableParallel

pytestmark = [
    requires("fork"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


class TestPerProcess:
    def test_a_value_is_made_once(self) -> None:
        values: PerProcess[list[int]] = PerProcess()
        assert values.get(list) is values.get(list)

    def test_a_child_makes_its_own(self) -> None:
        values: PerProcess[list[int]] = PerProcess()
        values.get(list).append(1)

        def work() -> None:
            assert values.get(list) == []

        assert passes_in_child(work)
        assert values.get(list) == [1]

    def test_a_child_does_not_close_the_value_of_its_parent(self) -> None:
        closed: list[str] = []
        held = [PerProcess[str](close=closed.append)]
        held[0].get(lambda: "parent")

        def work() -> None:
            held[0].get(lambda: "child")
            held.clear()
            gc.collect()
            assert closed == ["child"]

        assert passes_in_child(work)
        held.clear()
        gc.collect()
        assert closed == ["parent"]

    def test_of_two_threads_that_make_one_both_get_the_same_and_the_other_is_closed(self) -> None:
        closed: list[object] = []
        values: PerProcess[object] = PerProcess(close=closed.append)
        both = threading.Barrier(2, timeout=60)

        def make() -> object:
            both.wait()
            return object()

        got: list[object] = []
        threads = [threading.Thread(target=lambda: got.append(values.get(make))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert got[0] is got[1]
        assert len(closed) == 1
        assert closed[0] is not got[0]

    def test_closing_it_closes_the_value_and_the_next_is_another(self) -> None:
        closed: list[list[int]] = []
        values: PerProcess[list[int]] = PerProcess(close=closed.append)
        first = values.get(list)
        values.close()
        values.close()
        assert closed == [first]
        assert values.get(list) is not first


def held_by_another_thread(lock: Any, work: Callable[[], object]) -> None:
    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            taken.set()
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait(60)
    try:
        work()
    finally:
        done.set()
        thread.join()


class TestLocks:
    def test_a_lock_that_a_thread_of_the_parent_holds_is_free_in_the_child(self) -> None:
        lock = make_lock()

        def take() -> None:
            with lock:
                pass

        def fork() -> None:
            assert passes_in_child(take)

        held_by_another_thread(lock, fork)

    def test_a_lock_is_reentrant_for_signal_handlers_and_finalizers(self) -> None:
        lock = make_lock()
        with lock, lock:
            pass

    def test_fork_waits_for_a_lock_that_is_held_over_it(self) -> None:
        lock = make_lock()
        hold_during_fork(lock)
        data: list[int] = []
        entered = threading.Event()

        def change() -> None:
            with lock:
                data.append(1)
                entered.set()
                threading.Event().wait(0.05)
                data.append(2)

        thread = threading.Thread(target=change)
        thread.start()
        entered.wait(60)

        def work() -> None:
            with lock:
                assert data == [1, 2]

        assert passes_in_child(work)
        thread.join()
        with lock:
            assert data == [1, 2]


class Watching(AsyncCallbackHandler):
    async def on_chain_end(self, *facts: Any, **more: Any) -> None: ...


def test_an_async_handler_works_in_a_child_of_a_process_that_used_one() -> None:
    chain = RunnableLambda(lambda number: number)
    config = {"callbacks": [Watching()]}
    chain.invoke(1, config)
    assert passes_in_child(lambda: chain.invoke(1, config))
    assert chain.invoke(1, config) == 1


def test_a_batch_in_a_child_runs_at_once() -> None:
    RunnableLambda(lambda number: number).batch([1, 2, 3])

    def work() -> None:
        meeting = threading.Barrier(3, timeout=30)
        RunnableLambda(lambda number: meeting.wait()).batch([1, 2, 3])

    assert passes_in_child(work)


def test_cancelling_in_a_child_leaves_the_runs_of_the_parent_alone() -> None:
    token, scope, stopped = CancelToken(), Scope(), []
    token.add(lambda: stopped.append("token"))
    scope.add(lambda: stopped.append("scope"))

    def work() -> None:
        token.add(lambda: stopped.append("own"))
        token.cancel()
        scope.cancel()
        assert stopped == ["own"]

    assert passes_in_child(work)
    token.cancel()
    scope.cancel()
    assert stopped == ["token", "scope"]


def test_a_stream_of_the_parent_is_refused_in_the_child() -> None:
    stream = RunnableParallel(a=lambda x: x, b=lambda x: x).stream(1)
    next(stream)

    def work() -> None:
        with pytest.raises(RuntimeError, match="before the process was forked"):
            for _ in stream:
                pass

    assert passes_in_child(work)
    assert len(list(stream)) == 1


def test_a_live_view_of_the_parent_is_refused_in_the_child() -> None:
    async def work_in_background(put: Any) -> None:
        put(1)
        await BLOCKING.sleep(3600)

    stream = drive_stream(BLOCKING.background(work_in_background, 4))
    assert next(stream) == 1

    def work() -> None:
        with pytest.raises(RuntimeError, match="before the process was forked"):
            next(stream)

    assert passes_in_child(work)
    stream.close()


def test_the_number_of_a_process_is_that_of_its_forks() -> None:
    number = process_number()
    check_process(number)

    def work() -> None:
        assert process_number() == number + 1

    assert passes_in_child(work)
    assert drive(BLOCKING.call(process_number)) == number
