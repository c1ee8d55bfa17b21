"""What an engine is: it starts workers, and sends them rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from prill.bulk.caller import RowCaller
from prill.bulk.rates import Limiter
from prill.bulk.worker import Reply, Sent, Worker
from prill.callbacks.config import RunnableConfig
from prill.errors import PrillError
from prill.runnables.base import Runnable


class WorkerLost(PrillError):
    """A worker has ended; its rows are asked again elsewhere."""


@dataclass(frozen=True)
class Job:
    """What workers do: the chain, and how rows are asked. It is what is sent to each worker, once."""

    chain: Runnable[Any, Any]
    attempts: int
    row_timeout: float | None
    config: RunnableConfig | None

    def make_worker(self, limiter: Limiter) -> Worker:
        """A worker in this process."""
        return Worker(RowCaller(self.chain, self.attempts, self.row_timeout, limiter, self.config), limiter)


class Channel(Protocol):
    """The way to one worker."""

    async def exchange(self, sent: Sent, patience: float) -> Reply:
        """Send rows, and wait for outcomes, at most ``patience`` seconds.

        Raises:
            WorkerLost: the worker has ended, and another has taken its place.
        """

    async def cancel(self) -> Sequence[Any]:
        """Cancel what is in flight; returns the outcomes that there were."""


class Engine(Protocol):
    """Starts workers."""

    async def start(self, job: Job, workers: int | None) -> Sequence[Channel]:
        """Start workers and give each the job.

        Raises:
            ConfigError: the job cannot be sent, and the error names what of it.
            MissingDependencyError: the engine's package is not installed.
        """

    async def aclose(self) -> None:
        """End what ``start`` started, and nothing else."""
