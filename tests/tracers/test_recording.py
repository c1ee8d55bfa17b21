"""Runs are recorded in a file that outlives the program, without secrets, and without disturbing what is recorded."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.helpers import requires

from prill import record
from prill.errors import ConfigError
from prill.openai import ChatOpenAI
from prill.prompts import ChatPromptTemplate
from prill.runnables import RunnableLambda
from prill.testing import ReplayServer
from prill.tracers.recording import LONGEST_TEXT, RunRecorder
from prill.tracers.run_file import RunFile


def fail(text: str) -> str:
    raise ValueError(f"no {text}")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


def test_a_tree_of_runs_is_read_again_with_its_models_and_tokens(path: Path) -> None:
    with ReplayServer() as server:
        server.reply("Hello", " you")
        model = ChatOpenAI(model="small", base_url=server.openai_url, api_key="key-of-nobody-123")
        chain = ChatPromptTemplate.from_template("Greet {name}") | model
        with record(to=path):
            list(chain.stream({"name": "Ann"}, {"tags": ["first"]}))
    file = RunFile(path)
    (root,) = file.list_roots()
    assert (root["name"], root["status"], root["runs"], root["models"]) == ("RunnableSequence", "ok", 3, "small")
    assert root["output_tokens"] == 2
    _, prompt, called = file.read_tree(root["id"])
    assert prompt["inputs"] == {"name": "Ann"}
    assert called["inputs"]["messages"][0][0]["content"] == "Greet Ann"
    assert called["parent"] == root["id"]
    assert b"key-of-nobody-123" not in b"".join(each.read_bytes() for each in path.parent.iterdir())
    file.close()


def test_roots_are_found_by_name_tag_status_model_text_and_time(path: Path) -> None:
    with record(to=path):
        RunnableLambda(str).invoke("größe", {"run_name": "good", "tags": ["a"]})
        with pytest.raises(ValueError, match="no luck"):
            RunnableLambda(fail).invoke("luck", {"run_name": "bad"})
    file = RunFile(path)

    def names(**filters: Any) -> list[str]:
        return [root["name"] for root in file.list_roots(**filters)]

    assert names() == ["bad", "good"]
    assert names(name="GOO") == ["good"]
    assert names(tag="a") == ["good"]
    assert names(status="error") == ["bad"]
    assert names(text="größe") == ["good"]
    assert names(text="No luck") == ["bad"]
    assert names(model="x") == names(since=9e9) == []
    assert names(limit=1, offset=1) == ["good"]
    file.close()


def test_secrets_and_very_long_values_are_not_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "very-secret-value")
    with record(to=path):
        RunnableLambda(lambda x: x["text"]).invoke(
            {"api_key": "another-secret", "text": "x" * 10_000_000, "said": "it is very-secret-value"}
        )
    file = RunFile(path)
    (run,) = file.read_tree(file.list_roots()[0]["id"])
    file.close()
    assert run["inputs"]["api_key"] == run["inputs"]["said"].removeprefix("it is ") == "**********"
    assert len(run["inputs"]["text"]) < LONGEST_TEXT + 100
    assert run["outputs"]["output"].endswith("… [cut: 10,000,000 characters in all]")


def test_many_threads_record_to_one_file_and_old_trees_go(path: Path) -> None:
    with record(to=path) as recorder:
        step = RunnableLambda(str)
        threads = [
            threading.Thread(target=lambda: step.batch(list(range(50)), {"callbacks": [recorder]})) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    file = RunFile(path)
    assert len(file.list_roots(limit=1000)) == 200
    file.prune(20)
    assert len(file.list_roots(limit=1000)) == 20
    file.close()


PROGRAM = """
import os, sys, time
from prill import record
from prill.runnables import RunnableLambda
from prill.tracers.run_file import RunFile
def work(text):
    print("started", flush=True)
    time.sleep(600)
with record(to="runs.db") as recorder:
    RunnableLambda(str).invoke("before")
    def hang(text):
        recorder.flush()
        work(text)
    RunnableLambda(hang).invoke("x", {"run_name": "hangs"})
"""


@requires("fork")
def test_a_killed_program_leaves_a_whole_file(path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=path.parent, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"started\n"
        program.send_signal(signal.SIGKILL)
    file = RunFile(path)
    assert [(root["name"], root["status"]) for root in file.list_roots()] == [("hangs", "lost"), ("str", "ok")]
    file.close()


@requires("fork")
def test_a_forked_child_records_too(path: Path) -> None:
    code = (
        "import os\nfrom prill import record\nfrom prill.runnables import RunnableLambda\n"
        "with record(to='runs.db') as recorder:\n"
        "    RunnableLambda(str).invoke(1)\n"
        "    pid = os.fork()\n"
        "    RunnableLambda(str).invoke(2)\n"
        "    if pid == 0:\n        recorder.flush()\n        os._exit(0)\n"
        "    os.waitpid(pid, 0)\n"
    )
    subprocess.run([sys.executable, "-W", "ignore::DeprecationWarning", "-c", code], cwd=path.parent, check=True)
    file = RunFile(path)
    assert len(file.list_roots()) == 3
    file.close()


def test_a_file_that_cannot_be_written_is_one_warning_and_changes_no_run(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise ConfigError("database or disk is full")

    monkeypatch.setattr(RunFile, "write", refuse)
    with caplog.at_level(logging.WARNING), record(to=path) as recorder:
        for _ in range(3):
            assert RunnableLambda(str).invoke(1) == "1"
            recorder.flush()
    assert [line.getMessage() for line in caplog.records] == [
        f"some runs are not recorded in {os.fspath(path)}: database or disk is full"
    ]


def test_what_is_not_a_file_of_runs_is_refused(path: Path) -> None:
    path.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    with pytest.raises(ConfigError, match="damaged"), record(to=path):
        pass
    with pytest.raises(ConfigError, match="keep is the number"):
        RunRecorder(path, keep=0)
