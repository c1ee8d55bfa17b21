"""Writing in groups, the newest frames in memory, and what happens when a database fails."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.helpers import requires, run
from tests.serve.redis_server import RedisServer
from tests.serve.test_stores import frames

from prill.errors import ConfigError, MissingDependencyError, RequestError, RunExistsError
from prill.io.tasks import start
from prill.serve import MemoryStore, RedisStore, SQLiteStore, StoredRun, open_store
from prill.serve.frame_writer import FrameWriter
from prill.serve.stores.groups import Append, Groups, Written
from prill.serve.stores.tail import Tail

RUN = StoredRun("r", "me")


def item(name: str) -> Append:
    return Append(name, "me", 1, [b"x"], False)


class Database:
    """Notes the groups that are written; each waits until it is let go."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.started = asyncio.Event()
        self.gate = asyncio.Event()
        self.results: dict[str, Written] = {}

    async def write(self, group: Sequence[Append]) -> Sequence[Written]:
        self.groups.append([each.run_id for each in group])
        self.started.set()
        await self.gate.wait()
        return [self.results.get(each.run_id, 1) for each in group]


def test_the_first_append_goes_at_once_and_those_that_come_meanwhile_go_together() -> None:
    async def use() -> None:
        database = Database()
        groups = Groups(database.write, 0.005)
        tasks = [start(groups.append(item("a")))]
        await database.started.wait()
        tasks += [start(groups.append(item(name))) for name in "bcd"]
        await asyncio.sleep(0)
        assert not any(task.done() for task in tasks)  # none is reported before it is written
        database.gate.set()
        for task in tasks:
            await task
        assert database.groups == [["a"], ["b", "c", "d"]]
        await groups.finish()

    run(use())


def test_an_append_that_is_refused_fails_alone_and_a_database_that_fails_fails_all() -> None:
    async def use() -> None:
        database = Database()
        database.gate.set()
        database.results["b"] = RunExistsError("no")
        groups = Groups(database.write, 0.005)
        a, b = start(groups.append(item("a"))), start(groups.append(item("b")))
        await a
        with pytest.raises(RunExistsError):
            await b

        async def fail(group: Sequence[Append]) -> Sequence[Written]:
            raise OSError("full")

        groups = Groups(fail, 0.005)
        for task in [start(groups.append(item("a"))), start(groups.append(item("b")))]:
            with pytest.raises(OSError, match="full"):
                await task

    run(use())


def test_the_frames_in_memory_are_bounded_in_number_and_bytes() -> None:
    tail = Tail(RUN, 1e9)
    tail.add(frames(1, 1000), 1)
    assert (tail.first, tail.last) == (745, 1000)
    tail.add([b"x" * 400_000] * 5, 1)
    assert (tail.first, tail.last) == (1004, 1005)
    tail.add([b"y"], 1006)
    assert (tail.first, list(tail.read(1005, 9, 0).frames)) == (1006, [b"y"])


def test_what_a_producer_has_put_in_is_stored_although_it_is_cancelled() -> None:
    async def use() -> None:
        store = MemoryStore()
        await store.create(RUN, 60)
        writer = FrameWriter(store, RUN, lambda: None)

        async def produce() -> None:
            await writer.put([b"a", b"b"])
            await asyncio.Event().wait()

        task = start(produce())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        await writer.finish([b"c"])
        page = await store.read("r", 0)
        assert page is not None
        assert list(page.frames) == [b"id: r:1\na", b"id: r:2\nb", b"id: r:3\nc"]
        assert page.state == "ended"

    run(use())


def test_a_chain_waits_for_a_store_that_is_slower() -> None:
    class Slow(MemoryStore):
        gate: Any = None

        async def append(self, *args: Any, **kwargs: Any) -> None:
            await self.gate.wait()
            await super().append(*args, **kwargs)

    async def use() -> None:
        store = Slow()
        store.gate = asyncio.Event()
        await store.create(RUN, 60)
        writer = FrameWriter(store, RUN, lambda: None)
        put = 0

        async def produce() -> None:
            nonlocal put
            for put in range(1000):  # noqa: B007 - read outside
                await writer.put([b"x"])

        task = start(produce())
        for _ in range(20):
            await asyncio.sleep(0)
        assert put < 300
        store.gate.set()
        await task
        await writer.finish([])
        page = await store.read("r", 0)
        assert page is not None
        assert page.last == 1000

    run(use())


