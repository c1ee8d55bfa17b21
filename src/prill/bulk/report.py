"""What a bulk run did."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prill.bulk.cost import Prices, get_cost
from prill.bulk.outcomes import Outcome
from prill.messages.usage import UsageMetadata, add_usage

_LATENCIES = tuple(0.01 * 1.25**power for power in range(60))
"""Seconds: the ends of the buckets of the histogram, up to two hours."""

_SAMPLES = 240
"""How many points the curve of a run has at most; then every second one goes."""


@dataclass
class ErrorGroup:
    """The rows that failed with one type of error; ``text`` and ``place`` are those of the first."""

    type: str
    count: int
    text: str
    place: str


@dataclass
class Sample:
    """How far a run was: seconds since its start, rows that had ended, failed ones, refusals for the rate."""

    at: float
    ended: int
    failed: int
    rate_limited: int


@dataclass
class Report:
    """What a bulk run did, or has done so far.

    Each row that was read is in one of four counts: ``done``, ``failed``, ``skipped`` (not in the sample) and
    ``not_started`` (the run stopped before). ``resumed`` of the rows done and failed were so before this run.
    ``asked`` counts attempts, ``rate_limited`` those that the provider refused for their rate. ``usage`` holds the
    tokens by model and ``cost`` their price, both of all runs of the checkpoint; ``cost`` is ``None`` where a price is
    not known. ``stopped`` says why the run ended early.
    """

    done: int = 0
    failed: int = 0
    skipped: int = 0
    not_started: int = 0
    resumed: int = 0
    shared: int = 0
    """Rows that got the answer of an equal input."""
    asked: int = 0
    rate_limited: int = 0
    in_flight: int = 0
    total: int | None = None
    """The number of rows of the source, where it is known."""
    usage: dict[str, UsageMetadata] = field(default_factory=dict)
    cost: float | None = None
    seconds: float = 0.0
    stopped: str | None = None
    errors: dict[str, ErrorGroup] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    latencies: dict[float, int] = field(default_factory=dict)
    """Rows by how many seconds they took: up to such a number, and over the one before."""
    checkpoint: str | None = None
    estimate: Any = None
    """What the run would take, of a dry run."""
    prices: Prices | None = field(default=None, repr=False)
    fraction: float | None = field(default=None, repr=False)
    started: float = field(default_factory=time.monotonic, repr=False)

    @property
    def rows(self) -> int:
        """The rows that were read."""
        return self.ended + self.skipped + self.not_started

    @property
    def ended(self) -> int:
        """The rows that are done or failed."""
        return self.done + self.failed

    @property
    def rows_per_second(self) -> float:
        """The pace of this run, without the rows of earlier ones."""
        return (self.ended - self.resumed) / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long it will take at this pace; ``None`` where that cannot be said."""
        pace = self.rows_per_second
        if not pace:
            return None
        if self.total is not None:
            return max(0, self.total - self.ended - self.skipped) / pace
        if self.fraction:
            return max(0.0, (self.ended + self.in_flight) / self.fraction - self.ended) / pace
        return None

    @property
    def tokens(self) -> tuple[int, int]:
        """The tokens read and written, of all models."""
        return (
            sum(used["input_tokens"] for used in self.usage.values()),
            sum(used["output_tokens"] for used in self.usage.values()),
        )

    def percentile(self, share: float) -> float | None:
        """The seconds within which such a share of the rows of this run was done."""
        wanted, seen = share * sum(self.latencies.values()), 0
        for edge in sorted(self.latencies):
            seen += self.latencies[edge]
            if seen >= wanted:
                return edge
        return None

    # While the run goes on

    def add(self, outcome: Outcome, place: str) -> None:
        """Count a row that was asked."""
        self.asked += outcome.attempts
        edge = _LATENCIES[min(bisect_left(_LATENCIES, outcome.seconds), len(_LATENCIES) - 1)]
        self.latencies[edge] = self.latencies.get(edge, 0) + 1
        self.add_usage(outcome.usage)
        if outcome.failed:
            self.add_failure(outcome.error or "Exception", outcome.text, place)
        else:
            self.done += 1

    def add_shared(self, outcome: Outcome | None, place: str) -> None:
        """Count a row that got the outcome of an equal input; ``None`` is an answer of an earlier run."""
        self.shared += 1
        if outcome is not None and outcome.failed:
            self.add_failure(outcome.error or "Exception", outcome.text, place)
        else:
            self.done += 1

    def add_failure(self, kind: str, text: str, place: str) -> None:
        """Count a row that failed."""
        self.failed += 1
        group = self.errors.setdefault(kind, ErrorGroup(kind, 0, text, place))
        group.count += 1

    def add_usage(self, usage: Mapping[str, UsageMetadata]) -> None:
        """Count tokens."""
        for model, used in usage.items():
            self.usage[model] = add_usage(self.usage.get(model), used)
        if usage:
            self.cost = get_cost(self.usage, self.prices)

    def tick(self) -> None:
        """Set the clock, and put a point on the curve where there was none for a while."""
        self.seconds = time.monotonic() - self.started
        apart = self.seconds / _SAMPLES
        if not self.samples or self.seconds - self.samples[-1].at >= max(0.05, apart):
            self.samples.append(Sample(self.seconds, self.ended - self.resumed, self.failed, self.rate_limited))
            if len(self.samples) > 2 * _SAMPLES:
                del self.samples[1::2]

    def __str__(self) -> str:
        if self.estimate is not None:
            return str(self.estimate)
        read, written = self.tokens
        parts = [f"{self.done} done"]
        for count, what in ((self.failed, "failed"), (self.skipped, "skipped"), (self.not_started, "not started")):
            parts += [f"{count} {what}"] if count else []
        lines = [", ".join(parts) + (f" ({self.resumed} of them before this run)" if self.resumed else "")]
        pace = f"{self.seconds:.1f} s, {self.rows_per_second:.1f} rows/s"
        money = "cost unknown" if self.cost is None else f"cost {self.cost:.4f}"
        lines.append(f"{pace}; {read} tokens read, {written} written, {money}")
        if self.rate_limited:
            lines.append(f"{self.rate_limited} of {self.asked} requests were refused for their rate")
        for group in sorted(self.errors.values(), key=lambda group: -group.count):
            lines.append(f"{group.count} × {group.type}, first at {group.place}: {_shorten(group.text):.160}")
        if self.stopped:
            lines.append(f"stopped: {self.stopped}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """The figures, for JSON."""
        names = ("done", "failed", "skipped", "not_started", "resumed", "shared", "asked", "rate_limited", "total")
        return {
            **{name: getattr(self, name) for name in names},
            **{"rows": self.rows, "seconds": self.seconds, "rows_per_second": self.rows_per_second},
            **{"usage": self.usage, "cost": self.cost, "stopped": self.stopped},
            "errors": {kind: group.count for kind, group in self.errors.items()},
        }


def _shorten(text: str) -> str:
    """The first line of an error's text, with the second where the first announces it."""
    first, _, rest = text.partition("\n")
    second = rest.partition("\n")[0].strip()
    return f"{first} {second}" if first.endswith(":") else first
