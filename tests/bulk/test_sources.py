"""Rows come from iterables, tables and folders; one that cannot be read is a row error with its file and line."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.bulk.jobs import read
from tests.helpers import require

from prill import bulk
from prill.bulk import sources
from prill.bulk.sources import open_source
from prill.document_loaders import DirectoryLoader
from prill.errors import ConfigError
from prill.runnables import RunnableLambda

pytestmark = pytest.mark.usefixtures("folder")

LINES = [{"id": number, "text": f"text {number} ü"} for number in range(5)]


def records(source: Any) -> list[tuple[str, Any, str | None]]:
    read = open_source(source).read()
    return [tuple(record) for record in read]  # type: ignore[misc,union-attr]  # these sources are not async


def values(source: Any) -> list[Any]:
    return [value for _, value, _ in records(source)]


def problems(source: Any) -> dict[str, str]:
    return {place: problem for place, _, problem in records(source) if problem is not None}


def write_json(path: str, rows: Any = LINES) -> str:
    Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf8")
    return path


def test_json_lines_plain_and_compressed_are_read() -> None:
    write_json("a.jsonl")
    with gzip.open("b.jsonl.gz", "wt", encoding="utf8") as file:
        file.write(Path("a.jsonl").read_text("utf8"))
    assert values("a.jsonl") == values("b.jsonl.gz") == values(Path("a.jsonl")) == LINES
    assert records("b.jsonl.gz")[2][0] == "b.jsonl.gz:3"


def test_csv_is_read_with_quotes_line_ends_and_a_byte_order_mark() -> None:
    Path("a.csv").write_text('\ufeffid,text\n1,"two\nlines, and ""quotes"""\n2,ü\n', "utf8")
    assert values("a.csv") == [{"id": "1", "text": 'two\nlines, and "quotes"'}, {"id": "2", "text": "ü"}]
    with gzip.open("a.csv.gz", "wb") as file:
        file.write(Path("a.csv").read_bytes())
    assert values("a.csv.gz") == values("a.csv")


def test_parquet_is_read_and_its_rows_are_counted() -> None:
    arrow, parquet = __import__("pyarrow"), __import__("pyarrow.parquet").parquet
    parquet.write_table(arrow.Table.from_pylist(LINES), "a.parquet", row_group_size=2)
    assert values("a.parquet") == LINES
    assert open_source("a.parquet").total == 5
    assert records("a.parquet")[4][0] == "a.parquet:row 5"


def test_a_million_rows_of_parquet_are_read_in_flat_memory() -> None:
    require("/proc")
    code = """
import resource, pyarrow, pyarrow.parquet as parquet
from prill.bulk.sources import open_source
from prill.document_loaders import DirectoryLoader
def table(start):
    return pyarrow.table({"id": range(start, start + 50_000), "text": [f"text number {n}" for n in range(50_000)]})
with parquet.ParquetWriter("big.parquet", table(0).schema) as writer:
    for start in range(0, 1_000_000, 50_000):
        writer.write_table(table(start))
def memory():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 1e6
for number, record in enumerate(open_source("big.parquet").read()):
    if number == 10_000:
        before = memory()
print(number + 1, memory() - before)
"""
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert int(printed[0]) == 1_000_000
    assert float(printed[1]) < 100


def test_patterns_and_folders_are_files_one_after_the_other() -> None:
    Path("in").mkdir()
    write_json("in/2.jsonl", LINES[3:])
    write_json("in/1.jsonl", LINES[:3])
    assert values("in/*.jsonl") == values("in") == LINES
    assert records("in")[3][0] == "2.jsonl:1"


def test_a_file_of_a_folder_that_is_no_table_is_a_row() -> None:
    Path("in/deep").mkdir(parents=True)
    Path("in/a.txt").write_text("one", "utf8")
    Path("in/deep/b.md").write_text("two", "utf8")
    Path("in/.hidden").write_text("three", "utf8")
    Path("in/c.txt").write_bytes(b"\xff\xfe\x00")
    assert values("in") == [
        {"path": "in/a.txt", "text": "one"},
        None,
        {"path": "in/deep/b.md", "text": "two"},
    ]
    assert problems("in")["c.txt"].startswith("the file is not UTF-8")


def test_a_data_set_is_read_like_a_list_of_rows() -> None:
    class Dataset:  # as datasets.Dataset
        column_names = ("id", "text")

        def __len__(self) -> int:
            return len(LINES)

        def __iter__(self) -> Any:
            return iter(LINES)

    assert values(Dataset()) == LINES
    assert open_source(Dataset()).total == 5
    with pytest.raises(ConfigError, match=r"has the parts train, test: give one"):
        open_source({"train": Dataset(), "test": Dataset()})


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.jsonl", b'{"id": 1}\n{"id": \n{"id": 3}\n', ("a.jsonl:2", "not JSON")),
        ("a.jsonl", b'{"id": 1}\n\xff\xfe\n{"id": 3}\n', ("a.jsonl:2", "not JSON")),
        ("a.jsonl", b'{"id": 1}\n{"id": 2', ("a.jsonl:2", "not JSON")),
        ("a.csv", b"id,text\n1,a\n2\n3,c\n", ("a.csv:3", "1 cells, the first line has 2 names")),
        ("a.csv", b"id,text\n1,a\n2,\xff\n3,c\n", ("a.csv:3", "not UTF-8")),
    ],
)
def test_a_broken_line_is_a_row_error_with_its_file_and_line(
    name: str, content: bytes, problem: tuple[str, str]
) -> None:
    Path(name).write_bytes(content)
    ((place, words),) = problems(name).items()
    assert place == problem[0]
    assert problem[1] in words


