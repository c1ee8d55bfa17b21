"""The benchmarks run, and say what they found."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bench.chart import draw, is_comparison
from bench.measure import SHOWN, SHOWN_SHARE, Effort, Row, at_least, at_most, duration, figure
from bench.report import page, show, write
from bench.results import Results
from bench.words import CHINESE, LANGUAGES, Words

from bench import __main__ as command
from bench import agents, bulk, calls, events, imports, kernel, memory, parsing, retrieval, serve, stores, wire

TINY = Effort(repeats=1, size=0.002, quick=True)


@pytest.fixture(autouse=True)
def no_collections(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures do not matter here, and a collection of all that the peers have loaded takes half a second."""
    monkeypatch.setattr("gc.collect", lambda: 0)


def get_function_name(measure: Any) -> str:
    return f"{measure.__module__}-{measure.__name__}"


# Names of code and of packages, and what programmers in China call so too.
_NAMES = re.compile(
    r"`[^`]*`|langchain-\w+|pydantic(?:_core)?\S*|\w+\.(?:from_json|loads)|(?:openai|anthropic) SDK"
    r"|bare (?:faiss|aiohttp)|\b(?:a?stream|a?invoke|a?batch(?:_as_completed)?|bulk|astream_\w+|v[12]|tokens?)\b"
    r"|\b(?:recall|faiss|aiohttp|asyncio|agents)\b|\b_a?stream\b"
    r"|\b(?:messages|runnables|prompts|output_parsers|[kmnµ]?s)\b"
    r"|\b[A-Z]\w*"
)


def not_said_in_chinese(row: Row) -> list[str]:
    """The texts of a row for which bench/words.py has no phrase, or not a whole one."""
    said = map(CHINESE.say, (row.what, row.ours, row.peer, row.note))
    return [text for text in said if re.search(r"[a-z]{2,}", _NAMES.sub("", text))]


@pytest.mark.filterwarnings("ignore")  # what the peers warn of, and leave open
@pytest.mark.parametrize(
    "measure",
    [
        *kernel.ROWS,
        *agents.ROWS,
        *events.ROWS,
        *parsing.ROWS,
        *retrieval.ROWS,
        *memory.ROWS,
        *imports.ROWS,
        *calls.ROWS,
        *bulk.ROWS,
        *serve.ROWS,
        *stores.ROWS,
        wire.openai,
        wire.anthropic,
    ],
    ids=get_function_name,
)
def test_every_row_measures_something(measure: Any) -> None:
    for row in command.each_row(measure(TINY)):
        assert row.what
        assert row.ours
        assert row.ratios
        assert all(ratio >= 0 for ratio in row.ratios)
        assert not_said_in_chinese(row) == []


FASTER = Row("a chain", "1 µs / token", "20 µs", (18.0, 20.0, 25.0), at_least(10))
SHARE = Row("a model | over HTTP", "8 µs / chunk", "20 µs (openai SDK)", (0.4, 0.3), at_most(0.25), "slow today")
ALONE = Row("memory", "0.10 MB", "–", (0.1,), at_most(1))


def test_a_row_says_whether_its_target_is_met() -> None:
    assert (FASTER.met, SHARE.met, ALONE.met) == (True, False, True)
    assert Row("shown", "1", "2", (2.0,), SHOWN).met is None
    assert Row("shown", "16 of 24", "–", (0.67,), SHOWN_SHARE).met is None


def test_a_share_is_drawn_as_how_many_times_faster() -> None:
    assert Row("half", "1", "2", (0.5,), at_most(1)).faster == 2


def test_a_ratio_shows_median_lowest_and_highest() -> None:
    assert FASTER.spread == "20.0× (18.0–25.0)"
    assert ALONE.spread == "0.10"
    assert Row("recall", "16 of 24", "–", (2 / 3,), SHOWN_SHARE).spread == "0.67"


@pytest.mark.parametrize(
    ("seconds", "text"), [(2e-8, "20 ns"), (1.5e-6, "1.5 µs"), (0.25, "250 ms"), (3.0, "3 s"), (90, "90 s")]
)
def test_a_duration_is_in_the_unit_that_suits_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_large_figure_has_no_places() -> None:
    assert [figure(1234.5), figure(12.34), figure(1.234)] == ["1,234", "12.3", "1.23"]


MEASURED = Results({"Chains": [FASTER], "Over HTTP": [SHARE]}, "make bench", 2, "2 cores, arm, Linux, Python 3", "a 1")


def test_the_page_has_each_row_and_its_note() -> None:
    text = page(MEASURED)
    assert "| a chain | 1 µs / token | 20 µs | 20.0× (18.0–25.0) | ≥ 10× | yes |" in text
    assert "a model \\| over HTTP" in text
    assert "**no**" in text
    assert "slow today." in text


def test_a_bar_in_a_cell_is_seen_as_one_in_code_and_outside_of_it() -> None:
    row = Row("`prompt | model`, then a | b", "1 µs", "2 µs", (2.0,))
    assert "| <code>prompt &#124; model</code>, then a \\| b |" in page(replace(MEASURED, themes={"Chains": [row]}))


def test_the_chinese_page_has_the_same_figures() -> None:
    text = page(MEASURED, CHINESE)
    assert "## 链" in text
    assert "20.0× (18.0–25.0) | ≥ 10× | 是 |" in text
    assert "2 个核心" in text
    assert "slow today。" in text


def test_what_was_measured_is_kept_and_read_again(tmp_path: Path) -> None:
    write(MEASURED, tmp_path)
    assert Results.load(tmp_path) == MEASURED
    names = ["benchmarks.json", "benchmarks.md", "benchmarks.svg", "benchmarks.zh.md", "benchmarks.zh.svg"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


DOCS = Path(command.__file__).parent.parent / "docs"


@pytest.mark.parametrize("words", LANGUAGES, ids=lambda words: words.title)
def test_the_pages_show_what_was_measured_last(words: Words) -> None:
    measured = Results.load(DOCS)
    stale = "the page is out of date: python -m bench --pages"
    assert (DOCS / f"benchmarks{words.suffix}.md").read_text("utf8") == page(measured, words), stale
    assert (DOCS / f"benchmarks{words.suffix}.svg").read_text("utf8") == draw(measured.themes, words), stale


def test_each_row_is_said_in_chinese() -> None:
    themes = Results.load(DOCS).themes
    assert [text for rows in themes.values() for row in rows for text in not_said_in_chinese(row)] == []
    assert all(CHINESE.theme(theme) != theme for theme in command.THEMES.values())


def test_the_terminal_shows_each_row(capsys: pytest.CaptureFixture[str]) -> None:
    show([FASTER, ALONE], "Chains")
    shown = capsys.readouterr().out
    assert "a chain" in shown
    assert "memory" in shown


def test_the_picture_is_whole_xml_with_a_bar_for_each_comparison() -> None:
    drawn = ET.fromstring(draw({"Chains": [FASTER], "Over HTTP": [SHARE], "Memory": [ALONE]}))
    texts = [each.text for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert "a chain" in texts
    assert "memory" not in texts
    assert not is_comparison(ALONE)


def test_a_look_at_one_theme_leaves_the_page_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    monkeypatch.setattr(command, "DOCS", tmp_path)
    monkeypatch.setattr(command, "QUICK", TINY)
    monkeypatch.setattr("sys.argv", ["bench", "memory", "--quick"])
    command.main()
    assert "memory, stream" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_theme_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "kernal"])
    with pytest.raises(SystemExit):
        command.main()
    assert "no theme kernal" in capsys.readouterr().err
