"""Workers as [Ray](https://docs.ray.io) actors: async ones, each with its rows in flight on one event loop."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

from prill.bulk.engines.base import Job, WorkerLost
from prill.bulk.engines.remote import RemoteWorker, load_engine, pack_rows, unpack_outcomes, unpack_reply
from prill.bulk.outcomes import Outcome
from prill.bulk.shipping import pack
from prill.bulk.worker import Reply, Sent


class RayEngine:
    """Actors of Ray. A cluster that the program is connected to is used, and is not shut down.

    Args:
        address: a cluster to connect to; without it, and where the program is not connected, one is started here.
        actor_options: what actors are started with, such as ``{"num_cpus": 0.5, "resources": {...}}``.
    """

    def __init__(self, address: str | None = None, actor_options: dict[str, Any] | None = None) -> None:
        self._address = address
        self._options = actor_options or {}
        self._ray: Any = None
        self._is_own = False
        self._channels: list[_RayChannel] = []

    async def start(self, job: Job, workers: int | None) -> Sequence[_RayChannel]:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a library starts no reports of use
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # what Ray will do anyway; it warns if not set
        ray = self._ray = load_engine("ray", "ray")
        packed = pack(job, "ray")
        if not ray.is_initialized():
            self._is_own = True
            self._connect(ray, workers)
        count = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        kind = ray.remote(RemoteWorker)
        # Sent once: each actor reads it from the object store.
        shipped = ray.put(packed)
        options = {"num_cpus": 0 if self._is_own else 1, **self._options}
        self._channels = [_RayChannel(ray, kind.options(**options), shipped) for _ in range(count)]
        return self._channels

    def _connect(self, ray: Any, workers: int | None) -> None:
        if self._address is not None:
            ray.init(self._address, log_to_driver=False, logging_level=logging.ERROR)
            return
        ray.init(
            num_cpus=workers,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            object_store_memory=128 * 1024 * 1024,
            _node_ip_address="127.0.0.1",
        )

    async def aclose(self) -> None:
        channels, self._channels = self._channels, []
        for channel in channels:
            channel.kill()
        if self._is_own and self._ray is not None:
            self._ray.shutdown()
            self._is_own = False


class _RayChannel:
    capacity: int | None = None
    wants_keys = False

    def __init__(self, ray: Any, kind: Any, shipped: Any) -> None:
        self._ray = ray
        self._kind = kind
        self._shipped = shipped
        self._actor = kind.remote(shipped)

    async def exchange(self, sent: Sent, patience: float) -> Reply:
        packed = pack_rows(sent)
        try:
            return unpack_reply(await self._actor.exchange.remote(packed, patience))
        except self._ray.exceptions.RayTaskError as error:  # the worker's own, such as a key that is missing there
            raise error.cause from error
        except self._ray.exceptions.RayActorError as error:
            raise WorkerLost(f"an actor of Ray has ended: {error}") from error

    async def replace(self) -> bool:
        self._actor = self._kind.remote(self._shipped)
        return True

    async def cancel(self) -> Sequence[Outcome]:
        return unpack_outcomes(await self._actor.cancel.remote())

    def kill(self) -> None:
        """End the actor."""
        self._ray.kill(self._actor)
