"""Threads in a SQLite file: shared, killed, full, damaged."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.helpers import requires, run_apart

from forking import passes_in_child
from prill.agents.threads import SQLiteThreads, dump_value
from prill.errors import ConfigError, ThreadConflictError, ThreadDataError, ThreadError, ThreadStorageError
from prill.messages import AIMessage, ToolMessage


def records(start: int, stop: int) -> list[dict[str, Any]]:
    return [{"n": number, "text": "x" * (number * 37 % 3000)} for number in range(start, stop)]


WRITER = """
import sys
from prill.agents.threads import SQLiteThreads
with SQLiteThreads(sys.argv[1]) as threads:
    length = threads.length("7")
    while True:
        new = [{"n": n, "text": "x" * (n * 37 % 3000)} for n in range(length, length + 1 + length % 3)]
        length = threads.append("7", new, length)
        sys.stdout.write(f"{length}\\n")
        sys.stdout.flush()
"""


def test_a_process_that_is_killed_at_any_moment_loses_nothing_that_was_recorded(tmp_path: Path) -> None:
    chance = random.Random(5)
    for _ in range(10):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "a.db")], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        known = [writer.stdout.readline() for _ in range(chance.randrange(1, 60))][-1]
        for _ in range(chance.randrange(2000)):
            pass  # the kill comes at another place of a write each time
        writer.send_signal(signal.SIGKILL)
        known = (writer.stdout.read() or known).splitlines()[-1]
        writer.stdout.close()
        writer.wait()
        with SQLiteThreads(tmp_path / "a.db") as threads:
            found = threads.load("7")
            assert len(found) >= int(known)
            assert found == records(0, len(found))


RACER = """
import sys
from prill.agents.threads import SQLiteThreads
from prill.errors import ThreadConflictError
with SQLiteThreads(sys.argv[1]) as threads:
    for length in range(1, 200):
        print(threads.length("7"), flush=True)  # both wait for this line
        sys.stdin.readline()
        try:
            threads.append("7", [{"writer": sys.argv[2]}], length)
        except ThreadConflictError:
            print("conflict", flush=True)
        else:
            print("won", flush=True)
