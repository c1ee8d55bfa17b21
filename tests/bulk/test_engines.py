"""The same run on Ray and on Dask: two real workers each, killed, given by the user, with nothing secret sent."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from tests.bulk.jobs import asked, by_key, make_chain, question, read, rows, wait_for_others
from tests.helpers import PROJECT, requires

from prill import bulk
from prill.bulk.shipping import pack
from prill.errors import BulkError, ConfigError
from prill.io import make_lock
from prill.openai import ChatOpenAI
from prill.prompts import ChatPromptTemplate
from prill.runnables import RunnableLambda
from prill.testing import Faults, ReplayServer, Reply

ENGINES = ("ray", "dask")


KEY = "sk-secret-of-the-test"


@pytest.fixture(scope="module", params=[pytest.param(name, marks=requires(name)) for name in ENGINES])
def cluster(request: pytest.FixtureRequest) -> Iterator[tuple[str, Any]]:
    """A cluster of two workers that the program has started; all tests of one engine run one after the other."""
    with pytest.MonkeyPatch.context() as patch:
        # The workers get the environment of now: the code of the tests, and the key.
        patch.setenv("PYTHONPATH", os.pathsep.join([str(PROJECT), str(PROJECT / "src")]))
        patch.setenv("OPENAI_API_KEY", KEY)
        started = start_ray() if request.param == "ray" else start_dask()
    yield request.param, started
    if request.param == "ray":
        started.shutdown()
        with warnings.catch_warnings():  # Ray forgets processes that it has ended without waiting for them
            warnings.simplefilter("ignore", ResourceWarning)
            del started
            gc.collect()
    else:
        started.close()
        started.cluster.close()


@pytest.fixture
def engine(cluster: tuple[str, Any], folder: Path) -> str:
    return cluster[0]


def start_ray() -> Any:
    import ray

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=40,
        object_store_memory=100 * 1024**2,
        _node_ip_address="127.0.0.1",
    )
    return ray


def start_dask() -> Any:
    from distributed import Client, LocalCluster

    return Client(LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", host="127.0.0.1"))


def test_rows_and_report_are_those_of_the_local_engine_and_the_cluster_is_left_running(
    engine: str, cluster: tuple[str, Any], server: ReplayServer
) -> None:
    server.replies(lambda request: Reply(faults=Faults(status=400)) if question(request).endswith(" 5") else None)
    chain = make_chain(server.openai_url)
    here = bulk.run(chain, rows(60), "local.jsonl", key="id")
    there = bulk.run(chain, rows(60), "there.jsonl", key="id", engine=engine, workers=2, max_concurrency=10)
    for name in ("done", "failed", "asked", "rows", "usage"):
        assert getattr(here, name) == getattr(there, name)
    timed = {"seconds"}
    one, other = by_key("local.jsonl"), by_key("there.jsonl")
    assert {key: {k: v for k, v in line.items() if k not in timed} for key, line in one.items()} == {
        key: {k: v for k, v in line.items() if k not in timed} for key, line in other.items()
    }
    assert set(asked(server).values()) == {2}
    if engine == "ray":
        assert cluster[1].is_initialized()
    else:
        assert cluster[1].submit(len, "abc").result(timeout=60) == 3


def test_a_killed_worker_loses_nothing_and_only_its_rows_in_flight_are_asked_again(
    engine: str, own_server: ReplayServer
) -> None:
    own_server.faults = Faults(first_delay=0.05)
    prompt = ChatPromptTemplate.from_template("Label {text}")

    async def mark(row: Any) -> Any:
        return {"text": f"{row['text']} {os.getpid()}"}

    chain = RunnableLambda(mark) | prompt | ChatOpenAI(model="small", base_url=own_server.openai_url)
    killed: list[int] = []

    def kill(report: Any) -> None:
        pids = {int(question(request).split()[-1]) for request in own_server.requests}
        if not killed and len(pids) == 2 and report.done > 40:  # both are warm
            killed.append(pids.pop())
            os.kill(killed[0], signal.SIGKILL)

    report = bulk.run(
        chain, rows(300), "out.jsonl", key="id", engine=engine, workers=2, max_concurrency=10, progress=kill
    )
    assert killed
    assert report.done == 300
    assert set(by_key("out.jsonl")) == {row["id"] for row in rows(300)}
    assert 300 <= own_server.request_count <= 300 + 10


def test_a_worker_holds_as_many_rows_in_flight_as_it_may_and_no_more(engine: str) -> None:
    report = bulk.run(
        RunnableLambda(wait_for_others), range(1200), "out.jsonl", engine=engine, workers=2, max_concurrency=500
    )
    assert report.done == 1200
    assert {line["output"] for line in read("out.jsonl")} == {500}


def test_one_limit_holds_over_both_workers(engine: str, server: ReplayServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prill.bulk.limits.MINUTE", 2.0)
    options: Any = {"key": "id", "engine": engine, "workers": 2, "max_concurrency": 20, "requests_per_minute": 20}
    started = monotonic()
    report = bulk.run(make_chain(server.openai_url), rows(45), None, **options)
    assert report.done == server.request_count == 45
    # The rows of the third window wait for two whole ones. When each request arrives depends on the machine.
    assert max(request.received_at for request in server.requests) - started >= 2 * 2.0


def test_a_missing_key_of_a_worker_or_a_wrong_one_stops_the_run(engine: str, server: ReplayServer) -> None:
    server.replies(lambda request: Reply(faults=Faults(status=401)))
    with pytest.raises(BulkError, match="would happen to every row"):
        bulk.run(make_chain(server.openai_url), rows(30), None, key="id", engine=engine, workers=2, max_concurrency=5)
    assert server.request_count <= 10


def test_leaving_a_stream_cancels_what_workers_have_in_flight(engine: str, own_server: ReplayServer) -> None:
    own_server.replies(
        lambda request: None if question(request).endswith(" 0") else Reply("late", faults=Faults(first_delay=600))
    )
    chain = make_chain(own_server.openai_url)

    async def leave() -> None:
        stream = bulk.stream(chain, rows(50), key="id", engine=engine, workers=2, max_concurrency=4)
        async for _ in stream:
            break
        await stream.aclose()

    asyncio.run(leave())
    assert own_server.wait_closed(20)
    assert own_server.request_count <= 9
    assert own_server.closed_early == own_server.request_count - 1


def test_what_cannot_be_sent_is_named_before_the_first_request(engine: str, server: ReplayServer) -> None:
    import threading

    lock = threading.Lock()
    chain = make_chain(server.openai_url) | RunnableLambda(lambda text: (lock, text)[1])
    with pytest.raises(ConfigError, match=r"step 4 \(RunnableLambda\).*lock cannot be sent to a worker"):
        bulk.run(chain, rows(3), None, key="id", engine=engine, workers=2)
    with pytest.raises(ConfigError, match=r"step 2 \(ChatOpenAI\).*given a key in code"):
        bulk.run(make_chain(server.openai_url, api_key="sk-in-code"), rows(3), None, key="id", engine=engine, workers=2)
    assert server.request_count == 0


def test_a_generator_is_read_as_workers_have_room(engine: str) -> None:
    ahead: list[int] = []
    ended: list[Any] = []

    def source() -> Any:
        for number in range(2000):
            ahead.append(number - len(ended))
            yield number

    async def count() -> None:
        async for pair in bulk.stream(RunnableLambda(str), source(), engine=engine, workers=2, max_concurrency=25):
            ended.append(pair)

    asyncio.run(count())
    assert len(ended) == 2000
    assert max(ahead) <= 2 * 2 * 25 + 1


OWN = """
import os, sys, time
import psutil
from prill import bulk
from prill.runnables import RunnableLambda

