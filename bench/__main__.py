"""``python -m bench [theme …] [--quick]``; without themes all are measured and docs/benchmarks.md is written.

``--pages`` writes the pages again from what was measured last (docs/benchmarks.json), and measures nothing.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.measure import Effort, Row
from bench.report import machine, show, versions, write, write_pages
from bench.results import Results

THEMES = {
    "kernel": "Chains",
    "events": "Watched streams",
    "recovering": "Recovering",
    "parsing": "Parsing",
    "retrieval": "Retrieval",
    "agents": "Agents",
    "wire": "Over HTTP",
    "calls": "Short calls",
    "bulk": "Many rows",
    "imports": "Importing",
    "memory": "Memory",
    "serve": "Serving",
    "stores": "Stored runs",
}

QUICK = Effort(repeats=2, size=0.3, quick=True)

DOCS = Path(__file__).parent.parent / "docs"


def run_theme(theme: str, effort: Effort) -> list[Row]:
    """Measure one theme; says on standard error what it is busy with."""
    rows: list[Row] = []
    measures: list[Callable[[Effort], Any]] = import_module(f"bench.{theme}").ROWS
    for measure in measures:
        print(f"  {theme}: {measure.__name__} …", file=sys.stderr, flush=True)
        rows += each_row(measure(effort))
    return rows


def each_row(measured: Row | Iterable[Row] | None) -> Iterator[Row]:
    if isinstance(measured, Row):
        yield measured
    elif measured is not None:
        yield from measured


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=str(__doc__).partition("\n")[0])
    parser.add_argument("themes", nargs="*", metavar="theme", help=", ".join(THEMES))
    parser.add_argument("--quick", action="store_true", help="smaller and fewer; for a look, not for the page")
    parser.add_argument("--pages", action="store_true", help="write the pages again, and measure nothing")
    given = parser.parse_args()
    if unknown := set(given.themes) - set(THEMES):
        parser.error(f"no theme {', '.join(unknown)}; the themes are {', '.join(THEMES)}")
    if given.pages:
        write_pages(Results.load(DOCS), DOCS)
        return
    begin = time.monotonic()
    print(f"{machine()}\n{versions()}")
    measured: dict[str, list[Row]] = {}
    for theme in given.themes or THEMES:
        measured[THEMES[theme]] = rows = run_theme(theme, QUICK if given.quick else Effort())
        show(rows, THEMES[theme])
    minutes = (time.monotonic() - begin) / 60
    if given.themes or given.quick:
        print(f"{minutes:.1f} minutes. Only a whole run, without --quick, writes docs/benchmarks.md.")
    else:
        write(Results(measured, "make bench", minutes, machine(), versions()), DOCS)
        print(f"{minutes:.1f} minutes; written to docs/benchmarks.md, its Chinese page, their pictures and their data.")


if __name__ == "__main__":
    main()
