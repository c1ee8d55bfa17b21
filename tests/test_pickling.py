"""What chains are made of can be sent to another process: locks, limits, caches, stores and retrievers."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from tests.helpers import require

from prill.caches import InMemoryCache, SQLiteCache
from prill.embeddings import DeterministicFakeEmbedding
from prill.errors import ConfigError
from prill.io import PerProcess, make_lock
from prill.openai import ChatOpenAI
from prill.outputs import Generation
from prill.rate_limiters import InMemoryRateLimiter, TokenRateLimiter
from prill.stores import InMemoryByteStore, SQLiteByteStore
from prill.testing import ReplayServer
from prill.vectorstores import FAISS, InMemoryVectorStore


def sent(value: Any) -> Any:
    return pickle.loads(cloudpickle.dumps(value))


def test_a_lock_is_a_lock_of_its_own_that_is_free() -> None:
    lock = make_lock()
    with lock:
        copy = sent(lock)
        assert copy is not lock
        assert not copy._is_owned()


def test_a_value_of_a_process_is_made_again() -> None:
    values: PerProcess[list[int]] = PerProcess()
    values.get(lambda: [1])
    assert sent(values).get(lambda: [2]) == [2]


@pytest.mark.parametrize(
    "limiter",
    [
        TokenRateLimiter(5, 600, expected_output_tokens=7, seconds=3.0),
        InMemoryRateLimiter(requests_per_second=50, check_every_n_seconds=0.01, max_bucket_size=2),
    ],
    ids=["tokens", "requests"],
)
def test_a_rate_limiter_keeps_its_limits_and_starts_empty(limiter: Any) -> None:
    limiter.acquire()
    copy = sent(limiter)
    public = {name: value for name, value in vars(limiter).items() if not name.startswith("_")}
    assert {name: value for name, value in vars(copy).items() if not name.startswith("_")} == public
    assert copy.acquire()


def test_a_cache_in_a_file_opens_its_file_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cache = SQLiteCache("answers.db")
    cache.update("prompt", "model", [Generation(text="kept")])
    monkeypatch.chdir("/")
    code = "import pickle, sys; cache = pickle.load(sys.stdin.buffer); print(cache.lookup('prompt', 'model')[0].text)"
    done = subprocess.run([sys.executable, "-c", code], input=cloudpickle.dumps(cache), capture_output=True, check=True)
    assert done.stdout.decode().strip() == "kept"


def test_a_cache_in_memory_is_a_copy() -> None:
    cache = InMemoryCache()
    cache.update("prompt", "model", [Generation(text="kept")])
    copy = sent(cache)
    cache.clear()
    assert copy.lookup("prompt", "model")[0].text == "kept"


def test_a_database_in_memory_cannot_be_sent() -> None:
    with pytest.raises(ConfigError, match="cannot be sent to another process"):
        sent(SQLiteCache(":memory:"))


def test_stores_are_sent(tmp_path: Path) -> None:
    for store in (InMemoryByteStore(), SQLiteByteStore(tmp_path / "bytes.db")):
        store.mset([("a", b"1")])
        assert sent(store).mget(["a"]) == [b"1"]


@pytest.mark.parametrize("kind", [InMemoryVectorStore, FAISS])
def test_a_vector_store_and_its_retriever_are_sent_with_their_documents(kind: Any) -> None:
    if kind is FAISS:
        require("faiss")
    store = kind(DeterministicFakeEmbedding(size=8))
    store.add_texts(["one", "two"])
    assert sent(store).similarity_search("one", k=1)[0].page_content == "one"
    assert sent(store.as_retriever(search_kwargs={"k": 1})).invoke("two")[0].page_content == "two"
    sent(store).add_texts(["three"])
    assert len(store) == 2


def test_a_model_with_a_limiter_and_a_cache_is_sent(server: ReplayServer, tmp_path: Path) -> None:
    model = ChatOpenAI(
        model="m",
        base_url=server.openai_url,
        rate_limiter=TokenRateLimiter(100),
        cache=SQLiteCache(tmp_path / "cache.db"),
    )
    model.invoke("Hi")
    assert sent(model).invoke("Hi").response_metadata["cached"]
    assert server.request_count == 1
