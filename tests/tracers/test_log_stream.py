import asyncio

import pytest

from prill.errors import ConfigError
from prill.language_models import FakeListChatModel
from prill.output_parsers import StrOutputParser
from prill.runnables import RunnableGenerator, RunnableLambda, RunnableParallel
from prill.tracers import LogStreamCallbackHandler

MODEL = FakeListChatModel(responses=["abc"]) | StrOutputParser()


async def fill(seen, stream):
    async for item in stream:
        seen.append(item)


def test_a_slow_consumer_holds_the_run_back():
    produced = 0

    async def numbers(inputs):
        nonlocal produced
        async for _ in inputs:
            for number in range(500):
                produced += 1
                yield number

    async def main():
        consumed = ahead = 0
        async for patch in RunnableGenerator(numbers).astream_log("x"):
            consumed += any(op["path"] == "/streamed_output/-" for op in patch.ops)
            for _ in range(5):
                await asyncio.sleep(0)
            ahead = max(ahead, produced - consumed)
        return consumed, ahead

    consumed, ahead = asyncio.run(main())
    assert consumed == 500
    assert 0 < ahead <= 64


def test_leaving_the_log_cancels_the_run():
    closed = []

    async def endless(inputs):
        try:
            async for _ in inputs:
                while True:
                    yield "x"
                    await asyncio.sleep(0)
        finally:
            closed.append(True)

    async def main():
        log = RunnableGenerator(endless).astream_log("x")
        async for patch in log:
            if patch.ops[0]["path"] == "/streamed_output/-":
                break
        await log.aclose()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    assert closed == [True]


def test_a_cancelled_branch_has_an_end_time_and_no_output():
    async def waits(x):
        await asyncio.sleep(60)

    async def fails(x):
        await asyncio.sleep(0.01)
        raise ValueError("no")

    async def main():
        logs = []
        with pytest.raises(ValueError, match="no"):
            await fill(logs, RunnableParallel(a=waits, b=fails).astream_log(1, diff=False))
        return logs[-1].state

    state = asyncio.run(main())
    assert state["error"] == "ValueError: no"
    assert state["logs"]["waits"]["end_time"] is not None
    assert state["logs"]["waits"]["final_output"] is None
    assert "error" not in state["logs"]["waits"]
    assert state["logs"]["fails"]["error"] == "ValueError: no"


def test_a_stream_that_starts_over_begins_its_output_anew():
    tries = []

    async def letters(inputs):
        async for text in inputs:
            tries.append(1)
            yield text[0]
            if len(tries) == 1:
                raise ConnectionError("cut")
            yield text[1]

    async def main():
        chain = RunnableGenerator(letters).with_retry(
            mid_stream="restart", wait_exponential_jitter=False, stop_after_attempt=2
        )
        logs = []
        await fill(logs, chain.astream_log("ab", diff=False))
        return logs[-1].state

    state = asyncio.run(main())
    assert state["streamed_output"] == ["a", "b"]
    assert state["final_output"] == "ab"


def test_unknown_types_are_refused():
    with pytest.raises(ConfigError, match="models"):
        MODEL.astream_log("x", include_types=["models"])


def test_a_handler_gives_the_patches_beside_the_run():
    async def main():
        handler = LogStreamCallbackHandler()
        task = asyncio.create_task(MODEL.ainvoke("x", {"callbacks": [handler]}))
        log = None
        async for patch in handler:
            log = patch if log is None else log + patch
        assert await task == "abc"
        assert await handler.send({"op": "add", "path": "/x", "value": 1}) is False
        return log.state

    state = asyncio.run(main())
    assert list(state["logs"]) == ["FakeListChatModel", "StrOutputParser"]
    assert state["final_output"] == "abc"


def test_a_handler_ends_when_its_run_fails():
    async def main():
        handler = LogStreamCallbackHandler(exclude_names=["RunnableLambda"])
        task = asyncio.create_task(RunnableLambda(int).ainvoke("x", {"callbacks": [handler]}))
        patches = [patch async for patch in handler]
        with pytest.raises(ValueError, match="invalid literal"):
            await task
        return patches

    assert asyncio.run(main())[-1].ops[0]["path"] == "/error"


def test_a_handler_that_does_not_close_takes_patches_of_ones_own():
    async def main():
        handler = LogStreamCallbackHandler(auto_close=False)
        await MODEL.ainvoke("x", {"callbacks": [handler]})
        op = {"op": "add", "path": "/mine", "value": 1}
        assert await handler.send(op)
        async for patch in handler:
            if patch.ops == [op]:
                return True

    assert asyncio.run(main())
