"""Drives a bulk run: rows go to the workers, outcomes to the ledger."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any

from pydantic_core import from_json, to_json

from prill.bulk.engines.base import Channel, WorkerLost
from prill.bulk.feed import Feed
from prill.bulk.ledger import DONE, FAILED, Entry, Ledger
from prill.bulk.outcomes import Outcome, make_record
from prill.bulk.report import Report
from prill.bulk.rows import Row
from prill.bulk.settings import Settings
from prill.bulk.worker import Sent
from prill.errors import BulkError
from prill.io import get_asyncio_mode

_PATIENCE = 0.25
"""Seconds that a worker is waited for before the driver looks whether it is to stop."""

Emit = Callable[[Row, Entry], Awaitable[None] | None]


class Driver:
    """Sends rows to workers as they have room, and writes what comes back, a group at a time.

    A worker never holds more than ``max_concurrency`` rows whose outcomes are not written, so that is what is asked
    again at most if the program ends.
    """

    def __init__(self, settings: Settings, feed: Feed, ledger: Ledger, report: Report, emit: Emit | None) -> None:
        self._settings = settings
        self._feed = feed
        self._ledger = ledger
        self._report = report
        self._emit = emit
        self._io = get_asyncio_mode()
        self._rows: dict[int, Row] = {}
        self._failure: BulkError | None = None
        self._ends: float | None = None
        self._shown = 0.0
        self.on_progress: Callable[[], None] | None = None
        self.leases: Any = None

    async def run(self, channels: Sequence[Channel]) -> None:
        """Ask all rows.

        Raises:
            BulkError: an error that would meet every row, too many errors, or a ledger that cannot be written. All
                that was done before is saved.
        """
        await self._io.gather([partial(self._serve, channel) for channel in channels])
        if self._failure is not None:
            raise self._failure

    def stop(self, why: str, grace: float) -> None:
        """Start no more rows; wait so many seconds for those in flight."""
        if self._report.stopped is None:
            self._report.stopped = why
            self._ends = time.monotonic() + grace

    @property
    def stopping(self) -> bool:
        """Whether no more rows are started."""
        return self._ends is not None

    async def _serve(self, channel: Channel) -> None:
        """Keep one worker busy until all rows are done."""
        held: dict[int, Row] = {}
        try:
            while True:
                rows = await self._take(self._settings.max_concurrency - len(held))
                if not rows and not held:
                    if self._is_over():
                        return
                    await self._io.sleep(0.02)  # a row of a lost worker may come back
                    continue
                if self._is_late():
                    await self._write(await channel.cancel(), held)
                    return
                held.update({row.number: row for row in rows})
                try:
                    lease = self.leases.give(channel) if self.leases is not None else None
                    reply = await channel.exchange(Sent([(row.number, row.input) for row in rows], lease), _PATIENCE)
                except WorkerLost:
                    self._feed.put_back(held.values())
                    held.clear()
                    continue
                if self.leases is not None:
                    self.leases.take(channel, reply.seen)
                await self._write(reply.outcomes, held)
                self._show()
        finally:
            self._feed.put_back(held.values())

    def _is_over(self) -> bool:
        nothing_left = self._feed.ended and not self._feed.left and not self._feed.in_flight
        return self.stopping or nothing_left

    def _is_late(self) -> bool:
        return self._ends is not None and time.monotonic() >= self._ends

    async def _take(self, room: int) -> list[Row]:
        while room > 0 and not self.stopping:
            if self._is_budget_spent():
                self.stop("the budget is spent", self._settings.grace)
                break
            rows = await self._feed.take(room)
            if self._feed.settled:
                settled, self._feed.settled = self._feed.settled, []
                await self._settle(settled)
            if rows or self._feed.ended:
                return rows
        return []

    def _is_budget_spent(self) -> bool:
        budget, report = self._settings.budget, self._report
        if budget is None:
            return False
        if report.usage and report.cost is None:
            models = ", ".join(model for model in report.usage if model not in (self._settings.prices or {}))
            raise BulkError(f"the budget cannot be kept: there is no price for {models}", report=report)
        spent = report.cost or 0.0
        asked = max(1, report.ended - report.resumed - report.shared)
        return spent + spent / asked * len(self._feed.in_flight) >= budget

    async def _settle(self, settled: Iterable[tuple[Row, bytes | None]]) -> None:
        """Write rows that need not be asked."""
        entries = []
        for row, record in settled:
            if record is None:
                text = f"{row.place}: {row.problem}"
                error = {"error": text, "error_type": "RowError", "attempts": 0, "seconds": 0.0, "usage": {}}
                entries.append((row, _entry(row, FAILED, make_record(error))))
                self._report.add_failure("RowError", str(row.problem), row.place)
            else:
                entries.append((row, _entry(row, DONE, _shared(record))))
                self._report.add_shared(None, row.place)
        await self._save(entries)
        self._check_errors()

    async def _write(self, outcomes: Sequence[Outcome], held: dict[int, Row]) -> None:
        entries: list[tuple[Row, Entry]] = []
        for outcome in outcomes:
            row = held.pop(outcome.number, None)
            if row is None:  # it was written before: the answer of a worker that was taken for lost
                continue
            if outcome.stop:
                self._stop_for(outcome, row)
                self._feed.put_back([row])
                self._report.add_usage(outcome.usage)
                continue
            state = FAILED if outcome.failed else DONE
            entries.append((row, _entry(row, state, outcome.record)))
            self._report.add(outcome, row.place)
            for other in self._feed.waiting.pop(row.same, ()) if row.same is not None else ():
                entries.append((other, _entry(other, state, _shared(outcome.record))))
                self._report.add_shared(outcome, other.place)
        await self._save(entries)
        self._check_errors()

    async def _save(self, entries: list[tuple[Row, Entry]]) -> None:
        if not entries:
            return
        try:
            self._ledger.write((entry for _, entry in entries), {"usage": self._report.usage})
        except BulkError as error:
            self._fail(error)
            for row, entry in entries:  # nothing is said to be done that is not on the disk
                self._uncount(row, entry)
            return
        for row, entry in entries:
            self._feed.in_flight.pop(row.digest, None)
            if self._emit is not None and (emitted := self._emit(row, entry)) is not None:
                await emitted

    def _uncount(self, row: Row, entry: Entry) -> None:
        if entry.state == DONE:
            self._report.done -= 1
        else:
            self._report.failed -= 1
        self._feed.put_back([row])

    def _stop_for(self, outcome: Outcome, row: Row) -> None:
        self._fail(
            BulkError(
                f"the run was stopped at {row.place}, because what happened there would happen to every row: "
                f"{outcome.text}"
            )
        )

    def _check_errors(self) -> None:
        report = self._report
        failed, ended = report.failed, report.ended
        if not self.stopping and self._settings.too_many_errors(failed, ended):
            self._fail(BulkError(f"the run was stopped: {failed} of {ended} rows failed (max_errors)"))

    def _fail(self, error: BulkError) -> None:
        error.report = self._report
        self._failure = self._failure or error
        self.stop(error.message.splitlines()[0], self._settings.grace)

    def _show(self) -> None:
        self._report.in_flight = len(self._feed.in_flight)
        self._report.tick()
        now = time.monotonic()
        if self.on_progress is not None and now - self._shown >= 0.2:
            self._shown = now
            self.on_progress()


def _entry(row: Row, state: int, record: bytes) -> Entry:
    kept = None if row.kept is None else to_json(row.kept, fallback=str)
    name = to_json(row.key, fallback=str)
    return Entry(row.digest, row.same, row.number, state, name, row.place, kept, record)


def _shared(record: bytes) -> bytes:
    """The record of a row that was not asked itself."""
    return to_json({**from_json(record), "attempts": 0, "seconds": 0.0, "usage": {}})
