"""The list of runs, its filters, and trees of many runs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from tests.traces.recorded import model

from prill.errors import ConfigError
from prill.runnables import RunnableLambda
from prill.testing import ReplayServer, Reply
from prill.traces import record
from prill.traces.file import TraceFile


@pytest.fixture
def file(tmp_path: Path, server: ReplayServer) -> TraceFile:
    server.replies(lambda request: Reply("Ha"))

    def fail(text: str) -> str:
        raise ValueError(f"100%_wrong {text}")

    with record(to=tmp_path / "runs.db"):
        (RunnableLambda(lambda text: text, name="inner") | model(server)).invoke(
            "bears", {"run_name": "joke", "tags": ["fun"]}
        )
        RunnableLambda(len).invoke("llamas", {"run_name": "count"})
        with pytest.raises(ValueError, match="wrong"):
            RunnableLambda(fail).invoke("sea", {"run_name": "fail", "tags": ["fun", "bad"]})
    return TraceFile(tmp_path / "runs.db")


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({}, ["fail", "count", "joke"]),
        ({"name": "INN"}, ["joke"]),
        ({"tag": "fun"}, ["fail", "joke"]),
        ({"tag": "fu"}, []),
        ({"status": "error"}, ["fail"]),
        ({"model": "gpt-4o"}, ["joke"]),
        ({"text": "llama"}, ["count"]),
        ({"text": "100%_w"}, ["fail"]),
        ({"text": "1%w"}, []),
        ({"text": "ha", "tag": "fun"}, ["joke"]),
        ({"since": time.time() + 1e6}, []),
        ({"until": time.time() + 1e6, "name": "count"}, ["count"]),
    ],
)
def test_filters(file: TraceFile, filters: dict[str, Any], names: list[str]) -> None:
    assert [run["name"] for run in file.list_roots(filters)] == names


def test_a_root_has_the_tokens_and_the_cost_of_all_runs_within(file: TraceFile) -> None:
    (run,) = file.list_roots({"name": "joke"})
    assert (run["runs"], run["models"]) == (3, "gpt-4o-mini")
    assert run["input_tokens"] > 0 < run["cost"]


def test_the_tags_that_programs_gave_and_the_models_are_listed(file: TraceFile) -> None:
    assert file.list_names() == {"tags": ["bad", "fun"], "models": ["gpt-4o-mini"]}


def test_the_next_runs_start_before_the_last_one(file: TraceFile) -> None:
    first = file.list_roots({}, 2)
    assert [run["name"] for run in file.list_roots({"until": first[-1]["start"]}, 2)] == ["joke"]


def test_a_huge_value_is_given_in_part_with_its_size(tmp_path: Path) -> None:
    with record(to=tmp_path / "runs.db", max_value=20_000_000):
        RunnableLambda(len).invoke("x" * 10_000_000)
    file = TraceFile(tmp_path / "runs.db")
    run = file.read_run(file.list_roots({})[0]["id"])
    assert run is not None
    assert len(run["input"]) == 2_000_000
    assert run["cut"] == {"input": 10_000_002}


def test_what_is_no_file_of_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no file"):
        TraceFile(tmp_path / "runs.db")
    (tmp_path / "text.db").write_text("this is a text " * 500)
    with pytest.raises(ConfigError, match="holds something else"):
        TraceFile(tmp_path / "text.db")
