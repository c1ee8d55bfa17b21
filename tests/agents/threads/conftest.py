"""A PostgreSQL server for the tests that need one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.helpers import eventually, find_postgres, require


class PostgresServer:
    """A server in a folder of its own, reached by a socket in that folder; no port is used.

    As root it runs as another user, since PostgreSQL refuses to run as root. It ends with this process.
    """

    def __init__(self) -> None:
        programs = find_postgres()
        assert programs is not None
        self._programs = programs
        # Not pytest's folder: the other user may not look into it, and the path of a socket must be short.
        self.folder = Path(tempfile.mkdtemp(prefix="prill-pg-"))
        self.dsn = f"host={self.folder} user=prill dbname=postgres"
        self._data = str(self.folder / "data")
        self._as = ["setpriv", "--pdeathsig", "QUIT"] if shutil.which("setpriv") else []
        if os.geteuid() == 0:
            shutil.chown(self.folder, "nobody")
            self._as += ["--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]
        made = self._start("initdb", "--auth=trust", "--username=prill", "--no-sync", "--encoding=UTF8", "--locale=C")
        assert made.wait() == 0, self._log()
        self._server = self._start("postgres", "-k", str(self.folder), "-c", "listen_addresses=", "-c", "fsync=off")
        assert eventually(self._answers), self._log()

    def _start(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [*self._as, str(self._programs / program), "-D", self._data, *arguments]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, cwd="/")

    def _answers(self) -> bool:
        import psycopg

        assert self._server.poll() is None, self._log()
        try:
            psycopg.connect(self.dsn).close()
        except psycopg.OperationalError:
            return False
        return True

    def _log(self) -> str:
        return (self.folder / "log").read_text("utf8", "replace")

    def remove(self) -> None:
        self._server.send_signal(signal.SIGQUIT)
        self._server.wait()
        shutil.rmtree(self.folder)


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
