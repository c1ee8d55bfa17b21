"""Items in batches, and for several readers, in both colours."""

import asyncio
import threading

import langchain_core.utils.aiter as their_aiter
import langchain_core.utils.iter as their_iter
import pytest

from prill.errors import ConfigError
from prill.utils import abatch_iterate, batch_iterate
from prill.utils.aiter import Tee as AsyncTee
from prill.utils.aiter import aclosing, atee
from prill.utils.iter import Tee, safetee


async def asynchronous(items, closed=None):
    try:
        for item in items:
            yield item
    finally:
        if closed is not None:
            closed.append(True)


def plain(items, closed):
    try:
        yield from items
    finally:
        closed.append(True)


async def listed(stream):
    return [item async for item in stream]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 9, None])
@pytest.mark.parametrize("items", [range(5), [], "abc"])
def test_items_come_in_lists_of_one_size(size, items):
    theirs = list(their_iter.batch_iterate(size, items))
    assert list(batch_iterate(size, items)) == theirs
    assert asyncio.run(listed(abatch_iterate(size, asynchronous(items)))) == theirs


def test_a_batch_has_one_item_or_more():
    with pytest.raises(ConfigError, match="1 or more, not 0"):
        list(batch_iterate(0, [1]))
    with pytest.raises(ConfigError, match="1 or more, not -1"):
        asyncio.run(listed(abatch_iterate(-1, asynchronous([1]))))


def test_only_what_is_needed_is_taken_and_the_source_is_closed():
    closed, taken = [], []

    def source():
        for item in plain(range(100), closed):
            taken.append(item)
            yield item

    batches = batch_iterate(2, source())
    assert next(batches) == [0, 1]
    assert taken == [0, 1]
    batches.close()
    assert closed == [True]


def test_an_async_source_is_closed_when_its_batches_are_left():
    async def main():
        closed = []
        async with aclosing(abatch_iterate(2, asynchronous(range(9), closed))) as batches:
            assert await anext(batches) == [0, 1]
        return closed

    assert asyncio.run(main()) == [True]


def test_each_reader_gets_every_item():
    for kind in (their_iter.safetee, safetee):
        with kind(iter(range(200)), 3) as readers:
            assert len(readers) == 3
            first, second, third = readers
            assert readers[1] is second
            assert list(first) == list(second) == list(third) == list(range(200))


def test_each_async_reader_gets_every_item():
    async def main(kind):
        async with kind(asynchronous(range(200)), 3) as readers:
            first, second, third = readers
            assert (len(readers), readers[1]) == (3, second)
            return [await listed(each) for each in (first, second, third)]

    assert asyncio.run(main(atee)) == asyncio.run(main(their_aiter.atee)) == [list(range(200))] * 3


def test_readers_may_be_in_different_threads():
    def source():
        yield from range(2000)

    readers, got = Tee(source(), 4), {}
    threads = [
        threading.Thread(target=lambda index=index: got.setdefault(index, list(readers[index]))) for index in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(got.values()) == [list(range(2000))] * 4


def test_readers_may_be_in_different_tasks():
    async def main():
        return await asyncio.gather(*(listed(reader) for reader in AsyncTee(asynchronous(range(500)), 4)))

    assert asyncio.run(main()) == [list(range(500))] * 4


def test_closing_closes_the_source():
    closed = []
    with Tee(plain(range(9), closed)) as (first, second):
        assert (next(first), next(first), next(second)) == (0, 1, 0)
        assert closed == []
    assert closed == [True]


def test_closing_closes_the_async_source():
    async def main():
        closed = []
        async with AsyncTee(asynchronous(range(9), closed)) as (first, _):
            assert await anext(first) == 0
        return closed

    assert asyncio.run(main()) == [True]


def test_every_reader_sees_the_source_s_error():
    def source():
        yield 1
        raise KeyError("no")

    for reader in Tee(source()):
        assert next(reader) == 1
        with pytest.raises(KeyError):
            next(reader)
