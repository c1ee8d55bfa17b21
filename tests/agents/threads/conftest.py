"""A PostgreSQL server for the tests that need one."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.helpers import find_postgres, require


class PostgresServer:
    """A server in a folder of its own, reached by a socket in that folder; no port is used.

    As root it runs as another user, since PostgreSQL refuses to run as root.
    """

    def __init__(self) -> None:
        programs = find_postgres()
        assert programs is not None
        self._programs = programs
        # Not pytest's folder: the other user may not look into it, and the path of a socket must be short.
        self.folder = Path(tempfile.mkdtemp(prefix="prill-pg-"))
        self._as = []
        if os.geteuid() == 0:
            shutil.chown(self.folder, "nobody")
            self._as = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        self._run("initdb", "--auth=trust", "--username=prill", "--no-sync", "--encoding=UTF8", "--locale=C")
        self.start()

    @property
    def dsn(self) -> str:
        return f"host={self.folder} user=prill dbname=postgres"

    def start(self) -> None:
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder} -c fsync=off"
        self._run("pg_ctl", "--wait", "--options", options, "--log", str(self.folder / "log"), "start")

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "--wait", "--mode", mode, "stop")

    def remove(self) -> None:
        self.stop("immediate")
        shutil.rmtree(self.folder)

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self._programs / program), *arguments, "--pgdata", str(self.folder / "data")]
        # To a file: the server would keep a pipe open.
        with (self.folder / "out").open("w+") as out:
            done = subprocess.run(command, stdout=out, stderr=out, cwd="/")
            out.seek(0)
            assert done.returncode == 0, out.read()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    require("postgres")
    require("psycopg")
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of a database that is empty."""
    import psycopg

    def execute(statement: str) -> None:
        with psycopg.connect(postgres_server.dsn, autocommit=True) as connection:
            connection.execute(statement)

    execute("CREATE DATABASE threads")
    yield postgres_server.dsn.replace("dbname=postgres", "dbname=threads")
    execute("DROP DATABASE threads WITH (FORCE)")
