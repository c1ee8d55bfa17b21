"""Measuring two things side by side, and what a measurement says."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from statistics import median

Sample = Callable[[], float]
"""Runs something once and gives the seconds that one unit of it took."""


@dataclass(frozen=True)
class Effort:
    """How long to measure: pairs of samples per row, and a factor on all sizes. ``quick`` leaves out the longest."""

    repeats: int = 7
    size: float = 1.0
    quick: bool = False

    def of(self, count: int, least: int = 2) -> int:
        """``count``, by the size."""
        return max(least, int(count * self.size))


@dataclass(frozen=True)
class Goal:
    """What a ratio is to be: ``AtLeast(30)`` times faster, ``AtMost(0.25)`` of the other's cost; or only shown."""

    value: float | None = None
    least: bool = True

    def met(self, ratio: float) -> bool | None:
        if self.value is None:
            return None
        return ratio >= self.value if self.least else ratio <= self.value

    def __str__(self) -> str:
        if self.value is None:
            return "–"
        return f"≥ {self.value:g}×" if self.least else f"≤ {self.value:g}"


def at_least(times: float) -> Goal:
    return Goal(times)


def at_most(share: float) -> Goal:
    return Goal(share, least=False)


SHOWN = Goal()
SHOWN_SHARE = Goal(least=False)
"""For a figure that is no number of times, such as a share of right answers."""


@dataclass(frozen=True)
class Row:
    """One line of the table. ``ratios`` are of pairs of samples, as ``goal`` wants them: times faster, or a share."""

    what: str
    ours: str
    peer: str
    ratios: tuple[float, ...]
    goal: Goal = SHOWN
    note: str = ""

    @property
    def ratio(self) -> float:
        return median(self.ratios)

    @property
    def met(self) -> bool | None:
        return self.goal.met(self.ratio)

    @property
    def faster(self) -> float:
        """How many times as fast, whichever way the ratio is put."""
        return self.ratio if self.goal.least else 1 / self.ratio

    @property
    def spread(self) -> str:
        mark = "×" if self.goal.least else ""
        text = f"{figure(self.ratio)}{mark}"
        if len(self.ratios) == 1:
            return text
        return f"{text} ({figure(min(self.ratios))}–{figure(max(self.ratios))})"


def figure(value: float) -> str:
    """A number with as many places as it deserves."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    for unit, factor in (("ns", 1e9), ("µs", 1e6), ("ms", 1e3)):
        if seconds * factor < 1000:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"


def cpu(work: Callable[[], object], units: int, clock: Callable[[], float] = time.process_time) -> float:
    """The seconds per unit of ``work``, which does ``units`` of them. By default those of the processor."""
    gc.collect()
    begin = clock()
    work()
    return (clock() - begin) / units


def wall(work: Callable[[], object], units: int) -> float:
    """The same by the clock on the wall, for what waits for threads."""
    return cpu(work, units, time.perf_counter)


def in_loop(
    work: Callable[[], Awaitable[object]],
    units: int,
    clock: Callable[[], float] = time.process_time,
    *,
    before: Callable[[], Awaitable[object]] | None = None,
    after: Callable[[], Awaitable[object]] | None = None,
) -> float:
    """The same for asyncio; the loop's begin and end are not counted, nor is what is done ``before`` and ``after``."""

    async def timed() -> float:
        if before is not None:
            await before()
        gc.collect()
        begin = clock()
        await work()
        spent = clock() - begin
        if after is not None:
            await after()
        return spent / units

    return asyncio.run(timed())


def in_turn(samples: Sequence[Sample], repeats: int) -> list[list[float]]:
    """Take samples in turn (A B A B …), so that what else the machine does hits all alike. One round warms up."""
    if repeats > 1:
        for sample in samples:
            sample()
    taken = [[sample() for sample in samples] for _ in range(repeats)]
    return [list(column) for column in zip(*taken, strict=True)]


def versus(
    what: str, ours: Sample, peer: Sample, goal: Goal, effort: Effort, *, unit: str, name: str = "", note: str = ""
) -> Row:
    """Measure ``ours`` and ``peer`` in turn; ``unit`` is what a sample's seconds are for."""
    own, other = in_turn([ours, peer], effort.repeats)
    pairs = list(zip(own, other, strict=True))
    ratios = [b / a for a, b in pairs] if goal.least else [a / b for a, b in pairs]
    return Row(
        what,
        f"{duration(median(own))} / {unit}",
        f"{duration(median(other))}" + (f" ({name})" if name else ""),
        tuple(ratios),
        goal,
        note,
    )
