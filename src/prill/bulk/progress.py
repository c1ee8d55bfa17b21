"""How far a run is, while it goes on: a line in the terminal that is kept up to date, or plain lines, or a callback."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from prill.bulk.report import Report

_EVERY = 10.0
"""Seconds between two plain lines."""


class Progress:
    """Shows a report; ``wanted`` is that of ``Options``."""

    def __init__(self, wanted: bool | Callable[[Any], object], report: Report) -> None:
        self._report = report
        self._callback = wanted if callable(wanted) else None
        self._live: Any = None
        self._plain = False
        self._shown = float("-inf")
        if wanted is True:
            self._plain = not sys.stderr.isatty() or not self._start_live()

    def _start_live(self) -> bool:
        try:
            console, live = import_module("rich.console"), import_module("rich.live")
        except ImportError:
            return False
        self._live = live.Live(console=console.Console(stderr=True), auto_refresh=False, transient=True)
        self._live.start()
        return True

    def show(self) -> None:
        """Show how far it is now."""
        if self._callback is not None:
            self._callback(self._report)
        if self._live is not None:
            self._live.update(describe(self._report), refresh=True)
        now = time.monotonic()
        if self._plain and now - self._shown >= _EVERY:
            self._shown = now
            print(describe(self._report), file=sys.stderr, flush=True)

    def close(self) -> None:
        """Show the end."""
        self._shown = float("-inf")
        self.show()
        if self._live is not None:
            self._live.stop()
            self._live = None
            print(describe(self._report), file=sys.stderr, flush=True)


def describe(report: Report) -> str:
    """A report in one line."""
    of = f"/{report.total}" if report.total is not None else ""
    parts = [f"{report.ended}{of} rows"]
    if report.failed:
        parts.append(f"{report.failed} failed")
    if report.skipped:
        parts.append(f"{report.skipped} skipped")
    parts.append(f"{report.rows_per_second:.1f} rows/s")
    left = report.seconds_left
    if left is not None and report.stopped is None:
        parts.append(f"{_spell_seconds(left)} left")
    if report.rate_limited:
        parts.append(f"{report.rate_limited} × 429")
    read, written = report.tokens
    parts.append(f"{read} + {written} tokens")
    if report.cost is not None:
        parts.append(f"cost {report.cost:.4f}")
    return " · ".join(parts)


def _spell_seconds(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
