"""Resources of asyncio that are held open for blocking code and for event loops."""

from __future__ import annotations

import _thread
import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import pytest
from tests.helpers import eventually, listed, run, run_apart

from prill.errors import Cancelled
from prill.io import BLOCKING, Scope, drive, drive_stream, get_asyncio_mode
from prill.io.held import Held, HeldEnded, HeldNotOpened
from prill.io.scope import scoped

ABOUT: ContextVar[str] = ContextVar("about", default="nothing")


class Resource:
    """Writes down what is done to it, and in which task."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.tasks: list[Any] = []
        self.end: Callable[[], None] = lambda: None
        self.fails = ""

    @asynccontextmanager
    async def enter(self, end: Callable[[], None]) -> AsyncIterator[Resource]:
        self.log.append(f"open {ABOUT.get()}")
        self.tasks.append(asyncio.current_task())
        self.end = end
        if self.fails == "open":
            raise OSError("no way in")
        if self.fails == "hang":
            await asyncio.sleep(600)
        try:
            yield self
        finally:
            self.tasks.append(asyncio.current_task())
            self.log.append("close")
        if self.fails == "close":
            raise OSError("no way out")


class BlockingUse:
    def use(self, held: Held[Any], work: Any) -> Any:
        return drive(held.use(BLOCKING, work))

    def stream(self, held: Held[Any], work: Any) -> list[Any]:
        return list(drive_stream(held.stream(BLOCKING, work)))

    def discard(self, held: Held[Any]) -> None:
        drive(held.discard(BLOCKING))


class AsyncioUse:
    def use(self, held: Held[Any], work: Any) -> Any:
        return run(held.use(get_asyncio_mode(), work))

    def stream(self, held: Held[Any], work: Any) -> list[Any]:
        return list(run(listed(held.stream(get_asyncio_mode(), work))))

    def discard(self, held: Held[Any]) -> None:
        run(held.discard(get_asyncio_mode()))


@pytest.fixture(params=[BlockingUse, AsyncioUse], ids=["blocking", "asyncio"])
def colour(request: pytest.FixtureRequest) -> Any:
    return request.param()


@pytest.fixture
def resource() -> Resource:
    return Resource()


async def greet(resource: Resource) -> str:
    resource.log.append(f"use {ABOUT.get()}")
    return "hello"


def test_it_is_opened_once_used_often_and_closed_by_the_task_that_opened_it(colour: Any, resource: Resource) -> None:
    held = Held(resource.enter)
    assert resource.log == []
    assert [colour.use(held, greet) for _ in range(2)] == ["hello", "hello"]
    colour.discard(held)
    assert resource.log == ["open nothing", "use nothing", "use nothing", "close"]
    assert len(set(resource.tasks)) == 1
    colour.discard(held)
    assert colour.use(held, greet) == "hello"
    assert resource.log[4:] == ["open nothing", "use nothing"]


def test_both_kinds_of_code_use_the_same(resource: Resource) -> None:
    held = Held(resource.enter)
    for each in (BlockingUse(), AsyncioUse(), BlockingUse()):
        each.use(held, greet)  # type: ignore[attr-defined]  # both have it
    assert resource.log.count("open nothing") == 1


def test_users_at_once_open_it_once(resource: Resource) -> None:
    held = Held(resource.enter)

    async def main() -> None:
        await asyncio.gather(*[held.use(get_asyncio_mode(), greet) for _ in range(5)])

    threads = [threading.Thread(target=BlockingUse().use, args=(held, greet)) for _ in range(5)]
    for thread in threads:
        thread.start()
    asyncio.run(main())
    for thread in threads:
        thread.join()
    assert resource.log == ["open nothing", *["use nothing"] * 10]


def test_a_use_has_the_context_of_its_caller_and_the_resource_has_none(colour: Any, resource: Resource) -> None:
    token = ABOUT.set("this")
    try:
        colour.use(Held(resource.enter), greet)
    finally:
        ABOUT.reset(token)
    assert resource.log[:2] == ["open nothing", "use this"]


def test_an_error_of_the_work_is_raised_and_the_resource_stays(colour: Any, resource: Resource) -> None:
    async def fail(resource: Resource) -> None:
        raise KeyError("mine")

    held = Held(resource.enter)
    with pytest.raises(KeyError, match="mine"):
        colour.use(held, fail)
    assert colour.use(held, greet) == "hello"
    assert resource.log == ["open nothing", "use nothing"]


def test_what_cannot_be_opened_says_why_and_is_tried_again(colour: Any, resource: Resource) -> None:
    resource.fails = "open"
    held = Held(resource.enter)
    with pytest.raises(HeldNotOpened) as raised:
        colour.use(held, greet)
    assert isinstance(raised.value.__cause__, OSError)
    resource.fails = ""
    assert colour.use(held, greet) == "hello"


def test_opening_takes_no_longer_than_it_may(colour: Any, resource: Resource) -> None:
    resource.fails = "hang"
    with pytest.raises(HeldNotOpened, match=r"not ready after 0\.05 seconds"):
        colour.use(Held(resource.enter, open_seconds=0.05), greet)


def test_a_use_ends_with_the_resource(colour: Any, resource: Resource) -> None:
    resource.fails = "close"

    async def wait(resource: Resource) -> None:
        resource.end()
        try:
            await asyncio.sleep(600)
        finally:
            resource.log.append("left")

    held = Held(resource.enter)
    with pytest.raises(HeldEnded) as raised:
        colour.use(held, wait)
    assert str(raised.value.__cause__) == "no way out"
    assert resource.log == ["open nothing", "close", "left"]
    assert colour.use(held, greet) == "hello"


def test_what_has_ended_between_two_uses_is_opened_again(colour: Any, resource: Resource) -> None:
    held = Held(resource.enter)

    async def end(resource: Resource) -> None:
        resource.end()

    colour.use(held, end)
    assert colour.use(held, greet) == "hello"
    assert resource.log == ["open nothing", "close", "open nothing", "use nothing"]


def test_a_probe_finds_out_that_it_no_longer_works(colour: Any, resource: Resource) -> None:
    probes: list[int] = []

    async def probe(resource: Resource) -> None:
        probes.append(1)
        if len(probes) == 3:
            raise OSError("gone")

    async def wait(resource: Resource) -> None:
        await asyncio.sleep(600)

    held = Held(resource.enter, probe=probe, probe_seconds=0.01)
    with pytest.raises(HeldEnded, match="does not answer") as raised:
        colour.use(held, wait)
    assert str(raised.value.__cause__) == "gone"
    assert len(probes) == 3
    assert colour.use(held, greet) == "hello"


def test_a_probe_that_is_not_answered_ends_nothing(colour: Any, resource: Resource) -> None:
    started: list[int] = []
    probed = asyncio.Event()

    async def probe(resource: Resource) -> None:
        started.append(1)
        probed.set()
        await asyncio.sleep(600)

    async def work(resource: Resource) -> str:
        await probed.wait()
        await asyncio.sleep(0.05)  # time for another probe, which must not come
        return "done"

    held = Held(resource.enter, probe=probe, probe_seconds=0.01)
    assert colour.use(held, work) == "done"
    assert started == [1]
    colour.discard(held)


async def count(resource: Resource, emit: Callable[[Any], None]) -> str:
    for number in range(3):
        emit(number)
        await asyncio.sleep(0)
    return "end"


def test_items_are_streamed_and_the_result_comes_last(colour: Any, resource: Resource) -> None:
    assert colour.stream(Held(resource.enter), count) == [0, 1, 2, "end"]


def test_a_slow_consumer_misses_the_oldest_items(colour: Any, resource: Resource) -> None:
    async def many(resource: Resource, emit: Callable[[Any], None]) -> str:
        for number in range(1000):
            emit(number)
        return "end"

    assert colour.stream(Held(resource.enter), many) == [*range(936, 1000), "end"]


def test_an_error_comes_after_the_items(colour: Any, resource: Resource) -> None:
    async def fail(resource: Resource, emit: Callable[[Any], None]) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        colour.stream(Held(resource.enter), fail)


def test_leaving_a_stream_cancels_the_work(resource: Resource) -> None:
    async def endless(resource: Resource, emit: Callable[[Any], None]) -> None:
        try:
            emit(1)
            await asyncio.sleep(600)
        finally:
            resource.log.append("left")

    held = Held(resource.enter)
    stream = drive_stream(held.stream(BLOCKING, endless))
    assert next(stream) == 1
    stream.close()  # type: ignore[attr-defined]  # it is a generator
    assert resource.log == ["open nothing", "left"]

    async def main() -> None:
        stream = held.stream(get_asyncio_mode(), endless)
        assert await anext(stream) == 1
        await stream.aclose()

    run(main())
    assert resource.log == ["open nothing", "left", "left"]


def test_a_cancelled_task_cancels_its_work(resource: Resource) -> None:
    started = threading.Event()

    async def wait(resource: Resource) -> None:
        started.set()
        try:
            await asyncio.sleep(600)
        finally:
            resource.log.append("left")

    held = Held(resource.enter)

    async def main() -> None:
        task = asyncio.create_task(held.use(get_asyncio_mode(), wait))
        await asyncio.to_thread(started.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert eventually(lambda: resource.log == ["open nothing", "left"])


def test_a_cancelled_scope_cancels_its_work(resource: Resource) -> None:
    scope = Scope()

    async def wait(resource: Resource) -> None:
        scope.cancel()
        await asyncio.sleep(600)

    held = Held(resource.enter)
    with pytest.raises(Cancelled):
        scoped(lambda: drive(held.use(BLOCKING, wait)), scope)
    assert BlockingUse().use(held, greet) == "hello"


def test_an_interrupted_thread_cancels_its_work(resource: Resource) -> None:
    async def wait(resource: Resource) -> None:
        _thread.interrupt_main()
        try:
            await asyncio.sleep(600)
        finally:
            resource.log.append("left")

    with pytest.raises(KeyboardInterrupt):
        BlockingUse().use(Held(resource.enter), wait)
    assert eventually(lambda: "left" in resource.log)


def test_it_is_closed_when_its_holder_is_forgotten(resource: Resource) -> None:
    held = Held(resource.enter)
    BlockingUse().use(held, greet)
    del held
    gc.collect()
    assert eventually(lambda: "close" in resource.log)


def test_a_blocking_verb_on_the_loop_itself_is_an_error_and_not_a_deadlock(resource: Resource) -> None:
    held = Held(resource.enter)

    async def again(resource: Resource) -> None:
        BlockingUse().use(held, greet)

    with pytest.raises(RuntimeError, match="would wait for itself"):
        BlockingUse().use(held, again)


ENDING = """
import asyncio, contextlib
from prill.io import BLOCKING, drive
from prill.io.held import Held

@contextlib.asynccontextmanager
async def enter(end):
    yield 1
    await asyncio.sleep(0.01)
    print("closed", flush=True)

async def work(value):
    print("used", value)

held = Held(enter)
drive(held.use(BLOCKING, work))
"""


def test_it_is_closed_at_the_end_of_the_program() -> None:
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-W", "error", "-c", ENDING], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("used 1\nclosed\n", "")


def test_blocking_programs_do_not_import_asyncio_for_it() -> None:
    assert run_apart({"io": "import sys, prill.io; print('asyncio' in sys.modules)"}) == {"io": "False"}
