"""Rows are written in groups, in bounded memory, by a thread that ends."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from tests.helpers import left_threads, threads
from tests.traces.recorded import read_all

from prill.traces import writer
from prill.traces.writer import Writer, get_writer


def row(id: str, **facts: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("input", "output", "request", "metadata", "parent"))
    return {**empty, "id": id, "root": id, "name": id, "kind": "chain", "status": "ok", "start": float(id), **facts}


def test_a_later_row_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    made = Writer(str(tmp_path / "runs.db"))
    made.add(row("1", status="running"))
    made.add(row("1"))
    assert made.flush(30)
    made.add(row("1", output='"x"'))
    assert made.flush(30)
    assert [(run["status"], run["output"]) for run in read_all(tmp_path / "runs.db")] == [("ok", "x")]


def test_rows_that_cannot_be_written_fast_enough_lose_their_values_then_are_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    holding, may_write = threading.Event(), threading.Event()
    write = Writer._write

    def wait_and_write(self: Writer, rows: list[Any]) -> None:
        holding.set()
        may_write.wait(60)
        write(self, rows)

    monkeypatch.setattr(Writer, "_write", wait_and_write)
    made = Writer(str(tmp_path / "runs.db"), max_waiting=100, max_rows=3)
    made.add(row("0"))
    assert holding.wait(60)  # the thread holds the first row
    for number in range(1, 6):
        made.add(row(str(number), input=f'"{"x" * 58}"'))
    may_write.set()
    assert made.flush(30)
    assert [(run["id"], run["input"] is None) for run in read_all(tmp_path / "runs.db")] == [
        ("0", True),
        ("1", False),
        ("2", True),
        ("3", True),
    ]
    assert len([line for line in caplog.records if line.name == "prill.traces"]) == 1


def test_the_thread_ends_when_nothing_comes_and_starts_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "REST_SECONDS", 0.01)
    before = threads()
    made = Writer(str(tmp_path / "runs.db"))
    for number in range(3):
        made.add(row(str(number)))
        assert made.flush(30)
        assert left_threads(before) == set()
    assert len(read_all(tmp_path / "runs.db")) == 3


def test_a_file_has_one_writer(tmp_path: Path) -> None:
    first = get_writer(tmp_path / "runs.db")
    assert get_writer(f"{tmp_path}/./runs.db") is first
    assert get_writer(tmp_path / "other.db") is not first
