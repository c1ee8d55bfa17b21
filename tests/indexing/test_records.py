"""Records of what a store holds."""

from __future__ import annotations

import asyncio

import pytest

from prill.errors import ConfigError
from prill.indexing import InMemoryRecordManager, SQLiteRecordManager


@pytest.fixture(params=["memory", "sqlite"])
def records(request, tmp_path):
    made = InMemoryRecordManager("n") if request.param == "memory" else SQLiteRecordManager("n", tmp_path / "r.db")
    made.create_schema()
    return made


def test_keys_are_listed_by_time_and_group(records):
    records.update(["a", "b"], group_ids=["one", None])
    between = records.get_time()
    records.update(["c"], group_ids=["two"])
    records.update(["a"], group_ids=["two"])
    assert records.exists(["a", "x", "c"]) == [True, False, True]
    assert sorted(records.list_keys()) == ["a", "b", "c"]
    assert records.list_keys(before=between) == ["b"]
    assert sorted(records.list_keys(after=between)) == ["a", "c"]
    assert sorted(records.list_keys(group_ids=["two"])) == ["a", "c"]
    assert records.list_keys(group_ids=["one"]) == []
    assert len(records.list_keys(limit=2)) == 2
    records.delete_keys(["a", "x"])
    assert records.exists(["a"]) == [False]


def test_the_asyncio_forms_do_the_same(records):
    async def work():
        await records.acreate_schema()
        await records.aupdate(["a", "b"], group_ids=["one", "two"])
        await records.adelete_keys(["a"])
        assert await records.aget_time() > 0
        return await records.aexists(["a", "b"]), await records.alist_keys(group_ids=["two"])

    assert asyncio.run(work()) == ([False, True], ["b"])


def test_the_clock_goes_on_even_where_the_system_clock_does_not(records, monkeypatch):
    records.update(["a"])
    monkeypatch.setattr("time.time", lambda: 1.0)
    before = records.get_time()
    records.update(["b"])
    assert records.list_keys(before=before) == ["a"]
    with pytest.raises(ConfigError, match="clock"):
        records.update(["c"], time_at_least=before + 1e6)
    with pytest.raises(ConfigError, match="1 keys, but 2 group_ids"):
        records.update(["c"], group_ids=["a", "b"])


def test_namespaces_share_a_file_and_records_outlive_the_object(tmp_path):
    one, two = (SQLiteRecordManager(name, tmp_path / "r.db") for name in ("one", "two"))
    one.update(["a"])
    assert two.exists(["a"]) == [False]
    one.close()
    assert SQLiteRecordManager("one", tmp_path / "r.db").exists(["a"]) == [True]
