"""Threads in a PostgreSQL database: shared, restarted, refused, damaged."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest
from tests.helpers import requires

from forking import passes_in_child
from prill.agents.threads import PostgresThreads
from prill.errors import ConfigError, MissingDependencyError, ThreadDataError, ThreadError, ThreadStorageError

pytestmark = requires("psycopg")

RECORDS = [{"n": 1}, {"n": 2}, {"n": 3}]


def execute(dsn: str, statement: str) -> list[Any]:
    import psycopg

    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


WRITER = """
import sys
from prill.agents.threads import PostgresThreads
with PostgresThreads(sys.argv[1]) as threads:
    length = threads.length("7")
    while True:
        length = threads.append("7", [{"n": n} for n in range(length, length + 1 + length % 3)], length)
        sys.stdout.write(f"{length}\\n")
        sys.stdout.flush()
"""


def test_a_process_that_is_killed_at_any_moment_loses_nothing_that_was_recorded(postgres: str) -> None:
    chance = random.Random(5)
    for _ in range(5):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, postgres], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        known = [writer.stdout.readline() for _ in range(chance.randrange(1, 40))][-1]
        writer.send_signal(signal.SIGKILL)
        known = (writer.stdout.read() or known).splitlines()[-1]
        writer.stdout.close()
        writer.wait()
        with PostgresThreads(postgres) as threads:
            found = threads.load("7")
            assert len(found) >= int(known)
            assert found == [{"n": number} for number in range(len(found))]


def test_programs_that_start_at_once_make_the_tables_once(postgres: str) -> None:
    made: list[PostgresThreads] = []
    start = threading.Barrier(6)

    def make() -> None:
        start.wait()
        made.append(PostgresThreads(postgres))

    makers = [threading.Thread(target=make) for _ in range(6)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert len(made) == 6
    for threads in made:
        threads.close()


def test_a_connection_that_the_server_has_closed_is_replaced(postgres: str) -> None:
    with PostgresThreads(postgres) as threads:
        threads.append("7", RECORDS[:1], 0)
        execute(postgres, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        assert threads.append("7", RECORDS[1:], 1) == 3
        assert threads.load("7") == RECORDS


def test_connections_are_kept_and_closed(postgres: str) -> None:
    count = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'threads' AND pid <> pg_backend_pid()"
    with PostgresThreads(postgres) as threads:
        for length in range(5):
            threads.append("7", [{}], length)
        assert execute(postgres, count) == [(1,)]
    with pytest.raises(ThreadStorageError, match="closed"):
        threads.load("7")


def test_a_server_that_is_not_there_is_an_error_without_the_password() -> None:
    with pytest.raises(ThreadStorageError, match="cannot be used") as raised:
        PostgresThreads("postgresql://prill:hush@127.0.0.1:1/threads")
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize("dsn", ["hush", "postgresql://a:hush@[x", "host=a hush"])
def test_an_address_that_cannot_be_read_is_refused_without_its_text(dsn: str) -> None:
    with pytest.raises(ConfigError, match="dsn is not an address") as raised:
        PostgresThreads(dsn)
    assert "hush" not in repr(raised.value)
    assert raised.value.__cause__ is None


def test_without_its_package_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingDependencyError, match=r"prill\[postgres\]"):
        PostgresThreads("host=a")


def test_a_user_who_may_not_make_tables_can_use_them(postgres: str) -> None:
    with PostgresThreads(postgres) as threads:
        threads.append("7", RECORDS, 0)
    execute(postgres, "DROP ROLE IF EXISTS writer")
    execute(postgres, "CREATE ROLE writer LOGIN")
    execute(postgres, "GRANT SELECT, INSERT, UPDATE, DELETE ON prill_thread, prill_record TO writer")
    execute(postgres, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    with PostgresThreads(postgres.replace("user=prill", "user=writer")) as threads:
        assert threads.append("7", [{}], 3) == 4


def test_tables_can_be_in_another_schema(postgres: str) -> None:
    execute(postgres, "CREATE SCHEMA other")
    with PostgresThreads(f"{postgres} options=-csearch_path=other") as threads:
        threads.append("7", RECORDS, 0)
    assert execute(postgres, "SELECT count(*) FROM other.prill_record") == [(3,)]


@requires("fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_has_connections_of_its_own(postgres: str) -> None:
    with PostgresThreads(postgres) as threads:
        threads.append("7", RECORDS[:1], 0)
        assert passes_in_child(lambda: threads.append("7", RECORDS[1:2], 1))
        assert threads.append("7", RECORDS[2:], 2) == 3
        assert threads.load("7") == RECORDS


HOSTILE = {
    "a record is missing": "DELETE FROM prill_record WHERE place = 1",
    "too many": "UPDATE prill_thread SET length = 2",
    "a length of many": "UPDATE prill_thread SET length = 9000000000000",
    "a pickle": r"UPDATE prill_record SET data = '\x80049512000000000000008c02' WHERE place = 2",
    "a huge record": "UPDATE prill_record SET data = convert_to(repeat('x', 30000000), 'UTF8') WHERE place = 2",
    "other columns": "DROP TABLE prill_record; CREATE TABLE prill_record (a int)",
    "no tables": "DROP TABLE prill_record",
}


@pytest.mark.parametrize("statement", HOSTILE.values(), ids=HOSTILE)
def test_damaged_tables_give_a_typed_error(statement: str, postgres: str) -> None:
    with PostgresThreads(postgres) as threads:
        threads.append("7", RECORDS, 0)
        execute(postgres, statement)
        with pytest.raises(ThreadError):
            threads.load("7")


def test_a_key_that_is_no_id_gives_a_typed_error(postgres: str) -> None:
    with PostgresThreads(postgres) as threads:
        threads.append("7", RECORDS, 0)
        execute(postgres, r"UPDATE prill_thread SET key = '\xff'")
        with pytest.raises(ThreadDataError, match="not the id of a thread"):
            threads.list()
