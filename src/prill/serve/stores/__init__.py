"""What keeps runs, so that clients can come back to them: ``base`` says what a store is; stores by their address."""

from __future__ import annotations

from collections.abc import Callable

from prill.errors import ConfigError
from prill.serve.stores.base import RunStore
from prill.serve.stores.memory import MemoryStore
from prill.serve.stores.redis import RedisStore
from prill.serve.stores.sqlite import SQLiteStore

OPENERS: dict[str, Callable[[str], RunStore]] = {
    "memory": lambda address: MemoryStore(),
    "sqlite": lambda address: SQLiteStore(address.partition(":")[2]),
    "redis": RedisStore,
    "rediss": RedisStore,
}
"""What opens a store, by the scheme of its address."""


def open_store(address: str) -> RunStore:
    """Open the store of runs at an address, such as ``"memory:"``, ``"sqlite:runs.db"`` or ``"redis://localhost:6379"``.

    Raises:
        ConfigError: there is no store of this kind.
    """
    scheme = address.partition(":")[0]
    if scheme not in OPENERS:
        known = ", ".join(f"{name}:" for name in OPENERS)
        raise ConfigError(f"no store of runs {scheme!r}; addresses start with {known}")
    return OPENERS[scheme](address)
