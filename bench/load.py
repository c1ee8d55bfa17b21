"""Many clients at once: how late events arrive, and what 10,000 clients that leave cost.

The chain says the time at which it made each event; a client of plain sockets compares it with its own clock, which is
the same machine's. Part of ``make bench-large``.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil

from bench.measure import SHOWN_SHARE, Effort, Row, at_most
from bench.stores import redis_server

STREAMS, PER_SECOND, SECONDS = 500, 10, 10
CONNECTIONS = 10_000

_MODULE = """
import asyncio, os, time
from collections.abc import AsyncIterator
from typing import Any
from prill.runnables import RunnableGenerator
from prill.serve import App, open_store

async def tick(inputs: AsyncIterator[Any]) -> AsyncIterator[str]:
    async for given in inputs:
        for number in range(given["events"]):
            await asyncio.sleep(given["pause"])
            yield repr(time.time())

address = os.environ.get("BENCH_STORE")
app = App(store=open_store(address) if address else None)
app.add("/tick", RunnableGenerator(tick), on_disconnect="continue" if address else "cancel")
"""


@contextmanager
def _serve(workers: int, store: str | None) -> Iterator[tuple[int, psutil.Process]]:
    """The port and the process of ``prill serve``."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "ticking.py").write_text(_MODULE, "utf8")
        command = [sys.executable, "-m", "prill", "serve", "ticking:app", "--port", str(port := _free_port())]
        command += ["--workers", str(workers)] if workers > 1 else []
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([folder, *sys.path[:1], "src"])}
        if store is not None:
            environment["BENCH_STORE"] = store
            command += ["--store", store]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_for(port)
            yield port, psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("the server did not start within 60 s")


def lateness(effort: Effort) -> Iterator[Row]:
    """One worker without a store; then one, two and four whose runs are kept in Redis."""
    with ExitStack() as stack:
        kinds: list[tuple[int, str | None]] = [(1, None)]
        if shutil.which("redis-server"):
            url = stack.enter_context(redis_server())
            kinds += [(1, url), (2, url), (4, url)]
        for workers, store in kinds:
            yield _measure_lateness(effort, workers, store)


def _measure_lateness(effort: Effort, workers: int, store: str | None) -> Row:
    streams, events = effort.of(STREAMS), PER_SECOND * SECONDS
    with _serve(workers, store) as (port, process):
        before = _spent(process)
        late = asyncio.run(asyncio.wait_for(_read_all(port, streams, events), 120))
        spent = _spent(process) - before
    lost = streams * events - len(late)
    late.sort()
    half, most, last = (late[min(int(len(late) * share), len(late) - 1)] * 1000 for share in (0.5, 0.99, 1.0))
    named = f"{workers} worker{'s' if workers > 1 else ''}, {'runs in Redis' if store else 'no store'}"
    return Row(
        f"{streams} streams of {PER_SECOND} events a second for {SECONDS} s, {named}",
        f"median {half:.0f} ms, 99 % within {most:.0f} ms, last {last:.0f} ms late",
        "–",
        (lost,),
        at_most(0),
        f"the ratio: events lost; {spent / len(late) * 1e6:.0f} µs of processor time an event in the server",
    )


def _spent(process: psutil.Process) -> float:
    family = [process, *process.children(recursive=True)]
    return sum(sum(each.cpu_times()[:2]) for each in family)


async def _read_all(port: int, streams: int, events: int) -> list[float]:
    found = await asyncio.gather(*[_read_one(port, events) for _ in range(streams)])
    return [each for one in found for each in one]


_TIME = re.compile(rb'data: "(\d+\.\d+)"')


async def _read_one(port: int, events: int) -> list[float]:
    """How late each event was, in seconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_request(events))
    late: list[float] = []
    buffer = b""
    ended = False
    while piece := await reader.read(65536):
        now = time.time()
        *lines, buffer = (buffer + piece).split(b"\n")
        late += [now - float(found[1]) for line in lines if (found := _TIME.match(line))]
        ended = ended or any(line.startswith(b"event: end") for line in lines)
        if problem := next((line for line in lines if line.startswith((b"event: error", b"HTTP/1.1 5"))), None):
            raise RuntimeError(f"a stream ended with {problem.decode()}")
    if not ended:
        raise RuntimeError(f"a stream ended after {len(late)} of {events} events: {buffer[:200]!r}")
    writer.close()
    return late


def _request(events: int) -> bytes:
    body = json.dumps({"input": {"events": events, "pause": 1 / PER_SECOND}})
    lines = [
        "POST /tick/stream HTTP/1.1",
        "host: x",
        "connection: close",
        "content-type: application/json",
        f"content-length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", body]).encode()


def leaving(effort: Effort) -> Iterator[Row]:
    """Clients that start a stream, read its first event and go."""
    count = effort.of(CONNECTIONS)
    with _serve(1, None) as (port, process):
        asyncio.run(_come_and_go(port, 200))  # what is loaded or grown once is not counted
        before, files = _settle(process)
        asyncio.run(_come_and_go(port, count))
        after, files_after = _settle(process)
    what = f"{count:,} clients that leave after the first event"
    grown = (after - before) / 1e6
    yield Row(f"{what}: memory of the server", f"{grown:+.1f} MB", "–", (max(grown, 0.0),), SHOWN_SHARE, "in MB")
    opened = files_after - files
    yield Row(
        f"{what}: open descriptors", f"{opened:+d}", "–", (max(opened, 0),), at_most(0), "the ratio: how many more"
    )


def _settle(process: psutil.Process) -> tuple[int, int]:
    """Memory and descriptors when the last connections have been noticed."""
    time.sleep(2)
    return process.memory_info().rss, process.num_fds()


async def _come_and_go(port: int, count: int) -> None:
    turn = asyncio.Semaphore(100)

    async def one() -> None:
        async with turn:
            _, writer = pair = await asyncio.open_connection("127.0.0.1", port)
            writer.write(_request(1000))
            await pair[0].readuntil(b'data: "')
            writer.transport.abort()

    await asyncio.gather(*[one() for _ in range(count)])


ROWS: list[Any] = [lateness, leaving]
