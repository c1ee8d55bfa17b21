"""The verbs of both colours behind the same names, so that a behaviour is tested once and holds in both."""

import asyncio
import threading

import pytest


class BlockingVerbs:
    name = "blocking"

    def invoke(self, part, input, config=None, **kwargs):
        return part.invoke(input, config, **kwargs)

    def stream(self, part, input, config=None, **kwargs):
        return list(part.stream(input, config, **kwargs))

    def transform(self, part, pieces, config=None, **kwargs):
        return list(part.transform(iter(pieces), config, **kwargs))

    def batch(self, part, inputs, config=None, **kwargs):
        return part.batch(inputs, config, **kwargs)

    def as_completed(self, part, inputs, config=None, **kwargs):
        return list(part.batch_as_completed(inputs, config, **kwargs))

    def take(self, part, input, count, config=None):
        """The first chunks, then the stream is left."""
        stream = part.stream(input, config)
        chunks = [next(stream) for _ in range(count)]
        stream.close()
        return chunks


class AsyncioVerbs:
    name = "asyncio"

    def invoke(self, part, input, config=None, **kwargs):
        return run(part.ainvoke(input, config, **kwargs))

    def stream(self, part, input, config=None, **kwargs):
        return run(listed(lambda: part.astream(input, config, **kwargs)))

    def transform(self, part, pieces, config=None, **kwargs):
        return run(listed(lambda: part.atransform(each(pieces), config, **kwargs)))

    def batch(self, part, inputs, config=None, **kwargs):
        return run(part.abatch(inputs, config, **kwargs))

    def as_completed(self, part, inputs, config=None, **kwargs):
        return run(listed(lambda: part.abatch_as_completed(inputs, config, **kwargs)))

    def take(self, part, input, count, config=None):
        async def main():
            stream = part.astream(input, config)
            chunks = [await anext(stream) for _ in range(count)]
            await stream.aclose()
            return chunks

        return run(main())


def run(body):
    async def main():
        result = await body
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    return asyncio.run(main())


async def listed(make):
    return [chunk async for chunk in make()]


async def each(pieces):
    for piece in pieces:
        yield piece


@pytest.fixture(params=[BlockingVerbs, AsyncioVerbs], ids=["blocking", "asyncio"])
def verbs(request):
    before = set(threading.enumerate())
    yield request.param()
    for thread in set(threading.enumerate()) - before:
        if thread.ident is None:
            continue  # something is starting it just now, which is not this test: that has ended
        if not thread.name.startswith(("prill-pool", "prill-clock")):  # they are shared, and stay a while
            thread.join(5)
            assert not thread.is_alive(), f"{thread.name} is still running"
