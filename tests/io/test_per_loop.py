"""What belongs to an event loop is made once for it, and closed in it: with the loop, or when its holder is gone."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import pytest

from prill.io.per_loop import PerLoop


class Thing:
    """Notes whether it was closed before the garbage collector took it."""

    def __init__(self, closed: list[str]) -> None:
        self.closed = closed

    async def aclose(self) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        self.closed.append("closed")

    def __del__(self) -> None:
        self.closed.append("collected")


class Holder:
    """Holds things as a model does; it may also be part of a cycle, as one that an error's traceback refers to."""

    def __init__(self) -> None:
        self.things: PerLoop[Thing] = PerLoop(Thing.aclose)
        self.itself: Holder | None = None


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def collects_by_hand() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def test_a_loop_has_one_thing_which_is_closed_with_the_loop() -> None:
    closed: list[str] = []
    things: PerLoop[Thing] = PerLoop(Thing.aclose)

    async def main() -> bool:
        return await things.get(lambda: Thing(closed)) is await things.get(lambda: Thing(closed))

    assert asyncio.run(main())
    assert closed == ["closed", "collected"]


@pytest.mark.parametrize("cycle", [False, True])
def test_a_thing_whose_holder_is_gone_is_closed_while_the_loop_goes_on(cycle: bool, collects_by_hand: None) -> None:
    closed: list[str] = []

    async def main() -> None:
        holder = Holder()
        holder.itself = holder if cycle else None
        await holder.things.get(lambda: Thing(closed))
        del holder
        if cycle:
            gc.collect()
        await turns()
        assert closed == ["closed", "collected"]

    asyncio.run(main())


@pytest.mark.parametrize("turns_before_the_end", range(4))
def test_a_thing_whose_holder_goes_as_the_loop_ends_is_closed_once_without_a_word(
    turns_before_the_end: int, caplog: pytest.LogCaptureFixture
) -> None:
    closed: list[str] = []

    async def main() -> None:
        holder = Holder()
        await holder.things.get(lambda: Thing(closed))
        del holder
        for _ in range(turns_before_the_end):
            await asyncio.sleep(0)

    asyncio.run(main())
    gc.collect()
    assert closed == ["closed", "collected"]
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


def test_a_holder_that_goes_after_its_loop_has_nothing_left_to_close(collects_by_hand: None) -> None:
    closed: list[str] = []
    holder = Holder()
    asyncio.run(holder.things.get(lambda: Thing(closed)))
    del holder
    assert closed == ["closed", "collected"]


def test_a_loop_that_was_closed_without_ending_its_generators_keeps_nothing_alive() -> None:
    closed: list[str] = []
    holder = Holder()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(holder.things.get(lambda: Thing(closed)))
    loop.close()
    del holder, loop
    gc.collect()
    assert closed == ["collected"]


def test_a_holder_that_lives_on_lets_go_of_a_loop_that_was_closed_without_ending_its_generators() -> None:
    closed: list[str] = []
    holder = Holder()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(holder.things.get(lambda: Thing(closed)))
    loop.close()
    asyncio.run(holder.things.get(lambda: Thing([])))
    gc.collect()
    assert closed == ["collected"]
