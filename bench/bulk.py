"""Bulk runs: what a row takes beside its call, many in flight, memory, resuming, workers."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench.calls import _aiohttp, _at_once, _sdk
from bench.measure import SHOWN_SHARE, Effort, Row, Sample, at_least, at_most, cpu, duration, in_turn, versus, wall
from bench.server import running
from prill import bulk
from prill.openai import ChatOpenAI
from prill.runnables import RunnableLambda
from prill.testing import Faults, ReplayServer, Reply

TOKENS = 45


async def _echo(row: Any) -> Any:
    return row["id"]


def _rows(count: int) -> Iterator[dict[str, Any]]:
    return ({"id": number, "text": "Why is the sky blue?"} for number in range(count))


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def _run(chain: Any, count: int, **options: Any) -> None:
    with _folder() as folder:
        bulk.run(chain, _rows(count), folder / "out.jsonl", key="id", checkpoint=folder / "run", **options)


def beside_the_call(effort: Effort) -> Row:
    """A row of a chain that does nothing, with ledger and JSON lines, against the bare verb."""
    count, chain = effort.of(20_000), RunnableLambda(_echo)

    async def bare() -> None:
        async for _ in chain.abatch_as_completed(_rows(count), {"max_concurrency": 100}):
            pass

    own, other = in_turn(
        [lambda: cpu(lambda: _run(chain, count), count), lambda: cpu(lambda: asyncio.run(bare()), count)],
        min(effort.repeats, 5),
    )
    more = [ours - verb for ours, verb in zip(own, other, strict=True)]
    return Row(
        "a row beside its call: ledger and JSON Lines, over bare abatch_as_completed",
        f"{duration(median(own))} / row",
        f"{duration(median(other))} (abatch_as_completed)",
        tuple(each / 50e-6 for each in more),
        at_most(1.0),
        "the ratio column shows what is more, of 50 µs",
    )


def _calls(url: str, width: int, count: int) -> Sample:
    model = ChatOpenAI(model="gpt-4o", base_url=f"{url}/v1", api_key="test")  # type: ignore[arg-type]  # as users do
    chain = RunnableLambda(_text) | model
    return lambda: cpu(lambda: _run(chain, count, max_concurrency=width), count)


async def _text(row: Any) -> Any:
    return row["text"]


def calls_in_flight(effort: Effort) -> Iterator[Row]:
    few, count = Effort(min(effort.repeats, 3)), effort.of(1500)
    width, wide = effort.of(100), effort.of(1000)
    with running(TOKENS) as url:
        ours = _calls(url, width, count)
        what = f"a row of bulk with a short call, {width} in flight"
        yield versus(what, ours, _at_once(_sdk, url, width, count), at_most(0.6), few, unit="row", name="openai SDK")
        bare = _at_once(_aiohttp, url, width, count)
        yield versus(f"{what}, against a bare client", ours, bare, SHOWN_SHARE, few, unit="row", name="bare aiohttp")
        many = _calls(url, wide, count)
        what = f"a row of bulk, {wide:,} in flight"
        yield versus(what, many, ours, at_most(1.3), few, unit="row", name=f"{width} in flight")


_MEMORY = """
import json, os, sys
import psutil
from prill import bulk
from prill.runnables import RunnableLambda
def echo(row):
    return row["id"]
def memory():
    own = psutil.Process()
    workers = [child for child in own.children(recursive=True) if "spawn_main" in " ".join(child.cmdline())]
    return {"driver": own.memory_info().rss, **{f"worker {n}": w.memory_info().rss for n, w in enumerate(workers, 1)}}
def measure(count, engine, checkpoint):
    seen = []
    def rows():
        for number in range(count):
            if number in (10_000, count - 1):
                seen.append(memory())
            yield {"id": number}
    options = {} if engine == "local" else {"engine": engine, "workers": 2}
    bulk.run(RunnableLambda(echo), rows(), None, key="id", checkpoint=checkpoint, **options)
    first, last = seen
    print(json.dumps({process: last[process] - first[process] for process in first}))
if __name__ == "__main__":
    measure(int(sys.argv[1]), sys.argv[2], sys.argv[3])
