"""Outcomes are written as JSON lines, CSV, Parquet, SQLite, or given to a function; each has the same columns."""

from __future__ import annotations

import csv
import gzip
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from tests.bulk.jobs import by_key, rows

from prill import bulk
from prill.errors import ConfigError
from prill.messages import AIMessage
from prill.runnables import RunnableLambda

pytestmark = pytest.mark.usefixtures("folder")


class Label(BaseModel):
    name: str
    score: float
    tags: list[str]


def label(row: dict[str, Any]) -> Label:
    number = int(row["id"][1:])
    if number % 3 == 2:
        raise ValueError("no label")
    return Label(name=f"n{number}", score=number / 2, tags=["a", "ü"])


def written(path: str) -> list[dict[str, Any]]:
    """The rows of an output of any form."""
    if path.endswith(".parquet"):
        table: list[dict[str, Any]] = __import__("pyarrow.parquet").parquet.read_table(path).to_pylist()
        return table
    if path.endswith(".csv"):
        with open(path, encoding="utf8", newline="") as file:
            return list(csv.DictReader(file))
    if path.endswith(".gz"):
        return [json.loads(line) for line in gzip.open(path)]
    if path.endswith(".jsonl"):
        return list(by_key(path).values())
    database = sqlite3.connect(path)
    database.row_factory = sqlite3.Row
    found = [dict(row) for row in database.execute("SELECT * FROM rows")]
    database.close()
    return found


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out.csv", "out.parquet", "out.sqlite", "out.db"])
def test_fields_of_an_output_are_columns_in_every_form(name: str) -> None:
    report = bulk.run(RunnableLambda(label), rows(9), name, key="id", keep=["text"])
    assert (report.done, report.failed) == (6, 3)
    found = {row["id"]: row for row in written(name)}
    assert len(found) == 9
    row = found["r4"]
    assert (row["name"], float(row["score"]), row["text"]) == ("n4", 2.0, "text 4")
    assert row["tags"] in (["a", "ü"], '["a","ü"]')
    assert found["r5"]["error"] == "no label"
    assert not found["r5"].get("name")


def test_a_function_is_called_with_each_row() -> None:
    lines: list[dict[str, Any]] = []
    bulk.run(RunnableLambda(label), rows(3), lines.append, key="id")
    assert {line["id"]: line.get("name") for line in lines} == {"r0": "n0", "r1": "n1", "r2": None}


def test_a_column_is_typed_though_the_first_part_is_all_errors_or_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prill.bulk.sinks._PART", 4)

    async def answer(number: int) -> Any:
        if number < 4:
            raise ValueError("no")
        return {"score": None if number < 8 else number, "mixed": "text" if number == 9 else number, "never": None}

    bulk.run(RunnableLambda(answer), range(16), "out.parquet", max_concurrency=1)
    schema = __import__("pyarrow.parquet").parquet.read_schema("out.parquet")
    kinds = {field.name: str(field.type) for field in schema}
    assert (kinds["score"], kinds["mixed"], kinds["never"], kinds["error"]) == ("int64", "string", "string", "string")
    found = {row["key"]: row for row in written("out.parquet")}
    assert (found[9]["mixed"], found[10]["mixed"], found[10]["score"]) == ("text", "10", 10)


def test_a_name_that_is_taken_is_renamed() -> None:
    async def answer(row: Any) -> Any:
        return {"id": "mine", "error": "none", "cost": 5, "text": "new", "label": 1}

    bulk.run(RunnableLambda(answer), rows(1), "out.jsonl", key="id", keep=["text"])
    line = by_key("out.jsonl")["r0"]
    assert (line["output_id"], line["output_error"], line["output_cost"], line["output_text"]) == (
        *("mine", "none", 5, "new"),
    )
    assert (line["error"], line["cost"], line["text"], line["label"]) == (None, None, "text 0", 1)


def test_a_message_is_its_text_and_tool_calls_are_kept() -> None:
    call = {"name": "f", "args": {"x": 1}, "id": "1"}
    messages = [AIMessage("plain"), AIMessage("", tool_calls=[call])]
    bulk.run(RunnableLambda(lambda number: messages[number]), [0, 1], "out.jsonl")
    lines = by_key("out.jsonl", "key")
    assert lines[0]["output"] == "plain"
    assert lines[1]["tool_calls"][0]["args"] == {"x": 1}


def test_numbers_that_json_lacks_are_null() -> None:
    bulk.run(RunnableLambda(lambda number: {"x": float("nan"), "y": float("inf")}), [0], "out.jsonl")
    line = by_key("out.jsonl", "key")[0]
    assert (line["x"], line["y"]) == (None, None)


@pytest.mark.parametrize(
    ("sink", "words"),
    [
        ("out.txt", r"'out.txt' has an ending that is not one of \.jsonl"),
        ("no/such/out.jsonl", "there is no folder"),
        (7, "a sink is a path or a function"),
    ],
)
def test_a_sink_that_cannot_be_used_is_refused_before_anything_is_asked(sink: Any, words: str) -> None:
    asked: list[int] = []
    with pytest.raises(ConfigError, match=words):
        bulk.run(RunnableLambda(asked.append), [1], sink)
    assert asked == []


def test_the_output_of_no_rows_is_an_empty_table() -> None:
    for name in ("out.jsonl", "out.csv", "out.parquet", "out.sqlite"):
        bulk.run(RunnableLambda(str), [], name)
        assert written(name) == []
        assert Path(name).exists()


def test_export_needs_a_checkpoint() -> None:
    with pytest.raises(ConfigError, match="there is no run in 'nowhere'"):
        bulk.export("nowhere", "out.jsonl")