def test_a_compressed_file_that_is_cut_off_is_a_row_error_behind_its_whole_lines() -> None:
    write_json("a.jsonl", ({"id": n, "text": os.urandom(20).hex()} for n in range(2000)))
    Path("a.jsonl.gz").write_bytes(gzip.compress(Path("a.jsonl").read_bytes())[:-500])
    *whole, last = records("a.jsonl.gz")
    assert len(whole) > 100
    assert last[2] is not None
    assert "cannot be read any further" in last[2]


def test_a_line_that_is_too_long_is_a_row_error_and_the_next_one_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "LONGEST_LINE", 1000)
    write_json("a.jsonl", [{"id": 1}, {"id": 2, "text": "x" * 5000}, {"id": 3}])
    assert [value and value["id"] for value in values("a.jsonl")] == [1, None, 3]
    assert "the line is longer than" in problems("a.jsonl")["a.jsonl:2"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.txt", "a.jsonl.gz"])
def test_an_empty_file_has_no_rows(name: str) -> None:
    Path(name).write_bytes(gzip.compress(b"") if name.endswith("gz") else b"")
    report = bulk.run(RunnableLambda(str), name, "out.jsonl")
    assert report.rows == (1 if name == "a.txt" else 0)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("nowhere.jsonl", "there is no file 'nowhere.jsonl'"),
        ("no/*.jsonl", "there is no file"),
        (b"bytes", "a path or an iterable"),
        (7, "a path or an iterable of rows, not int"),
    ],
)
def test_a_source_that_cannot_be_used_is_refused(source: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        open_source(source)


def test_a_file_that_is_not_parquet_is_refused_by_its_name() -> None:
    Path("a.parquet").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"a\.parquet cannot be read as Parquet"):
        open_source("a.parquet")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"text": "a"}, "there is no column 'id'; the row has text"),
        ({"id": None, "text": "a"}, "the column 'id' is empty"),
        ({"id": float("nan"), "text": "a"}, "the column 'id' is empty"),
        ({"id": 1, "text": float("nan")}, "the column 'text' is NaN"),
        ({"id": 1}, "there is no column 'text'"),
        ("not a dict", "it is str"),
    ],
)
def test_a_row_without_a_key_or_an_input_is_a_row_error_and_the_run_goes_on(row: Any, words: str) -> None:
    asked: list[Any] = []
    chain = RunnableLambda(asked.append)
    choose = None if "NaN" in words else "text"
    given = [{"id": 8, "text": "first"}, row, {"id": 9, "text": "last"}]
    report = bulk.run(chain, given, "out.jsonl", key="id", input=choose)
    assert (report.done, report.failed, len(asked)) == (2, 1, 2)
    (line,) = (line for line in read("out.jsonl") if line["error"])
    assert words in line["error"]
    assert line["place"] == "row 1"


def test_a_function_for_the_key_that_fails_is_a_row_error() -> None:
    report = bulk.run(RunnableLambda(str), [1, 0], "out.jsonl", key=lambda row: 1 / row)
    assert (report.done, report.failed) == (1, 1)
    assert "ZeroDivisionError" in report.errors["RowError"].text


def test_a_report_knows_how_much_of_files_was_read() -> None:
    write_json("a.jsonl", ({"id": n} for n in range(3000)))
    source = open_source("a.jsonl")
    reading = iter(source.read())  # type: ignore[arg-type]  # a file is not read async
    list(itertools.islice(reading, 1500))
    assert 0.3 < (source.fraction() or 0) < 0.8
    list(reading)
    assert source.fraction() == 1.0


def test_a_loader_gives_documents_whose_metadata_are_columns_and_its_errors_are_row_errors() -> None:
    Path("docs").mkdir()
    Path("docs/a.txt").write_text("sky")
    Path("docs/b.txt").write_bytes(b"\0\xff")

    def label() -> Any:
        chain, columns = RunnableLambda(str.upper), {"key": "source", "input": "page_content"}
        return bulk.run(chain, DirectoryLoader("docs"), "out.jsonl", checkpoint="run", **columns)  # type: ignore[arg-type]

    report = label()
    assert (report.done, report.failed) == (1, 1)
    rows = [json.loads(line) for line in Path("out.jsonl").read_text("utf8").splitlines()]
    assert [row["output"] for row in rows if row["source"] == "docs/a.txt"] == ["SKY"]
    assert any("docs/b.txt: it is binary" in row["error"] for row in rows if row["error"])
    assert label().resumed == 2


def test_run_is_the_function_also_after_another_name_of_its_module_was_used() -> None:
    code = "from prill import bulk; bulk.stream; assert bulk.run([].append, [1], None).rows == 1"
    subprocess.run([sys.executable, "-c", code], check=True)
