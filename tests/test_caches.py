from __future__ import annotations

import asyncio
import copy
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prill.caches import BaseCache, InMemoryCache, SQLiteCache
from prill.errors import ConfigError
from prill.messages import AIMessage, HumanMessage
from prill.outputs import ChatGeneration, Generation

TEXT: list[Generation] = [Generation(text="a", generation_info={"finish_reason": "stop"})]
CHAT: list[Generation] = [
    ChatGeneration(
        message=AIMessage(
            content=[{"type": "text", "text": "é"}],
            tool_calls=[{"name": "f", "args": {"x": [1, None]}, "id": "1"}],
            usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
            response_metadata={"model_name": "m"},
        )
    ),
    ChatGeneration(message=HumanMessage("b", name="me")),
]


@pytest.fixture(params=["memory", "sqlite"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> BaseCache:
    return InMemoryCache() if request.param == "memory" else SQLiteCache(tmp_path / "cache.db")


@pytest.mark.parametrize("generations", [TEXT, CHAT])
def test_an_answer_comes_back_as_it_was(cache: BaseCache, generations: list[Generation]) -> None:
    assert cache.lookup("p", "m") is None
    cache.update("p", "m", generations)
    found = cache.lookup("p", "m")
    assert found == generations
    assert [type(each) for each in found or ()] == [type(each) for each in generations]
    assert cache.lookup("q", "m") is None
    assert cache.lookup("p", "n") is None
    cache.update("p", "m", TEXT)
    assert cache.lookup("p", "m") == TEXT
    cache.clear()
    assert cache.lookup("p", "m") is None


def test_the_asyncio_forms_do_the_same(cache: BaseCache) -> None:
    async def use() -> None:
        assert await cache.alookup("p", "m") is None
        await cache.aupdate("p", "m", CHAT)
        assert await cache.alookup("p", "m") == CHAT
        await cache.aclear()
        assert await cache.alookup("p", "m") is None

    asyncio.run(use())


def test_a_plain_cache_is_used_in_a_worker_thread_and_the_one_in_memory_is_not() -> None:
    threads: list[bool] = []

    class Noting(InMemoryCache):
        def lookup(self, prompt: str, llm_string: str) -> Sequence[Generation] | None:
            threads.append(threading.current_thread() is threading.main_thread())
            return super().lookup(prompt, llm_string)

    class Plain(Noting):
        alookup = BaseCache.alookup

    asyncio.run(Noting().alookup("p", "m"))
    asyncio.run(Plain().alookup("p", "m"))
    assert threads == [True, False]


def test_prompt_and_model_are_kept_apart(cache: BaseCache) -> None:
    cache.update("ab", "c", TEXT)
    assert cache.lookup("a", "bc") is None


def test_maxsize_lets_the_oldest_answer_go() -> None:
    cache = InMemoryCache(maxsize=2)
    for prompt in "abc":
        cache.update(prompt, "m", TEXT)
    assert [cache.lookup(prompt, "m") is not None for prompt in "abc"] == [False, True, True]
    cache.update("c", "m", CHAT)
    assert cache.lookup("b", "m") is not None, "an answer in the place of another needs no room"
    with pytest.raises(ConfigError, match="1 or more, not 0"):
        InMemoryCache(maxsize=0)


def test_a_full_cache_is_shared_by_threads() -> None:
    cache = InMemoryCache(maxsize=3)
    errors: list[Exception] = []

    def work(name: str) -> None:
        try:
            for number in range(300):
                cache.update(f"{name}{number}", "m", TEXT)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcdefgh"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(cache._kept) == 3


def test_a_file_remembers_when_the_program_has_ended(tmp_path: Path) -> None:
    cache = SQLiteCache(tmp_path / "cache.db")
    cache.update("p", "m", CHAT)
    cache.close()
    assert SQLiteCache(tmp_path / "cache.db").lookup("p", "m") == CHAT


def test_the_file_does_not_show_what_was_asked(tmp_path: Path) -> None:
    SQLiteCache(tmp_path / "cache.db").update("my secret question", "a key in the settings", TEXT)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"finish_reason" in kept
    assert b"secret" not in kept
    assert b"a key" not in kept


@pytest.mark.parametrize("damage", [b"[{", b'[{"text": 1}]', b"\x80\x04pickle", b'[{"message": {"type": "martian"}}]'])
def test_a_damaged_answer_is_an_error_that_names_the_file(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "cache.db"
    cache = SQLiteCache(path)
    cache.update("p", "m", TEXT)
    other = sqlite3.connect(path)
    with other:
        other.execute("UPDATE answer SET generations = ?", [damage])
    other.close()
    with pytest.raises(ConfigError, match=r"cache\.db' is damaged"):
        cache.lookup("p", "m")


def test_what_json_cannot_hold_is_refused_and_the_old_answer_stays(tmp_path: Path) -> None:
    cache = SQLiteCache(tmp_path / "cache.db")
    cache.update("p", "m", TEXT)
    with pytest.raises(ConfigError, match=r"cache\.db', which holds JSON"):
        cache.update("p", "m", [Generation(text="x", generation_info={"object": object()})])
    assert cache.lookup("p", "m") == TEXT


def test_a_copied_model_keeps_to_its_cache(cache: BaseCache) -> None:
    assert copy.deepcopy({"cache": cache})["cache"] is cache


json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.text(), st.dictionaries(st.text(max_size=3), json, max_size=3), json)
def test_any_message_comes_back_out_of_a_file(text: str, args: dict[str, Any], metadata: Any) -> None:
    message = AIMessage(
        content=text, tool_calls=[{"name": "f", "args": args, "id": None}], response_metadata={"told": metadata}
    )
    cache = SQLiteCache(":memory:")
    try:
        cache.update(text, text, [ChatGeneration(message=message)])
        assert cache.lookup(text, text) == [ChatGeneration(message=message)]
    finally:
        cache.close()
