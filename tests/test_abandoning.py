"""Five hundred streams that are left leave nothing behind, and the server sees each of them go."""

import asyncio
import gc
import statistics
import time

from tests.helpers import descriptors, left_threads, threads

from prill.openai import ChatOpenAI
from prill.output_parsers import StrOutputParser
from prill.prompts import ChatPromptTemplate
from prill.runnables import RunnableParallel, RunnablePassthrough
from prill.testing import Faults, ReplayServer

ROUNDS = 100


def chain_of(server):
    model = ChatOpenAI(model="any", base_url=server.openai_url, api_key="key", max_retries=0)
    return ChatPromptTemplate.from_template("{x}") | model | StrOutputParser()


def by_break(chain):
    for _ in chain.stream({"x": "a b c d e"}):
        break


def by_error(chain):
    try:
        for _ in chain.stream({"x": "a b c d e"}):
            raise ZeroDivisionError
    except ZeroDivisionError:
        return


async def by_aclose(chain):
    stream = chain.astream({"x": "a b c d e"})
    await anext(stream)
    await stream.aclose()


async def by_cancel(chain):
    async def consume():
        async for _ in chain.astream({"x": "a b c d e"}):
            begun.set()

    begun = asyncio.Event()
    task = asyncio.create_task(consume())
    await begun.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def by_timeout(chain):
    try:
        async with asyncio.timeout(60) as limit:
            async for _ in chain.astream({"x": "a b c d e"}):
                limit.reschedule(0)
    except TimeoutError:
        return


def delays(server, left):
    """How long after each stream was left the server saw it close."""
    assert server.wait_closed(10)
    return [seen.closed_at - moment for seen, moment in zip(server.requests, left, strict=True)]


def test_streams_that_are_left_leave_nothing_behind():
    with ReplayServer() as server:
        plain = chain_of(server)
        nested = RunnableParallel(a=RunnablePassthrough() | plain) | RunnablePassthrough()

        async def waiting(ways):
            for way in ways:
                await way(plain)
                left.append(time.monotonic())
            return len(asyncio.all_tasks())

        left = []
        server.faults = Faults(stall_at=4)
        by_break(plain)
        asyncio.run(waiting([by_aclose]))
        server.wait_closed(10)
        server.clear()
        server.faults = Faults(stall_at=4)
        gc.collect()
        left.clear()
        before, running = descriptors(), threads()
        for _ in range(ROUNDS):
            for leave, chain in ((by_break, plain), (by_error, nested)):
                leave(chain)
                left.append(time.monotonic())
        tasks = asyncio.run(waiting([by_aclose, by_cancel, by_timeout] * ROUNDS))
        late = delays(server, left)
        assert len(late) == 5 * ROUNDS
        assert tasks == 1
        assert statistics.quantiles(late, n=20)[-1] < 0.1
        gc.collect()
        assert descriptors() <= before + 2
        assert not left_threads(running)
