"""Blocking code that waits for coroutines, wherever it runs: it neither hangs nor outlasts its run."""

from __future__ import annotations

import asyncio
import signal
import threading
from typing import Any

import pytest

from prill.callbacks import AsyncCallbackHandler
from prill.errors import Cancelled, StreamTimeout
from prill.io import BLOCKING, CancelToken, Scope, drive, drive_stream
from prill.io.portal import wait_on_loop
from prill.io.scope import scoped
from prill.runnables import RunnableLambda, RunnableParallel, RunnablePassthrough

WATCHDOG = 120


def within_watchdog(work: Any) -> Any:
    """The result of ``work`` in a thread; it fails if that hangs."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(work()), daemon=True)
    thread.start()
    thread.join(WATCHDOG)
    assert found, "it hangs or has failed"
    return found[0]


class Nested(AsyncCallbackHandler):
    """A hook that calls a blocking verb, which is watched by such a hook again."""

    def __init__(self, chain: Any, depth: int) -> None:
        self.chain, self.depth = chain, depth
        self.loops: list[Any] = []

    async def on_chain_end(self, *facts: Any, **more: Any) -> None:
        self.loops.append(asyncio.get_running_loop())
        if self.depth:
            inner = Nested(self.chain, self.depth - 1)
            self.chain.batch([1, 2], {"callbacks": [inner]})
            self.loops += inner.loops


CHAINS = [RunnableLambda(lambda number: number), RunnableParallel(a=lambda x: x, b=lambda x: x)]


@pytest.mark.parametrize("chain", CHAINS, ids=["function", "branches"])
def test_async_hooks_may_call_blocking_verbs_with_async_hooks(chain: Any) -> None:
    handler = Nested(chain, 2)
    within_watchdog(lambda: chain.invoke(1, {"callbacks": [handler]}))
    assert len(set(handler.loops)) == 3


@pytest.mark.parametrize("chain", CHAINS, ids=["function", "branches"])
def test_so_they_may_in_a_worker_thread_of_an_event_loop(chain: Any) -> None:
    handler = Nested(chain, 2)

    def call(number: int) -> Any:
        return chain.invoke(number, {"callbacks": [handler]})

    within_watchdog(lambda: asyncio.run(RunnableLambda(call).ainvoke(1)))
    assert len(set(handler.loops)) == 3


def test_hooks_of_one_run_after_another_have_the_same_loop() -> None:
    handler = Nested(CHAINS[0], 0)
    for _ in range(3):
        CHAINS[0].invoke(1, {"callbacks": [handler]})
    assert len(set(handler.loops)) == 1


def test_more_functions_than_a_loop_has_threads_may_each_wait_for_one_more() -> None:
    class Asking(AsyncCallbackHandler):
        async def on_chain_start(self, *facts: Any, **more: Any) -> None:
            await RunnableLambda(lambda number: number).ainvoke(1)

    part = RunnableLambda(lambda number: RunnablePassthrough().invoke(number, {"callbacks": [Asking()]}))
    inputs = list(range(100))
    assert within_watchdog(lambda: asyncio.run(part.abatch(inputs))) == inputs


class Endless(AsyncCallbackHandler):
    def __init__(self, entered: Any = None) -> None:
        self.entered = entered

    async def on_chain_start(self, *facts: Any, **more: Any) -> None:
        if self.entered is not None:
            self.entered()
        await asyncio.sleep(3600)


def test_a_hook_that_does_not_end_is_interrupted_by_a_timeout() -> None:
    inner = RunnablePassthrough().with_config(callbacks=[Endless()])
    chain = RunnableLambda(lambda number: inner.invoke(number)).with_timeout(total=0.05)

    def work() -> bool:
        with pytest.raises(StreamTimeout):
            chain.invoke(1)
        return True

    assert within_watchdog(work)


def test_a_coroutine_is_interrupted_when_its_run_is_cancelled() -> None:
    token = CancelToken()
    inner = RunnablePassthrough().with_config(callbacks=[Endless(token.cancel)])

    def work() -> bool:
        with pytest.raises(Cancelled):
            RunnableLambda(lambda number: inner.invoke(number)).invoke(1, {"cancel": token})
        return True

    assert within_watchdog(work)


def test_a_coroutine_that_cancels_its_run_before_it_is_waited_for_is_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    schedule, scope, has_cancelled = asyncio.run_coroutine_threadsafe, Scope(), threading.Event()

    async def cancel_and_wait() -> None:
        scope.cancel()
        has_cancelled.set()
        await asyncio.sleep(3600)

    def schedule_and_let_run(*given: Any) -> Any:
        future = schedule(*given)
        has_cancelled.wait()
        return future

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", schedule_and_let_run)

    def work() -> bool:
        with pytest.raises(Cancelled):
            scoped(lambda: wait_on_loop(cancel_and_wait()), scope)
        return True

    assert within_watchdog(work)


def interrupt_main_thread() -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


@pytest.mark.parametrize("scope", [None, Scope()], ids=["alone", "in a scope"])
def test_a_coroutine_is_cancelled_and_closed_when_a_signal_interrupts_who_waits_for_it(scope: Scope | None) -> None:
    closed: list[str] = []

    async def wait() -> None:
        interrupt_main_thread()
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0)
            closed.append("all")

    def block() -> None:
        wait_on_loop(wait())

    with pytest.raises(KeyboardInterrupt):
        block() if scope is None else scoped(block, scope)
    assert closed == ["all"]


def test_a_signal_that_comes_before_the_coroutine_starts_cancels_it(monkeypatch: pytest.MonkeyPatch) -> None:
    schedule, started = asyncio.run_coroutine_threadsafe, []

    def schedule_and_interrupt(*given: Any) -> None:
        schedule(*given)
        raise KeyboardInterrupt

    async def wait() -> None:
        started.append(True)
        await asyncio.sleep(3600)

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", schedule_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        wait_on_loop(wait())
    monkeypatch.undo()
    assert started in ([], [True])  # it may have started, and has ended
    assert portal_tasks() == set()


def portal_tasks() -> set[Any]:
    """The tasks of the loop on which blocking code runs coroutines."""

    async def count() -> set[Any]:
        return asyncio.all_tasks() - {asyncio.current_task()}

    return wait_on_loop(count())


def test_a_run_that_is_cancelled_already_may_still_await_its_closing() -> None:
    scope = Scope()
    scope.cancel()

    async def close() -> str:
        await asyncio.sleep(0)
        return "closed"

    assert scoped(lambda: wait_on_loop(close()), scope) == "closed"


def test_a_timeout_error_of_the_coroutine_is_its_own() -> None:
    async def fail() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        wait_on_loop(fail())


def test_streams_that_start_in_a_cancelled_scope_end() -> None:
    async def source() -> Any:
        yield 1

    scope = Scope()
    scope.cancel()

    def work() -> bool:
        with pytest.raises(Cancelled):
            scoped(lambda: list(drive_stream(BLOCKING.merge([source(), source()]))), scope)
        return True

    assert within_watchdog(work)


def test_a_consumer_that_waits_for_a_background_body_is_interrupted_by_its_own_scope() -> None:
    async def work(put: Any) -> None:
        await BLOCKING.sleep(3600)

    stream = drive_stream(BLOCKING.background(work, 4))
    scope = Scope()  # another one than that in which the body starts
    timer = threading.Timer(0.05, scope.cancel)
    timer.start()

    def consume() -> bool:
        with pytest.raises(Cancelled):
            scoped(lambda: next(stream), scope)
        return True

    assert within_watchdog(consume)
    timer.join()


def test_a_plain_await_still_returns_its_value() -> None:
    async def value() -> int:
        return 7

    assert drive(BLOCKING.await_on_loop(value())) == 7
