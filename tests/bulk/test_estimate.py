"""A dry run asks nothing, and says what the run would take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.bulk.jobs import make_chain, rows

from prill import bulk
from prill.runnables import RunnableLambda
from prill.testing import ReplayServer

pytestmark = pytest.mark.usefixtures("folder")


def test_a_dry_run_makes_no_request_and_estimates_rows_tokens_cost_and_time(server: ReplayServer) -> None:
    chain = make_chain(server.openai_url, max_tokens=10).with_fallbacks([RunnableLambda(str)])
    options: Any = {"prices": {"small": (1.0, 10.0)}, "requests_per_minute": 60, "tokens_per_minute": 10**6}
    report = bulk.run(chain, rows(500), "out.jsonl", key="id", dry_run=True, **options)
    found = report.estimate
    assert server.request_count == 0
    assert (found.rows, found.output_tokens, found.models, found.seconds) == (500, 5000, ("small",), 500.0)
    assert 2000 < found.input_tokens < 8000
    assert found.cost == pytest.approx((found.input_tokens + 50_000) / 1e6)
    assert str(report).startswith("500 rows to ask, about ")
    assert list(Path().iterdir()) == []


def test_a_dry_run_leaves_out_what_is_done_and_counts_rows_that_cannot_be_asked(server: ReplayServer) -> None:
    chain = make_chain(server.openai_url)
    bulk.run(chain, rows(10), None, key="id", checkpoint="run")
    server.clear()
    report = bulk.run(chain, [*rows(30), {"text": "no id"}], None, key="id", checkpoint="run", dry_run=True)
    assert (report.estimate.rows, report.failed, server.request_count) == (20, 1, 0)
    assert report.estimate.output_tokens == 20 * 3  # as the answers of the rows that are done


def test_what_is_not_known_is_none_and_never_0(server: ReplayServer) -> None:
    report = bulk.run(make_chain(server.openai_url), rows(3), None, key="id", dry_run=True, limit=2)
    assert report.estimate.rows == 2
    assert report.estimate.cost is None
    assert report.estimate.seconds is None
    assert "cost unknown" in str(report)
