"""One limit in Redis for all programs that use its name."""

from __future__ import annotations

import pickle
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from tests.helpers import eventually, requires

from prill.bulk import RedisCache, RedisRateLimiter
from prill.bulk.shipping import pack
from prill.errors import ConfigError
from prill.io import BLOCKING, drive
from prill.openai import ChatOpenAI
from prill.testing import ReplayServer

pytestmark = requires("redis-server")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    import redis

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder: Path = tmp_path_factory.mktemp("redis")
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    client = redis.Redis(port=port)

    def is_up() -> bool:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False

    assert eventually(is_up)
    yield f"redis://127.0.0.1:{port}"
    client.close()
    process.terminate()
    process.wait(30)


def close(*limiters: RedisRateLimiter | RedisCache) -> None:
    for limiter in limiters:
        limiter.close()


def test_two_programs_share_the_requests(url: str) -> None:
    one = RedisRateLimiter(url, "shared", requests_per_minute=5)
    other: RedisRateLimiter = pickle.loads(cloudpickle.dumps(one))
    granted = [limiter.acquire(blocking=False) for _ in range(4) for limiter in (one, other)]
    assert granted.count(True) == 5
    close(one, other)


def test_another_name_is_another_limit(url: str) -> None:
    limiters = [RedisRateLimiter(url, name, requests_per_minute=1) for name in ("a", "b")]
    assert [limiter.acquire(blocking=False) for limiter in limiters] == [True, True]
    close(*limiters)


def test_tokens_that_were_not_used_are_given_back(url: str) -> None:
    limiter = RedisRateLimiter(url, "tokens", tokens_per_minute=10_000)
    for _ in range(9):
        drive(limiter.admit(BLOCKING, lambda: (100, 800))).settle(60, 40)
    assert limiter._reserve(9100)[0] == 1
    assert limiter._reserve(1)[0] == 0
    close(limiter)


def test_who_waits_goes_on_when_the_time_is_over(url: str) -> None:
    limiter = RedisRateLimiter(url, "wait", requests_per_minute=2, seconds=0.5)
    moments = []
    for _ in range(5):
        assert limiter.acquire()
        moments.append(time.monotonic())
    assert all(later - earlier > 0.4 for earlier, later in zip(moments, moments[2:], strict=False))
    close(limiter)


def test_a_model_waits_for_it(url: str, server: ReplayServer, monkeypatch: pytest.MonkeyPatch) -> None:
    limiter = RedisRateLimiter(url, "model", requests_per_minute=10, tokens_per_minute=10**6)
    model = ChatOpenAI(model="m", api_key="k", base_url=server.openai_url, rate_limiter=limiter)
    model.batch(["Hi"] * 3)
    assert limiter._reserve(0)[0] == 1
    counts: Any = limiter._redis.client.hgetall("prill:rate:model")
    assert sum(int(count) for name, count in counts.items() if name.startswith(b"r")) == 4
    assert sum(int(count) for name, count in counts.items() if name.startswith(b"t")) == 3 * 2
    close(limiter)


def test_what_could_never_be_sent_is_refused(url: str) -> None:
    limiter = RedisRateLimiter(url, "large", tokens_per_minute=10)
    with pytest.raises(ConfigError, match="could never be sent"):
        drive(limiter.admit(BLOCKING, lambda: (11, 1)))
    with pytest.raises(ConfigError, match="needs a limit"):
        RedisRateLimiter(url, "none")
    close(limiter)


def test_a_password_is_in_no_text_and_does_not_travel() -> None:
    limiter = RedisRateLimiter("redis://:secret-word@127.0.0.1:1/0", "x", requests_per_minute=1)
    assert "secret-word" not in repr(limiter)
    with pytest.raises(ConfigError, match="environment"):
        pack(limiter, "ray")


def test_answers_are_kept_for_other_programs(url: str, server: ReplayServer) -> None:
    cache = RedisCache(url, seconds=600)
    other: RedisCache = pickle.loads(cloudpickle.dumps(cache))
    models = [ChatOpenAI(model="m", api_key="k", base_url=server.openai_url, cache=each) for each in (cache, other)]
    assert [model.invoke("Hi").text for model in models] == ["Hi", "Hi"]
    assert server.request_count == 1
    cache.clear()
    models[1].invoke("Hi")
    assert server.request_count == 2
    close(cache, other)
