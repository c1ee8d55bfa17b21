"""The engine in this process: one worker on the event loop that runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prill.bulk.engines.base import Job
from prill.bulk.rates import Limiter
from prill.bulk.worker import Reply, Sent, Worker
from prill.errors import ConfigError


class LocalEngine:
    """One worker, here."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._channels: list[_LocalChannel] = []

    async def start(self, job: Job, workers: int | None) -> Sequence[_LocalChannel]:
        if workers not in (None, 1):
            raise ConfigError(
                f"engine='local' is this process, and workers={workers} are {workers} processes: use engine='dask' or "
                "engine='ray', which start them on this machine too"
            )
        self._channels = [_LocalChannel(job.make_worker(self._limiter))]
        return self._channels

    async def aclose(self) -> None:
        for channel in self._channels:
            await channel.cancel()


class _LocalChannel:
    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def exchange(self, sent: Sent, patience: float) -> Reply:
        return await self._worker.exchange(sent, patience)

    async def cancel(self) -> Sequence[Any]:
        return await self._worker.aclose()
