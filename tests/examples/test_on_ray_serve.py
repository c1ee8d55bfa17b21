"""The application on two replicas of Ray Serve: a stream that was cut goes on, whichever replica is asked."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.helpers import PROJECT, require
from tests.serve.chains import ask
from tests.serve.clients import read_frames
from tests.serve.redis_server import RedisServer

from prill.testing import Faults, ReplayServer, Reply


@pytest.fixture
def store(tmp_path: Path) -> Iterator[str]:
    require("redis-server")
    redis = RedisServer(tmp_path)
    yield redis.url
    redis.stop()


@pytest.fixture
def port(examples: Any, store: str) -> Iterator[int]:
    require("ray")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = examples.command("on_ray_serve", "--store", store, "--port", str(port))
    environment = {
        **os.environ,
        **examples.environment,
        "PYTHONPATH": str(PROJECT / "src"),
        "PYTHONWARNINGS": "",  # Ray's own
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    # A group of its own: the processes of Ray end with it.
    with subprocess.Popen(
        command, cwd=examples.place, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        try:
            assert any("running on" in line for line in process.stdout)
            yield port
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)


def test_a_stream_that_was_cut_goes_on_from_any_replica(port: int, server: ReplayServer) -> None:
    words = [f"word{number} " for number in range(40)]
    server.replies(lambda request: Reply(words, faults=Faults(pace=0.01)))
    body = json.dumps({"input": {"topic": "rays"}}).encode()
    run_id, got = read_frames(port, "/joke/stream", "", 5, body)
    path = f"/joke/runs/{run_id}/stream"
    for _ in range(8):  # each replica is asked
        assert read_frames(port, path, "", 5)[1] == got
    got += read_frames(port, path, f"{run_id}:{len(got)}", 1000)[1]
    assert all(word in b"".join(got).decode() for word in words)
    assert ask(port, path).body == b"".join(got)
    assert len(server.requests) == 1
