"""Workers in the processes of a [Dask](https://distributed.dask.org) cluster, on their event loops."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import uuid4

from prill.bulk.engines.base import Job, WorkerLost
from prill.bulk.engines.remote import RemoteWorker, load_engine, pack_rows, unpack_outcomes, unpack_reply
from prill.bulk.outcomes import Outcome
from prill.bulk.shipping import pack
from prill.bulk.worker import Reply, Sent
from prill.errors import ConfigError
from prill.io import get_asyncio_mode

_PATIENCE = 60.0
"""Seconds to wait for a worker in the place of one that was lost."""


class DaskEngine:
    """The workers of a Dask cluster. The cluster of the program's ``Client`` is used, and is not closed.

    Args:
        address: the scheduler's address; without it, and where the program has no ``Client``, a cluster is started
            here.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address
        self._cluster: Any = None
        self._client: Any = None
        self._run_id = uuid4().hex
        self._taken: set[str] = set()
        self._packed = b""
        self._channels: list[_DaskChannel] = []

    async def start(self, job: Job, workers: int | None) -> Sequence[_DaskChannel]:
        distributed = load_engine("distributed", "dask")
        self._packed = pack(job, "dask")
        address = self._address or _find_client(distributed)
        if address is None:
            count = workers or 2
            self._cluster = await distributed.LocalCluster(
                n_workers=count, threads_per_worker=1, dashboard_address=":0", asynchronous=True, host="127.0.0.1"
            )
            address = self._cluster.scheduler_address
        self._client = await distributed.Client(address, asynchronous=True, set_as_default=False)
        if workers is not None:
            await self._client.wait_for_workers(workers, timeout=_PATIENCE)
        found = (await self._addresses())[:workers]
        if not found:
            raise ConfigError(f"the cluster of Dask at {address} has no workers")
        self._taken.update(found)
        self._channels = [await self.open(each) for each in found]
        return self._channels

    async def _addresses(self) -> list[str]:
        return list((await self._client.scheduler.identity(n_workers=-1))["workers"])

    async def open(self, address: str) -> _DaskChannel:
        """A worker of ours at a worker of Dask."""
        channel = _DaskChannel(self, self._client, f"{self._run_id}-{address}", address)
        await channel.open(self._packed)
        return channel

    async def find_another(self, channel: _DaskChannel) -> bool:
        """Give a channel a worker of Dask that has none of ours; whether there is one."""
        ends = time.monotonic() + _PATIENCE
        self._taken.discard(channel.address)  # another may be at the same place
        while time.monotonic() < ends:
            for address in await self._addresses():
                if address not in self._taken and await self._give(channel, address):
                    return True
            await get_asyncio_mode().sleep(0.1)
        return False

    async def _give(self, channel: _DaskChannel, address: str) -> bool:
        self._taken.add(address)
        channel.address, channel.name = address, f"{self._run_id}-{address}"
        try:
            await channel.open(self._packed)
        except (OSError, KeyError, TimeoutError):  # it has ended, and the scheduler does not know it yet
            self._taken.discard(address)
            return False
        return True

    async def aclose(self) -> None:
        for channel in self._channels:
            with suppress(OSError, KeyError, TimeoutError):  # it has ended
                await channel.cancel()
        for part in (self._client, self._cluster):
            if part is not None:
                await part.close()
        self._client = self._cluster = None


def _find_client(distributed: Any) -> str | None:
    """The address of the scheduler that the program is connected to."""
    try:
        return str(distributed.default_client().scheduler.address)
    except ValueError:
        return None


class _DaskChannel:
    capacity: int | None = None
    wants_keys = False

    def __init__(self, engine: DaskEngine, client: Any, name: str, address: str) -> None:
        self._engine = engine
        self._client = client
        self.name = name
        self.address = address

    async def open(self, packed: bytes) -> None:
        """Send the job, once."""
        await self._run(_open_worker, self.name, packed)

    async def exchange(self, sent: Sent, patience: float) -> Reply:
        packed = pack_rows(sent)
        try:
            return unpack_reply(await self._run(_exchange, self.name, packed, patience))
        except (OSError, KeyError, TimeoutError) as error:
            raise WorkerLost(f"the worker of Dask at {self.address} has ended: {error}") from error

    async def replace(self) -> bool:
        return await self._engine.find_another(self)

    async def cancel(self) -> Sequence[Outcome]:
        return unpack_outcomes(await self._run(_cancel, self.name))

    async def _run(self, function: Any, *args: Any) -> Any:
        answers = await self._client.run(function, *args, workers=[self.address])
        return answers[self.address]


# In the process of a worker of Dask

_WORKERS: dict[str, RemoteWorker] = {}


async def _open_worker(name: str, packed: bytes) -> None:
    _WORKERS[name] = RemoteWorker(packed)


async def _exchange(name: str, sent: bytes, patience: float) -> bytes:
    return await _WORKERS[name].exchange(sent, patience)


async def _cancel(name: str) -> bytes:
    return await _WORKERS.pop(name).cancel()
