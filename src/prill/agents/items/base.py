"""``ItemStore``: dictionaries under namespaces and keys, which agents read and write across threads."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Self, TypeAlias

from prill.agents.threads import RecordCodec, dump_value, load_value
from prill.agents.threads.base import MAX_RECORD_BYTES
from prill.agents.threads.encoding import decode_record, encode_record
from prill.errors import ConfigError
from prill.io import get_asyncio_mode

Namespace: TypeAlias = tuple[str, ...]
Row: TypeAlias = tuple[Namespace, str, Any, float, float]
"""The namespace, the key, the bytes of the value, and when it was made and changed, in seconds since 1970."""


@dataclass(frozen=True)
class Item:
    """A dictionary that is stored.

    Attributes:
        namespace: where it is, for instance ``("users", "7", "preferences")``.
        key: its name there.
        value: the dictionary.
        created_at: when there was first something under the key, in UTC.
        updated_at: when it was last put there.
    """

    namespace: Namespace
    key: str
    value: dict[str, Any]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class SearchItem(Item):
    """An item that was found; ``score`` is the part of the words of the query that are in it, from 0 to 1."""

    score: float | None = None


class ItemStore(ABC):
    """Keeps dictionaries under namespaces and keys; an agent's tools and middleware get it as ``store``.

    Args:
        codec: changes the bytes of values, for instance encrypts them; namespaces and keys stay readable.

    Values may hold what ``dump_value`` of ``prill.agents.threads`` takes. The methods block; those with an ``a`` run
    them in a worker thread. A store of your own is a subclass that writes the methods with an underscore.

    >>> from prill.agents.items import InMemoryItemStore
    >>> store = InMemoryItemStore()
    >>> store.put(("users", "7"), "food", {"likes": "pizza", "rank": 2})
    >>> store.get(("users", "7"), "food").value["likes"]
    'pizza'
    >>> [item.key for item in store.search(("users",), filter={"rank": {"$gt": 1}})]
    ['food']
    """

    def __init__(self, *, codec: RecordCodec | None = None) -> None:
        self._codec = codec

    # What a store writes

    @abstractmethod
    def _get(self, namespace: Namespace, key: str) -> Row | None:
        """The row under a key."""

    @abstractmethod
    def _put(self, namespace: Namespace, key: str, data: bytes) -> None:
        """Put bytes under a key, in the place of those that were there."""

    @abstractmethod
    def _delete(self, namespace: Namespace, key: str) -> None:
        """Delete what is under a key, if there is something."""

    @abstractmethod
    def _scan(self, prefix: Namespace) -> Iterable[Row]:
        """The rows in namespaces that start with ``prefix``, in the order of namespace and key."""

    def close(self) -> None:  # noqa: B027 - a store may have nothing to close
        """Close what the store has open. Use it no more."""

    # What an agent calls

    def put(self, namespace: Namespace, key: str, value: dict[str, Any]) -> None:
        """Put a dictionary under a key, in the place of the one that was there.

        Raises ``ThreadValueError``, which names the place, if it holds what cannot be stored.
        """
        stored = dump_value(value, path="value")
        data = encode_record(stored, self._codec, MAX_RECORD_BYTES, "value")
        self._put(_checked(namespace), _checked_key(key), data)

    def get(self, namespace: Namespace, key: str) -> Item | None:
        """What is under a key; ``None`` if there is nothing."""
        row = self._get(_checked(namespace), _checked_key(key))
        return None if row is None else Item(*self._read(row))

    def delete(self, namespace: Namespace, key: str) -> None:
        """Delete what is under a key, if there is something."""
        self._delete(_checked(namespace), _checked_key(key))

    def search(
        self,
        namespace_prefix: Namespace,
        /,
        *,
        query: str | None = None,
        filter: Mapping[str, Any] | None = None,
        limit: int = 10,
        offset: int = 0,
    ) -> list[SearchItem]:
        """The items in namespaces that start with ``namespace_prefix``.

        Args:
            namespace_prefix: the first parts of their namespaces; ``()`` is everywhere.
            query: words; only items with some of them in the text of their values are found, those with the most first.
                For a search by meaning give the agent a retriever as a tool.
            filter: values of keys, or comparisons: ``{"kind": "food", "rank": {"$gte": 2}}``, with ``$eq``, ``$ne``,
                ``$gt``, ``$gte``, ``$lt`` and ``$lte``.
            limit: at most so many.
            offset: leave out so many before.
        """
        rows = map(self._read, self._scan(_checked(namespace_prefix, empty=True)))
        found = [SearchItem(*row) for row in rows if _fits(row[2], filter or {})]
        if query is not None:
            words = set(query.casefold().split())
            scored = [replace(item, score=_score(item.value, words)) for item in found]
            found = sorted((item for item in scored if item.score), key=lambda item: -(item.score or 0))
        return list(islice(found, offset, offset + limit))

    def list_namespaces(
        self, *, prefix: Namespace = (), max_depth: int | None = None, limit: int = 100, offset: int = 0
    ) -> list[Namespace]:
        """The namespaces that hold items.

        Args:
            prefix: only those that start with this.
            max_depth: cut the longer ones to so many parts.
            limit: at most so many.
            offset: leave out so many before.
        """
        rows = self._scan(_checked(prefix, empty=True))
        return list(islice(dict.fromkeys(row[0][:max_depth] for row in rows), offset, offset + limit))

    def _read(self, row: Row) -> tuple[Namespace, str, dict[str, Any], datetime, datetime]:
        namespace, key, data, created_at, updated_at = row
        path = f"the item {key!r:.80} in {'/'.join(namespace)!r:.80}"
        value = load_value(decode_record(data, self._codec, MAX_RECORD_BYTES, path), path=path)
        return namespace, key, value, *(datetime.fromtimestamp(at, UTC) for at in (created_at, updated_at))

    async def aput(self, namespace: Namespace, key: str, value: dict[str, Any]) -> None:
        """The asyncio form of ``put``."""
        await get_asyncio_mode().call(self.put, namespace, key, value)

    async def aget(self, namespace: Namespace, key: str) -> Item | None:
        """The asyncio form of ``get``."""
        return await get_asyncio_mode().call(self.get, namespace, key)

    async def adelete(self, namespace: Namespace, key: str) -> None:
        """The asyncio form of ``delete``."""
        await get_asyncio_mode().call(self.delete, namespace, key)

    async def asearch(self, namespace_prefix: Namespace, /, **options: Any) -> list[SearchItem]:
        """The asyncio form of ``search``."""
        return await get_asyncio_mode().call(self.search, namespace_prefix, **options)

    async def alist_namespaces(self, **options: Any) -> list[Namespace]:
        """The asyncio form of ``list_namespaces``."""
        return await get_asyncio_mode().call(self.list_namespaces, **options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _checked(namespace: Any, *, empty: bool = False) -> Namespace:
    parts = isinstance(namespace, tuple | list) and all(isinstance(part, str) and part for part in namespace)
    if not parts or not (namespace or empty):
        raise ConfigError(f"a namespace is a tuple of texts, such as ('users', '7'), not {namespace!r:.80}")
    return tuple(namespace)


def _checked_key(key: Any) -> str:
    if not isinstance(key, str) or not key:
        raise ConfigError(f"a key is a text, not {key!r:.80}")
    return key


_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "$eq": eq,
    "$ne": ne,
    "$gt": gt,
    "$gte": ge,
    "$lt": lt,
    "$lte": le,
}


def _fits(value: Mapping[str, Any], filter: Mapping[str, Any]) -> bool:
    return all(_compares(value.get(key), wanted) for key, wanted in filter.items())


def _compares(value: Any, wanted: Any) -> bool:
    if not isinstance(wanted, Mapping) or not any(str(name).startswith("$") for name in wanted):
        return bool(value == wanted)
    if unknown := [name for name in wanted if name not in _COMPARISONS]:
        raise ConfigError(f"a filter compares with {', '.join(_COMPARISONS)}, not with {unknown[0]!r:.40}")
    try:
        return all(_COMPARISONS[name](value, other) for name, other in wanted.items())
    except TypeError:  # of other types, so neither is greater
        return False


def _score(value: Mapping[str, Any], words: set[str]) -> float:
    text = json.dumps(value, ensure_ascii=False, default=str).casefold()
    return sum(word in text for word in words) / len(words) if words else 0.0
