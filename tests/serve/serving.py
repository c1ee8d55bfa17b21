"""A real uvicorn on this machine, in a thread, for tests."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn


class Served:
    """A server that runs; ``url`` is its root. ``call`` runs a function on its loop and returns the result."""

    def __init__(self, app: Any, server: uvicorn.Server, port: int) -> None:
        self.app = app
        self.server = server
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.loop: asyncio.AbstractEventLoop

    def call(self, function: Any) -> Any:
        async def run() -> Any:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(10)

    def tasks(self) -> int:
        """How many tasks the loop has, without this one."""
        return int(self.call(lambda: len(asyncio.all_tasks()) - 1))


@contextmanager
def serving(app: Any, **options: Any) -> Iterator[Served]:
    """Serve an ASGI application on a free port of the loopback until the end of the block."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="critical", lifespan="on", **options)
    server = uvicorn.Server(config)
    served = Served(app, server, listener.getsockname()[1])
    ready = threading.Event()

    async def run() -> None:
        served.loop = asyncio.get_running_loop()
        serve = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not serve.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.005)
        ready.set()
        await serve

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="served", daemon=True)
    thread.start()
    try:
        assert ready.wait(30)
        yield served
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()
        assert not thread.is_alive(), "the server did not end"
