"""Threads: append-only logs in which agents record messages and state, in memory, in SQLite or in PostgreSQL.

Names are loaded when they are first used: most programs need one kind of store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.agents.threads.base import ThreadInfo as ThreadInfo, Threads as Threads
    from prill.agents.threads.encoding import Record as Record, RecordCodec as RecordCodec
    from prill.agents.threads.memory import InMemoryThreads as InMemoryThreads
    from prill.agents.threads.postgres import PostgresThreads as PostgresThreads
    from prill.agents.threads.records import (
        StoredTypes as StoredTypes,
        dump_value as dump_value,
        load_value as load_value,
    )
    from prill.agents.threads.sqlite import SQLiteThreads as SQLiteThreads

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "base": "ThreadInfo Threads",
        "encoding": "Record RecordCodec",
        "memory": "InMemoryThreads",
        "postgres": "PostgresThreads",
        "records": "StoredTypes dump_value load_value",
        "sqlite": "SQLiteThreads",
    },
)
