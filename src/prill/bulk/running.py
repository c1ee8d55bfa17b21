"""Run a chain over very many rows, so that none is lost, written twice or paid for twice."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic_core import from_json
from typing_extensions import Unpack

from prill.bulk.driver import Driver, Emit
from prill.bulk.engines.base import Engine, Job
from prill.bulk.engines.batches import BatchEngine
from prill.bulk.engines.dask import DaskEngine
from prill.bulk.engines.local import LocalEngine
from prill.bulk.engines.ray import RayEngine
from prill.bulk.estimate import estimate
from prill.bulk.feed import Feed
from prill.bulk.fingerprint import describe_chain, find_changes
from prill.bulk.ledger import Entry, Ledger
from prill.bulk.limits import Limits
from prill.bulk.page import write_page
from prill.bulk.progress import Progress
from prill.bulk.rates import Leases, LocalLimiter
from prill.bulk.report import Report
from prill.bulk.settings import Options, Settings, read_options
from prill.bulk.sinks import Columns, Sink, check_sink, write_sink
from prill.bulk.sources import Source, open_source
from prill.errors import BulkError, ConfigError
from prill.io import closing, get_asyncio_mode
from prill.io.main_loop import run_in_new_loop
from prill.runnables.base import Runnable, coerce_to_runnable


def run(chain: Any, source: Any, sink: Sink = None, **options: Unpack[Options]) -> Report:
    """Run a chain on every row of a source, and write the outcomes to a sink.

        report = bulk.run(chain, "reviews.jsonl", "labels.jsonl", key="id", checkpoint="run/")

    Each row ends once in the output, with its output or its error, whatever happens on the way: after a crash or
    Ctrl-C the same call goes on where it was. The first Ctrl-C waits for what is in flight, the second does not.

    Args:
        chain: a Runnable, or what can be a step of one.
        source: rows: an iterable (also async), the path of a JSON Lines, CSV or Parquet file (``.gz`` too), a
            pattern of such paths, or a folder, of which a file that is not a table is a row; or a loader of documents,
            whose columns are ``page_content`` and the metadata, and whose broken files are rows that failed.
        sink: where outcomes go: a path that ends in ``.jsonl``, ``.jsonl.gz``, ``.csv``, ``.parquet`` or ``.sqlite``,
            a function that is called with each row, or ``None``.
        options: see ``Options``.

    Returns:
        What was done.

    Raises:
        ConfigError: an option, the source or the sink cannot be used; the checkpoint is another chain's or in use; or
            two rows have the same key.
        BulkError: the run was stopped, because every row would have failed, too many did, or the disk is full.
        KeyboardInterrupt: Ctrl-C was pressed.
    """
    job = _Run(chain, source, sink, read_options(options))
    report = run_in_new_loop(job.run, job.interrupt)
    if job.interrupted:
        raise KeyboardInterrupt
    return report


async def arun(chain: Any, source: Any, sink: Sink = None, **options: Unpack[Options]) -> Report:
    """Do what ``run`` does in the event loop that runs. Being cancelled is the second Ctrl-C."""
    return await _Run(chain, source, sink, read_options(options)).run()


async def stream(chain: Any, source: Any, **options: Unpack[Options]) -> AsyncGenerator[tuple[Any, Result], None]:
    """Yield ``(key, result)`` for each row as it is done; leaving the iteration cancels what is in flight.

    Rows that were done in an earlier run of the checkpoint are not given again.
    """
    job = _Run(chain, source, None, read_options(options))

    async def work(emit: Any) -> None:
        job.emit = lambda row, entry: emit((row.key, _make_result(entry)))
        await job.run()

    async with closing(get_asyncio_mode().background(work, 2)) as results:
        async for pair in results:
            yield pair


def export(checkpoint: str | os.PathLike[str], sink: Sink, *, order: str | None = None) -> int:
    """Write the outcomes that a checkpoint has so far to a sink, also while the run goes on; returns their number."""
    check_sink(sink)
    with _closing(Ledger(checkpoint, read_only=True)) as ledger:
        ledger.freeze()
        _write(ledger, sink, order)
        return sum(ledger.count())


@dataclass(frozen=True)
class Result:
    """What became of a row: its ``output``, as JSON holds it, or its ``error``."""

    output: Any = None
    error: str | None = None
    error_type: str | None = None
    attempts: int = 0
    seconds: float = 0.0
    usage: Any = None


def _make_result(entry: Entry) -> Result:
    return Result(**from_json(entry.record))


@contextmanager
def _closing(ledger: Ledger) -> Iterator[Ledger]:
    try:
        yield ledger
    finally:
        ledger.close()


def _write(ledger: Ledger, sink: Sink, order: str | None) -> None:
    layout = ledger.get_meta("layout") or {}
    columns = Columns(layout.get("key"), layout.get("keep") or (), layout.get("prices"))
    write_sink(sink, lambda: map(columns.flatten, ledger.entries(in_order=order == "input")))


class _Run:
    """One run, from its checks to its output."""

    def __init__(self, chain: Any, source: Any, sink: Sink, settings: Settings) -> None:
        self._chain: Runnable[Any, Any] = coerce_to_runnable(chain)
        self._settings = settings
        self._sink = sink
        check_sink(sink)
        self._source: Source = open_source(source)
        self._driver: Driver | None = None
        self.interrupted = False
        self.emit: Emit | None = None

    def interrupt(self) -> bool:
        """Stop: at first in order, then at once; whether it is in order."""
        first, self.interrupted = not self.interrupted, True
        if not first or self._driver is None:
            return False
        grace = self._settings.grace
        self._driver.stop("interrupted", grace)
        print(f"Waiting up to {grace:g} s for the rows in flight; Ctrl-C again stops at once.", file=sys.stderr)
        return True

    async def run(self) -> Report:
        return await (self._estimate() if self._settings.dry_run else self._run())

    async def _estimate(self) -> Report:
        """Ask nothing. Rows that the checkpoint has are left out."""
        checkpoint, _ = self._find_checkpoint()
        is_new = not (checkpoint / "ledger.db").exists()
        report = Report(prices=self._settings.prices)
        folder = Path(tempfile.mkdtemp(prefix="prill-bulk-")) if is_new else checkpoint
        try:
            with _closing(Ledger(folder)) as ledger:
                report.add_usage(ledger.get_meta("usage") or {})
                feed = Feed(self._source, ledger, self._settings, report)
                report.estimate = await estimate(self._chain, feed, self._settings, report)
                await feed.aclose()
                report.not_started = report.estimate.rows
        finally:
            if is_new:
                shutil.rmtree(folder, ignore_errors=True)
        return report

    async def _run(self) -> Report:
        checkpoint, is_own = self._find_checkpoint()
        report = Report(checkpoint=None if is_own else str(checkpoint), prices=self._settings.prices)
        try:
            with _closing(Ledger(checkpoint)) as ledger:
                self._check_chain(ledger)
                try:
                    await self._ask(ledger, report)
                finally:
                    self._finish(ledger, report)
        except BulkError as error:
            error.report = error.report or report
            raise
        finally:
            if is_own and (self._sink is None or _is_complete(report)):
                shutil.rmtree(checkpoint, ignore_errors=True)
        return report

    def _find_checkpoint(self) -> tuple[Path, bool]:
        """The folder of the ledger, and whether it goes when all is done."""
        if self._settings.checkpoint is not None:
            return Path(self._settings.checkpoint), False
        if isinstance(self._sink, str | os.PathLike):
            path = Path(self._sink)
            return path.with_name(f"{path.name}.run"), True
        return Path(tempfile.mkdtemp(prefix="prill-bulk-")), True

    def _check_chain(self, ledger: Ledger) -> None:
        """Refuse to go on with another chain than that of the checkpoint."""
        now = {**describe_chain(self._chain), "input": _name(self._settings.input), "key": _name(self._settings.key)}
        before = ledger.get_meta("chain")
        changes = find_changes(before, now) if before is not None else []
        if changes and self._settings.on_change == "refuse":
            shown = "\n  ".join(changes[:10])
            raise ConfigError(
                f"the checkpoint {os.fspath(ledger.folder)!r} is of another chain:\n  {shown}\nGive another "
                "checkpoint, or on_change='continue' (ask only the rows that are left), or on_change='restart' (ask "
                "all again)"
            )
        if changes and self._settings.on_change == "restart":
            ledger.clear()
        key = self._settings.key
        layout = {
            "key": key if isinstance(key, str) else None,
            "keep": list(self._settings.keep),
            "prices": self._settings.prices,
        }
        ledger.set_meta({"chain": now, "layout": layout, "version": 1})

    async def _ask(self, ledger: Ledger, report: Report) -> None:
        report.add_usage(ledger.get_meta("usage") or {})
        feed = Feed(self._source, ledger, self._settings, report)
        driver = self._driver = Driver(self._settings, feed, ledger, report, self.emit)
        progress = Progress(self._settings.progress, report)
        driver.on_progress = partial(self._show, progress, report)
        settings = self._settings
        limits = Limits(settings.requests_per_minute, settings.tokens_per_minute, adaptive=settings.adaptive)
        driver.limits = limits
        engine = self._make_engine(limits, ledger)
        driver.leases = None if isinstance(engine, LocalEngine | BatchEngine) else Leases(limits)
        try:
            job = Job(self._chain, settings.attempts, settings.row_timeout, settings.config)
            channels = await engine.start(job, settings.workers)
            await feed.open()
            await driver.run(channels)
        finally:
            await engine.aclose()
            await feed.aclose()
            report.not_started = feed.read - report.ended - report.skipped
            report.in_flight = 0
            report.tick()
            self._show(progress, report)
            progress.close()

    def _show(self, progress: Progress, report: Report) -> None:
        report.total = self._total()
        report.fraction = self._source.fraction()
        progress.show()

    def _total(self) -> int | None:
        total, limit = self._source.total, self._settings.limit
        return total if limit is None or total is None else min(total, limit)

    def _make_engine(self, limits: Limits, ledger: Ledger) -> Engine:
        engine = self._settings.engine
        if engine == "local":
            return LocalEngine(LocalLimiter(limits))
        if engine in ("openai-batch", "anthropic-batch"):
            return BatchEngine(engine.removesuffix("-batch"), ledger)
        if isinstance(engine, str) or not hasattr(engine, "start"):
            kind = _ENGINES.get(engine) if isinstance(engine, str) else None
            if kind is None:
                known = "'local', 'ray', 'dask', 'openai-batch', 'anthropic-batch' or an Engine"
                raise ConfigError(f"engine is {known}, not {engine!r}")
            engine = kind()
        started: Engine = engine
        return started

    def _finish(self, ledger: Ledger, report: Report) -> None:
        """Write what is done to the output, and say how to go on."""
        _write(ledger, self._sink, self._settings.order)
        if self._settings.html is not None:
            write_page(report, self._settings.html)
        if self.interrupted:
            where = f"The same call goes on from the checkpoint {os.fspath(ledger.folder)!r}."
            lost = "Without a checkpoint or an output file it starts from the beginning."
            kept = self._sink is not None or self._settings.checkpoint is not None
            print(f"{report}\n{where if kept else lost}", file=sys.stderr)


_ENGINES: dict[str, Callable[[], Engine]] = {"ray": RayEngine, "dask": DaskEngine}


def _is_complete(report: Report) -> bool:
    return report.stopped is None and not report.not_started


def _name(choose: Any) -> str:
    return repr(choose) if choose is None or isinstance(choose, str) else str(describe_chain(choose))
