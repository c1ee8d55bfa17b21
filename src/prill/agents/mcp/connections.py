"""How a server of the Model Context Protocol is reached, and a session with it opened, by the official package ``mcp``.

Both versions of that package are used through what they have in common.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from difflib import get_close_matches
from importlib import import_module
from typing import Any, Literal, NotRequired, TypeAlias

from typing_extensions import TypedDict

from prill.errors import ConfigError, MissingDependencyError


class StdioConnection(TypedDict):
    """A server that is a program, which is started and spoken to by its standard input and output.

    It gets the environment variables ``HOME``, ``LOGNAME``, ``PATH``, ``SHELL``, ``TERM`` and ``USER`` (on Windows
    their counterparts) and those in ``env``; no others, since they may hold keys. It writes to this program's standard
    error.
    """

    transport: Literal["stdio"]
    command: str
    args: list[str]
    env: NotRequired[dict[str, str] | None]
    cwd: NotRequired[str | os.PathLike[str] | None]
    encoding: NotRequired[str]
    encoding_error_handler: NotRequired[Literal["strict", "ignore", "replace"]]
    session_kwargs: NotRequired[dict[str, Any] | None]
    injected_args: NotRequired[dict[str, Any]]


class StreamableHttpConnection(TypedDict):
    """A server that is reached by HTTP; times are in seconds, or a ``timedelta``."""

    transport: Literal["streamable_http", "streamable-http", "http"]
    url: str
    headers: NotRequired[dict[str, str] | None]
    timeout: NotRequired[float | timedelta]
    sse_read_timeout: NotRequired[float | timedelta]
    terminate_on_close: NotRequired[bool]
    auth: NotRequired[Any]
    httpx_client_factory: NotRequired[Callable[..., Any] | None]
    session_kwargs: NotRequired[dict[str, Any] | None]
    injected_args: NotRequired[dict[str, Any]]


Connection: TypeAlias = StdioConnection | StreamableHttpConnection

_KEYS = {"stdio": set(StdioConnection.__annotations__), "http": set(StreamableHttpConnection.__annotations__)}
_HTTP = ("streamable_http", "streamable-http", "http")


def read_connection(name: str, given: Mapping[str, Any] | str) -> dict[str, Any]:
    """The connection to the server ``name``, with its ``transport`` as ``"stdio"`` or ``"http"``.

    A text is an address, if it starts with ``http://`` or ``https://``, or else the command of a program.

    Raises ``ConfigError`` for unknown transports and keys, and for missing ones.
    """
    if isinstance(given, str):
        given = {"url": given} if given.startswith(("http://", "https://")) else _read_command(name, given)
    transport = given.get("transport") or ("http" if "url" in given else "stdio")
    if transport not in ("stdio", *_HTTP):
        raise ConfigError(
            f"the MCP server {name!r} has the transport {transport!r:.40}; Prill speaks 'stdio' and 'streamable_http', "
            "which servers offer in place of 'sse' and 'websocket'"
        )
    transport = "stdio" if transport == "stdio" else "http"
    for key in given:
        if key not in _KEYS[transport]:
            near = get_close_matches(str(key), _KEYS[transport], 1)
            hint = f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(sorted(_KEYS[transport]))}"
            raise ConfigError(f"the connection to the MCP server {name!r} has the unknown key {key!r:.40}; {hint}")
    needed = "command" if transport == "stdio" else "url"
    if not isinstance(given.get(needed), str):
        raise ConfigError(f"the connection to the MCP server {name!r} needs {needed!r}, a text")
    return {**given, "transport": transport}


def _read_command(name: str, command: str) -> dict[str, Any]:
    try:
        first, *rest = shlex.split(command)
    except ValueError as error:
        raise ConfigError(f"the command of the MCP server {name!r} is empty, or not a command: {error}") from error
    return {"command": first, "args": rest}


def require_mcp() -> Any:
    """The package ``mcp``; raises ``MissingDependencyError`` if it is not installed."""
    try:
        return import_module("mcp")
    except ImportError as error:
        raise MissingDependencyError("MCP needs the package mcp: pip install 'prill[mcp]'") from error


@asynccontextmanager
async def open_session(
    connection: Mapping[str, Any], end: Callable[[], None], options: Mapping[str, Any]
) -> AsyncGenerator[Any, None]:
    """A session that is ready for requests; ``end`` is called when the server ends it.

    Args:
        connection: what ``read_connection`` gives.
        end: called on the loop when there is nothing more to read.
        options: arguments for ``mcp.ClientSession``.
    """
    mcp = require_mcp()
    options = {**(connection.get("session_kwargs") or {}), **options}
    transport = _open_stdio if connection["transport"] == "stdio" else _open_http
    async with transport(connection) as streams:
        async with mcp.ClientSession(_Watched(streams[0], end), streams[1], **options) as session:
            await session.initialize()
            yield session


def _open_stdio(connection: Mapping[str, Any]) -> AbstractAsyncContextManager[Any]:
    stdio = import_module("mcp.client.stdio")
    names = ("command", "args", "env", "cwd", "encoding", "encoding_error_handler")
    given = {name: connection[name] for name in names if connection.get(name) is not None}
    options: dict[str, Any] = {"errlog": sys.stderr} if _has_descriptor(sys.stderr) else {}
    return stdio.stdio_client(stdio.StdioServerParameters(**given), **options)  # type: ignore[no-any-return]  # either version


def _has_descriptor(file: Any) -> bool:
    try:
        return file.fileno() >= 0  # type: ignore[no-any-return]  # it may be anything
    except (AttributeError, OSError, ValueError):
        return False


@asynccontextmanager
async def _open_http(connection: Mapping[str, Any]) -> AsyncGenerator[Any, None]:
    http = import_module("mcp.client.streamable_http")
    make = connection.get("httpx_client_factory") or http.create_mcp_http_client
    async with make(headers=connection.get("headers"), auth=connection.get("auth")) as client:
        seconds = _seconds(connection.get("timeout", 30.0))
        client.timeout = (seconds, _seconds(connection.get("sse_read_timeout", 300.0)), seconds, seconds)
        ends = connection.get("terminate_on_close", True)
        async with http.streamable_http_client(connection["url"], http_client=client, terminate_on_close=ends) as both:
            yield both


def _seconds(value: float | timedelta) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else value


class _Watched:
    """A stream of messages that reports its end."""

    def __init__(self, stream: Any, end: Callable[[], None]) -> None:
        self._stream = stream
        self._end = end

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def __aenter__(self) -> _Watched:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> Any:
        return await self._stream.__aexit__(*error)

    async def __aiter__(self) -> AsyncIterator[Any]:
        try:
            async for message in self._stream:
                yield message
        finally:
            self._end()
