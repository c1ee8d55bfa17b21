"""Caches of the answers of models."""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any

from pydantic import SerializeAsAny, Tag, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from prill.errors import ConfigError
from prill.io import get_asyncio_mode
from prill.outputs import ChatGeneration, Generation
from prill.sqlite_file import SQLiteFile

__all__ = ["BaseCache", "InMemoryCache", "SQLiteCache"]


class BaseCache(ABC):
    """Keeps a model's answers by the prompt and by ``llm_string``, the text of the model and its settings.

    Your own is a subclass with ``lookup``, ``update`` and ``clear``. Asyncio runs use ``alookup``, ``aupdate`` and
    ``aclear``, which call the plain ones in a worker thread until you write them.
    """

    @abstractmethod
    def lookup(self, prompt: str, llm_string: str) -> Sequence[Generation] | None:
        """The answer, or ``None`` where it is not known."""

    @abstractmethod
    def update(self, prompt: str, llm_string: str, return_val: Sequence[Generation]) -> None:
        """Remember an answer, in the place of the one that was known."""

    @abstractmethod
    def clear(self, **kwargs: Any) -> None:
        """Forget all answers."""

    async def alookup(self, prompt: str, llm_string: str) -> Sequence[Generation] | None:
        """The answer, or ``None`` where it is not known."""
        return await get_asyncio_mode().call(self.lookup, prompt, llm_string)

    async def aupdate(self, prompt: str, llm_string: str, return_val: Sequence[Generation]) -> None:
        """Remember an answer, in the place of the one that was known."""
        await get_asyncio_mode().call(self.update, prompt, llm_string, return_val)

    async def aclear(self, **kwargs: Any) -> None:
        """Forget all answers."""
        await get_asyncio_mode().call(self.clear, **kwargs)

    def __deepcopy__(self, memo: object) -> BaseCache:
        return self  # a copy of a model uses the same cache


class InMemoryCache(BaseCache):
    """Remembers answers as long as the program runs, at most ``maxsize`` of them: then the oldest goes."""

    def __init__(self, *, maxsize: int | None = None) -> None:
        if maxsize is not None and maxsize < 1:
            raise ConfigError(f"maxsize is the number of answers to keep, 1 or more, not {maxsize!r}")
        self._maxsize = maxsize
        self._kept: OrderedDict[tuple[str, str], Sequence[Generation]] = OrderedDict()

    def lookup(self, prompt: str, llm_string: str) -> Sequence[Generation] | None:
        return self._kept.get((prompt, llm_string))

    def update(self, prompt: str, llm_string: str, return_val: Sequence[Generation]) -> None:
        self._kept[prompt, llm_string] = return_val
        while self._maxsize is not None and len(self._kept) > self._maxsize:
            with suppress(KeyError):  # another thread was as fast
                self._kept.popitem(last=False)

    def clear(self, **kwargs: Any) -> None:
        self._kept.clear()

    # Nothing here blocks, so a worker thread would be a waste.

    async def alookup(self, prompt: str, llm_string: str) -> Sequence[Generation] | None:
        return self.lookup(prompt, llm_string)

    async def aupdate(self, prompt: str, llm_string: str, return_val: Sequence[Generation]) -> None:
        self.update(prompt, llm_string, return_val)

    async def aclear(self, **kwargs: Any) -> None:
        self.clear()


_TABLE = "CREATE TABLE IF NOT EXISTS answer (asked BLOB PRIMARY KEY, generations BLOB NOT NULL) WITHOUT ROWID"
GENERATIONS: TypeAdapter[list[Any]] = TypeAdapter(
    list[SerializeAsAny[Annotated[ChatGeneration, Tag("chat")] | Annotated[Generation, Tag("text")]]],
    config={"defer_build": True},
)


class SQLiteCache(BaseCache):
    """Remembers answers in a SQLite file, as JSON; threads and processes may share it.

    What was asked is kept as a hash alone. An answer is written whole or not at all.

    Raises ``ConfigError``, which names the file, where it is damaged or cannot be used.
    """

    def __init__(self, path: str | os.PathLike[str] = ".prill-cache.db") -> None:
        self._file = SQLiteFile(path, _TABLE)

    def lookup(self, prompt: str, llm_string: str) -> Sequence[Generation] | None:
        rows = self._file.read("SELECT generations FROM answer WHERE asked = ?", hash_question(prompt, llm_string))
        if not rows:
            return None
        try:
            return GENERATIONS.validate_json(rows[0][0])
        except (ValidationError, ConfigError) as error:
            raise self._file.damaged(error) from error

    def update(self, prompt: str, llm_string: str, return_val: Sequence[Generation]) -> None:
        try:
            kept = GENERATIONS.dump_json(list(return_val))
        except PydanticSerializationError as error:
            raise ConfigError(
                f"the answer cannot be written to {self._file.path!r}, which holds JSON: {error}. Use InMemoryCache, "
                "or cache=False for this model"
            ) from error
        self._file.write("INSERT OR REPLACE INTO answer VALUES (?, ?)", [(hash_question(prompt, llm_string), kept)])

    def clear(self, **kwargs: Any) -> None:
        self._file.write("DELETE FROM answer", [()])

    def close(self) -> None:
        """Close the file now; it is closed by itself when the cache is gone."""
        self._file.close()

    def __repr__(self) -> str:
        return f"SQLiteCache({self._file.path!r})"


def hash_question(prompt: str, llm_string: str) -> bytes:
    # The length keeps two pairs apart that are the same text when put together.
    return hashlib.sha256(f"{len(prompt)}:{prompt}{llm_string}".encode("utf-8", "surrogatepass")).digest()


SHARED: list[BaseCache] = []
"""The cache of all models without a cache setting; empty, or one. ``prill.globals.set_llm_cache`` sets it."""


def get_cache(choice: BaseCache | bool | None) -> BaseCache | None:
    """The cache that a model's ``cache`` stands for: its own, the shared one (``None``, ``True``), none (``False``)."""
    if isinstance(choice, BaseCache):
        return choice
    if choice is True and not SHARED:
        raise ConfigError(
            "cache=True stands for the cache of the whole program, and there is none: "
            "prill.globals.set_llm_cache(InMemoryCache()), or give the model its own with cache=InMemoryCache()"
        )
    return SHARED[0] if SHARED and choice is not False else None
