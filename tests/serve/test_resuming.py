"""Resuming over HTTP, with every store: clients that are cut off, producers that are killed, several workers."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import random
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.helpers import eventually
from tests.serve.chains import ask
from tests.serve.clients import read_frames
from tests.serve.kinds import Stores
from tests.serve.serving import Served, serving
from tests.serve.test_operation import command

from prill.runnables import RunnableGenerator
from prill.serve import App, Settings, open_store

CUTS = 1000 if "PRILL_SOAK" in os.environ else 25

MODULE = """
import asyncio, os, sys
from prill.runnables import RunnableGenerator
from prill.serve import App, Settings, open_store

async def count(chunks):
    async for _ in chunks:
        for number in range(1000):
            yield f"{number} "
            await asyncio.sleep(0.02)

def pid(x):
    return os.getpid()

app = App(settings=Settings(lease=1.0))
app.add("/count", RunnableGenerator(count), on_disconnect="continue")
app.add("/pid", pid)
app.add_ui("/api/chat", RunnableGenerator(count), on_disconnect="continue")
"""


async def count(chunks: AsyncIterator[str]) -> AsyncIterator[str]:
    async for _ in chunks:
        for number in range(200):
            yield f"{number} é\n"
            if not number % 20:
                await asyncio.sleep(0.001)


@pytest.fixture
def served(make: Stores) -> Iterator[Served]:
    app = App(store=make.empty())
    app.add("/count", RunnableGenerator(count), on_disconnect="continue")
    with serving(app) as server:
        yield server


def number_of(frame: bytes) -> int:
    return int(frame.split(b"\n")[0].rpartition(b":")[2])


def test_a_client_that_is_cut_off_at_random_events_gets_the_rest_byte_for_byte(served: Served) -> None:
    chance = random.Random(7)
    body = json.dumps({"input": ""}).encode()
    for _ in range(max(CUTS // 5, 1)):
        run_id, got = read_frames(served.port, "/count/stream", "", chance.randint(1, 60), body)
        for _ in range(4):
            more = read_frames(
                served.port, f"/count/runs/{run_id}/stream", f"{run_id}:{len(got)}", chance.randint(1, 60)
            )
            got += more[1]
        got += read_frames(served.port, f"/count/runs/{run_id}/stream", f"{run_id}:{len(got)}", 1000)[1]
        assert [number_of(frame) for frame in got] == list(range(1, 203))
        assert b"".join(got) == ask(served.port, f"/count/runs/{run_id}/stream").body


def test_cursors_are_checked_and_a_run_that_was_read_has_no_more(served: Served) -> None:
    run_id = ask(served.port, "/count/stream", {"input": ""}).headers["prill-run-id"]
    path = f"/count/runs/{run_id}/stream"
    asked = [ask(served.port, path, headers={"last-event-id": cursor}) for cursor in ("202", "203", "x", "other:3")]
    assert [answer.status for answer in asked] == [204, 400, 400, 400]
    assert ask(served.port, "/count/runs/unknown/stream").status == 404


@pytest.mark.parametrize("options", [{"max_frames": 10}, {"max_bytes": 800}], ids=["frames", "bytes"])
def test_a_gap_is_told_and_what_is_kept_is_bounded(make: Stores, options: dict[str, int]) -> None:
    app = App(store=make.empty(**options))
    app.add("/count", RunnableGenerator(count), on_disconnect="continue")
    with serving(app) as server:
        first = ask(server.port, "/count/stream", {"input": ""})  # it may be too slow itself
        run_id = first.headers["prill-run-id"] if first.status == 200 else first.json["error"]["run_id"]
        path = f"/count/runs/{run_id}/stream"
        assert eventually(lambda: ask(server.port, f"{path}?after=202").status == 204)
        gone = ask(server.port, f"{path}?after=3")
        rest = ask(server.port, f"{path}?after=199").text
    assert (gone.status, gone.json["error"]["code"]) == (410, "run_gone")
    assert rest.startswith(f"id: {run_id}:200\n")


def test_an_expired_run_is_told_from_an_unknown_one(make: Stores) -> None:
    app = App(store=make.empty(keep=0.0))
    app.add("/count", RunnableGenerator(count), on_disconnect="continue")
    with serving(app) as server:
        run_id, frames = read_frames(server.port, "/count/stream", "", 1000, b'{"input": ""}')
        assert len(frames) == 202
        assert ask(server.port, f"/count/runs/{run_id}/stream").status == 410
        assert ask(server.port, "/count/runs/unknown/stream").status == 404


def test_fifty_clients_read_one_run_and_one_that_does_not_read_holds_up_none(served: Served) -> None:
    run_id, _ = read_frames(served.port, "/count/stream", "", 1, b'{"input": ""}')
    path = f"/count/runs/{run_id}/stream"
    stalled = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    stalled.request("GET", path)
    answers: list[bytes] = []
    readers = [threading.Thread(target=lambda: answers.append(ask(served.port, path).body)) for _ in range(50)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(60)
    stalled.close()
    assert len(answers) == 50
    assert len(set(answers)) == 1
    assert answers[0].count(b"\nid: ") + 1 == 202


# Several processes


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "resumed_module.py").write_text(MODULE)
    return tmp_path


def test_the_death_of_a_producer_is_told_on_another_worker_within_the_lease(make_shared: Stores, project: Path) -> None:
    with command(project, "resumed_module:app", "--store", make_shared.address) as (producer, port):
        run_id, first = read_frames(port, "/count/stream", "", 5, b'{"input": ""}')
        app = App(store=open_store(make_shared.address), settings=Settings(lease=1.0))
        app.add("/count", RunnableGenerator(count), on_disconnect="continue")
        with serving(app) as other:
            path = f"/count/runs/{run_id}/stream"
            _, seen = read_frames(other.port, path, "", 5)
            assert seen == first
            reading = []
            reader = threading.Thread(target=lambda: reading.append(ask(other.port, path).text))
            reader.start()
            producer.send_signal(signal.SIGKILL)
            reader.join(60)
            assert b"".join(first).decode() in reading[0]
            last = reading[0].replace("\r\n", "\n").strip().split("\n\n")[-1]
            assert "run_lost" in last
            assert "event: error" in last
            stopped = ask(other.port, f"/count/runs/{run_id}/stop", {})
            assert (stopped.status, stopped.json["status"]) == (200, "ended")


def test_a_run_is_read_and_stopped_through_any_of_several_workers(make_shared: Stores, project: Path) -> None:
    with command(project, "resumed_module:app", "--workers", "2", "--store", make_shared.address) as (_, port):
        workers = {json.dumps(ask(port, "/pid/invoke", {"input": ""}).json["output"]) for _ in range(20)}
        assert workers
        run_id, first = read_frames(port, "/count/stream", "", 3, b'{"input": ""}')
        for _ in range(8):
            assert read_frames(port, f"/count/runs/{run_id}/stream", "", 3)[1] == first
        texts: list[str] = []
        readers = [
            threading.Thread(target=lambda: texts.append(ask(port, f"/count/runs/{run_id}/stream").text))
            for _ in range(4)
        ]
        for reader in readers:
            reader.start()
        assert ask(port, f"/count/runs/{run_id}/stop", {}).status == 202
        for reader in readers:
            reader.join(60)
        assert len(set(texts)) == 1
        assert "stopped" in texts[0]
        assert ask(port, f"/count/runs/{run_id}/stop", {}).status == 200


def test_several_workers_without_a_shared_store_say_that_they_cannot_resume(project: Path) -> None:
    with command(project, "resumed_module:app", "--workers", "2") as (_, port):
        asked = [
            ask(port, "/count/runs/unknown/stream"),
            ask(port, "/count/runs/unknown/stop", {}),
            ask(port, "/api/chat/c/stream"),
            ask(port, "/api/chat/c/stop", {}),
        ]
    assert [answer.status for answer in asked] == [501] * 4
    assert "store_not_shared" in asked[0].text
