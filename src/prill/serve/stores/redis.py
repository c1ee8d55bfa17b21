"""Runs in Redis Streams: for workers on any number of machines."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from prill.errors import ConfigError, MissingDependencyError
from prill.io.per_loop import PerLoop
from prill.serve.stores import redis_scripts as scripts
from prill.serve.stores.base import StoredRun
from prill.serve.stores.grouped import REMEMBERED, GroupedStore, OnLoop, Stored, refuse_producer, refuse_unreachable
from prill.serve.stores.groups import Append, Written
from prill.serve.stores.redis_client import SHA, RedisClient, RedisNews


class RedisStore(GroupedStore):
    """Keeps runs in Redis Streams; workers on any number of machines may share them. The extra is ``redis``.

    The frames of all runs of a worker are written in groups, at most each 5 ms; ``PUBLISH`` wakes readers on other
    workers. Leases go by the clock of the server. All runs together are bounded by the time for which they are kept,
    and by the server's own ``maxmemory``; its policy should be ``volatile-ttl`` or ``noeviction``.

    Args:
        url: where the server is, such as ``"redis://localhost:6379/0"``; ``rediss://`` is with TLS.
        prefix: what the names of all keys and channels start with.
        max_frames: frames of one run that are kept; older ones are dropped, and a reader that needs them is told.
        max_bytes: bytes of one run's frames.
        keep: seconds for which a run is kept after its end.
        clock: the time in seconds since the epoch; that of the server by default.

    Raises:
        ConfigError: the address is not one of Redis.
        MissingDependencyError: ``redis`` is not installed.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "prill:",
        max_frames: int = 20_000,
        max_bytes: int = 16 * 1024 * 1024,
        keep: float = 300.0,
        clock: Callable[[], float] | None = None,
    ) -> None:
        super().__init__(clock or time.monotonic)
        try:
            self._redis: Any = import_module("redis.asyncio")
        except ImportError as error:
            raise MissingDependencyError("RedisStore needs the package redis: pip install 'prill[redis]'") from error
        self._url = url
        self._prefix = prefix
        self._bounds = (max_frames, max_bytes)
        self._keep = keep
        self._now: Callable[[], float | str] = clock or (lambda: "")
        self._clients: PerLoop[RedisClient] = PerLoop(RedisClient.aclose)
        try:
            self._redis.ConnectionPool.from_url(url)
        except ValueError:  # its text may hold the password
            raise ConfigError(
                "the address of the store of runs is not one of Redis: give redis://host:port/number"
            ) from None

    async def aclose(self) -> None:
        await super().aclose()
        await self._clients.aclose()

    # Calls

    async def _client(self) -> RedisClient:
        return await self._clients.get(lambda: RedisClient(self._redis, self._url))

    def _call(self, script: str, run_id: str, *values: Any) -> tuple[Any, ...]:
        """The arguments of ``EVALSHA``; both keys of a run are in one slot of a cluster."""
        run = self._channel(run_id)
        return (SHA[script], 2, run, run + ":frames", self._now(), self._keep, REMEMBERED, *values)

    async def _run(self, script: str, run_id: str, *values: Any) -> Any:
        client = await self._client()
        (answer,) = await client.run([self._call(script, run_id, *values)])
        if isinstance(answer, Exception):
            raise refuse_unreachable() from answer
        return answer

    # The database

    async def _create(self, run: StoredRun, lease: float) -> bool:
        fields: list[Any] = ["owner", run.owner, "protocol", run.protocol, "topic", run.topic, "created", run.created]
        if run.principal is not None:
            fields += ["principal", run.principal]
        if not await self._run(scripts.CREATE, run.run_id, lease, *fields):
            return False
        if run.topic:
            client = await self._client()
            await client.ask("SET", self._topic(run.topic), run.run_id, "EX", int(REMEMBERED))
        return True

    async def _write(self, group: Sequence[Append]) -> Sequence[Written]:
        calls = [
            self._call(
                scripts.APPEND, item.run_id, item.owner, item.first, int(item.ended), *self._bounds, *item.frames
            )
            for item in group
        ]
        client = await self._client()
        return [_read_written(item, answer) for item, answer in zip(group, await client.run(calls), strict=True)]

    async def _renew(self, run_id: str, owner: str, lease: float) -> bool | None:
        answer = await self._run(scripts.RENEW, run_id, owner, lease)
        return None if answer < 0 else answer == 1

    async def _find(self, run_id: str) -> tuple[StoredRun, bool] | None:
        answer = await self._run(scripts.FIND, run_id)
        if answer is None:
            return None
        principal = None if answer[1] is None else answer[1].decode()
        owner, protocol, topic, created = (each.decode() for each in (answer[0], *answer[2:5]))
        return StoredRun(run_id, owner, principal, protocol, topic, float(created)), answer[5] == 1

    async def _find_topic(self, topic: str) -> str | None:
        if not topic:
            return None
        client = await self._client()
        found: bytes | None = await client.ask("GET", self._topic(topic))
        return None if found is None else found.decode()

    async def _read(self, run_id: str, after: int, limit: int) -> Stored | None:
        answer = await self._run(scripts.READ, run_id, after, limit)
        if answer is None:
            return None
        first, last, kept_from, ended, left, frames = answer
        return Stored(frames, first, last, kept_from, ended == 1, left / 1000)

    async def _stop(self, run_id: str) -> bool:
        return bool(await self._run(scripts.STOP, run_id, self._stops, run_id))

    def _channel(self, run_id: str) -> str:
        return f"{self._prefix}run:{{{run_id}}}"

    def _topic(self, topic: str) -> str:
        return f"{self._prefix}topic:{topic}"

    @property
    def _stops(self) -> str:
        return f"{self._prefix}stops"

    # Changes that other workers make

    async def _watch(self, here: OnLoop, run_id: str) -> None:
        client = await self._client()
        if client.news is None:
            client.news = RedisNews(client, here, self._channel, self._stops)
            here.tasks.start(client.news.listen())
        await client.news.subscribe(run_id)


def _read_written(item: Append, answer: Any) -> Written:
    if isinstance(answer, Exception):
        error = refuse_unreachable()
        error.__cause__ = answer
        return error
    return int(answer) or refuse_producer(item.run_id)
