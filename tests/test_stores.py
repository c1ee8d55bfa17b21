"""Stores of values under keys."""

from __future__ import annotations

import asyncio

import pytest

from prill.errors import ConfigError
from prill.stores import (
    BaseStore,
    InMemoryBaseStore,
    InMemoryByteStore,
    InMemoryStore,
    InvalidKeyException,
    SQLiteByteStore,
)


class Plain(BaseStore[str, bytes]):
    """The least that a store of one's own has."""

    def __init__(self):
        self.kept = {}

    def mget(self, keys):
        return [self.kept.get(key) for key in keys]

    def mset(self, key_value_pairs):
        self.kept.update(key_value_pairs)

    def mdelete(self, keys):
        for key in keys:
            self.kept.pop(key, None)

    def yield_keys(self, *, prefix=None):
        yield from [key for key in self.kept if key.startswith(prefix or "")]


@pytest.fixture(params=["plain", "memory", "bytes", "sqlite"])
def store(request, tmp_path):
    if request.param == "sqlite":
        return SQLiteByteStore(tmp_path / "store.db")
    return {"plain": Plain, "memory": InMemoryStore, "bytes": InMemoryByteStore}[request.param]()


def test_values_are_kept_replaced_and_forgotten(store):
    store.mset([("a1", b"1"), ("a2", b"2"), ("b1", b"3")])
    store.mset([("a1", b"4")])
    assert store.mget(["b1", "x", "a1"]) == [b"3", None, b"4"]
    assert sorted(store.yield_keys()) == ["a1", "a2", "b1"]
    assert sorted(store.yield_keys(prefix="a")) == ["a1", "a2"]
    store.mdelete(["a1", "x"])
    assert store.mget(["a1", "a2"]) == [None, b"2"]


def test_the_asyncio_forms_do_the_same(store):
    async def work():
        await store.amset([("a1", b"1"), ("b1", b"2")])
        await store.amdelete(["a1"])
        return await store.amget(["a1", "b1"]), [key async for key in store.ayield_keys(prefix="b")]

    assert asyncio.run(work()) == ([None, b"2"], ["b1"])


def test_a_store_may_change_while_its_keys_are_read(store):
    store.mset([("a", b"1"), ("b", b"2")])
    for key in store.yield_keys():
        store.mdelete([key])
    assert list(store.yield_keys()) == []


def test_in_memory_stores_are_what_the_names_say():
    assert issubclass(InMemoryStore, InMemoryBaseStore)
    assert issubclass(InMemoryByteStore, InMemoryBaseStore)


def test_a_sqlite_store_outlives_the_object_and_names_a_damaged_file(tmp_path):
    first = SQLiteByteStore(tmp_path / "store.db")
    first.mset([("a", b"\x00\xff")])
    first.close()
    assert SQLiteByteStore(tmp_path / "store.db").mget(["a"]) == [b"\x00\xff"]
    (tmp_path / "bad.db").write_bytes(b"no database at all " * 100)
    with pytest.raises(ConfigError, match=r"bad\.db"):
        SQLiteByteStore(tmp_path / "bad.db")


def test_a_key_that_is_no_text_is_refused_and_nothing_is_written(tmp_path):
    store = SQLiteByteStore(tmp_path / "store.db")
    with pytest.raises(InvalidKeyException, match="a key is a text, not 1"):
        store.mset([("a", b"1"), (1, b"2")])
    assert list(store.yield_keys()) == []
