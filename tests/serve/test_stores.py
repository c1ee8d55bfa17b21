"""What a store of runs promises; every kind of store passes the same tests."""

from __future__ import annotations

import asyncio

import pytest
from tests.helpers import run
from tests.serve.kinds import Stores

from prill.errors import RunExistsError
from prill.io.event_loop import Signal
from prill.io.tasks import start
from prill.serve import RunStore, StoredRun


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def frames(first: int, last: int) -> list[bytes]:
    return [b"%d" % number for number in range(first, last + 1)]


RUN = StoredRun("r", "me", "ada")


def test_frames_are_numbered_without_gaps_and_read_from_any_of_them(make: Stores) -> None:
    async def use() -> None:
        store = make.empty()
        await store.create(RUN, 60)
        await store.append("r", "me", 1, frames(1, 3))
        await store.append("r", "me", 4, frames(4, 5), ended=True)
        for after in range(6):
            page = await store.read("r", after)
            assert page is not None
            assert (list(page.frames), page.first, page.last) == (frames(after + 1, 5), after + 1, 5)
            assert page.state == "ended"
        page = await store.read("r", 1, 2)
        assert page is not None
        assert list(page.frames) == frames(2, 3)
        await store.aclose()

    run(use())


def test_a_second_producer_is_refused(make: Stores) -> None:
    async def use() -> None:
        store = make.empty()
        await store.create(RUN, 60)
        with pytest.raises(RunExistsError):
            await store.create(StoredRun("r", "you"), 60)
        await store.append("r", "me", 1, frames(1, 1))
        for owner, first in (("you", 2), ("me", 1), ("me", 3)):
            with pytest.raises(RunExistsError):
                await store.append("r", owner, first, frames(2, 2))
        await store.append("r", "me", 2, [], ended=True)
        with pytest.raises(RunExistsError):
            await store.append("r", "me", 2, frames(2, 2))
        await store.aclose()

    run(use())


def test_a_reader_waits_for_frames_and_for_the_end(make: Stores) -> None:
    async def use() -> None:
        store = make.empty()
        await store.create(RUN, 60)
        waiting = start(store.wait("r", 0, 60))
        await asyncio.sleep(0)
        await store.append("r", "me", 1, frames(1, 1))
        await waiting
        waiting = start(store.wait("r", 1, 60))
        await asyncio.sleep(0)
        await store.append("r", "me", 2, [], ended=True)
        await waiting
        await store.wait("r", 1, 0.001)  # at its end it does not wait
        await store.aclose()

    run(use())


def test_fifty_readers_see_the_same(make: Stores) -> None:
    async def read(store: RunStore) -> list[bytes]:
        seen: list[bytes] = []
        while True:
            page = await store.read("r", len(seen), 7)
            assert page is not None
            seen += page.frames
            if not page.frames:
                if page.state == "ended":
                    return seen
                await store.wait("r", len(seen), 60)

    async def use() -> None:
        store = make.empty()
        await store.create(RUN, 60)
        readers = [start(read(store)) for _ in range(50)]
        for number in range(1, 31):
            await store.append("r", "me", number, frames(number, number))
            await asyncio.sleep(0)
        await store.append("r", "me", 31, [], ended=True)
        assert all([await reader == frames(1, 30) for reader in readers])
        await store.aclose()

    run(use())


def test_a_run_whose_lease_has_expired_is_lost_until_it_is_renewed(make: Stores) -> None:
    async def use() -> None:
        clock = Clock()
        store = make.empty(clock=clock)
        await store.create(RUN, 10)
        clock.now = 9
        assert not await store.renew("r", "me", 10)
        clock.now = 18
        page = await store.read("r", 0)
        assert page is not None
        assert page.state == "running"
        clock.now = 20
        page = await store.read("r", 0)
        assert page is not None
        assert page.state == "lost"
        await store.wait("r", 0, 60)  # a lost run is not waited for
        await store.aclose()

    run(use())


def test_a_stop_reaches_the_producer_once_and_stopping_again_does_nothing(make: Stores) -> None:
    async def use() -> None:
        store = make.empty()
        await store.create(RUN, 60)
        waiting = start(store.wait_stop("r", 60))
        await asyncio.sleep(0)
        assert await store.stop("r")
        assert await store.stop("r")
        assert await waiting
        assert await store.renew("r", "me", 60)
        await store.append("r", "me", 1, [], ended=True)
        assert not await store.stop("r")
        assert not await store.stop("unknown")
        await store.aclose()

    run(use())


def test_what_is_too_old_or_too_large_is_dropped_and_told(make: Stores) -> None:
    async def use() -> None:
        store = make.empty(max_frames=3)
        await store.create(RUN, 60)
        await store.append("r", "me", 1, frames(1, 5))
        page = await store.read("r", 0)
        assert page is not None
        assert (page.first, page.kept_from, list(page.frames)) == (3, 3, frames(3, 5))
        small = make.empty(max_bytes=10)
        await small.create(RUN, 60)
        await small.append("r", "me", 1, [b"x" * 6] * 5)
        page = await small.read("r", 0)
        assert page is not None
        assert (page.last, len(page.frames)) == (5, 1)
        await store.aclose()
        await small.aclose()

    run(use())


def test_all_runs_together_are_bounded(make_bounded: Stores) -> None:
    async def use() -> None:
        store = make_bounded.empty(max_total_bytes=100)
        for name in ("a", "b", "c"):
            await store.create(StoredRun(name, "me"), 60)
            await store.append(name, "me", 1, [b"x" * 45], ended=True)
        assert [await store.find(name) is not None for name in ("a", "b", "c")] == [False, True, True]
        await store.create(StoredRun("d", "me"), 60)
        await store.append("d", "me", 1, [b"x" * 30] * 5)
        page = await store.read("d", 0)
        assert page is not None
        assert page.kept_from == 3
        await store.aclose()

    run(use())


def test_a_run_is_forgotten_some_time_after_its_end_and_known_to_have_been(make: Stores) -> None:
    async def use() -> None:
        clock = Clock()
        store = make.empty(clock=clock, keep=100)
        await store.create(StoredRun("r", "me", "ada", topic="chat"), 60)
        assert await store.find_topic("chat") == await store.find("r")
        await store.append("r", "me", 1, frames(1, 1), ended=True)
        clock.now = 99
        assert await store.find("r") is not None
        clock.now = 101
        assert await store.find("r") is None
        assert await store.find_topic("chat") is None
        old = await store.find_expired("r")
        assert old is not None
        assert old.principal == "ada"
        assert await store.find_expired("unknown") is None
        await store.aclose()

    run(use())


def test_the_oldest_runs_that_have_ended_make_room(make_bounded: Stores) -> None:
    async def use() -> None:
        store = make_bounded.empty(max_runs=2)
        for name in ("a", "b", "c"):
            await store.create(StoredRun(name, "me"), 60)
            await store.append(name, "me", 1, [], ended=name != "b")
        assert [await store.find(name) is not None for name in ("a", "b", "c")] == [False, True, True]
        await store.aclose()

    run(use())


def test_a_signal_keeps_its_first_value() -> None:
    async def use() -> None:
        signal: Signal[int] = Signal()
        with pytest.raises(TimeoutError):
            await signal.wait(0.001)
        signal.set(1)
        signal.set(2)
        assert await signal.wait() == 1

    run(use())
