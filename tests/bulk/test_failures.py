"""What fails is tried again in one place, recorded, and stops the run where going on is hopeless."""

from __future__ import annotations

from typing import Any

import pytest
from tests.bulk.jobs import asked, by_key, make_chain, question, rows

from prill import bulk
from prill.errors import BulkError
from prill.output_parsers import JsonOutputParser
from prill.runnables import RunnableLambda
from prill.testing import Faults, ReplayServer, Reply

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prill.bulk.caller._pause", lambda attempt, error: 0.0)


def failing(*statuses: int) -> Any:
    """Answers the first requests with these statuses, one after the other."""
    left = list(statuses)
    return lambda request: Reply(faults=Faults(status=left.pop(0))) if left else None


@pytest.mark.parametrize("attempts", [1, 4])
def test_a_row_that_always_fails_is_asked_as_often_as_attempts_say(server: ReplayServer, attempts: int) -> None:
    server.replies(lambda request: Reply(faults=Faults(status=500)))
    chain = make_chain(server.openai_url, max_retries=5).with_retry(stop_after_attempt=3)
    report = bulk.run(chain, rows(2), "out.jsonl", key="id", attempts=attempts)
    assert server.request_count == 2 * attempts
    assert report.asked == 2 * attempts
    assert by_key("out.jsonl")["r1"]["attempts"] == attempts
    assert by_key("out.jsonl")["r1"]["error_type"] == "ModelServerError"


def test_what_may_pass_is_asked_again(server: ReplayServer) -> None:
    server.replies(failing(500, 503, 429))
    report = bulk.run(make_chain(server.openai_url), rows(1), "out.jsonl", key="id")
    assert (report.done, report.asked) == (1, 4)


def test_a_request_that_is_wrong_is_asked_once(server: ReplayServer) -> None:
    server.replies(failing(400))
    bulk.run(make_chain(server.openai_url), rows(1), None, key="id")
    assert server.request_count == 1


def test_a_row_with_more_tokens_than_a_minute_has_is_a_row_error_and_the_run_goes_on(server: ReplayServer) -> None:
    words = "Request too large for small on tokens per min (TPM): Limit 30000, Requested 50000."
    large = Reply(faults=Faults(status=429, error_code="rate_limit_exceeded", error_message=words))
    server.replies(lambda request: large if question(request).endswith("text 1") else None)
    report = bulk.run(make_chain(server.openai_url), rows(40), "out.jsonl", key="id", max_concurrency=1)
    assert (report.done, report.failed, server.request_count) == (39, 1, 40)
    assert report.rate_limited == 0  # others need not wait for it
    line = by_key("out.jsonl")["r1"]
    assert (line["error_type"], line["place"]) == ("ModelRateLimitError", "row 1")
    assert "Request too large" in line["error"]


def test_an_answer_that_is_not_in_form_is_asked_for_again(server: ReplayServer) -> None:
    server.reply("no JSON")
    server.reply('{"label": 1}')
    chain = make_chain(server.openai_url) | JsonOutputParser()
    bulk.run(chain, rows(1), "out.jsonl", key="id")
    assert by_key("out.jsonl")["r0"]["label"] == 1


def test_an_error_of_the_users_code_is_recorded_and_not_tried_again() -> None:
    calls = []

    def divide(row: int) -> float:
        calls.append(row)
        return 1 / row

    report = bulk.run(RunnableLambda(divide), [1, 0, 2], "out.jsonl")
    assert (report.done, report.failed, len(calls)) == (2, 1, 3)
    line = by_key("out.jsonl", "key")[1]
    assert (line["error_type"], line["place"]) == ("ZeroDivisionError", "row 1")


@pytest.mark.parametrize(
    "faults",
    [
        Faults(status=401),
        Faults(status=402),
        Faults(status=403),
        Faults(status=404),
        Faults(status=429, error_code="insufficient_quota"),
        Faults(status=400, error_message="Your credit balance is too low to access the API."),
    ],
    ids=["401", "402", "403", "404", "quota", "credit"],
)
def test_a_hopeless_error_stops_the_run_with_all_saved(server: ReplayServer, faults: Faults) -> None:
    server.replies(lambda request: Reply(faults=faults) if int(question(request).split()[-1]) >= 12 else None)
    chain = make_chain(server.openai_url)
    with pytest.raises(BulkError, match="would happen to every row") as caught:
        bulk.run(chain, rows(24), "out.jsonl", key="id", checkpoint="run", max_concurrency=4)
    assert caught.value.report.done == 12
    assert server.request_count <= 12 + 4
    assert len(by_key("out.jsonl")) == 12
    server.clear()
    assert bulk.run(chain, rows(24), "out.jsonl", key="id", checkpoint="run").done == 24
    assert server.request_count == 12


