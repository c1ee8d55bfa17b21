"""The documents tell the truth: their Python blocks run, print what they say they print, and links lead somewhere.

The blocks of one document are one program. Where a block of ``text`` follows a block of Python, it is what that prints.
"""

from __future__ import annotations

import contextlib
import io
import re
import tomllib
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from prill.chat_models import init_chat_model
from prill.providers.servers import SERVERS
from prill.testing import ReplayServer

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted((ROOT / "docs").glob("*.md"))]
READMES = DOCUMENTS[:2]
ENGLISH = sorted(page for page in (ROOT / "docs").glob("*.md") if not page.name.endswith(".zh.md"))
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$\n?(?:\n?^```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE)
_BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


class Block(NamedTuple):
    code: str
    line: int
    printed: str | None


def blocks(document: Path) -> list[Block]:
    text = document.read_text(encoding="utf-8")
    return [
        Block(match[2], text.count("\n", 0, match.start(2)), match[3])
        for match in _FENCE.finditer(text)
        if match[1] == "python"
    ]


def run(block: Block, document: Path, names: dict[str, Any]) -> str:
    """What the block prints; its lines are where they are in the document, so that a traceback leads there."""
    code = compile("\n" * block.line + block.code, str(document), "exec", dont_inherit=True)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, names)
    return printed.getvalue()


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().splitlines()]


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[ReplayServer]:
    """What answers in place of the vendors, whose keys seem to be there."""
    with ReplayServer() as server:
        for name, url in (("OPENAI", server.openai_url), ("ANTHROPIC", server.anthropic_url)):
            monkeypatch.setenv(f"{name}_API_KEY", "of-nobody")
            monkeypatch.setenv(f"{name}_BASE_URL", url)
        yield server


@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_python_blocks_run_and_print_what_is_said(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": f"document {document.name}"}
    try:
        for block in blocks(document):
            printed = run(block, document, names)
            if block.printed is not None:
                assert lines(printed) == lines(block.printed), f"{document.name}, the block at line {block.line}"
    finally:
        for value in list(names.values()):
            if isinstance(value, ReplayServer):
                value.stop()


def links(document: Path) -> list[str]:
    """Where a document's text leads to inside the project; what looks like a link in a code block is none."""
    text = re.sub(r"^ *```.*?^ *```$", "", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return _LINK.findall(text)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_inside_the_project_lead_somewhere(document: Path) -> None:
    targets = links(document)
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_the_files_that_the_architecture_names_are_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(?:src/)?(?:prill/)?([\w/]+\.py)`", text))
    assert "runnables/base.py" in named
    places = (ROOT / "src" / "prill", ROOT / "src" / "prill" / "testing")
    assert [name for name in sorted(named) if not any((place / name).exists() for place in places)] == []


def first_column(text: str) -> set[str]:
    """The names in code in the first column of tables."""
    rows = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_the_table_of_extras_has_them_all(readme: Path) -> None:
    text = readme.read_text(encoding="utf-8")
    with (ROOT / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    assert first_column(text[: text.index("ask_a_pdf")]) == extras.keys() - {"dev", "docs"}


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_the_table_of_providers_has_them_all(readme: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = readme.read_text(encoding="utf-8")
    named = first_column(text[max(text.find("\n## Providers"), text.find("\n## 供应商")) :])
    assert named == {"openai", "azure_openai", "anthropic", "bedrock_converse", *SERVERS}
    for name in named:
        assert init_chat_model(f"{name}:some-model") is not None


def fences(document: Path) -> list[str]:
    """The kinds of a document's code blocks, in order."""
    opened = re.findall(r"^ *```(\w*)", document.read_text(encoding="utf-8"), re.MULTILINE)
    return opened[::2]


def measure_columns(line: str) -> int:
    """How many columns a line takes; a Chinese letter takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.name)
def test_code_fits_its_column_on_the_page(page: Path) -> None:
    """What is printed (a block of ``text``) may be wider: the page folds it, or it scrolls."""
    code = _BLOCK.findall(page.read_text(encoding="utf-8"))
    wide = [line for kind, block in code if kind != "text" for line in block.splitlines() if measure_columns(line) > 88]
    assert wide == []


@pytest.mark.parametrize("page", ENGLISH, ids=lambda path: path.name)
def test_each_page_is_there_in_both_languages_with_the_same_blocks_and_sections(page: Path) -> None:
    chinese = page.with_suffix(".zh.md")
    assert chinese.exists(), f"docs/{chinese.name} is missing"
    assert fences(page) == fences(chinese)
    sections = [text.read_text(encoding="utf-8").count("\n## ") for text in (page, chinese)]
    assert sections[0] == sections[1]


def test_no_chinese_page_is_without_its_english_one() -> None:
    chinese = {page.name.removesuffix(".zh.md") for page in (ROOT / "docs").glob("*.zh.md")}
    assert chinese <= {page.stem for page in ENGLISH}


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.zh.md")), ids=lambda path: path.name)
def test_chinese_pages_lead_to_chinese_pages(page: Path) -> None:
    targets = {target for target in links(page) if target.endswith(".md")}
    better = {target: f"{target[:-3]}.zh.md" for target in targets if not target.endswith(".zh.md")}
    assert {old: new for old, new in better.items() if (page.parent / new).exists()} == {}


def test_both_readmes_have_the_same_sections() -> None:
    counts = [(len(blocks(readme)), readme.read_text(encoding="utf-8").count("\n## ")) for readme in READMES]
    assert counts[0] == counts[1]
    assert counts[0][0] > 0
