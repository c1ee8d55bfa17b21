"""The connections of a process to Redis, and a cache of answers that is kept there."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from pydantic import SecretStr

from prill.caches import GENERATIONS, BaseCache, hash_question
from prill.errors import MissingDependencyError
from prill.io import PerProcess
from prill.outputs import Generation


class RedisConnection:
    """Redis at an address, ``redis://host:6379/0``. Sent to another process, it connects there."""

    def __init__(self, url: str) -> None:
        try:
            import_module("redis")
        except ImportError as error:
            raise MissingDependencyError("this needs the package redis: pip install 'prill[redis]'") from error
        # With a password in it, it is a secret: it is in no text, and does not travel to workers.
        self._url = SecretStr(url) if "@" in url else url
        self._clients: PerProcess[Any] = PerProcess(close=_close)

    def __repr__(self) -> str:
        return repr(str(self._url))

    @property
    def client(self) -> Any:
        """This process's client."""
        return self._clients.get(self._connect)

    def _connect(self) -> Any:
        url = self._url.get_secret_value() if isinstance(self._url, SecretStr) else self._url
        return import_module("redis").Redis.from_url(url, socket_timeout=10, socket_connect_timeout=10)

    def close(self) -> None:
        """Close the connections now; they are opened again when they are next used."""
        self._clients.close()


def _close(client: Any) -> None:
    client.close()


class RedisCache(BaseCache):
    """Remembers answers in Redis, as JSON, for programs on many machines.

    Args:
        url: Redis, ``redis://host:6379/0``.
        seconds: how long an answer is kept; ``None`` is for ever.
    """

    def __init__(self, url: str, *, seconds: int | None = None) -> None:
        self._redis = RedisConnection(url)
        self.seconds = seconds

    def __repr__(self) -> str:
        return f"RedisCache({self._redis})"

    def lookup(self, prompt: str, llm_string: str) -> Sequence[Generation] | None:
        found = self._redis.client.get(_key(prompt, llm_string))
        return None if found is None else GENERATIONS.validate_json(found)

    def update(self, prompt: str, llm_string: str, return_val: Sequence[Generation]) -> None:
        self._redis.client.set(_key(prompt, llm_string), GENERATIONS.dump_json(list(return_val)), ex=self.seconds)

    def clear(self, **kwargs: Any) -> None:
        client = self._redis.client
        for key in client.scan_iter("prill:answer:*"):
            client.delete(key)

    def close(self) -> None:
        """Close the connections now; they are opened again when it is next used."""
        self._redis.close()


def _key(prompt: str, llm_string: str) -> bytes:
    return b"prill:answer:" + hash_question(prompt, llm_string)
