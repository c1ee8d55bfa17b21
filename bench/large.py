"""What takes minutes or gigabytes: a million rows, ten million that are done, many clients. ``make bench-large``."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import load
from bench.bulk import measure_memory
from bench.measure import Effort, Row, at_most, duration
from prill import bulk
from prill.bulk.ledger import Entry, Ledger
from prill.bulk.rows import digest
from prill.runnables import RunnableLambda

ROWS_OF_A_GENERATOR = 1_000_000
ROWS_DONE = 10_000_000


def _echo(row: Any) -> Any:
    return row["id"]


def memory(effort: Effort) -> Iterator[Row]:
    """What the driver, and the workers of Dask, hold more at the last row than at the 10,000th."""
    for engine in ("local", "dask"):
        found = measure_memory(effort.of(ROWS_OF_A_GENERATOR), engine)
        for process, grown in found.items():
            what = f"memory of the {process} that {effort.of(ROWS_OF_A_GENERATOR):,} rows take over 10,000, {engine}"
            yield Row(what, f"{grown / 1e6:.1f} MB", "–", (grown / 10e6,), at_most(1.0), "the ratio: of 10 MB")


def resuming(effort: Effort) -> Row:
    """A run that goes on over rows which are all done. The ledger is filled as a run fills it, in groups."""
    count = effort.of(ROWS_DONE)
    with _folder() as folder:
        source = folder / "in.jsonl"
        with source.open("w", encoding="utf8") as file:
            file.writelines(f'{{"id": "row-{number}"}}\n' for number in range(count))
        options: Any = {"key": "id", "checkpoint": folder / "run"}
        chain = RunnableLambda(_echo)
        bulk.run(chain, source, None, limit=1000, **options)
        _fill(folder / "run", range(1000, count))
        started = time.monotonic()
        report = bulk.run(chain, source, None, **options)
        taken = time.monotonic() - started
    assert report.resumed == count
    what = f"a run that goes on over {count:,} rows that are done"
    goal = 60 * count / ROWS_DONE
    return Row(what, duration(taken), "–", (taken / goal,), at_most(1.0), f"the ratio: of {goal:.0f} s")


def _fill(checkpoint: Path, numbers: range) -> None:
    ledger = Ledger(checkpoint)
    try:
        for start in range(numbers.start, numbers.stop, 2000):
            ledger.write(map(_make_entry, range(start, min(start + 2000, numbers.stop))), {})
    finally:
        ledger.close()


def _make_entry(number: int) -> Entry:
    name = f"row-{number}"
    record = json.dumps({"output": name, "attempts": 1, "seconds": 0.0, "usage": {}}).encode()
    return Entry(digest(name.encode()), None, number, 1, json.dumps(name).encode(), f"in.jsonl:{number}", None, record)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


ROWS: list[Callable[[Effort], Any]] = [*load.ROWS, memory, resuming]

if __name__ == "__main__":
    from bench.__main__ import each_row
    from bench.report import show

    effort = Effort(repeats=1, size=0.01, quick=True) if "--quick" in sys.argv else Effort(repeats=1)
    for measure in ROWS:
        show(list(each_row(measure(effort))), measure.__name__)
