"""The rows that are still to be asked: read as they are needed, and those that are done left out."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import AsyncIterator, Generator, Iterable, Iterator
from itertools import islice
from typing import Any

from prill.bulk.ledger import Ledger
from prill.bulk.report import Report
from prill.bulk.rows import Record, Row, RowMaker
from prill.bulk.settings import Settings
from prill.bulk.sources import Source
from prill.errors import ConfigError
from prill.io import closing, get_asyncio_mode

_AT_ONCE = 500
"""How many rows are looked up in the ledger at once at most."""


class Feed:
    """Gives the rows of a source that are to be asked, as many as there is room for.

    ``settled`` are rows that need not be asked: they cannot be, or an equal input was. They come with the outcome of
    that input, or ``None``.
    """

    def __init__(self, source: Source, ledger: Ledger, settings: Settings, report: Report) -> None:
        self._source = source
        self._ledger = ledger
        self._settings = settings
        self._report = report
        self._maker = RowMaker(settings.key, settings.input, settings.keep, settings.dedup)
        self._seen_before = bytearray(ledger.base // 8 + 1)
        self._number = -1
        self._again: deque[Row] = deque()
        self._chosen: set[int] | None = None
        self._records: Any = None
        self._io = get_asyncio_mode()
        self._turn = self._io.condition()
        self.in_flight: dict[bytes, Row] = {}
        self.waiting: dict[bytes, list[Row]] = {}
        self.settled: list[tuple[Row, bytes | None]] = []
        self.ended = False

    async def open(self) -> None:
        """Start to read."""
        if self._settings.sample is not None:
            self._chosen = await self._choose(self._settings.sample)
        self._records = self._source.read()

    async def aclose(self) -> None:
        """Close the source."""
        self.ended = True
        close = getattr(self._records, "close", None)
        if close is not None:
            close()
        elif self._records is not None:
            await self._records.aclose()

    async def _choose(self, size: int) -> set[int]:
        """The numbers of the rows of a sample: each row has the same chance, and each run the same sample."""
        if self._source.is_once:
            raise ConfigError("sample reads the source twice, which this iterable cannot: give a list or a file")
        chance, chosen = random.Random(0), list[int]()
        async with closing(as_async(self._source.read())) as records:
            number = -1
            async for _ in records:
                number += 1
                if len(chosen) < size:
                    chosen.append(number)
                elif (at := chance.randrange(number + 1)) < size:
                    chosen[at] = number
        return set(chosen)

    async def take(self, count: int) -> list[Row]:
        """At most ``count`` rows to be asked; none where the source has ended, or all that was looked at is settled."""
        async with self._turn:
            look = min(count, _AT_ONCE)
            while len(self._again) < count and not self.ended and not self.settled:
                made = await self._read(look)
                await self._io.sleep(0)  # long runs of rows that are done must not keep others waiting
                self.ended = not made
                self._again.extend(self._sort(made))
                if self._again:
                    break
                look = _AT_ONCE  # where all rows are done, many are looked up at once
        rows = [self._again.popleft() for _ in range(min(count, len(self._again)))]
        for row in rows:
            self.in_flight[row.digest] = row
        return rows

    def put_back(self, rows: Iterable[Row]) -> None:
        """Give rows back that were not asked, or whose worker was lost."""
        self._again.extend(rows)

    @property
    def read(self) -> int:
        """How many rows were read."""
        return self._number + 1

    @property
    def left(self) -> int:
        """The rows that were read and are waiting to be asked."""
        return len(self._again)

    async def _read(self, count: int) -> list[Row]:
        if self._settings.limit is not None:
            count = min(count, self._settings.limit - self.read)
        rows: list[Row] = []
        make, chosen = self._maker.make, self._chosen
        while len(rows) < count and (records := await self._next(count - len(rows))):
            for record in records:
                self._number += 1
                if chosen is None or self._number in chosen:
                    rows.append(make(self._number, record))
                else:
                    self._report.skipped += 1
        return rows

    async def _next(self, count: int) -> list[Record]:
        """The next records, at most ``count``; none at the end."""
        if not isinstance(self._records, AsyncIterator):
            return list(islice(self._records, count))
        records: list[Record] = []
        while len(records) < count and (record := await anext(self._records, None)) is not None:
            records.append(record)
        return records

    def _sort(self, rows: list[Row]) -> list[Row]:
        """Of the rows that were read, those to ask; the others are counted, or settled."""
        if not rows:
            return []
        known = self._ledger.find([row.digest for row in rows])
        to_ask: list[Row] = []
        taken: dict[bytes, Row] = {}
        for row in rows:
            id = known.get(row.digest)
            other = taken.get(row.digest) or self.in_flight.get(row.digest)
            if other is not None:
                raise _duplicate(row, other.place)
            if id is not None and not self._is_again(row, id):
                continue
            taken[row.digest] = row
            if row.problem is None:
                self._maker.fill(row)
            if row.problem is not None:
                self.settled.append((row, None))
            elif not self._is_shared(row):
                to_ask.append(row)
        return to_ask

    def _is_again(self, row: Row, id: int) -> bool:
        """Whether a row with an outcome is to be asked again; it is an error if the outcome is another row's."""
        at, bit = divmod(id, 8)
        if id > self._ledger.base or self._seen_before[at] & 1 << bit:
            raise _duplicate(row, self._ledger.get_place(row.digest))
        self._seen_before[at] |= 1 << bit
        failed = id in self._ledger.failed
        if failed and self._settings.retry_errors:
            return True
        self._report.resumed += 1
        if failed:
            self._report.add_failure("in an earlier run", "see the output", row.place)
        else:
            self._report.done += 1
        return False

    def _is_shared(self, row: Row) -> bool:
        """Whether the answer of an equal input is this row's too: it is there, or on its way."""
        if row.same is None:
            return False
        if row.same in self.waiting:
            self.waiting[row.same].append(row)
            self.in_flight[row.digest] = row
            return True
        record = self._ledger.find_same(row.same)
        if record is not None:
            self.settled.append((row, record))
            return True
        self.waiting[row.same] = []
        return False


def _duplicate(row: Row, place: str) -> ConfigError:
    return ConfigError(
        f"two rows have the key {row.key!r:.80}: {place} and {row.place}. Give a key that is different for each row, "
        "or a function of the row"
    )


async def as_async(records: Iterator[Record] | AsyncIterator[Record]) -> AsyncIterator[Record]:
    """The records of a source of either kind. Closing this closes the file that is read."""
    if isinstance(records, AsyncIterator):
        async for record in records:
            yield record
        return
    try:
        for record in records:
            yield record
    finally:
        if isinstance(records, Generator):
            records.close()
