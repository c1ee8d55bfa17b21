"""An evaluation scores every row, whatever fails on the way, and says what it took."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from prill.embeddings import DeterministicFakeEmbedding
from prill.errors import ConfigError
from prill.evaluate import (
    Evaluation,
    aevaluate,
    compare,
    embedding_similarity,
    evaluate,
    exact_match,
    json_diff,
    judge,
    preference,
)
from prill.openai import ChatOpenAI
from prill.testing import Faults, ReplayServer, Reply

ROWS = [{"input": str(number), "expected": str(number * 2)} for number in range(6)]


def double(text: str) -> str:
    if text == "3":
        raise ValueError("three is not liked")
    return "0" if text == "5" else str(int(text) * 2)


def test_each_row_is_scored_and_a_failure_of_the_chain_is_a_row() -> None:
    result = evaluate(double, ROWS, [exact_match], name="double")
    assert [row.output for row in result.rows] == ["0", "2", "4", None, "8", "0"]
    assert (result.rows[3].error_type, result.rows[3].error) == ("ValueError", "three is not liked")
    assert result.failed == 1
    assert result.means == {"exact_match": 4 / 6}
    assert "3: ValueError: three is not liked" in str(result)


def test_the_asyncio_form_does_the_same() -> None:
    result = asyncio.run(aevaluate(double, ROWS, exact_match))
    assert result.means == evaluate(double, ROWS, exact_match).means


def test_scorers_may_be_async_return_dicts_and_fail() -> None:
    async def length(output: str, expected: str, input: str) -> dict[str, Any]:
        return {"score": 0.5, "letters": len(output), "why": {1, 2} and "so"}

    def broken(output: str, expected: str, input: str) -> float:
        return 1 / int(output)

    result = evaluate(double, ROWS[:2], {"length": length, "broken": broken})
    first = result.rows[0].scores
    assert first["length"].value == 0.5
    assert first["length"].details == {"why": "so"}
    assert first["length.letters"].value == 1
    assert first["broken"].error == "ZeroDivisionError: division by zero"
    assert result.means == {"length": 0.5, "broken": 0.5, "length.letters": 1.0}


@pytest.mark.parametrize(
    ("scorers", "words"),
    [([1], "a scorer is a function"), ([exact_match, exact_match], "two scorers are named 'exact_match'")],
)
def test_what_is_not_a_scorer_is_refused_before_anything_is_asked(scorers: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        evaluate(double, ROWS, scorers)


def test_a_wrong_value_of_a_scorer_is_an_error_of_that_score() -> None:
    result = evaluate(double, ROWS[:1], {"words": lambda output, expected, input: "good"})
    assert "return a number" in str(result.rows[0].scores["words"].error)


def test_files_columns_and_keys(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("id,question,answer\na,1,2\nb,2,5\nc\n", "utf8")
    result = evaluate(double, path, exact_match, input="question", expected=lambda row: row["answer"], key="id")
    assert [row.key for row in result.rows] == ["a", "b", 2]
    assert [row.scores["exact_match"].value for row in result.rows[:2]] == [1.0, 0.0]
    assert "1 cells" in str(result.rows[2].error)
    missing = evaluate(double, path, exact_match, limit=1)
    assert "there is no column 'input'" in str(missing.rows[0].error)


def test_json_is_compared_by_field() -> None:
    given = {"name": "Ann", "home": {"city": "Rome", "zip": 1}, "pets": ["cat"]}
    found = json_diff(given, json.dumps({**given, "home": {"city": "Oslo", "zip": 1}, "pets": ["cat", "dog"]}), None)
    assert found["score"] == 3 / 5
    assert (found["name"], found["home"], found["pets"]) == (True, False, False)
    assert found["different"]["home.city"] == {"expected": "Oslo", "output": "Rome"}
    assert json_diff("no JSON", {"a": 1}, None)["score"] == 0


def test_likeness_of_embeddings() -> None:
    like = embedding_similarity(DeterministicFakeEmbedding(size=16))
    result = evaluate(lambda text: text, [{"input": "a", "expected": "a"}, {"input": "a", "expected": "b"}], like)
    first, second = (row.scores["embedding_similarity"].value for row in result.rows)
    assert first == pytest.approx(1)
    assert second is not None
    assert second < 0.9


def answer(request: Any) -> Reply:
    """What a judge says: the answer with more exclamation marks is better; the rating is their number."""
    body = json.loads(request.body)
    text = request.body.decode()
    if "<answer>" in text:
        said: dict[str, Any] = {"reason": "count", "rating": min(5, 1 + text.count("!"))}
    else:
        said = {"reason": "it stands first", "better": "first"}
    (tool,) = body.get("tools") or [None]
    if tool is not None:
        return Reply(tool_calls=[{"name": tool["function"]["name"], "args": said}])
    return Reply([json.dumps(said)])


def test_a_judge_rates_with_a_reason_and_its_tokens_are_counted_apart() -> None:
    with ReplayServer() as server:
        server.replies(answer)
        model = ChatOpenAI(model="small", base_url=server.openai_url, api_key="none")
        rows = [{"input": "x", "expected": "y"}]
        result = evaluate(lambda text: "yes!!", rows, judge(model), prices={"small": (1.0, 1.0)})
    score = result.rows[0].scores["judge"]
    assert (score.value, score.details["reason"]) == (0.5, "count")
    assert result.tokens == (0, 0)
    assert sum(used["total_tokens"] for used in result.scoring_usage.values()) > 0


def test_a_judge_that_prefers_the_first_answer_decides_nothing() -> None:
    with ReplayServer() as server:
        server.replies(answer)
        model = ChatOpenAI(model="small", base_url=server.openai_url, api_key="none")
        result = evaluate(lambda text: "new", [{"input": "x", "expected": "old"}], preference(model))
        assert server.request_count == 2
    assert result.means == {"preference": 0.5, "preference.consistent": 0.0}


def test_tokens_cost_and_an_error_that_every_row_would_meet() -> None:
    with ReplayServer() as server:
        model = ChatOpenAI(model="small", base_url=server.openai_url, api_key="none")
        server.replies(lambda request: Reply(["4"]))
        good = evaluate(model, ROWS[:3], exact_match, prices={"small": (1e6, 1e6)})
        assert good.means["exact_match"] == 1 / 3
        assert good.cost == sum(good.tokens) > 0
        server.replies(lambda request: Reply(faults=Faults(status=401)))
        bad = evaluate(model, ROWS, exact_match, max_concurrency=1)
    assert "401" in str(bad.stopped)
    assert bad.failed == len(ROWS)
    assert all("401" in str(row.error) for row in bad.rows)


def test_a_saved_evaluation_is_the_same_again(tmp_path: Path) -> None:
    result = evaluate(double, ROWS, {"same": exact_match, "json": json_diff})
    result.save(tmp_path / "a.json")
    assert Evaluation.load(tmp_path / "a.json") == result
    (tmp_path / "b.json").write_text("[]", "utf8")
    for name in ("b.json", "c.json"):
        with pytest.raises(ConfigError, match=name):
            Evaluation.load(tmp_path / name)


def test_two_runs_are_compared_row_by_row() -> None:
    before = evaluate(double, ROWS, exact_match, name="old")
    after = evaluate(lambda text: str(int(text) * 2) if text != "1" else "?", ROWS, exact_match, name="new")
    both = compare(before, after)
    assert (both.better, both.worse) == (2, 1)
    assert [pair.key for pair in both.pairs[:3]] == [1, 3, 5]
    assert str(both).startswith("old → new: 2 rows better, 1 worse")
    assert both.changes["exact_match"] == pytest.approx(1 / 6)
    with pytest.raises(ConfigError, match="no row in common"):
        compare(before, evaluate(double, [{"key": "z", "input": "1"}], exact_match))


def test_piped_tables_are_plain(capsys: pytest.CaptureFixture[str]) -> None:
    evaluate(double, ROWS, exact_match, name="double").print(most=2)
    printed = capsys.readouterr().out
    assert "3    3      6         ✗ ValueError" in printed
    assert "\x1b" not in printed


def test_earlier_outputs_are_a_data_set() -> None:
    rows = evaluate(double, ROWS, exact_match).to_dataset()
    assert evaluate(double, rows, exact_match).means == {"exact_match": 1.0}
