"""``RecordManager``: which documents were written to a store, when, and from which source."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence

from prill.errors import ConfigError
from prill.io import get_asyncio_mode, make_lock


class RecordManager(ABC):
    """Remembers, for one ``namespace``, the keys of what a store holds, each with its time and its source (group).

    A subclass writes the plain methods. The asyncio forms run them in a worker thread, unless it writes them too.
    """

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace

    @abstractmethod
    def create_schema(self) -> None:
        """Make the tables, if there are none yet."""

    @abstractmethod
    def get_time(self) -> float:
        """Return the time of the records' clock, in seconds; each time it is later."""

    @abstractmethod
    def update(
        self, keys: Sequence[str], *, group_ids: Sequence[str | None] | None = None, time_at_least: float | None = None
    ) -> None:
        """Write down the keys as of now.

        Raises ``ConfigError`` where the clock shows less than ``time_at_least``.
        """

    @abstractmethod
    def exists(self, keys: Sequence[str]) -> list[bool]:
        """Return whether each key is there."""

    @abstractmethod
    def list_keys(
        self,
        *,
        before: float | None = None,
        after: float | None = None,
        group_ids: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> list[str]:
        """Return the keys written before, or after, a time; of some groups; at most ``limit``."""

    @abstractmethod
    def delete_keys(self, keys: Sequence[str]) -> None:
        """Forget the keys."""

    async def acreate_schema(self) -> None:
        """Make the tables, if there are none yet."""
        await get_asyncio_mode().call(self.create_schema)

    async def aget_time(self) -> float:
        """Return the time of the records' clock, in seconds."""
        return await get_asyncio_mode().call(self.get_time)

    async def aupdate(
        self, keys: Sequence[str], *, group_ids: Sequence[str | None] | None = None, time_at_least: float | None = None
    ) -> None:
        """Write down the keys as of now."""
        await get_asyncio_mode().call(self.update, keys, group_ids=group_ids, time_at_least=time_at_least)

    async def aexists(self, keys: Sequence[str]) -> list[bool]:
        """Return whether each key is there."""
        return await get_asyncio_mode().call(self.exists, keys)

    async def alist_keys(
        self,
        *,
        before: float | None = None,
        after: float | None = None,
        group_ids: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> list[str]:
        """Return the keys written before, or after, a time; of some groups; at most ``limit``."""
        chosen = {"before": before, "after": after, "group_ids": group_ids, "limit": limit}
        return await get_asyncio_mode().call(self.list_keys, **chosen)

    async def adelete_keys(self, keys: Sequence[str]) -> None:
        """Forget the keys."""
        await get_asyncio_mode().call(self.delete_keys, keys)


def checked_groups(
    keys: Sequence[str], group_ids: Sequence[str | None] | None, now: float, time_at_least: float | None
) -> Sequence[str | None]:
    """Return the group of each key. Raises ``ConfigError`` for what ``update`` cannot take."""
    if group_ids is not None and len(group_ids) != len(keys):
        raise ConfigError(f"there are {len(keys)} keys, but {len(group_ids)} group_ids")
    if time_at_least is not None and now < time_at_least:
        raise ConfigError(f"the clock of the records shows {now}, which is before {time_at_least}: set it right")
    return group_ids if group_ids is not None else [None] * len(keys)


def later(last: float) -> float:
    """Return the time, but behind ``last``: the system's clock may be set back, and two calls may see the same."""
    return max(time.time(), last + 1e-6)


class InMemoryRecordManager(RecordManager):
    """Records in memory, as long as the program runs."""

    def __init__(self, namespace: str) -> None:
        super().__init__(namespace)
        self._records: dict[str, tuple[float, str | None]] = {}
        self._lock = make_lock()
        self._last = 0.0

    def create_schema(self) -> None:
        """Nothing: a dictionary needs none."""

    def get_time(self) -> float:
        with self._lock:
            self._last = later(self._last)
            return self._last

    def update(
        self, keys: Sequence[str], *, group_ids: Sequence[str | None] | None = None, time_at_least: float | None = None
    ) -> None:
        now = self.get_time()
        groups = checked_groups(keys, group_ids, now, time_at_least)
        with self._lock:
            self._records.update((key, (now, group)) for key, group in zip(keys, groups, strict=True))

    def exists(self, keys: Sequence[str]) -> list[bool]:
        return [key in self._records for key in keys]

    def list_keys(
        self,
        *,
        before: float | None = None,
        after: float | None = None,
        group_ids: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> list[str]:
        with self._lock:
            records = list(self._records.items())
        found = [
            key
            for key, (at, group) in records
            if (before is None or at < before)
            and (after is None or at > after)
            and (group_ids is None or group in group_ids)
        ]
        return found[:limit]

    def delete_keys(self, keys: Sequence[str]) -> None:
        with self._lock:
            for key in keys:
                self._records.pop(key, None)
