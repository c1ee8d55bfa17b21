"""Places for runs: whatever happens, each is given back once."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.helpers import run

from prill.errors import RequestError
from prill.serve import Settings
from prill.serve.permits import Permits

actions = st.lists(st.tuples(st.sampled_from(["start", "end", "cancel", "turn"]), st.integers(0, 5)), max_size=40)


@settings(max_examples=100, deadline=None)
@given(actions, st.integers(1, 3), st.integers(0, 3))
def test_places_are_never_lost_nor_more_than_there_are(steps: Any, places: int, waiting: int) -> None:
    async def use() -> None:
        permits = Permits(Settings(concurrent_runs=places, waiting_runs=waiting, wait_for_place=60))
        ends: dict[int, asyncio.Event] = {}
        tasks: dict[int, asyncio.Task[None]] = {}

        async def work(end: asyncio.Event) -> None:
            try:
                await permits.take("ada")
            except RequestError:
                return
            try:
                assert permits.running("ada") <= places
                await end.wait()
            finally:
                permits.give_back("ada")

        for action, number in steps:
            if action == "start" and (number not in tasks or tasks[number].done()):
                ends[number] = asyncio.Event()
                tasks[number] = asyncio.create_task(work(ends[number]))
            elif action == "end" and number in ends:
                ends[number].set()
            elif action == "cancel" and number in tasks:
                tasks[number].cancel()
            else:
                await asyncio.sleep(0)
        for end in ends.values():
            end.set()
        for task in tasks.values():
            with contextlib.suppress(asyncio.CancelledError):
                await task
        assert permits.running("ada") == 0

    run(use())


def test_a_request_that_waits_too_long_is_refused() -> None:
    async def use() -> None:
        permits = Permits(Settings(concurrent_runs=1, waiting_runs=1, wait_for_place=0.001))
        await permits.take(None)
        with pytest.raises(RequestError) as refused:
            await permits.take(None)
        assert (refused.value.status, refused.value.retry_after) == (429, 1.0)
        permits.give_back(None)
        await permits.take(None)

    run(use())


def test_the_minute_slides_and_principals_have_minutes_of_their_own() -> None:
    async def use() -> None:
        now = 0.0
        permits = Permits(Settings(runs_per_minute=2), lambda: now)
        for _ in range(2):
            await permits.take("ada")
            permits.give_back("ada")
        with pytest.raises(RequestError) as refused:
            await permits.take("ada")
        assert refused.value.retry_after == 60
        await permits.take("bob")
        now = 60.0
        await permits.take("ada")

    run(use())