"""


def measure_memory(count: int, engine: str = "local") -> dict[str, int]:
    """The bytes that each process of a run of ``count`` rows holds more at the last row than at the 10,000th."""
    with _folder() as folder:
        script = folder / "script.py"
        script.write_text(_MEMORY, "utf8")
        command = [sys.executable, str(script), str(count), engine, str(folder / "run")]
        found = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parent.parent)
    grown: dict[str, int] = json.loads(found.stdout.splitlines()[-1])
    return grown


def memory(effort: Effort) -> Row | None:
    if effort.quick or not os.path.exists("/proc/self/statm"):
        return None
    grown = measure_memory(100_000)["driver"] / 1e6
    what = "memory that 100,000 rows of a generator take over 10,000"
    return Row(what, f"{grown:.1f} MB", "–", (grown / 10,), at_most(1.0), "the ratio column shows it of 10 MB")


def resuming(effort: Effort) -> Row:
    """Rows that are done, looked up when a run goes on."""
    count, chain = effort.of(100_000), RunnableLambda(_echo)
    with _folder() as folder:
        source = folder / "in.jsonl"
        source.write_text("".join(f'{{"id": "row-{number}"}}\n' for number in range(count)), "utf8")
        options: Any = {"key": "id", "checkpoint": folder / "run"}
        bulk.run(chain, source, None, **options)
        taken = [wall(lambda: bulk.run(chain, source, None, **options), count) for _ in range(min(effort.repeats, 3))]
        size = (folder / "run" / "ledger.db").stat().st_size / count
    return Row(
        "a row that is done already, when a run goes on",
        f"{duration(median(taken))} / row",
        "–",
        tuple(each * 1e7 / 60 for each in taken),
        at_most(1.0),
        f"the ratio column shows ten million of them, of 60 s; the ledger has {size:.0f} bytes a row",
    )


@contextmanager
def _cluster() -> Iterator[Any]:
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", host="127.0.0.1") as cluster:
        with Client(cluster) as client:
            yield client


def workers(effort: Effort) -> Iterator[Row]:
    """Two processes of Dask, against one; and what a row costs the processor on its way there and back."""
    if effort.quick:
        return
    count = 50
    with _cluster():
        chain = RunnableLambda(partial(_wait, 0.2))
        samples: list[Sample] = [
            lambda size=size: wall(  # type: ignore[misc]  # a default binds it
                lambda: _run(chain, count, engine="dask", workers=size, max_concurrency=1), count
            )
            for size in (2, 1)
        ]
        two, one = in_turn(samples, 2)
        yield Row(
            "rows of 200 ms, one in flight in each worker, on two workers of Dask",
            f"{duration(median(two))} / row",
            f"{duration(median(one))} (one worker)",
            tuple(b / a for a, b in zip(two, one, strict=True)),
            at_least(1.7),
        )
        yield _overhead()


def _overhead() -> Row:
    import psutil

    def spent() -> float:
        children = psutil.Process().children(recursive=True)
        times = [child.cpu_times() for child in children]
        own = resource.getrusage(resource.RUSAGE_SELF)
        return own.ru_utime + own.ru_stime + sum(each.user + each.system for each in times)

    def sample(count: int) -> float:
        start = spent()
        _run(RunnableLambda(_echo), count, engine="dask", workers=2)
        return spent() - start

    sample(200)
    few, many = sample(1000), sample(11_000)
    taken = (many - few) / 10_000
    return Row(
        "a row on Dask, driver and workers together",
        f"{duration(taken)} / row",
        "–",
        (taken / 200e-6,),
        at_most(1.0),
        "the ratio column shows it of 200 µs",
    )


async def _wait(seconds: float, row: Any) -> Any:
    await asyncio.sleep(seconds)
    return row["id"]


class _HiddenLimit:
    """A provider that lets ``rate`` requests a second through, a few at once, and says so only by refusing."""

    def __init__(self, rate: float, burst: float = 10.0) -> None:
        self.rate, self.burst = rate, burst
        self.seen: list[tuple[float, bool]] = []
        self._left = burst
        self._lock = threading.Lock()

    def __call__(self, request: Any) -> Reply:
        with self._lock:
            now = time.monotonic()
            passed = now - self.seen[-1][0] if self.seen else 0.0
            self._left = min(self.burst, self._left + passed * self.rate)
            taken = self._left >= 1
            self._left -= taken
            self.seen.append((now, taken))
        return Reply(["yes"]) if taken else Reply(faults=Faults(status=429, retry_after=1))

    def used(self, warm_up: float) -> tuple[float, float]:
        """The share of the limit that was used behind the warm-up, and the share of requests that were refused."""
        start, end = self.seen[0][0] + warm_up, self.seen[-1][0]
        taken = [each for at, each in self.seen if at >= start]
        if end <= start or not taken:
            return 0.0, 0.0
        return sum(taken) / (end - start) / self.rate, 1 - sum(taken) / len(taken)


def hidden_limit(effort: Effort) -> Row:
    """A limit of requests a second that nobody named, over HTTP: how much of it is used."""
    provider, warm_up = _HiddenLimit(50.0), 0.5 if effort.quick else 9.0
    with ReplayServer() as server:
        server.replies(provider)
        model = ChatOpenAI(model="gpt-4o", base_url=server.openai_url, api_key="test")  # type: ignore[arg-type]
        _run(RunnableLambda(_text) | model, 40 if effort.quick else 620, max_concurrency=50)
    share, refused = provider.used(warm_up)
    return Row(
        "the share that is used of a limit of 50 requests a second that nobody named",
        f"{share:.0%}",
        "–",
        (share,),
        at_least(0.85),
        f"{refused:.1%} of the requests were refused, behind a warm-up of {warm_up:.0f} s",
    )


ROWS: list[Callable[[Effort], Any]] = [beside_the_call, calls_in_flight, hidden_limit, memory, resuming, workers]

if __name__ == "__main__":
    started = time.monotonic()
    for measure in ROWS:
        found = measure(Effort(repeats=3))
        for row in [found] if isinstance(found, Row) else found or ():
            print(f"{row.what}: {row.ours}, {row.peer}, {row.spread} {row.goal} {row.note}", flush=True)
    print(f"{time.monotonic() - started:.0f} s")
