"""Stores of runs for tests, by their kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.serve.redis_server import RedisServer

from prill.serve import MemoryStore, RedisStore, RunStore, SQLiteStore


class Stores:
    """Makes stores of one kind for one test."""

    def __init__(self, kind: str, place: Path, request: pytest.FixtureRequest) -> None:
        self.kind = kind
        self._place = place
        self._request = request
        self._made = 0

    def empty(self, **options: Any) -> RunStore:
        """A store with nothing in it."""
        self._made += 1
        return self.again(**options)

    def again(self, **options: Any) -> RunStore:
        """The store that was made last, opened as another process would."""
        if self.kind == "memory":
            return MemoryStore(**options)
        if self.kind == "sqlite":
            return SQLiteStore(self._path, **options)
        server: RedisServer = self._request.getfixturevalue("redis_server")
        return RedisStore(server.url, prefix=f"{self._place.name}{self._made}:", **options)

    @property
    def address(self) -> str:
        """What ``open_store`` opens in another process; of Redis the whole database."""
        if self.kind == "sqlite":
            return f"sqlite:{self._path}"
        server: RedisServer = self._request.getfixturevalue("redis_server")
        return server.url

    @property
    def _path(self) -> Path:
        return self._place / f"{self._made}.db"
