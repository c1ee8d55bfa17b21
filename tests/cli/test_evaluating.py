"""``prill evaluate`` scores a chain of a module, and ``prill traces`` serves what was recorded."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from prill.cli.commands import app

MODULE = """
from prill.runnables import RunnableLambda
chain = RunnableLambda(lambda text: text.upper())
def long_enough(output, expected, input):
    return len(output) > 1
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "evaluated_by_the_test", raising=False)
    Path("evaluated_by_the_test.py").write_text(MODULE, "utf8")
    rows = [{"input": "a", "expected": "A"}, {"input": "bc", "expected": "x"}]
    Path("in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf8")


def run(*args: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(args))
    return result.exit_code, result.stdout, result.stderr


def test_a_chain_is_scored_saved_and_compared() -> None:
    given = ["evaluate", "evaluated_by_the_test:chain", "in.jsonl", "--save", "a.json"]
    code, printed, _ = run(*given, "-s", "exact", "-s", "evaluated_by_the_test:long_enough")
    assert code == 0
    assert re.search(r"exact_match +0\.500", printed)
    assert re.search(r"long_enough +0\.500", printed)
    code, printed, _ = run(*given[:3], "--compare", "a.json", "--html", "changes.html", "--lang", "zh")
    assert code == 0
    assert "0 rows better, 0 worse" in printed
    assert '<html lang="zh-CN">' in Path("changes.html").read_text("utf8")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["evaluate", "evaluated_by_the_test:chain", "in.jsonl", "-s", "nice"], "unknown scorer 'nice'"),
        (["evaluate", "evaluated_by_the_test:chain", "in.jsonl", "--html", "a.html"], "--compare"),
        (["traces", "none.db"], "there is no file 'none.db'"),
    ],
)
def test_what_cannot_be_used_is_one_message(args: list[str], words: str) -> None:
    code, _, errors = run(*args)
    assert code == 1
    assert words in errors
