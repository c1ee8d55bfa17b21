"""What is said in one language is said in the other: as many tables and rows, the same names of code."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [page for page in sorted(DOCS.glob("*.md")) if page.with_suffix(".zh.md").exists()]


def sections(page: Path) -> list[str]:
    """The text of each section, the one before the first heading too; without blocks of code."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.split(r"^#+ .*$", text, flags=re.MULTILINE)


def rows(section: str) -> int:
    """How many lines of tables a section has."""
    return len(re.findall(r"^\|", section, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_table_has_as_many_rows_in_both_languages(page: Path) -> None:
    english, chinese = (list(map(rows, sections(each))) for each in (page, page.with_suffix(".zh.md")))
    assert english == chinese, "rows of the tables, section by section"


def test_each_difference_names_the_same_code_in_both_languages() -> None:
    english, chinese = (
        re.findall(r"^\| (.*) \|$", (DOCS / name).read_text(encoding="utf-8"), re.MULTILINE)
        for name in ("differences.md", "differences.zh.md")
    )
    pairs = [
        (ours, theirs)
        for ours, theirs in zip(english, chinese, strict=True)
        if set(re.findall(r"`[^`]+`", ours)) != set(re.findall(r"`[^`]+`", theirs))
    ]
    assert pairs == []


@pytest.mark.parametrize("page", ["porting.md", "porting.zh.md"])
def test_the_modules_that_porting_names_are_there(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    listed = re.search(r"`((?:\w+ ){15,}\w+)`", text)
    assert listed is not None
    assert [name for name in listed[1].split() if find_spec(f"prill.{name}") is None] == []
    for module, names in re.findall(r"`prill\.(\w+)`[:：] ?`((?:[A-Z]\w+ ?)+)`", text):
        assert all(hasattr(import_module(f"prill.{module}"), name) for name in names.split())
