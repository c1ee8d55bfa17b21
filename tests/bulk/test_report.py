"""The report counts right, is shown while the run goes on, and is a page that needs no network."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.bulk.jobs import make_chain, question, rows
from tests.helpers import require

from prill import bulk
from prill.bulk.page import make_page
from prill.bulk.progress import Progress, describe
from prill.bulk.report import ErrorGroup, Report, Sample
from prill.errors import BulkError
from prill.runnables import RunnableLambda
from prill.testing import Faults, ReplayServer, Reply

pytestmark = pytest.mark.usefixtures("folder")


def report_of_a_long_run() -> Report:
    report = Report(total=2000, checkpoint="run", prices={"small": (1.0, 2.0)})
    report.done, report.failed, report.resumed, report.asked, report.rate_limited = 1480, 20, 100, 1500, 12
    report.seconds, report.in_flight = 90.0, 50
    report.samples = [Sample(at / 2, at * 8, at // 10, at // 20) for at in range(181)]
    report.latencies = {0.01 * 1.25**power: power * (40 - power) for power in range(10, 40)}
    report.errors = {"ValueError": ErrorGroup("ValueError", 20, "a <b>bad</b> value", "in.jsonl:7")}
    report.add_usage({"small": {"input_tokens": 1_000_000, "output_tokens": 500_000, "total_tokens": 1_500_000}})
    return report


def test_the_four_counts_add_up_to_the_rows_that_were_read(server: ReplayServer) -> None:
    server.replies(lambda request: Reply(faults=Faults(status=400)) if question(request).endswith("3") else None)
    chain = make_chain(server.openai_url)
    report = bulk.run(chain, rows(20), None, key="id", sample=15)
    assert (report.skipped, report.rows) == (5, 20)
    assert report.done + report.failed + report.skipped + report.not_started == 20
    options: Any = {"prices": {"small": (1e6, 1e6)}, "budget": 20.0, "max_concurrency": 2}
    stopped = bulk.run(chain, rows(20), None, key="id", **options)
    assert stopped.stopped
    assert stopped.done + stopped.failed + stopped.not_started == stopped.rows


def test_a_line_of_progress_says_how_far_how_fast_and_how_long() -> None:
    line = describe(report_of_a_long_run())
    assert line == (
        "1500/2000 rows · 20 failed · 15.6 rows/s · 32 s left · 12 × 429 · 1000000 + 500000 tokens · cost 2.0000"
    )


def test_the_time_left_is_known_from_the_part_of_files_that_was_read() -> None:
    report = Report(done=100, seconds=10.0, fraction=0.25)
    assert report.seconds_left == pytest.approx(30.0)
    assert Report(done=100, seconds=10.0).seconds_left is None
    assert Report().seconds_left is None


def test_progress_is_plain_lines_where_the_output_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(True, report_of_a_long_run())
    for _ in range(5):
        progress.show()
    progress.close()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("1500/2000 rows") for line in lines)


def test_progress_in_a_terminal_is_one_line_that_changes() -> None:
    require("/proc")
    code = "from prill import bulk\nfrom prill.runnables import RunnableLambda\nimport asyncio\n"
    code += "async def f(x):\n    await asyncio.sleep(0.3)\n    return x\n"
    code += "bulk.run(RunnableLambda(f), range(6), None, max_concurrency=2, progress=True)\n"
    main, other = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", code], stderr=other, stdin=other)
    process.wait(60)
    os.close(other)
    text = os.read(main, 100_000).decode()
    os.close(main)
    assert process.returncode == 0
    assert "\x1b[" in text
    assert re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", text).rstrip().splitlines()[-1].startswith("6/6 rows")


def test_a_page_has_all_of_it_and_loads_nothing() -> None:
    page = make_page(report_of_a_long_run())
    assert not re.search(r"https?://|<script|<link|@import|url\(", page)
    for text in (
        "1,500 rows in 90.0 s",
        "1,480",
        "a &lt;b&gt;bad&lt;/b&gt; value",
        "in.jsonl:7",
        "1,000,000",
        "polyline",
    ):
        assert text in page


@pytest.mark.parametrize(
    "report", [Report(), Report(stopped="interrupted"), Report(done=1, samples=[Sample(0, 0, 0, 0)])]
)
def test_a_page_of_a_short_run_is_a_page_too(report: Report) -> None:
    assert "</html>" in make_page(report)


def test_the_page_is_written_at_the_end_also_of_a_run_that_was_stopped(server: ReplayServer) -> None:
    server.replies(lambda request: Reply(faults=Faults(status=401)))
    with pytest.raises(BulkError):
        bulk.run(make_chain(server.openai_url), rows(3), None, key="id", html="report.html")
    assert "would happen to every row" in Path("report.html").read_text("utf8")


def test_a_page_that_cannot_be_written_is_an_error_that_names_it() -> None:
    with pytest.raises(BulkError, match=r"the page 'no/report.html' cannot be written"):
        bulk.run(RunnableLambda(str), [1], None, html="no/report.html")


def test_the_page_is_shown_by_a_browser(folder: Path) -> None:
    require("chromium")
    Path("report.html").write_text(make_page(report_of_a_long_run()), "utf8")
    options = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    command = ["chromium", *options.split(), "--dump-dom", (folder / "report.html").as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    assert shown.count("<polyline") == 3
    assert shown.count("<rect") == 30


def test_figures_are_given_as_json() -> None:
    figures = json.loads(json.dumps(report_of_a_long_run().as_dict()))
    assert figures["done"] == 1480
    assert figures["errors"] == {"ValueError": 20}
    assert figures["cost"] == 2.0


def test_a_report_in_words_names_its_errors_and_why_it_stopped() -> None:
    report = report_of_a_long_run()
    report.stopped = "the budget is spent"
    text = str(report)
    assert "20 × ValueError, first at in.jsonl:7: a <b>bad</b> value" in text
    assert "1480 done, 20 failed (100 of them before this run)" in text
    assert text.endswith("stopped: the budget is spent")


def test_a_curve_of_a_long_run_stays_short() -> None:
    report = Report()
    for _ in range(5000):
        report.started -= 1.0
        report.tick()
    assert 100 < len(report.samples) <= 481


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("a\nb", "a"),
        ("not a valid list:\n  items.0: it is not a number\n  in the chain: x", "items.0: it is not"),
    ],
)
def test_a_report_in_words_has_the_reason_of_an_error_whatever_its_lines(text: str, shown: str) -> None:
    report = Report(failed=1, errors={"ValueError": ErrorGroup("ValueError", 1, text, "row 3")})
    last = str(report).splitlines()[-1]
    assert last.startswith("1 × ValueError, first at row 3: ")
    assert shown in last
    assert "in the chain" not in last
