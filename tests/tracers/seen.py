"""Asking for the events of a run, in either colour."""

import asyncio

import pytest

from prill.runnables import RunnableLambda


def run(body):
    async def main():
        result = await body
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    return asyncio.run(main())


def make_events(part, input, colour="asyncio", config=None, **more):
    """The events, in either colour."""
    if colour == "blocking":
        return list(part.stream_events(input, config, **more))

    async def main():
        return [event async for event in part.astream_events(input, config, **more)]

    return run(main())


def up(text):
    return str(text).upper()


inner = RunnableLambda(up, name="inner")
COLOURS = pytest.mark.parametrize("colour", ["blocking", "asyncio"])
