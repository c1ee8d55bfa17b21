"""One handler and thousands of runs."""

import asyncio

from tests.helpers import kept_memory

from prill.callbacks import BaseCallbackHandler
from prill.language_models import FakeListChatModel
from prill.output_parsers import StrOutputParser
from prill.runnables import RunnableLambda

RUNS = 400
BYTES = 100
"""What a run may leave; a run that is kept holds thousands."""


class Counting(BaseCallbackHandler):
    def __init__(self):
        self.pending = 0
        self.cancelled = 0

    def on_chain_start(self, *facts, **told):
        self.pending += 1

    def on_chain_end(self, *facts, **told):
        self.pending -= 1

    def on_chain_error(self, *facts, **told):
        self.pending -= 1
        self.cancelled += 1

    on_chat_model_start = on_chain_start
    on_llm_end = on_chain_end
    on_llm_error = on_chain_error


def test_runs_of_which_a_fifth_is_left_leave_nothing():
    handler = Counting()
    config = {"callbacks": [handler]}
    part = RunnableLambda(str) | FakeListChatModel(responses=["ab"]) | StrOutputParser()

    def work(count):
        for number in range(count):
            stream = part.stream("x", config)
            next(stream)
            if number % 5:
                for _ in stream:
                    pass
            stream.close()

    async def later(count):
        for number in range(count):
            stream = part.astream("x", config)
            await anext(stream)
            if number % 5:
                async for _ in stream:
                    pass
            await stream.aclose()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    work(50)
    asyncio.run(later(50))
    handler.cancelled = 0

    def both():
        work(RUNS // 2)
        asyncio.run(later(RUNS // 2))

    assert kept_memory(both, enough=RUNS * BYTES) < RUNS * BYTES
    assert handler.pending == 0
    assert handler.cancelled >= RUNS // 5
