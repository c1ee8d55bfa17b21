"""What is the same for engines whose workers are other processes."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from prill.bulk.engines.base import Job
from prill.bulk.outcomes import Outcome
from prill.bulk.rates import LeasedLimiter
from prill.bulk.worker import Reply, Sent
from prill.errors import ConfigError, MissingDependencyError


class RemoteWorker:
    """A worker in its own process. Rows come, and outcomes go, as bytes."""

    def __init__(self, packed: bytes) -> None:
        job: Job = pickle.loads(packed)
        self._limiter = LeasedLimiter()
        self._worker = job.make_worker(self._limiter)
        self._limiter.on_want = self._worker.notify

    async def exchange(self, sent: bytes, patience: float) -> bytes:
        """See ``Worker.exchange``."""
        return pickle.dumps(tuple(await self._worker.exchange(pickle.loads(sent), patience)))

    async def cancel(self) -> bytes:
        """Cancel what is in flight, and return the outcomes that there were."""
        return pickle.dumps(await self._worker.aclose())


def pack_rows(sent: Sent) -> bytes:
    """Rows as bytes.

    Raises:
        ConfigError: a row's input cannot be sent; the error names its number.
    """
    try:
        return pickle.dumps(sent)
    except Exception:
        cloudpickle = import_module("cloudpickle")
    try:
        return cloudpickle.dumps(sent)  # type: ignore[no-any-return]  # it is bytes
    except Exception as error:
        number, input = sent.rows[0]
        raise ConfigError(
            f"the input of row {number}, of type {type(input).__name__}, cannot be sent to a worker: {error}"
        ) from error


def unpack_reply(packed: bytes) -> Reply:
    """The reply of a worker."""
    return Reply(*pickle.loads(packed))


def unpack_outcomes(packed: bytes) -> Sequence[Outcome]:
    """The outcomes of a worker that was cancelled."""
    outcomes: Sequence[Outcome] = pickle.loads(packed)
    return outcomes


def load_engine(module: str, extra: str) -> Any:
    """An engine's package.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingDependencyError(
            f"engine={extra!r} needs the package {module}: pip install 'prill[{extra}]'"
        ) from error
