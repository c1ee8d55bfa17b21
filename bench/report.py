"""The table: on the terminal, and as a page of the documentation."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.measure import Row

_PACKAGES = (
    "runlet",
    "langchain-core",
    "langchain-openai",
    "langchain-anthropic",
    "openai",
    "anthropic",
    "pydantic",
    "pydantic_core",
    "jiter",
    "partial-json-parser",
    "httpx2",
)

_HEADS = ("what", "ours", "peer", "ratio: median (min–max)", "target", "met?")

Themes = Mapping[str, Sequence[Row]]


def cells(row: Row) -> tuple[str, ...]:
    met = {True: "yes", False: "**no**", None: ""}[row.met]
    return row.what, row.ours, row.peer, row.spread, str(row.goal), met


def show(rows: Sequence[Row], theme: str) -> None:
    """Print one theme's table; with colours where ``rich`` is there."""
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        for row in rows:
            print(theme, *cells(row), row.note, sep=" | ")
        return
    table = Table(title=theme, title_justify="left")
    for head in _HEADS:
        table.add_column(head)
    for row in rows:
        style = {True: "green", False: "bold red", None: ""}[row.met]
        table.add_row(*(cell.replace("**", "").replace("`", "") for cell in cells(row)), style=style)
    Console(width=None if sys.stdout.isatty() else 180).print(table)


def machine() -> str:
    """What the figures were taken on."""
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"


def versions() -> str:
    """The versions of what was measured."""
    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} not installed")
    return ", ".join(found)


def page(themes: Themes, command: str, minutes: float) -> str:
    """The page of the documentation."""
    lines = [
        "# Benchmarks",
        "",
        f"Written by `{command}` (one run of {minutes:.0f} minutes), which measures everything on this page anew.",
        "",
        f"- Machine: {machine()}.",
        f"- Versions: {versions()}.",
        "- Samples of both sides are taken in turn (A B A B …) in the same process, after a warm-up round, with a",
        "  garbage collection before each. Figures are processor time, or wall time where threads take part (batches).",
        "- A ratio with `×` says how many times less time Runlet takes; one without is Runlet's share of the other's",
        "  time, or a figure of its own where the row says so. Median, lowest and highest of the pairs.",
        "- *SDK* is the vendor's official package, iterating the same stream of the same local server; the server runs",
        "  in a process of its own and sends 64 events in one write.",
        "",
        "![How many times as fast, row by row](benchmarks.svg)",
    ]
    for theme, rows in themes.items():
        lines += ["", f"## {theme}", "", f"| {' | '.join(_HEADS)} |", "|---|---:|---:|---:|---:|---|"]
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in cells(row)) + " |" for row in rows]
        lines += ["", *(f"- {row.what}: {row.note}." for row in rows if row.note)]
    text = "\n".join(lines).rstrip() + "\n"
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text


def write(themes: Themes, command: str, minutes: float, folder: Path) -> None:
    """Write the page and its picture into ``folder``."""
    from bench.chart import draw

    folder.mkdir(exist_ok=True)
    (folder / "benchmarks.md").write_text(page(themes, command, minutes))
    (folder / "benchmarks.svg").write_text(draw(themes))