"""


def test_of_two_processes_on_one_thread_one_gets_the_conflict(tmp_path: Path) -> None:
    with SQLiteThreads(tmp_path / "a.db") as threads:
        threads.append("7", [{}], 0)
        racers = [
            subprocess.Popen(
                [sys.executable, "-c", RACER, str(tmp_path / "a.db"), name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for name in ("a", "b")
        ]
        for length in range(1, 30):
            assert {racer.stdout.readline() for racer in racers if racer.stdout} == {f"{length}\n"}
            for racer in racers:
                assert racer.stdin is not None
                racer.stdin.write("go\n")
                racer.stdin.flush()
            assert sorted(racer.stdout.readline() for racer in racers if racer.stdout) == ["conflict\n", "won\n"]
        for racer in racers:
            racer.kill()
            racer.communicate()
        assert threads.length("7") == 30


def rounds(count: int) -> list[dict[str, Any]]:
    """The records of a run in which the model calls one tool a round."""
    made = []
    for number in range(count):
        call = {"name": "search", "args": {"query": "the weather"}, "id": f"call_{number:024}", "type": "tool_call"}
        usage = {"input_tokens": 1000, "output_tokens": 50, "total_tokens": 1050}
        facts = {"model_name": "claude-haiku-4-5", "finish_reason": "tool_calls", "model_provider": "anthropic"}
        answer = AIMessage("a" * 200, tool_calls=[call], usage_metadata=usage, response_metadata=facts, id="i" * 40)
        made.append({"message": dump_value(answer)})
        made.append(
            {"message": dump_value(ToolMessage("t" * 200, tool_call_id=call["id"], name="search", id="j" * 40))}
        )
    return made


def bytes_of_rounds(path: Path, count: int) -> int:
    with SQLiteThreads(path) as threads:
        for length, record in enumerate(rounds(count)):
            threads.append("7", [record], length)
    return path.stat().st_size


def test_a_round_takes_as_many_bytes_in_a_long_thread_as_in_a_short_one(tmp_path: Path) -> None:
    sizes = {count: bytes_of_rounds(tmp_path / f"{count}.db", count) for count in (20, 80, 320)}
    assert sizes[80] <= 4 * sizes[20]
    texts = 400
    assert (sizes[80] - sizes[20]) / 60 <= 1024 + texts
    assert (sizes[320] - sizes[80]) / 240 <= 1024 + texts


def test_a_full_disk_is_an_error_and_leaves_the_log_whole(tmp_path: Path) -> None:
    with SQLiteThreads(tmp_path / "a.db") as threads:
        threads.append("7", records(0, 5), 0)
        limit = threads._file.read("PRAGMA page_count")[0][0] + 3
        threads._file._connection().execute(f"PRAGMA max_page_count = {limit}")
        with pytest.raises(ThreadStorageError, match=r"a\.db' cannot be used: database or disk is full"):
            threads.append("7", [{"text": "x" * 100_000}], 5)
        assert threads.load("7") == records(0, 5)
        threads._file._connection().execute("PRAGMA max_page_count = 10000")
        assert threads.append("7", records(5, 9), 5) == 9
    with SQLiteThreads(tmp_path / "a.db") as threads:
        assert threads.load("7") == records(0, 9)


def test_a_locked_file_is_an_error(tmp_path: Path) -> None:
    with SQLiteThreads(tmp_path / "a.db") as threads:
        threads.append("7", records(0, 1), 0)
        other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        threads._file._connection().execute("PRAGMA busy_timeout = 0")
        with pytest.raises(ThreadStorageError, match="locked"):
            threads.append("7", records(1, 2), 1)
        assert threads.load("7") == records(0, 1)
        other.close()


def test_a_place_where_no_file_can_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"a\.db"):
        SQLiteThreads(tmp_path / "missing" / "a.db")


def test_a_closed_store_is_an_error(tmp_path: Path) -> None:
    threads = SQLiteThreads(tmp_path / "a.db")
    threads.close()
    with pytest.raises(ThreadStorageError, match="closed"):
        threads.load("7")


@requires("fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_writes_with_a_connection_of_its_own(tmp_path: Path) -> None:
    with SQLiteThreads(tmp_path / "a.db") as threads:
        threads.append("7", records(0, 1), 0)

        def work() -> None:
            assert threads.append("7", records(1, 2), 1) == 2

        assert passes_in_child(work)
        with pytest.raises(ThreadConflictError):
            threads.append("7", records(1, 2), 1)
        assert threads.append("7", records(2, 3), 2) == 3


def changed(statement: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with SQLiteThreads(path) as threads:
            threads.append("7", records(0, 4), 0)
        other = sqlite3.connect(path, isolation_level=None)
        other.executescript(statement)
        other.close()

    return change


def garbage(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(20_000))


def damaged(path: Path) -> None:
    changed("")(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + random.Random(2).randbytes(len(whole) - 4096))


HOSTILE = {
    "garbage": garbage,
    "damaged": damaged,
    "a record is missing": changed("DELETE FROM record WHERE place = 2"),
    "the first is missing": changed("DELETE FROM record WHERE place = 0"),
    "too many": changed("UPDATE thread SET length = 2"),
    "a length of many": changed("UPDATE thread SET length = 9000000000000"),
    "a length below zero": changed("UPDATE thread SET length = -1"),
    "a text as length": changed("UPDATE thread SET length = 'four'"),
    "a number as record": changed("UPDATE record SET data = 5 WHERE place = 2"),
    "a text as record": changed("UPDATE record SET data = '{}' WHERE place = 2"),
    "a huge record": changed("UPDATE record SET data = zeroblob(100000000) WHERE place = 2"),
    "a pickle": changed("UPDATE record SET data = x'80049512000000000000008c02' WHERE place = 2"),
    "a trigger": changed("CREATE TRIGGER t AFTER INSERT ON record BEGIN DELETE FROM record; END"),
    "a view": changed("DROP TABLE thread; CREATE VIEW thread AS SELECT 1 number, x'37' key, 4 length, 0 updated_at"),
    "other columns": changed("DROP TABLE record; CREATE TABLE record (a)"),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_gives_a_typed_error(change: Callable[[Path], None], tmp_path: Path) -> None:
    change(tmp_path / "a.db")
    with pytest.raises((ThreadError, ConfigError)) as raised:
        SQLiteThreads(tmp_path / "a.db").load("7")
    assert "thread '7'" in str(raised.value) or "a.db" in str(raised.value)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE thread SET key = x'ff'", "UPDATE thread SET updated_at = 1e300"],
)
def test_a_list_of_a_hostile_file_gives_a_typed_error(statement: str, tmp_path: Path) -> None:
    changed(statement)(tmp_path / "a.db")
    with pytest.raises(ThreadDataError):
        SQLiteThreads(tmp_path / "a.db").list()


def test_sqlite_is_imported_only_when_it_is_used() -> None:
    code = (
        "import sys; from prill.agents.threads import SQLiteThreads; print({'sqlite3', 'asyncio'} & set(sys.modules))"
    )
    assert run_apart({"threads": code}) == {"threads": "set()"}
