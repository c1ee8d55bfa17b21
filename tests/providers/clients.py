"""The ways to send a model's requests: by itself, and through clients that a user passes in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prill.io.per_loop import PerLoop

WAYS = ["own", "sdk", "httpx"]

CONNECTING = frozenset(("client", "async_client", "http_client", "http_async_client"))

Clients = Callable[[type[Any], dict[str, Any]], dict[str, Any]]


def clients_for(way: str, cls: type[Any], settings: dict[str, Any]) -> dict[str, Any]:
    """The settings that make a model of ``cls`` send through clients of the SDK, or of httpx; none for ``"own"``."""
    if way == "own":
        return {}
    if way == "httpx":
        import httpx2

        return {"http_client": httpx2.Client(), "http_async_client": _PerLoop(httpx2.AsyncClient)}
    name = "anthropic" if "nthropic" in cls.__name__ else "openai"
    sdk: Any = __import__(name)
    known = {"api_key": settings.get("api_key", "none"), "base_url": settings["base_url"]}
    title = "Anthropic" if name == "anthropic" else "OpenAI"
    plain, asynchronous = getattr(sdk, title), getattr(sdk, f"Async{title}")
    return {"client": plain(**known), "async_client": _PerLoop(lambda: asynchronous(**known))}


def close_clients(model: Any) -> None:
    """Close the blocking client that a model was given; those of event loops end with their loops."""
    for client in (model.client, model.http_client):
        if client is not None:
            client.close()


class _PerLoop:
    """An asyncio client for tests that run one event loop after another: each has its own, closed with it."""

    def __init__(self, make: Any) -> None:
        self._make = make
        self._clients: PerLoop[Any] = PerLoop(_close)
        self.build_request = getattr(make(), "build_request", None)

    async def send(self, *args: Any, **kwargs: Any) -> Any:
        return await (await self._clients.get(self._make)).send(*args, **kwargs)

    async def post(self, *args: Any, **kwargs: Any) -> Any:
        return await (await self._clients.get(self._make)).post(*args, **kwargs)


async def _close(client: Any) -> None:
    await (client.aclose() if hasattr(client, "aclose") else client.close())
