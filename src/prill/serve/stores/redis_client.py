"""Connections to a Redis server: scripts in pipelines, and news."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from prill.io import get_asyncio_mode
from prill.io.event_loop import Signal
from prill.serve.stores import redis_scripts as scripts
from prill.serve.stores.grouped import OnLoop, refuse_unreachable

_CONNECTIONS = 16
_SECONDS = 5.0
"""How long the server may take to answer."""

_LOOK_AROUND = 1.0
"""How often channels are given up that nobody waits for, and how long to wait before connecting again."""

_LOOKS = 10
"""How often stops are looked for at a server that does not answer; it is looked again when the news are back."""

_SCRIPTS = (scripts.CREATE, scripts.APPEND, scripts.RENEW, scripts.STOP, scripts.FIND, scripts.READ)
SHA = {script: hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest() for script in _SCRIPTS}
"""The names of the scripts at the server."""


class RedisClient:
    """The connections of one event loop.

    Args:
        redis: the module ``redis.asyncio``.
        url: where the server is.
    """

    def __init__(self, redis: Any, url: str) -> None:
        pool = redis.BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=_SECONDS,
            socket_timeout=_SECONDS,
            socket_connect_timeout=_SECONDS,
            decode_responses=False,
        )
        self._client = redis.Redis.from_pool(pool)
        errors = import_module("redis.exceptions")
        self._missing: type[Exception] = errors.NoScriptError
        self.error: type[Exception] = errors.RedisError
        self.news: RedisNews | None = None

    async def run(self, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Run scripts with one message to the server; an error of the server is the result of its call.

        Raises:
            RequestError: the server does not answer.
        """
        results = await self._send(calls)
        if any(isinstance(result, self._missing) for result in results):  # it is new, or has been emptied
            for script in _SCRIPTS:
                await self.ask("SCRIPT LOAD", script)
            results = await self._send(calls)
        return results

    async def _send(self, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        for call in calls:
            pipeline.execute_command("EVALSHA", *call)
        try:
            results: list[Any] = await pipeline.execute(raise_on_error=False)
        except (self.error, OSError) as error:
            with contextlib.suppress(self.error, OSError):  # the idle connections are broken too, if one is
                await self._client.connection_pool.disconnect(inuse_connections=False)
            raise refuse_unreachable() from error
        return results

    async def ask(self, *command: Any) -> Any:
        """The answer to a command.

        Raises:
            RequestError: the server does not answer, or refuses.
        """
        try:
            return await self._client.execute_command(*command)
        except (self.error, OSError) as error:
            with contextlib.suppress(self.error, OSError):  # the idle connections are broken too, if one is
                await self._client.connection_pool.disconnect(inuse_connections=False)
            raise refuse_unreachable() from error

    async def read_field(self, keys: Sequence[str], field: str) -> list[Any]:
        """A field of several hashes, read with one message. Raises the package's own errors."""
        if not keys:
            return []
        pipeline = self._client.pipeline(transaction=False)
        for key in keys:
            pipeline.hget(key, field)
        values: list[Any] = await pipeline.execute()
        return values

    def listen(self) -> Any:
        """A connection for channels."""
        return self._client.pubsub()

    async def aclose(self) -> None:
        await self._client.aclose()


class RedisNews:
    """Hears of what other workers write, on one connection of its own, which is opened again if it breaks.

    Args:
        client: the connections.
        here: who waits.
        channel: the channel of a run.
        stops: the channel for stops.
    """

    def __init__(self, client: RedisClient, here: OnLoop, channel: Callable[[str], str], stops: str) -> None:
        self._client = client
        self._here = here
        self._channel = channel
        self._stops = stops
        self._runs: dict[str, str] = {}
        self._ready: dict[str, Signal[None]] = {}
        self._connection: Any = None

    async def subscribe(self, run_id: str) -> None:
        """Hear of a run, or of stops if it is empty; returns when the server has confirmed it."""
        channel = self._channel(run_id) if run_id else self._stops
        ready = self._ready.get(channel)
        if ready is None:
            ready = self._ready[channel] = Signal()
            self._runs[channel] = run_id
            if self._connection is not None:
                with contextlib.suppress(self._client.error, OSError):  # ``listen`` notices it too, and connects again
                    await self._connection.subscribe(channel)
        if not ready.is_set:
            with contextlib.suppress(TimeoutError):
                await ready.wait(_SECONDS)

    async def listen(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                async with contextlib.aclosing(self._client.listen()) as connection:
                    await connection.subscribe(self._stops, *self._runs)
                    self._connection = connection
                    await connection.subscribe(*self._runs, self._stops)  # those that came meanwhile
                    await self._hear(connection)
            except (self._client.error, OSError):
                self._here.changes.notify_all()  # they look for themselves, and find out what is wrong
            finally:
                self._connection = None
            await get_asyncio_mode().sleep(_LOOK_AROUND)

    async def _hear(self, connection: Any) -> None:
        while True:
            message = await connection.get_message(timeout=_LOOK_AROUND)
            if message is None:
                await self._give_up_unwanted(connection)
            elif (channel := message["channel"].decode()) in self._runs:
                self._note(channel, message)
                if message["type"] == "subscribe" and channel == self._stops:
                    self._here.tasks.start(self._find_stops())

    async def _find_stops(self) -> None:
        """Look for stops that were asked for while nobody listened: the connection was down, or not there yet."""
        for _ in range(_LOOKS):
            runs = list(self._here.tails)
            try:
                marks = await self._client.read_field([self._channel(run_id) for run_id in runs], "stopping")
            except (self._client.error, OSError):
                await get_asyncio_mode().sleep(_LOOK_AROUND)
                continue
            for run_id, mark in zip(runs, marks, strict=True):
                if mark is not None:
                    self._here.note_stop(run_id)
            return

    def _note(self, channel: str, message: Any) -> None:
        if message["type"] == "subscribe":
            self._ready[channel].set(None)
            self._here.changes.notify(self._runs[channel])
        elif message["type"] == "message" and channel == self._stops:
            self._here.note_stop(message["data"].decode())
        elif message["type"] == "message":
            self._here.changes.notify(self._runs[channel])

    async def _give_up_unwanted(self, connection: Any) -> None:
        wanted = set(self._here.foreign)
        for channel, run_id in list(self._runs.items()):
            if run_id and run_id not in wanted:
                del self._runs[channel], self._ready[channel]
                await connection.unsubscribe(channel)
