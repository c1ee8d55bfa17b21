"""Long runs that must not grow; `make soak` runs them."""

import asyncio
import resource

from prill.language_models import FakeStreamingListLLM
from prill.output_parsers import StrOutputParser
from prill.runnables import RunnableLambda, RunnablePassthrough

MILLION = 1_000_000


def resident():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_a_million_inputs_go_through_a_batch_in_flat_memory():
    part = RunnableLambda(lambda number: number)
    for done, _ in enumerate(part.batch_as_completed(iter(range(MILLION)), {"max_concurrency": 4})):
        if done == MILLION // 10:
            early = resident()
    assert done == MILLION - 1
    assert resident() - early < 5


def test_a_million_inputs_go_through_a_batch_in_flat_memory_in_asyncio():
    async def same(number):
        return number

    async def main():
        done, early = 0, 0.0
        async for _ in RunnableLambda(same).abatch_as_completed(iter(range(MILLION)), {"max_concurrency": 4}):
            done += 1
            if done == MILLION // 10:
                early = resident()
        return done, resident() - early

    done, grown = asyncio.run(main())
    assert done == MILLION
    assert grown < 5


def test_a_million_chunks_stream_in_flat_memory():
    chain = RunnablePassthrough() | FakeStreamingListLLM(responses=["x" * MILLION]) | StrOutputParser()
    for done, _ in enumerate(chain.stream("go")):
        if done == MILLION // 10:
            early = resident()
    assert done == MILLION - 1
    assert resident() - early < 5