@pytest.mark.parametrize(("most", "expected"), [(3, 4), (0.5, 100)])
def test_too_many_errors_stop_the_run(most: float, expected: int) -> None:
    async def fail(row: int) -> None:
        raise ValueError("no")

    with pytest.raises(BulkError, match=rf"{expected} of {expected} rows failed \(max_errors\)"):
        bulk.run(RunnableLambda(fail), range(1000), "out.jsonl", max_errors=most, max_concurrency=1)


def test_a_row_that_never_answers_ends_with_its_time_limit(own_server: ReplayServer) -> None:
    server = own_server
    hang = Reply("late", faults=Faults(first_delay=600))
    server.replies(lambda request: hang if question(request).endswith("7") else None)
    chain = make_chain(server.openai_url)
    report = bulk.run(chain, rows(50), "out.jsonl", key="id", row_timeout=3.0, attempts=2)
    assert (report.done, report.failed) == (45, 5)
    line = by_key("out.jsonl")["r17"]
    assert (line["error_type"], line["attempts"]) == ("StreamTimeout", 2)
    assert "row_timeout" in line["error"]
    assert server.wait_closed(10)


def test_a_row_that_is_late_once_is_asked_again(own_server: ReplayServer) -> None:
    own_server.queue(Reply("late", faults=Faults(first_delay=600)))
    report = bulk.run(make_chain(own_server.openai_url), rows(1), "out.jsonl", key="id", row_timeout=3.0)
    assert (report.done, report.asked) == (1, 2)


def test_the_budget_stops_before_more_is_spent_than_for_rows_in_flight(server: ReplayServer) -> None:
    server.replies(lambda request: Reply("x", usage=(1000, 0)))
    options: dict[str, Any] = {"key": "id", "checkpoint": "run", "prices": {"small": (1000.0, 0.0)}}
    report = bulk.run(make_chain(server.openai_url), rows(100), None, budget=20.0, max_concurrency=4, **options)
    assert report.stopped == "the budget is spent"
    assert report.cost is not None
    assert 16 <= report.cost <= 20 + 4
    again = bulk.run(make_chain(server.openai_url), rows(100), None, budget=20.0, **options)
    assert again.cost == pytest.approx(report.cost, abs=4)
    assert bulk.run(make_chain(server.openai_url), rows(100), None, **options).done == 100


def test_a_price_that_is_not_known_is_said_and_never_nothing(server: ReplayServer) -> None:
    chain = make_chain(server.openai_url)
    report = bulk.run(chain, rows(2), None, key="id", prices={"other": (1.0, 1.0)})
    assert report.cost is None
    assert "cost unknown" in str(report)
    with pytest.raises(BulkError, match="no price for small"):
        bulk.run(chain, rows(9), None, key="id", prices={"other": (1.0, 1.0)}, budget=1.0, max_concurrency=1)


def test_tokens_of_attempts_that_failed_are_counted(server: ReplayServer) -> None:
    server.reply("no JSON", usage=(100, 10))
    server.reply("{}", usage=(100, 1))
    report = bulk.run(make_chain(server.openai_url) | JsonOutputParser(), rows(1), None, key="id")
    assert report.tokens == (200, 11)


def test_failed_rows_are_asked_again_only_when_it_is_wanted(server: ReplayServer) -> None:
    server.replies(lambda request: Reply(faults=Faults(status=400)) if question(request).endswith("1") else None)
    chain = make_chain(server.openai_url)
    options: Any = {"key": "id", "checkpoint": "run"}
    bulk.run(chain, rows(5), "out.jsonl", **options)
    server.clear()
    report = bulk.run(chain, rows(5), "out.jsonl", **options)
    assert (report.done, report.failed, report.resumed, server.request_count) == (4, 1, 5, 0)
    report = bulk.run(chain, rows(5), "out.jsonl", retry_errors=True, **options)
    assert (report.done, report.failed, asked(server)) == (5, 0, {"Label text 1": 1})
    assert by_key("out.jsonl")["r1"]["output"] == "Label text 1"
