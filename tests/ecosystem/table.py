"""``make ecosystem``: the unit tests of packages that are built on LangChain's core, on that core and on Prill.

Prints a table, and writes it into ``docs/ecosystem.md`` and its Chinese twin with ``--write``. ``--again`` runs the
tests with the real core anew; otherwise what it did the last time counts. Names of packages select some.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from environment import PROJECT, prepare, versions
from packages import PACKAGES
from suites import Outcome, read_suite, run_suite

DOCS = [PROJECT / "docs" / "ecosystem.md", PROJECT / "docs" / "ecosystem.zh.md"]
HEADS = (
    "| Package | Version | Tests that pass natively | of these on Prill | | Seconds, real core | Seconds, Prill |",
    "| 包 | 版本 | 在真正的核心上通过的测试 | 其中在 Prill 上通过 | | 秒，真正的核心 | 秒，Prill |",
)
ALL = ("all", "合计")
START, END = "<!-- table -->", "<!-- end of table -->"


class Row(NamedTuple):
    """A package's outcome."""

    name: str
    native: Outcome
    prill: Outcome

    @property
    def passed(self) -> int:
        return len(self.native.passed & self.prill.passed)


def make_row(number: int, *, again: bool) -> Row:
    package = PACKAGES[number]
    native = (None if again else read_suite(package, "native")) or run_suite(package, "native")
    return Row(package.name, native, run_suite(package, "prill"))


def line_for(row: Row) -> str:
    total = len(row.native.passed)
    share = f"{row.passed / total:.1%}" if total else ""
    cells = [
        row.name,
        versions()[row.name],
        total,
        row.passed,
        share,
        f"{row.native.seconds:.0f}",
        f"{row.prill.seconds:.0f}",
    ]
    return f"| {' | '.join(map(str, cells))} |"


def sum_line(rows: list[Row], word: str) -> str:
    total, passed = sum(len(row.native.passed) for row in rows), sum(row.passed for row in rows)
    seconds = [
        sum(outcome.seconds for outcome in pair) for pair in zip(*((r.native, r.prill) for r in rows), strict=True)
    ]
    share = f"{passed / total:.1%}" if total else ""
    return f"| {word} | | {total} | {passed} | {share} | {seconds[0]:.0f} | {seconds[1]:.0f} |"


def write(page: Path, head: str, rows: list[Row], word: str) -> None:
    """Put the table between the marks of a page."""
    text = page.read_text("utf8")
    table = [head, "|---|---|--:|--:|--:|--:|--:|", *map(line_for, rows), sum_line(rows, word)]
    before, _, rest = text.partition(START)
    page.write_text(f"{before}{START}\n\n" + "\n".join(table) + f"\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def main(arguments: list[str]) -> None:
    names = [each for each in arguments if not each.startswith("--")]
    chosen = [index for index, package in enumerate(PACKAGES) if not names or package.name in names]
    rows: list[Row] = []
    if "--show" not in arguments:
        prepare()
    print(HEADS[0])
    for index in chosen:
        if "--show" in arguments:  # what the last runs did
            outcomes = [read_suite(PACKAGES[index], core) for core in ("native", "prill")]
            if None in outcomes:
                continue
            rows.append(Row(PACKAGES[index].name, *outcomes))
        else:
            rows.append(make_row(index, again="--again" in arguments))
        print(line_for(rows[-1]), flush=True)
    print(sum_line(rows, ALL[0]))
    for row in rows:
        for test in sorted(row.native.passed - row.prill.passed):
            reason = row.prill.failed.get(test, "not run").partition("\n")[0]
            print(f"{row.name}: {test}: {reason:.160}")
    if "--write" in arguments:
        for page, head, word in zip(DOCS, HEADS, ALL, strict=True):
            write(page, head, rows, word)


if __name__ == "__main__":
    main(sys.argv[1:])
