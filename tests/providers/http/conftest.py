"""A transport in each colour, driven the same way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.helpers import require

from prill.io import BLOCKING, ExecutionMode, drive, get_asyncio_mode
from prill.providers.http.asynchronous import AsyncioTransport
from prill.providers.http.blocking import BlockingTransport
from prill.providers.http.body import Body
from prill.providers.http.message import Request
from prill.providers.http.route import find_route

Work = Callable[["Sender"], Awaitable[Any]]


class Sender:
    """Sends requests over one transport, and reads their answers."""

    def __init__(self, transport: Any, url: str) -> None:
        self.transport = transport
        self.url = url

    async def send(self, path: str = "/v1", **more: Any) -> Any:
        return await self.transport.send(Request("POST", self.url, path, **{"content": b"{}", **more}))

    async def ask(self, path: str = "/v1", **more: Any) -> tuple[int, bytes]:
        """The status and the whole body."""
        answer = await self.send(path, **more)
        return answer.status, await Body(answer).read_all()


class Blocking:
    def io(self) -> ExecutionMode:
        return BLOCKING

    def run(self, url: str, work: Work, *, proxy: str | None = None, ca_file: str | None = None) -> Any:
        transport = BlockingTransport(find_route(url, proxy), ca_file)
        try:
            return drive(work(Sender(transport, url)))  # type: ignore[arg-type]  # a coroutine
        finally:
            transport.close()


class Asyncio:
    factory: Any = None
    loops = "asyncio"

    def io(self) -> ExecutionMode:
        return get_asyncio_mode()

    def run(self, url: str, work: Work, *, proxy: str | None = None, ca_file: str | None = None) -> Any:
        async def main() -> Any:
            assert type(asyncio.get_running_loop()).__module__.startswith(self.loops)
            transport = AsyncioTransport(find_route(url, proxy), ca_file)
            try:
                return await work(Sender(transport, url))
            finally:
                await transport.aclose()

        with asyncio.Runner(loop_factory=self.factory) as runner:
            return runner.run(main())


class Uvloop(Asyncio):
    loops = "uvloop"

    @property
    def factory(self) -> Any:
        return require("uvloop").new_event_loop


@pytest.fixture(params=[Blocking(), Asyncio(), Uvloop()], ids=["blocking", "asyncio", "uvloop"])
def colour(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