def test_a_producer_learns_that_its_run_is_another_s() -> None:
    async def use() -> None:
        store = MemoryStore()
        await store.create(StoredRun("r", "you"), 60)
        failed = asyncio.Event()
        writer = FrameWriter(store, RUN, failed.set)
        await writer.put([b"x"])
        await failed.wait()
        with pytest.raises(RunExistsError):
            await writer.put([b"y"])
        with pytest.raises(RunExistsError):
            await writer.finish([])

    run(use())


@requires("redis-server", "redis")
def test_a_redis_server_that_is_gone_is_a_503_without_its_address_and_is_used_again_when_it_is_back(
    tmp_path: Path,
) -> None:
    server = RedisServer(tmp_path)

    async def use() -> None:
        store = RedisStore(server.url)
        await store.create(RUN, 60)
        waiting = start(store.wait_stop("r", 60))
        await store.append("r", "me", 1, [b"x"])
        server.stop()
        for call in (store.append("r", "me", 2, [b"y"]), store.find("r"), store.find_topic("t"), store.read("r", 0)):
            with pytest.raises(RequestError) as caught:
                await call
            assert (caught.value.status, caught.value.code) == (503, "store_unavailable")
            assert str(server.port) not in str(caught.value)
        server.start()  # with nothing in it, also without the scripts
        assert await store.find("r") is None
        with pytest.raises(RunExistsError):
            await store.append("r", "me", 2, [b"y"])
        await store.create(StoredRun("s", "me"), 60)
        other = RedisStore(server.url)
        assert await other.stop("s")
        # As producers do it: news may get lost while the connection for them is opened again.
        assert await store.wait_stop("s", 0.05) or await store.renew("s", "me", 60)
        reading = start(other.wait("s", 0, 60))
        await store.append("s", "me", 1, [b"x"])
        await reading
        await other.aclose()
        await store.append("s", "me", 2, [b"x"], ended=True)
        await store.aclose()
        waiting.cancel()
        await asyncio.wait([waiting])

    try:
        run(use())
    finally:
        server.stop()


def test_a_file_that_cannot_be_written_is_a_503_and_is_used_again_later(tmp_path: Path) -> None:
    async def use() -> None:
        store = SQLiteStore(tmp_path / "runs.db")
        await store.create(RUN, 60)
        await store.append("r", "me", 1, [b"a"])
        database = sqlite3.connect(tmp_path / "runs.db", isolation_level=None)
        database.execute(
            "CREATE TRIGGER full BEFORE INSERT ON frame BEGIN SELECT raise(ROLLBACK, 'the disk is full'); END"
        )
        with pytest.raises(RequestError) as caught:
            await store.append("r", "me", 2, [b"b"])
        assert (caught.value.status, caught.value.code) == (503, "store_unavailable")
        assert str(tmp_path) not in str(caught.value)
        database.execute("DROP TRIGGER full")
        database.close()
        await store.append("r", "me", 2, [b"c"], ended=True)
        page = await store.read("r", 0)
        assert page is not None
        assert list(page.frames) == [b"a", b"c"]
        await store.aclose()

    run(use())


def test_addresses_of_stores_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(f"sqlite:{tmp_path / 'runs.db'}")
    assert isinstance(store, SQLiteStore)
    assert store.shared
    for address in ("sqlite:", "sqlite::memory:"):
        with pytest.raises(ConfigError, match="needs a file"):
            open_store(address)
    (tmp_path / "other").write_text("not a database, but a text of some length, as files are")
    with pytest.raises(ConfigError, match="other"):
        open_store(f"sqlite:{tmp_path / 'other'}")
    asyncio.run(store.aclose())


@requires("redis")
def test_an_address_of_redis_that_is_wrong_is_refused_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError) as caught:
        open_store("redis://ada:secret@host:port/0")
    assert "secret" not in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "redis.asyncio", None)
    with pytest.raises(MissingDependencyError, match=r"prill\[redis\]"):
        open_store("redis://localhost")
