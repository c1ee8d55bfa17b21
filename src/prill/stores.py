"""Stores: values under keys."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Generic, TypeVar

from prill.errors import ConfigError
from prill.io import closing, get_asyncio_mode
from prill.sqlite_file import SQLiteFile

__all__ = [
    "BaseStore",
    "ByteStore",
    "InMemoryBaseStore",
    "InMemoryByteStore",
    "InMemoryStore",
    "InvalidKeyException",
    "SQLiteByteStore",
]

K = TypeVar("K")
V = TypeVar("V")


class InvalidKeyException(ConfigError):
    """A store was given a key that it cannot use."""


class BaseStore(ABC, Generic[K, V]):
    """Keeps values under keys, many at a time.

    A subclass writes ``mget``, ``mset``, ``mdelete`` and ``yield_keys``. The asyncio forms run them in a worker
    thread, unless it writes them too.
    """

    @abstractmethod
    def mget(self, keys: Sequence[K]) -> list[V | None]:
        """The value of each key, in order; ``None`` for a key that is not there."""

    @abstractmethod
    def mset(self, key_value_pairs: Sequence[tuple[K, V]]) -> None:
        """Keep each value under its key, in the place of the one that was there."""

    @abstractmethod
    def mdelete(self, keys: Sequence[K]) -> None:
        """Forget the keys; those that are not there are passed over."""

    @abstractmethod
    def yield_keys(self, *, prefix: str | None = None) -> Iterator[K]:
        """The keys, or those that start with ``prefix``."""

    async def amget(self, keys: Sequence[K]) -> list[V | None]:
        """The value of each key, in order; ``None`` for a key that is not there."""
        return await get_asyncio_mode().call(self.mget, keys)

    async def amset(self, key_value_pairs: Sequence[tuple[K, V]]) -> None:
        """Keep each value under its key, in the place of the one that was there."""
        await get_asyncio_mode().call(self.mset, key_value_pairs)

    async def amdelete(self, keys: Sequence[K]) -> None:
        """Forget the keys; those that are not there are passed over."""
        await get_asyncio_mode().call(self.mdelete, keys)

    async def ayield_keys(self, *, prefix: str | None = None) -> AsyncIterator[K]:
        """The keys, or those that start with ``prefix``."""
        async with closing(get_asyncio_mode().pull(lambda: self.yield_keys(prefix=prefix))) as keys:
            async for key in keys:
                yield key


ByteStore = BaseStore[str, bytes]


class InMemoryBaseStore(BaseStore[str, V]):
    """Keeps values in a dictionary."""

    def __init__(self) -> None:
        self.store: dict[str, V] = {}

    def mget(self, keys: Sequence[str]) -> list[V | None]:
        return [self.store.get(key) for key in keys]

    def mset(self, key_value_pairs: Sequence[tuple[str, V]]) -> None:
        self.store.update(key_value_pairs)

    def mdelete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.store.pop(key, None)

    def yield_keys(self, *, prefix: str | None = None) -> Iterator[str]:
        for key in list(self.store):
            if prefix is None or key.startswith(prefix):
                yield key

    # Nothing here blocks, so a worker thread would be a waste.

    async def amget(self, keys: Sequence[str]) -> list[V | None]:
        return self.mget(keys)

    async def amset(self, key_value_pairs: Sequence[tuple[str, V]]) -> None:
        self.mset(key_value_pairs)

    async def amdelete(self, keys: Sequence[str]) -> None:
        self.mdelete(keys)

    async def ayield_keys(self, *, prefix: str | None = None) -> AsyncIterator[str]:
        for key in self.yield_keys(prefix=prefix):
            yield key


class InMemoryStore(InMemoryBaseStore[object]):
    """Keeps values of any kind in a dictionary, as long as the program runs."""


class InMemoryByteStore(InMemoryBaseStore[bytes]):
    """Keeps bytes in a dictionary, as long as the program runs."""


_TABLE = "CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"


class SQLiteByteStore(BaseStore[str, bytes]):
    """Keeps bytes in a SQLite file; threads and processes may share it.

    Each ``mset`` and ``mdelete`` is done whole or not at all. Raises ``ConfigError``, which names the file, where it
    is damaged or cannot be used, and ``InvalidKeyException`` for a key that is not text.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file = SQLiteFile(path, _TABLE)

    def mget(self, keys: Sequence[str]) -> list[bytes | None]:
        found = (self._file.read("SELECT value FROM kept WHERE key = ?", _checked(key)) for key in keys)
        return [rows[0][0] if rows else None for rows in found]

    def mset(self, key_value_pairs: Sequence[tuple[str, bytes]]) -> None:
        rows = [(_checked(key), bytes(value)) for key, value in key_value_pairs]
        self._file.write("INSERT OR REPLACE INTO kept VALUES (?, ?)", rows)

    def mdelete(self, keys: Sequence[str]) -> None:
        self._file.write("DELETE FROM kept WHERE key = ?", [(_checked(key),) for key in keys])

    def yield_keys(self, *, prefix: str | None = None) -> Iterator[str]:
        for (key,) in self._file.read("SELECT key FROM kept ORDER BY key"):
            if prefix is None or key.startswith(prefix):
                yield key

    def close(self) -> None:
        """Close the file now; it is closed by itself when the store is gone."""
        self._file.close()


def _checked(key: object) -> str:
    if not isinstance(key, str):
        raise InvalidKeyException(f"a key is a text, not {key!r:.80} ({type(key).__name__})")
    return key
