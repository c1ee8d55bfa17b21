"""A worker: holds many rows in flight, and gives their outcomes in groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from prill.bulk.caller import RowCaller
from prill.bulk.outcomes import Outcome
from prill.bulk.rates import Limiter
from prill.io.task_results import TaskResults

GATHER = 0.01
"""Seconds to wait for more outcomes behind the first: each group is one transaction, and one message."""


class Sent(NamedTuple):
    """What the driver sends: rows as ``(number, input)``, and a lease of the limits."""

    rows: Sequence[tuple[int, Any]]
    lease: Any = None


class Reply(NamedTuple):
    """What a worker gives back: outcomes, and what its limiter saw."""

    outcomes: Sequence[Outcome]
    seen: Any = None


class Worker:
    """Runs rows at once; the driver sends no more than it wants in flight.

    Rows that it was sent and has not given back are what is asked again if it is lost.
    """

    def __init__(self, caller: RowCaller, limiter: Limiter) -> None:
        self._caller = caller
        self._limiter = limiter
        self._results: TaskResults[Outcome] = TaskResults()

    async def exchange(self, sent: Sent, patience: float) -> Reply:
        """Start the rows that were sent, and return outcomes when there are some, or after ``patience`` seconds."""
        if sent.lease is not None:
            self._limiter.lease(sent.lease)
        for number, input in sent.rows:
            self._results.start(self._caller.call(number, input))
        outcomes = await self._results.take(patience, GATHER)
        return Reply(outcomes, self._limiter.report())

    async def aclose(self) -> Sequence[Outcome]:
        """Cancel what is in flight; returns the outcomes that nobody has taken."""
        await self._results.aclose()
        return await self._results.take(0)
