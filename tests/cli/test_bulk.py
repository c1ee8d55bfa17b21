"""``prill bulk`` runs a chain of a module over a file, goes on where it was, and says what it would take."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from prill.cli.commands import app
from prill.testing import Faults, ReplayServer

CHAIN = """
from prill.openai import ChatOpenAI
from prill.output_parsers import StrOutputParser
from prill.prompts import ChatPromptTemplate

chain = (
    ChatPromptTemplate.from_template("Label {{text}}")
    | ChatOpenAI(model="small", base_url="{url}", api_key="of-nobody")
    | StrOutputParser()
)
"""


@pytest.fixture(autouse=True)
def folder(own_server: ReplayServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    Path("labels_of_the_test.py").write_text(CHAIN.format(url=own_server.openai_url), "utf8")
    lines = [json.dumps({"id": number, "text": f"text {number}"}) + "\n" for number in range(12)]
    Path("in.jsonl").write_text("".join(lines), "utf8")
    yield
    sys.modules.pop("labels_of_the_test", None)


def run(*args: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["bulk", *args])
    return result.exit_code, result.stdout, result.stderr


def test_a_chain_of_a_module_runs_over_a_file_and_goes_on_where_it_was(own_server: ReplayServer) -> None:
    options = ["--key", "id", "--checkpoint", "run", "--price", "small=1,2"]
    code, printed, _ = run("labels_of_the_test:chain", "in.jsonl", "out.jsonl", "--limit", "4", *options)
    assert code == 0
    assert printed.startswith("4 done")
    code, printed, _ = run("labels_of_the_test.py:chain", "in.jsonl", "out.jsonl", *options)
    assert code == 0
    assert "12 done (4 of them before this run)" in printed
    assert own_server.request_count == 12
    assert len(Path("out.jsonl").read_text("utf8").splitlines()) == 12


def test_the_status_is_1_where_a_row_failed() -> None:
    Path("half.jsonl").write_text('{"text": "a"}\n{"words": "b"}\n', "utf8")
    code, printed, _ = run("labels_of_the_test:chain", "half.jsonl", "out.jsonl")
    assert code == 1
    assert printed.startswith("1 done, 1 failed")


def test_a_dry_run_asks_nothing(own_server: ReplayServer) -> None:
    code, printed, _ = run("labels_of_the_test:chain", "in.jsonl", "--dry-run")
    assert (code, own_server.request_count) == (0, 0)
    assert printed.startswith("12 rows to ask")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["labels", "in.jsonl"], "module:name"),
        (["nowhere:chain", "in.jsonl"], "no module 'nowhere'"),
        (["nowhere.py:chain", "in.jsonl"], "the file 'nowhere.py' does not exist"),
        (["labels_of_the_test:other", "in.jsonl"], "has no 'other'"),
        (["labels_of_the_test:chain", "no.jsonl"], "there is no file 'no.jsonl'"),
        (["labels_of_the_test:chain", "in.jsonl", "--price", "cheap"], "'cheap' is not a price"),
        (["labels_of_the_test:chain", "in.jsonl", "--budget", "3"], "a budget needs prices"),
    ],
)
def test_what_cannot_be_used_is_one_message(args: list[str], words: str) -> None:
    code, _, errors = run(*args)
    assert code == 1
    assert errors.startswith("prill: ")
    assert words in errors
    assert "Traceback" not in errors


def test_ctrl_c_ends_with_130_and_says_how_to_go_on(own_server: ReplayServer) -> None:
    own_server.faults = Faults(first_delay=0.3)
    command = [sys.executable, "-m", "prill", "bulk", "labels_of_the_test:chain", "in.jsonl", "out.jsonl"]
    process = subprocess.Popen([*command, "--max-concurrency", "2"], stderr=subprocess.PIPE, text=True)
    assert own_server.wait_requests(2, 60)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "The same call goes on from the checkpoint 'out.jsonl.run'" in errors