def fail(report):
    if report.done:
        raise RuntimeError("the progress failed")

if __name__ == "__main__":
    me = psutil.Process()
    try:
        bulk.run(RunnableLambda(str), range(20), None, engine=sys.argv[1], workers=2, progress=fail)
    except RuntimeError as error:
        print(error)
    left = [child for child in me.children(recursive=True) if "resource_tracker" not in " ".join(child.cmdline())]
    psutil.wait_procs(left, timeout=30)
    print([child.name() for child in left if child.is_running()])
"""


@pytest.mark.parametrize("name", [pytest.param(name, marks=requires(name)) for name in ENGINES])
def test_a_cluster_that_the_run_has_started_is_ended_also_when_it_fails(name: str, folder: Path) -> None:
    Path("own.py").write_text(OWN, "utf8")
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "src"), "RAY_USAGE_STATS_ENABLED": "0"}
    command = [sys.executable, "own.py", name]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=200, check=False)
    assert done.stdout.splitlines() == ["the progress failed", "[]"], done.stderr


# What is sent


def test_no_key_is_in_what_is_sent_or_written(server: ReplayServer, folder: Path, key: str) -> None:
    chain = make_chain(server.openai_url, api_key=key)
    packed = pack(chain, "ray")
    assert key.encode() not in packed
    bulk.run(chain, rows(3), "out.jsonl", key="id", checkpoint="run")
    server.replies(lambda request: Reply(faults=Faults(status=401, error_message=f"the key {key} is wrong")))
    with pytest.raises(BulkError) as caught:
        bulk.run(chain, rows(9), "out.jsonl", key="id", checkpoint="run", html="report.html")
    written = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b"Label text" in written
    assert key.encode() not in written
    assert key not in str(caught.value)


def test_a_key_in_plain_text_is_refused_by_where_it_is(server: ReplayServer, key: str) -> None:
    with pytest.raises(ConfigError, match=r"the value of OPENAI_API_KEY is somewhere in it.*in plain text"):
        pack(RunnableLambda(lambda text: text + key), "ray")
    model = make_chain(server.openai_url, default_headers={"x-own-key": "a-secret-of-a-header"})
    with pytest.raises(ConfigError, match=r"step 2 \(ChatOpenAI\) holds a key in plain text"):
        pack(model, "ray")


def test_a_chain_of_our_parts_is_sent() -> None:
    assert pack(RunnableLambda(lambda x: (make_lock(), x)), "dask")
