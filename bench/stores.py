"""What a store of runs adds to a served event, from the producer to a reader beside it."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench.measure import Effort, Row, at_most, duration, in_turn
from prill.io.tasks import start
from prill.serve import MemoryStore, RedisStore, RunStore, SQLiteStore, StoredRun
from prill.serve.frame_writer import FrameWriter
from prill.serve.producing import read_stored

_RUNS = 50
_PACE = 0.01
"""Seconds between two events of a run: 100 tokens a second, as models send them."""

_FRAME = b'event: data\ndata: "a token, as it is sent"\n\n'


async def _produce(store: RunStore, name: str, events: int, pace: float) -> None:
    run = StoredRun(name, "bench")
    await store.create(run, 600)
    writer = FrameWriter(store, run, lambda: None)
    reader = start(_read(store, name))
    for _ in range(events):
        await writer.put([_FRAME])
        await asyncio.sleep(pace)
    await writer.finish([_FRAME])
    assert await reader == events + 1


async def _read(store: RunStore, name: str) -> int:
    count = 0
    async for _ in read_stored(store, name, 0):
        count += 1
    return count


async def _pause(events: int, pace: float) -> None:
    for _ in range(events):
        await asyncio.sleep(pace)


async def _serve_all(store: RunStore, events: int) -> float:
    """The seconds of processor time that an event costs, without what waiting between events costs."""
    started = time.process_time()
    await asyncio.gather(*[_pause(events, _PACE) for _ in range(_RUNS)])
    waiting = time.process_time() - started
    started = time.process_time()
    await asyncio.gather(*[_produce(store, f"{started}-{number}", events, _PACE) for number in range(_RUNS)])
    spent = time.process_time() - started - waiting
    await store.aclose()
    return spent / (events * _RUNS)


@contextmanager
def redis_server() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def _row(name: str, goal: float, samples: list[float], memory: list[float]) -> Row:
    added = [max(0.0, stored - kept) * 1e6 for stored, kept in zip(samples, memory, strict=True)]
    return Row(
        f"{name} as the store of runs: {_RUNS} runs at {1 / _PACE:.0f} events a second, each with a reader",
        f"{duration(median(samples))} / event",
        f"{duration(median(memory))} (in memory)",
        tuple(added),
        at_most(goal),
        "the ratio column shows what it adds, in µs an event; the time of its threads is in it",
    )


def stored_events(effort: Effort) -> list[Row]:
    """Processor time an event: what each store adds to the one in memory."""
    events, repeats = effort.of(200), min(effort.repeats, 3)

    def sample(make: Callable[[], RunStore]) -> Callable[[], float]:
        return lambda: asyncio.run(_serve_all(make(), events))

    files = iter(range(1_000_000))
    with tempfile.TemporaryDirectory() as folder:
        makers = [sample(MemoryStore), sample(lambda: SQLiteStore(Path(folder) / f"{next(files)}.db"))]
        if not shutil.which("redis-server"):
            memory, sqlite = in_turn(makers, repeats)
            return [_row("SQLite", 15, sqlite, memory)]
        with redis_server() as url:
            memory, sqlite, redis = in_turn([*makers, sample(lambda: RedisStore(url))], repeats)
    return [_row("SQLite", 15, sqlite, memory), _row("Redis", 40, redis, memory)]


ROWS = [stored_events]
