"""Servers of the Model Context Protocol for tests, and both colours of a client."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.helpers import MCP_SERVER, eventually, listed

ODD = Path(__file__).parent / "agents" / "mcp" / "server.py"


def odd(*options: str) -> str:
    """The command of the server that misbehaves."""
    return shlex.join([sys.executable, str(ODD), *options])


def odd_connection(**more: Any) -> dict[str, Any]:
    """The same as a connection."""
    return {"transport": "stdio", "command": sys.executable, "args": [str(ODD)], **more}


def children() -> set[int]:
    """The processes that this one has started and that have not ended."""
    threads = os.listdir("/proc/self/task")
    found = {int(pid) for thread in threads for pid in read_proc(f"self/task/{thread}/children").split()}
    return {pid for pid in found if read_proc(f"{pid}/stat").rpartition(")")[2].split()[:1] not in ([], ["Z"])}


def read_proc(name: str) -> str:
    """A file of /proc; nothing if its thread or process has ended meanwhile."""
    try:
        return Path("/proc", name).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


class Blocking:
    """The client in blocking code."""

    def call(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return method(*args, **kwargs)

    def stream(self, tool: Any, input: Any) -> list[Any]:
        return list(tool.stream(input))


class Asyncio:
    """The client in event loops, a new one for each call."""

    def call(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        waiting: Callable[..., Awaitable[Any]] = getattr(method.__self__, f"a{method.__name__}")  # type: ignore[attr-defined]

        async def main() -> Any:
            return await waiting(*args, **kwargs)

        return asyncio.run(main())

    def stream(self, tool: Any, input: Any) -> list[Any]:
        return asyncio.run(listed(tool.astream(input)))


def asked(tool: Any, **args: Any) -> dict[str, Any]:
    """A model's call of a tool."""
    return {"type": "tool_call", "name": tool.name, "args": args, "id": "1"}


class HttpServer:
    """A real server that is reached by HTTP, which can be killed and started again at its address."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}/mcp"
        self.start()

    def start(self) -> None:
        environment = {**os.environ, "PORT": str(self._port)}
        ends_with_this = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        self.process = subprocess.Popen(
            [*ends_with_this, str(MCP_SERVER), "streamableHttp"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert eventually(self._answers)

    def _answers(self) -> bool:
        assert self.process.poll() is None
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
