"""Streams in threads of their own end, whatever ends the run."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from prill.errors import Cancelled
from prill.io.limit import Limit
from prill.io.scope import Scope, scoped
from prill.io.stream_threads import StreamThreads

SOON = 30.0


async def numbers(closed: list[str] | None = None) -> AsyncIterator[int]:
    try:
        for number in range(3):
            yield number
    finally:
        if closed is not None:
            closed.append("closed")


def run_with_watchdog(work: Callable[[], None]) -> None:
    """Run ``work`` in a thread that must end."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(SOON)
    assert not thread.is_alive(), "it hangs"
    if raised:
        raise raised[0]


def test_a_consumer_that_waits_for_the_next_chunk_of_a_cancelled_stream_is_woken() -> None:
    scope = Scope()

    def work() -> None:
        threads = scoped(lambda: StreamThreads([numbers(), numbers()], Limit(2)), scope)
        try:
            taken = [threads.take(), threads.take()]
            assert {index for index, _ in taken} == {0, 1}
            scope.cancel()
            threads.resume(0)
            with pytest.raises(Cancelled):
                threads.take()
        finally:
            threads.stop()

    run_with_watchdog(work)


class Interrupt(BaseException):
    pass


@pytest.mark.parametrize("runs", [True, False], ids=["after the thread runs", "before it is started"])
@pytest.mark.parametrize("number", [1, 2])
def test_an_interrupt_while_a_thread_is_started_closes_all_streams(
    monkeypatch: pytest.MonkeyPatch, runs: bool, number: int
) -> None:
    start, closed, started = threading.Thread.start, list[str](), list[Any]()

    def interrupted(thread: threading.Thread) -> None:
        if thread.name != "prill-branch":
            return start(thread)
        started.append(thread)
        if runs or len(started) != number:
            start(thread)
        if len(started) == number:
            raise Interrupt
        return None

    def work() -> None:
        streams = [numbers(closed), numbers(closed)]
        for stream in streams:
            with pytest.raises(StopIteration):
                stream.__anext__().send(None)  # type: ignore[attr-defined]  # a generator's ``finally`` runs if it has started
        with pytest.raises(Interrupt):
            StreamThreads(streams, Limit(2))

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    run_with_watchdog(work)
    assert closed == ["closed", "closed"]
    assert not any(thread.is_alive() for thread in started)
