"""News over a connection to a real Redis server that breaks."""

from __future__ import annotations

import asyncio

import pytest
from tests.helpers import requires, run
from tests.serve.redis_server import RedisServer

from prill.io.tasks import start
from prill.serve import RedisStore, StoredRun

pytestmark = requires("redis-server", "redis")

HOUR = 3600.0


@pytest.mark.parametrize("runs", [1, 3])
def test_a_stop_that_came_while_the_connection_for_news_was_down_arrives_when_it_is_back(
    redis_server: RedisServer, runs: int
) -> None:
    import redis.asyncio

    async def use() -> None:
        store, other = (RedisStore(redis_server.url, prefix=f"news{runs}:") for _ in range(2))
        ids = [f"r{number}" for number in range(runs)]
        waiting = []
        for run_id in ids:
            await store.create(StoredRun(run_id, "me"), HOUR)
            waiting.append(start(store.wait_stop(run_id, HOUR)))
        assert not await store.wait_stop(ids[0], 0.01)  # it listens now
        server = redis.asyncio.Redis.from_url(redis_server.url)
        # In one transaction: nobody can be listening when the stop is published.
        async with server.pipeline(transaction=True) as together:
            together.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            together.hset(f"news{runs}:run:{{{ids[-1]}}}", "stopping", 1)
            together.publish(f"news{runs}:stops", ids[-1])
            killed, _, heard = await together.execute()
        assert (killed, heard) == (1, 0)
        assert await asyncio.wait_for(waiting.pop(), 60)
        assert not any(each.done() for each in waiting)  # the others were not asked to stop
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        for each in (server, store, other):
            await each.aclose()

    run(use())


def test_a_stop_that_came_before_anybody_listened_arrives(redis_server: RedisServer) -> None:
    async def use() -> None:
        store, other = RedisStore(redis_server.url, prefix="early:"), RedisStore(redis_server.url, prefix="early:")
        await store.create(StoredRun("r", "me"), HOUR)
        assert await other.stop("r")
        assert await store.wait_stop("r", 60)
        await store.aclose()
        await other.aclose()

    run(use())
