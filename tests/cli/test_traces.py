"""``prill traces``: the page of a file of recorded runs."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.serve.chains import ask
from typer.testing import CliRunner

from prill.cli.commands import app
from prill.runnables import RunnableLambda
from prill.traces import record

PATIENCE = 60


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with record(to=tmp_path / "runs.db"):
        RunnableLambda(len).invoke("abc", {"run_name": "count"})
    return tmp_path / "runs.db"


def test_the_page_is_shown_at_the_printed_address_until_ctrl_c(path: Path) -> None:
    command = [sys.executable, "-m", "prill", "traces", str(path), "--port", "0", "--no-open", "--lang", "zh"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", process.stdout.readline())
        assert found is not None
        assert 'content="zh"' in ask(int(found[1]), "/").text
        assert ask(int(found[1]), "/api/runs").json["runs"][0]["name"] == "count"
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
        process.stdout.close()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["traces", str(tmp_path / "runs.db"), "--no-open"])
    assert done.exit_code == 1
    assert "there is no file" in done.output
    assert not (tmp_path / "runs.db").exists()


def test_a_port_that_is_taken_is_named(path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = CliRunner().invoke(app, ["traces", str(path), "--no-open", "--port", str(taken.getsockname()[1])])
    assert done.exit_code == 1
    assert "Give another: --port 0" in done.output
