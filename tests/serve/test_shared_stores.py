"""Runs that several workers see: two stores on the same database are two workers."""

from __future__ import annotations

import asyncio

import pytest
from tests.helpers import run
from tests.serve.kinds import Stores
from tests.serve.test_stores import Clock, frames

from prill.errors import RunExistsError
from prill.io.tasks import start
from prill.serve import Page, RunStore, StoredRun

RUN = StoredRun("r", "me", "ada", "ai-sdk", "chat \u00e9", 12.5)


async def read_all(store: RunStore, limit: int = 7, rest: int = 0) -> list[bytes]:
    """All frames of the run, as they come; ``rest`` is how often a slow reader lets others go first."""
    seen: list[bytes] = []
    while True:
        page = await store.read("r", len(seen), limit)
        assert page is not None
        assert page.first == len(seen) + 1
        seen += page.frames
        for _ in range(rest):
            await asyncio.sleep(0)
        if not page.frames:
            if page.state != "running":
                return [*seen, page.state.encode()]
            await store.wait("r", len(seen), 60)


async def page_of(store: RunStore, after: int = 0) -> Page:
    page = await store.read("r", after)
    assert page is not None
    return page


def test_what_is_known_of_a_run_is_known_to_other_workers(make_shared: Stores) -> None:
    async def use() -> None:
        here, there = make_shared.empty(), make_shared.again()
        await here.create(RUN, 60)
        assert await there.find("r") == RUN
        assert await there.find_topic(RUN.topic) == RUN
        assert await there.find_topic("") is None
        assert await there.find("unknown") is None
        assert await there.find_expired("unknown") is None
        assert await there.read("unknown", 0) is None
        nobody = StoredRun("n", "me")
        await here.create(nobody, 60)
        found = await there.find("n")
        assert found is not None
        assert found.principal is None
        await here.aclose()
        await there.aclose()

    run(use())


def test_readers_on_other_workers_get_frames_as_they_come_and_the_end(make_shared: Stores) -> None:
    async def use() -> None:
        here, there = make_shared.empty(), make_shared.again()
        await here.create(RUN, 60)
        beside, elsewhere = start(read_all(here)), start(read_all(there))
        slow = start(read_all(there, 1, 20))
        for number in range(1, 41):
            await here.append("r", "me", number, frames(number, number))
        assert (await page_of(there)).last == 40  # while the slow reader still reads
        await here.append("r", "me", 41, [], ended=True)
        for reader in (beside, elsewhere, slow):
            assert await reader == [*frames(1, 40), b"ended"]
        await here.aclose()
        await there.aclose()

    run(use())


def test_fifty_readers_on_another_worker_see_the_same(make_shared: Stores) -> None:
    async def use() -> None:
        here, there = make_shared.empty(), make_shared.again()
        await here.create(RUN, 60)
        readers = [start(read_all(there)) for _ in range(50)]
        for number in range(1, 31):
            await here.append("r", "me", number, frames(number, number))
        await here.append("r", "me", 31, [], ended=True)
        for reader in readers:
            assert await reader == [*frames(1, 30), b"ended"]
        await here.aclose()
        await there.aclose()

    run(use())


def test_a_second_producer_on_another_worker_is_refused(make_shared: Stores) -> None:
    async def use() -> None:
        here, there = make_shared.empty(), make_shared.again()
        await here.create(RUN, 60)
        with pytest.raises(RunExistsError):
            await there.create(StoredRun("r", "you"), 60)
        with pytest.raises(RunExistsError):
            await there.append("r", "you", 1, frames(1, 1))
        with pytest.raises(RunExistsError):
            await there.renew("r", "you", 60)
        await here.append("r", "me", 1, frames(1, 2))
        assert list((await page_of(there)).frames) == frames(1, 2)
        await here.aclose()
        await there.aclose()

    run(use())


def test_of_two_writers_with_one_name_each_frame_is_stored_once(make_shared: Stores) -> None:
    async def use() -> None:
        here, there = make_shared.empty(), make_shared.again()
        await here.create(RUN, 60)

        async def write(store: RunStore) -> bool:
            try:
                await store.append("r", "me", 1, frames(1, 3))
            except RunExistsError:
                return False
            return True

        assert sorted([await task for task in [start(write(here)), start(write(there))]]) == [False, True]
        assert list((await page_of(there)).frames) == frames(1, 3)
        await here.aclose()
        await there.aclose()

    run(use())


def test_a_stop_from_another_worker_reaches_the_producer(make_shared: Stores) -> None:
    async def use() -> None:
        here, there = make_shared.empty(), make_shared.again()
        await here.create(RUN, 60)
        waiting = start(here.wait_stop("r", 60))
        assert await there.stop("r")
        assert await there.stop("r")
        assert await waiting
        assert await here.renew("r", "me", 60)
        await here.append("r", "me", 1, [], ended=True)
        assert not await there.stop("r")
        assert not await there.stop("unknown")
        await here.aclose()
        await there.aclose()

    run(use())


def test_a_reader_on_another_worker_learns_within_the_lease_that_the_run_is_lost(make_shared: Stores) -> None:
    async def use() -> None:
        here, there = make_shared.empty(), make_shared.again()
        await here.create(RUN, 0.3)
        await here.append("r", "me", 1, frames(1, 2))
        assert await read_all(there) == [*frames(1, 2), b"lost"]
        assert not await there.stop("r")
        await here.aclose()
        await there.aclose()

    run(use())


def test_a_run_is_still_there_when_all_workers_have_ended(make_shared: Stores) -> None:
    async def use() -> None:
        here = make_shared.empty()
        await here.create(RUN, 60)
        await here.append("r", "me", 1, frames(1, 3), ended=True)
        await here.aclose()
        there = make_shared.again()
        assert await read_all(there) == [*frames(1, 3), b"ended"]
        await there.aclose()

    run(use())


def test_other_workers_are_told_what_is_no_longer_kept(make_shared: Stores) -> None:
    async def use() -> None:
        clock = Clock()
        here, there = make_shared.empty(clock=clock, max_bytes=25), make_shared.again(clock=clock)
        await here.create(RUN, 60)
        await here.append("r", "me", 1, [b"x" * 10] * 3)
        await here.append("r", "me", 4, [b"y" * 20, b""])
        page = await page_of(there)
        assert (page.kept_from, page.first, page.last, list(page.frames)) == (4, 4, 5, [b"y" * 20, b""])
        await here.append("r", "me", 6, [], ended=True)
        clock.now = 1000
        assert await there.find("r") is None
        assert await there.find_expired("r") == RUN
        await here.aclose()
        await there.aclose()

    run(use())


def test_frames_hold_any_bytes(make_shared: Stores) -> None:
    async def use() -> None:
        here, there = make_shared.empty(), make_shared.again()
        given = [bytes(range(256)), b"", b"\r\n\0", b"z" * 1_000_000]
        await here.create(RUN, 60)
        await here.append("r", "me", 1, given)
        assert list((await page_of(there)).frames) == given
        assert list((await page_of(here)).frames) == given
        await here.aclose()
        await there.aclose()

    run(use())


def test_a_store_serves_one_event_loop_after_another(make_shared: Stores) -> None:
    store = make_shared.empty()

    async def write() -> None:
        await store.create(RUN, 60)
        await store.append("r", "me", 1, frames(1, 2), ended=True)

    async def read() -> None:
        assert await read_all(store) == [*frames(1, 2), b"ended"]
        await store.aclose()

    run(write())
    run(read())
