"""Stores of items, in memory and in a file."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from prill.agents.items import InMemoryItemStore, ItemStore, SQLiteItemStore
from prill.agents.threads import SQLiteThreads
from prill.errors import ConfigError, ThreadDataError, ThreadStorageError, ThreadValueError
from prill.messages import HumanMessage

USER = ("users", "7")


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    with InMemoryItemStore() if request.param == "memory" else SQLiteItemStore(tmp_path / "items.db") as made:
        yield made


def keys(items: Any) -> list[str]:
    return [item.key for item in items]


def test_an_item_is_put_got_replaced_and_deleted(store: ItemStore) -> None:
    before = datetime.now(UTC)
    assert store.get(USER, "food") is None
    store.put(USER, "food", {"likes": "pizza"})
    first = store.get(USER, "food")
    assert first is not None
    assert (first.namespace, first.key, first.value) == (USER, "food", {"likes": "pizza"})
    store.put(USER, "food", {"likes": "soup"})
    second = store.get(USER, "food")
    assert second is not None
    assert second.value == {"likes": "soup"}
    assert before <= first.created_at == second.created_at <= second.updated_at
    store.delete(USER, "food")
    store.delete(USER, "food")
    assert store.get(USER, "food") is None


def test_values_may_hold_messages_and_what_else_threads_hold(store: ItemStore) -> None:
    value = {"said": [HumanMessage("Hi")], "when": datetime(2024, 1, 1), "set": {1}}
    store.put(USER, "k", value)
    item = store.get(USER, "k")
    assert item is not None
    assert item.value == value
    with pytest.raises(ThreadValueError, match=r"value\['f'\]"):
        store.put(USER, "k", {"f": print})


ODD = [("a",), ("a", "b"), ("ab",), ("a\0",), ("a", "\0\1"), ("a\0\1b",), ("é", "蛙\ud800"), ("';--",), ("%", "_")]


def test_a_namespace_may_have_any_characters_and_holds_those_inside_of_it(store: ItemStore) -> None:
    for number, namespace in enumerate(ODD):
        store.put(namespace, "k'\0", {"n": number})
    for number, namespace in enumerate(ODD):
        item = store.get(namespace, "k'\0")
        assert item is not None
        assert (item.value, item.namespace) == ({"n": number}, namespace)
        inside = {each for each in ODD if each[: len(namespace)] == namespace}
        assert {item.namespace for item in store.search(namespace)} == inside
    assert store.list_namespaces() == sorted(ODD)
    assert store.list_namespaces(prefix=("a",), max_depth=1) == [("a",)]
    assert store.list_namespaces(limit=2, offset=1) == sorted(ODD)[1:3]


def test_a_search_filters_by_values_and_comparisons(store: ItemStore) -> None:
    for number in range(5):
        store.put(USER, f"k{number}", {"n": number, "kind": "even" if number % 2 == 0 else "odd", "a.b'": {"x": 1}})
    store.put(("other",), "k", {"n": "text"})
    assert keys(store.search(USER, filter={"kind": "even"})) == ["k0", "k2", "k4"]
    assert keys(store.search((), filter={"n": {"$gt": 1, "$lte": 3}})) == ["k2", "k3"]
    assert keys(store.search(USER, filter={"n": {"$ne": 1}, "kind": {"$eq": "odd"}})) == ["k3"]
    assert keys(store.search(USER, filter={"a.b'": {"x": 1}}, limit=2, offset=1)) == ["k1", "k2"]
    with pytest.raises(ConfigError, match=r"\$where"):
        store.search((), filter={"n": {"$where": "1 OR 1"}})


def test_a_query_finds_words_the_best_first(store: ItemStore) -> None:
    store.put(USER, "a", {"text": "Pizza with ham"})
    store.put(USER, "b", {"text": "Soup", "more": ["a PIZZA", "ham and eggs, warm"]})
    store.put(USER, "c", {"text": "Soup"})
    found = store.search(USER, query="warm pizza")
    assert [(item.key, item.score) for item in found] == [("b", 1.0), ("a", 0.5)]
    assert store.search(USER, query="") == []
    assert [item.score for item in store.search(USER)] == [None] * 3


@pytest.mark.parametrize("namespace", [(), "users", ("",), ("a", 1), None], ids=repr)
def test_a_namespace_is_a_tuple_of_texts(store: ItemStore, namespace: Any) -> None:
    with pytest.raises(ConfigError, match="a namespace is a tuple of texts"):
        store.put(namespace, "k", {})
    with pytest.raises(ConfigError, match="a key is a text"):
        store.get(USER, "")


def test_the_asyncio_forms_do_the_same(store: ItemStore) -> None:
    async def main() -> None:
        await store.aput(USER, "k", {"n": 1})
        item = await store.aget(USER, "k")
        assert item is not None
        assert item.value == {"n": 1}
        assert keys(await store.asearch(USER, filter={"n": 1})) == ["k"]
        assert await store.alist_namespaces() == [USER]
        await store.adelete(USER, "k")
        assert await store.aget(USER, "k") is None

    asyncio.run(main())


def test_a_file_may_hold_threads_too_and_is_read_again(tmp_path: Path) -> None:
    with SQLiteItemStore(tmp_path / "a.db") as store, SQLiteThreads(tmp_path / "a.db") as threads:
        store.put(USER, "k", {"n": 1})
        threads.append("7", [{}], 0)
    with SQLiteItemStore(tmp_path / "a.db") as store, SQLiteThreads(tmp_path / "a.db") as threads:
        assert keys(store.search(USER)) == ["k"]
        assert threads.length("7") == 1
    with pytest.raises(ThreadStorageError, match="closed"):
        store.put(USER, "k", {})
    with pytest.raises(ThreadStorageError, match="closed"):
        store.get(USER, "k")


@pytest.mark.parametrize(
    "statement",
    ["UPDATE item SET value = x'80'", "UPDATE item SET namespace = x'800001'", "UPDATE item SET namespace = x'61'"],
)
def test_a_hostile_file_gives_a_typed_error(statement: str, tmp_path: Path) -> None:
    with SQLiteItemStore(tmp_path / "a.db") as store:
        store.put(USER, "k", {})
        other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
        other.execute(statement)
        other.close()
        with pytest.raises(ThreadDataError):
            store.search(())
