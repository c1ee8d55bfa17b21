from __future__ import annotations

import threading
from pathlib import Path

import pytest
from tests.helpers import requires

from forking import passes_in_child
from prill.errors import ConfigError
from prill.sqlite_file import SQLiteFile

TABLE = "CREATE TABLE IF NOT EXISTS number (value INTEGER PRIMARY KEY)"
INSERT = "INSERT INTO number VALUES (?)"


def values(file: SQLiteFile) -> list[int]:
    return [row[0] for row in file.read("SELECT value FROM number ORDER BY value")]


def test_what_was_written_is_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    first = SQLiteFile(tmp_path / "a.db", TABLE)
    first.write(INSERT, [(1,), (2,)])
    first.close()
    assert values(SQLiteFile(tmp_path / "a.db", TABLE)) == [1, 2]


def test_a_write_that_fails_in_its_middle_leaves_nothing(tmp_path: Path) -> None:
    file = SQLiteFile(tmp_path / "a.db", TABLE)
    with pytest.raises(ConfigError, match=r"a\.db"):
        file.write(INSERT, [(1,), (1,)])
    assert values(file) == []
    file.write(INSERT, [(3,)])
    assert values(file) == [3]


def test_threads_share_one_file(tmp_path: Path) -> None:
    file = SQLiteFile(tmp_path / "a.db", TABLE)

    def work(start: int) -> None:
        for value in range(start, start + 25):
            file.write(INSERT, [(value,)])
            values(file)

    threads = [threading.Thread(target=work, args=(start * 25,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert values(file) == list(range(200))


def test_a_path_with_a_zero_byte_is_refused() -> None:
    with pytest.raises(ConfigError, match="zero byte"):
        SQLiteFile("a\0b", TABLE)


def test_what_is_no_database_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"this is a text, and a rather long one" * 100)
    with pytest.raises(ConfigError, match=r"a\.db' is damaged, or holds something else"):
        SQLiteFile(tmp_path / "a.db", TABLE)


def test_a_file_that_was_damaged_later_is_refused_by_name(tmp_path: Path) -> None:
    file = SQLiteFile(tmp_path / "a.db", TABLE)
    file.write(INSERT, [(value,) for value in range(5000)])
    file.close()
    whole = (tmp_path / "a.db").read_bytes()
    (tmp_path / "a.db").write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(ConfigError, match=r"a\.db' is damaged"):
        values(SQLiteFile(tmp_path / "a.db", TABLE))


def test_a_place_where_no_file_can_be_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing/a\.db' cannot be used"):
        SQLiteFile(tmp_path / "missing" / "a.db", TABLE)
    file = SQLiteFile(":memory:", TABLE)
    file.close()
    with pytest.raises(ConfigError, match="cannot be used"):
        values(file)


@requires("fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_has_a_connection_of_its_own(tmp_path: Path) -> None:
    file = SQLiteFile(tmp_path / "a.db", TABLE)
    file.write(INSERT, [(1,)])
    inherited = file._connection()

    def work() -> None:
        assert file._connection() is not inherited
        file.write(INSERT, [(2,)])
        assert values(file) == [1, 2]

    assert passes_in_child(work)
    assert values(file) == [1, 2]


@requires("fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_has_a_copy_of_a_database_in_memory() -> None:
    file = SQLiteFile(":memory:", TABLE)
    file.write(INSERT, [(1,)])

    def work() -> None:
        file.write(INSERT, [(2,)])
        assert values(file) == [1, 2]

    assert passes_in_child(work)
    assert values(file) == [1]


def test_rows_that_read_the_file_are_written(tmp_path: Path) -> None:
    file = SQLiteFile(tmp_path / "a.db", TABLE)
    file.write(INSERT, ((len(values(file)) + number,) for number in (1, 2)))
    assert values(file) == [1, 2]


def test_threads_open_a_new_file_at_once(tmp_path: Path) -> None:
    errors: list[Exception] = []
    for number in range(30):
        start = threading.Barrier(8)

        def open_file(number: int = number, start: threading.Barrier = start) -> None:
            start.wait()
            try:
                SQLiteFile(tmp_path / f"{number}.db", TABLE).close()
            except ConfigError as error:
                errors.append(error)

        threads = [threading.Thread(target=open_file) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []
