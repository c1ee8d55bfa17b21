"""Every store of threads: what all of them promise."""

from __future__ import annotations

import asyncio
import threading
import zlib
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from prill.agents.threads import InMemoryThreads, PostgresThreads, SQLiteThreads, Threads
from prill.errors import ConfigError, ThreadConflictError, ThreadDataError, ThreadNotFoundError, ThreadValueError

ONE, TWO, THREE = {"n": 1}, {"n": 2}, {"n": 3}
IDS = ["7", "a'b\"c.d; DROP TABLE thread; --", "%", "_", "\0", "蛙\ud800", " ", "$1", "?", "x" * 1000, "é" * 500]


class Compressed:
    def encode(self, data: bytes) -> bytes:
        return zlib.compress(data)

    def decode(self, data: bytes) -> bytes:
        return zlib.decompress(data)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Makes threads of one kind, all in one place."""
    if request.param == "memory":
        return InMemoryThreads
    if request.param == "sqlite":
        return partial(SQLiteThreads, tmp_path / "threads.db")
    return partial(PostgresThreads, request.getfixturevalue("postgres"))


@pytest.fixture
def threads(make: Any) -> Any:
    with make() as made:
        yield made


def test_records_are_added_at_the_end_and_read_from_any_place(threads: Threads) -> None:
    assert threads.load("7") == []
    assert threads.length("7") == 0
    assert threads.append("7", [ONE, TWO], 0) == 2
    assert threads.append("7", [THREE], 2) == 3
    assert threads.load("7") == [ONE, TWO, THREE]
    assert threads.load("7", start=2) == [THREE]
    assert threads.load("7", start=9) == []
    assert threads.length("7") == 3


@pytest.mark.parametrize("expected", [0, 1, 3, -1])
def test_a_writer_that_knows_another_length_gets_a_conflict_and_writes_nothing(threads: Threads, expected: int) -> None:
    threads.append("7", [ONE, TWO], 0)
    with pytest.raises(ThreadConflictError, match=f"'7' has 2 records, not {expected}") as raised:
        threads.append("7", [THREE], expected)
    assert (raised.value.thread_id, raised.value.length, raised.value.expected_length) == ("7", 2, expected)
    with pytest.raises(ThreadConflictError):
        threads.append("7", [], expected)
    assert threads.load("7") == [ONE, TWO]


def test_no_records_make_no_thread(threads: Threads) -> None:
    assert threads.append("7", [], 0) == 0
    assert threads.list() == []


@pytest.mark.parametrize("name", IDS, ids=range(len(IDS)))
def test_an_id_may_have_any_characters(threads: Threads, name: str) -> None:
    threads.append("other", [TWO], 0)
    threads.append(name, [ONE], 0)
    assert threads.load(name) == [ONE]
    assert {info.thread_id for info in threads.list()} == {name, "other"}
    assert [info.thread_id for info in threads.list(prefix=name)] == [name]
    assert threads.delete(name)
    assert threads.load("other") == [TWO]


@pytest.mark.parametrize("name", ["", "x" * 1001, "é" * 501, 7, None, b"7"], ids=repr)
def test_an_id_is_a_text_of_limited_length(threads: Threads, name: Any) -> None:
    for call in (threads.load, threads.length, threads.delete, lambda name: threads.append(name, [ONE], 0)):
        with pytest.raises(ConfigError, match="thread_id"):
            call(name)


def test_any_text_is_kept(threads: Threads) -> None:
    records = [{"text": "\0\ud800 é 蛙 \u2028", "list": [1.5, None, True, 2**100, {"": {}}]}]
    threads.append("7", records, 0)
    assert threads.load("7") == records


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ([], "record 1 is a list"),
        ({"a": {"b": object()}}, r"record 1\['a'\]\['b'\] is a object"),
        ({"a": [(1,)]}, r"record 1\['a'\]\[0\] is a tuple"),
        ({"a": float("nan")}, r"record 1\['a'\] is a float"),
        ({1: 2}, "record 1 has a key of the type int"),
        ({"a": 10**5000}, "record 1"),
        ({"a": "x" * 20_000_000}, "record 1 has 20000008 bytes"),
    ],
    ids=range(7),
)
def test_what_is_not_plain_json_is_refused_before_anything_is_written(threads: Threads, record: Any, said: str) -> None:
    with pytest.raises(ThreadValueError, match=said):
        threads.append("7", [ONE, record], 0)
    assert threads.load("7") == []


def test_threads_are_listed_in_the_order_of_their_ids(threads: Threads) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    names = ["b", "a", "a/2", "a/1", "é", "aé", "蛙", "\U0001f438"]
    for name in names:
        threads.append(name, [ONE, TWO], 0)
    infos = threads.list()
    assert [info.thread_id for info in infos] == sorted(names)
    assert {info.length for info in infos} == {2}
    assert all(before < info.updated_at <= datetime.now(UTC) + timedelta(seconds=1) for info in infos)
    assert [info.thread_id for info in threads.list(prefix="a")] == ["a", "a/1", "a/2", "aé"]
    assert [info.thread_id for info in threads.list(prefix="a", after="a", limit=2)] == ["a/1", "a/2"]


@pytest.mark.parametrize(
    "call",
    [
        lambda threads: threads.load("7", start=-1),
        lambda threads: threads.list(limit=-1),
        lambda threads: type(threads)(":memory:", max_record_bytes=0),
    ],
    ids=range(3),
)
def test_numbers_out_of_range_are_refused(call: Any) -> None:
    with pytest.raises(ConfigError, match=r"not (-1|0)"):
        call(SQLiteThreads(":memory:"))


def test_a_copy_goes_its_own_way(threads: Threads) -> None:
    threads.append("7", [ONE, TWO, THREE], 0)
    assert threads.copy("7", "8", at=2) == 2
    assert threads.copy("7", "9") == 3
    threads.append("8", [THREE, ONE], 2)
    assert threads.load("8") == [ONE, TWO, THREE, ONE]
    assert threads.load("7") == threads.load("9") == [ONE, TWO, THREE]
    fork = threads.fork("7", at=1)
    assert threads.load(fork) == [ONE]


def test_a_copy_needs_a_source_and_a_free_id(threads: Threads) -> None:
    threads.append("7", [ONE], 0)
    for call in (lambda: threads.copy("x", "y"), lambda: threads.copy("7", "y", at=2), lambda: threads.fork("x")):
        with pytest.raises(ThreadNotFoundError, match="there is no thread"):
            call()
    with pytest.raises(ThreadConflictError, match="'7' has 1 records"):
        threads.copy("7", "7")
    with pytest.raises(ConfigError, match="at cannot be 0"):
        threads.copy("7", "y", at=0)
    assert [info.thread_id for info in threads.list()] == ["7"]


def test_a_deleted_thread_is_gone_and_may_start_again(threads: Threads) -> None:
    threads.append("7", [ONE, TWO], 0)
    assert threads.delete("7")
    assert not threads.delete("7")
    assert threads.load("7") == []
    threads.append("7", [THREE], 0)
    assert threads.load("7") == [THREE]


def test_threads_that_are_older_are_pruned(threads: Threads) -> None:
    threads.append("7", [ONE], 0)
    threads.append("8", [ONE], 0)
    assert threads.prune(older_than=timedelta(hours=1)) == 0
    assert threads.prune(older_than=timedelta(seconds=-5)) == 2
    assert threads.list() == []


def test_of_many_writers_at_once_one_wins_each_round(threads: Threads) -> None:
    rounds, writers = 20, 4
    won: list[int] = []
    start = threading.Barrier(writers)

    def write(number: int) -> None:
        for length in range(rounds):
            start.wait()
            try:
                threads.append("7", [{"writer": number}], length)
                won.append(number)
            except ThreadConflictError:
                pass

    workers = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(won) == rounds
    assert sorted(record["writer"] for record in threads.load("7")) == sorted(won)


def test_the_asyncio_forms_do_the_same(threads: Threads) -> None:
    async def main() -> None:
        assert await threads.aappend("7", [ONE, TWO], 0) == 2
        assert await threads.aload("7", start=1) == [TWO]
        assert await threads.alength("7") == 2
        assert [info.length for info in await threads.alist()] == [2]
        assert await threads.acopy("7", "8", at=1) == 1
        assert await threads.aload(await threads.afork("7")) == [ONE, TWO]
        assert await threads.adelete("7")
        assert await threads.aprune(older_than=timedelta(seconds=-5)) == 2

    asyncio.run(main())


def test_a_codec_changes_what_is_stored(make: Any) -> None:
    with make(codec=Compressed()) as threads:
        threads.append("7", [{"text": "secret" * 1000}], 0)
        assert threads.load("7") == [{"text": "secret" * 1000}]
        (row,) = threads._read("7", 0)
        assert len(row) < 100


def test_what_the_codec_cannot_read_is_an_error(make: Any) -> None:
    with make(codec=Compressed()) as threads:
        threads._append("7", [b"not compressed"], 0)
        with pytest.raises(ThreadDataError, match="record 0 of the thread '7' cannot be decoded: the codec"):
            threads.load("7")


HOSTILE = [b"", b"[]", b"1", b"{", b'{"a": NaN}', b"\xff", b'{"a": ' + b"[" * 100_000, b'{"a":' + b"1" * 5000 + b"}"]


@pytest.mark.parametrize("row", HOSTILE, ids=range(len(HOSTILE)))
def test_rows_that_are_no_records_are_refused(threads: Threads, row: bytes) -> None:
    threads._append("7", [b"{}", row], 0)
    with pytest.raises(ThreadDataError, match="record 1 of the thread '7' is damaged"):
        threads.load("7")


def test_a_row_that_is_too_large_is_refused(make: Any) -> None:
    with make(max_record_bytes=10) as threads:
        threads._append("7", [b'{"a":"' + b"x" * 100 + b'"}'], 0)
        with pytest.raises(ThreadDataError, match=r"record 0 of the thread '7' has .* at most 10"):
            threads.load("7")
