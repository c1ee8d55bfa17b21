"""Several workers of one uvicorn, without a store that they share."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from tests.helpers import eventually
from tests.serve.chains import ask

APP = """
from prill.runnables import RunnableLambda
from prill.serve import App
app = App()
app.add("/echo", RunnableLambda(lambda text: text))
"""


@pytest.mark.parametrize(("workers", "status"), [(1, 404), (2, 501)])
def test_an_unknown_run_may_be_with_another_worker(workers: int, status: int, tmp_path: Path) -> None:
    (tmp_path / "served.py").write_text(APP)
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "served:app", "--port", str(port), "--workers", str(workers)]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        assert eventually(lambda: answers(port), patience=60)
        assert ask(port, "/echo/runs/00000000-0000-4000-8000-000000000000/stream").status == status
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(port: int) -> bool:
    try:
        return ask(port, "/echo/invoke", {"input": "x"}).status == 200
    except OSError:
        return False
