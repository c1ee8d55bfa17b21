"""Streams that are left, models that are shared: connections are closed at once, and nothing is left over."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any

import anyio
import pytest
from tests.helpers import descriptors, left_threads, requires, threads

from prill.errors import ModelError
from prill.runnables import RunnableLambda, RunnableParallel
from prill.testing import Faults, ReplayServer, Reply
from prill.tools import tool

SOON = 10.0
"""Seconds that a busy machine may take to close what is left."""


def slow(**more: Any) -> Reply:
    return Reply(["tok "] * 50, faults=Faults(pace=0.02, **more))


@pytest.fixture
def slowly(server: ReplayServer) -> ReplayServer:
    server.replies(lambda seen: slow())
    return server


def everything_closed(server: ReplayServer, count: int = 1) -> bool:
    return server.wait_closed(SOON) and server.closed_early == count


async def leave_by_break(stream: Any) -> None:
    async for _ in stream:
        break
    await stream.aclose()


async def leave_by_error(stream: Any) -> None:
    async def read() -> None:
        async with aclosing(stream):
            async for _ in stream:
                raise KeyError

    with pytest.raises(KeyError):
        await read()


async def leave_by_cancel(stream: Any) -> None:
    begun = asyncio.Event()

    async def read() -> None:
        async for _ in stream:
            begun.set()

    task = asyncio.create_task(read())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def leave_by_timeout(stream: Any) -> None:
    async def read() -> None:
        async with asyncio.timeout(None) as limit:
            async for _ in stream:
                limit.reschedule(asyncio.get_running_loop().time())

    with pytest.raises(TimeoutError):
        await read()


async def leave_by_cancel_scope(stream: Any) -> None:
    with anyio.CancelScope() as scope:
        async for _ in stream:
            scope.cancel()


WAYS = [leave_by_break, leave_by_error, leave_by_cancel, leave_by_timeout, leave_by_cancel_scope]


def alone(model: Any) -> Any:
    return model


def in_sequence_streaming(model: Any) -> Any:
    async def pass_on(chunks: Any) -> Any:
        async for chunk in chunks:
            yield chunk

    return RunnableLambda(lambda text: text) | model | pass_on


def in_parallel(model: Any) -> Any:
    return RunnableParallel(one=model)


PLACES = [alone, in_sequence_streaming, in_parallel]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("leave", WAYS)
def test_a_stream_that_is_left_is_closed_at_the_server(
    leave: Callable[[Any], Awaitable[None]], place: Callable[[Any], Any], model: Any, slowly: ReplayServer
) -> None:
    async def main() -> set[Any]:
        await leave(place(model).astream("Hi"))
        closed = await asyncio.to_thread(everything_closed, slowly)
        assert closed
        return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}

    assert asyncio.run(main()) == set()


def test_an_answer_that_is_no_longer_waited_for_is_closed(model: Any, slowly: ReplayServer) -> None:
    async def main() -> None:
        slowly.queue(slow(first_delay=5))
        task = asyncio.create_task(model.ainvoke("Hi"))
        await asyncio.to_thread(slowly.wait_requests, 1, 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(everything_closed, slowly)

    asyncio.run(main())


def test_a_blocking_stream_that_is_left_is_closed_at_the_server(model: Any, slowly: ReplayServer) -> None:
    for _ in model.stream("Hi"):
        break
    gc.collect()
    assert everything_closed(slowly, 1)
    stream = model.stream("Hi")
    next(stream)
    stream.close()
    assert everything_closed(slowly, 2)
    with pytest.raises(KeyError):
        read_and_fail(model)
    gc.collect()
    assert everything_closed(slowly, 3)


def read_and_fail(model: Any) -> None:
    stream = model.stream("Hi")
    try:
        for _ in stream:
            raise KeyError
    finally:
        stream.close()


@pytest.mark.usefixtures("own_way")
def test_a_failing_branch_ends_a_sibling_that_waits_for_its_answer(make: Any, server: ReplayServer) -> None:
    server.replies(lambda seen: slow(first_delay=5))

    def fail(text: str) -> str:
        assert server.wait_requests(1, 10)
        raise KeyError(text)

    with pytest.raises(KeyError):
        RunnableParallel(model=make(max_retries=2), fails=fail).invoke("Hi")
    assert everything_closed(server)
    assert server.request_count == 1


@requires("/proc")
def test_a_hundred_streams_that_are_left_leave_nothing_over(model: Any, slowly: ReplayServer) -> None:
    async def main() -> None:
        await leave_by_break(model.astream("Hi"))
        await asyncio.to_thread(slowly.wait_closed, SOON)
        before, running = descriptors(), threads()
        for _ in range(10):
            await asyncio.gather(*[leave_by_break(model.astream("Hi")) for _ in range(10)])
        assert await asyncio.to_thread(slowly.wait_closed, SOON)
        assert len(asyncio.all_tasks()) == 1
        assert len(left_threads(running, patience=1)) <= 1  # of the loop's own pool
        assert descriptors() <= before + 2

    asyncio.run(main())
    assert slowly.closed_early == 101


def test_one_model_in_several_event_loops_one_after_the_other(model: Any, server: ReplayServer) -> None:
    for number in range(3):
        assert asyncio.run(model.ainvoke(f"loop {number}")).content == f"loop {number}"
    assert server.request_count == 3


def test_one_model_in_eight_threads_with_a_loop_each(model: Any, server: ReplayServer) -> None:
    def work(number: int) -> bool:
        async def main() -> bool:
            texts = [f"thread {number}", f"again {number}"]
            return [(await model.ainvoke(text)).content for text in texts] == texts

        return asyncio.run(main())

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))
    gc.collect()  # a client that was not closed would warn here, and a warning is an error
    assert server.request_count == 16


def test_one_model_in_many_blocking_threads(model: Any, server: ReplayServer) -> None:
    texts = [f"thread {number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        assert [message.content for message in pool.map(model.invoke, texts)] == texts
    assert server.request_count == 40


def test_a_failed_stream_leaves_the_model_usable(colour: Any, model: Any, server: ReplayServer) -> None:
    server.reply("one", " two", faults=Faults(cut_after_events=2))
    server.reply("whole")
    with pytest.raises(ModelError):
        colour.stream(model)
    assert colour.invoke(model).content == "whole"


def test_the_body_in_single_bytes_is_the_same_answer(colour: Any, model: Any, server: ReplayServer) -> None:
    server.reply("one", " zwö", " 三", faults=Faults(split=1))
    assert "".join(chunk.content for chunk in colour.stream(model)) == "one zwö 三"


# Interrupted by a signal


@requires("/proc")
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_signal_closes_what_a_coroutine_of_a_tool_has_open(
    streamed: bool, make: Callable[..., Any], server: ReplayServer
) -> None:
    """Blocking code that waits for a coroutine: the signal comes in the main thread, the coroutine runs in another."""
    model = make()
    interrupted = threading.Event()

    @tool
    async def ask(text: str) -> str:
        """Ask a model."""
        if not streamed:
            return str((await model.ainvoke(text)).content)
        async for chunk in model.astream(text):
            if chunk.content and not interrupted.is_set():
                interrupt()
        return ""

    def interrupt() -> None:
        interrupted.set()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def script(seen: Any) -> Reply:
        if not streamed:
            interrupt()
        return Reply(["tok "] * 5, faults=Faults(stall_at=0 if not streamed else 2))

    server.replies(script)
    with pytest.raises(KeyboardInterrupt):
        ask.invoke({"text": "Hi"})
    assert everything_closed(server)
