"""The table: on the terminal, and as a page of the documentation."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Sequence
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.measure import Row
from bench.results import Results
from bench.words import ENGLISH, LANGUAGES, Words

_PACKAGES = (
    "prill",
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


def cells(row: Row, words: Words = ENGLISH) -> tuple[str, ...]:
    said = tuple(map(words.say, (row.what, row.ours, row.peer)))
    return *said, row.spread, str(row.goal), words.met[row.met]


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
    for head in ENGLISH.heads:
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


def page(results: Results, words: Words = ENGLISH) -> str:
    """The page of the documentation, in one language."""
    about = words.about.format(
        command=results.command,
        minutes=results.minutes,
        machine=words.say(results.machine),
        versions=results.versions,
    )
    lines = [f"# {words.title}", "", about, "", f"![{words.alt}](benchmarks{words.suffix}.svg)"]
    for theme, rows in results.themes.items():
        lines += ["", f"## {words.theme(theme)}", "", f"| {' | '.join(words.heads)} |", "|---|---:|---:|---:|---:|---|"]
        lines += ["| " + " | ".join(map(_escaped, cells(row, words))) + " |" for row in rows]
        notes = [words.note.format(what=words.say(row.what), note=words.say(row.note)) for row in rows if row.note]
        lines += ["", *notes]
    text = "\n".join(lines).rstrip() + "\n"
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text


def _escaped(cell: str) -> str:
    """A cell whose bars are no ends of it. In code, a backslash before one would be seen on some pages."""
    cell = re.sub(r"`([^`]*\|[^`]*)`", lambda code: f"<code>{escape(code[1]).replace('|', '&#124;')}</code>", cell)
    return cell.replace("|", "\\|")


def write(results: Results, folder: Path) -> None:
    """Write what was measured, and the page and its picture in each language, into ``folder``."""
    folder.mkdir(exist_ok=True)
    results.save(folder)
    write_pages(results, folder)


def write_pages(results: Results, folder: Path) -> None:
    """Write the pages and pictures alone."""
    from bench.chart import draw

    for words in LANGUAGES:
        (folder / f"benchmarks{words.suffix}.md").write_text(page(results, words), encoding="utf-8")
        (folder / f"benchmarks{words.suffix}.svg").write_text(draw(results.themes, words), encoding="utf-8")
