"""A session with a server of the Model Context Protocol: one, held open, for blocking code and for event loops."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from operator import methodcaller
from typing import Any, Protocol, TypeAlias
from urllib.parse import urlsplit

from prill.agents.mcp.callbacks import Callbacks, progress_reporter, session_options
from prill.agents.mcp.connections import open_session, require_mcp
from prill.errors import AsyncRequiredError, MCPError
from prill.io import ExecutionMode
from prill.io.held import Held, HeldEnded, HeldNotOpened

Emit: TypeAlias = Callable[[Any], Any]
Wire: TypeAlias = dict[str, Any]
"""An object as it is sent, with the names of the protocol: they are the same in all versions of the package."""

_CONNECTION_CLOSED = -32000
_SESSION_TERMINATED = 32600
_MOST_PAGES = 100

OPEN_SECONDS = 60.0
"""How long a server may take until it is ready: a package runner may have to download it first."""

PROBE_SECONDS = 5.0
"""How long a call may take until the server is asked whether it is still there, and then again."""


class Link(Protocol):
    """How requests get to a ``mcp.ClientSession``."""

    async def use(self, io: ExecutionMode, work: Callable[[Any], Awaitable[Any]]) -> Any: ...
    def stream(self, io: ExecutionMode, work: Callable[[Any, Emit], Awaitable[Any]]) -> AsyncGenerator[Any, None]: ...
    async def discard(self, io: ExecutionMode) -> None: ...


class GivenLink:
    """A session that the program has opened itself. It works on the event loop on which it was opened."""

    def __init__(self, session: Any) -> None:
        self._session = session

    async def use(self, io: ExecutionMode, work: Callable[[Any], Awaitable[Any]]) -> Any:
        self._check(io)
        return await work(self._session)

    def stream(self, io: ExecutionMode, work: Callable[[Any, Emit], Awaitable[Any]]) -> AsyncGenerator[Any, None]:
        async def run(emit: Emit) -> None:
            emit(await work(self._session, emit))

        self._check(io)
        return io.background(run, 64)

    async def discard(self, io: ExecutionMode) -> None:
        """Nothing: the program that has opened the session closes it."""

    def _check(self, io: ExecutionMode) -> None:
        if io.blocking:
            raise AsyncRequiredError(
                "this MCP session was opened by the program on an event loop, so its tools need the asyncio verbs "
                "(ainvoke, astream). With MultiServerMCPClient they have both kinds"
            )


class MCPSession:
    """A session with one server. ``MCPClient`` makes it; it opens when it is first used, and again if it has ended.

    Attributes:
        name: the name of the server.
    """

    def __init__(self, name: str, link: Link, *, callbacks: Callbacks | None = None, shown: str = "") -> None:
        self.name = name
        self._link = link
        self._callbacks = callbacks
        self._shown = shown

    @classmethod
    def connect(cls, name: str, connection: Mapping[str, Any], callbacks: Callbacks | None) -> MCPSession:
        """The session for a connection that was read by ``read_connection``."""
        require_mcp()

        def enter(end: Callable[[], None]) -> AbstractAsyncContextManager[Any]:
            return open_session(connection, end, session_options(name, callbacks))

        # A server that is reached by HTTP and goes away is not noticed by all versions of the package.
        probe = None if connection["transport"] == "stdio" else _ping
        held = Held(enter, probe=probe, probe_seconds=PROBE_SECONDS, open_seconds=OPEN_SECONDS)
        return cls(name, held, callbacks=callbacks, shown=connection.get("url", ""))

    # Requests

    async def ask(self, io: ExecutionMode, what: str, work: Callable[[Any], Awaitable[Any]]) -> Wire:
        """The answer to a request; ``what`` names it in errors.

        Raises ``MCPError``.
        """
        try:
            return as_wire(await self._link.use(io, work))
        except Exception as error:
            raise await self._failure(io, what, error) from error

    async def ask_all(self, io: ExecutionMode, kind: str, most: int) -> list[Wire]:
        """All that a server lists, page by page: ``"tools"``, ``"resources"`` or ``"prompts"``."""
        types = require_mcp().types
        found: list[Wire] = []
        cursor: Any = None
        for _ in range(_MOST_PAGES):
            params = types.PaginatedRequestParams(cursor=cursor)
            page = await self.ask(io, f"list its {kind}", methodcaller(f"list_{kind}", params=params))
            found += page.get(kind, [])
            cursor = page.get("nextCursor")
            if cursor is None:
                return found
            if len(found) > most:
                break
        raise MCPError(f"the MCP server {self.name!r} lists more than {most} {kind}, or its list has no end")

    async def call(self, io: ExecutionMode, tool: str, args: Wire) -> Wire:
        """The result of a tool."""
        report = progress_reporter(self._callbacks, self.name, tool)
        work = methodcaller("call_tool", tool, args, progress_callback=report)
        return await self.ask(io, f"run the tool {tool!r}", work)

    async def call_with_progress(self, io: ExecutionMode, tool: str, args: Wire) -> AsyncGenerator[Wire, None]:
        """The progress that a tool reports while it runs (``{"type": "progress", …}``), and then its result."""

        async def work(session: Any, emit: Emit) -> Any:
            report = progress_reporter(self._callbacks, self.name, tool, emit)
            return as_wire(await session.call_tool(tool, args, progress_callback=report))

        stream = self._link.stream(io, work)
        try:
            async for item in stream:
                yield item
        except Exception as error:
            raise await self._failure(io, f"run the tool {tool!r}", error) from error
        finally:
            await stream.aclose()

    async def close(self, io: ExecutionMode) -> None:
        """End the session, and the server if it is a program. The next request starts it again."""
        await self._link.discard(io)

    async def _failure(self, io: ExecutionMode, what: str, error: Exception) -> Exception:
        if isinstance(error, MCPError | AsyncRequiredError):
            return error
        detail = getattr(error, "error", None)
        code = getattr(detail, "code", None)
        if code not in (None, _CONNECTION_CLOSED, _SESSION_TERMINATED):
            return MCPError(f"the MCP server {self.name!r} refused to {what}: {str(detail.message)[:1000]}")  # type: ignore[union-attr]  # it has a code
        await self._link.discard(io)
        if isinstance(error, HeldNotOpened):
            return MCPError(
                f"no session with the MCP server {self.name!r}: {self._reason(error)}. Check its command or "
                "address, and what it has written to the standard error"
            )
        return MCPError(
            f"the MCP server {self.name!r} ended, or could not be reached, when it was asked to {what}: "
            f"{self._reason(error)}. Whether it did so is not known; the next request starts a new session"
        )

    def _reason(self, error: BaseException) -> str:
        if isinstance(error, HeldEnded):
            cause = error.__cause__
            return str(error) if cause is None else f"{error} ({self._reason(cause)})"
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        text = str(error)
        if self._shown:  # the address may hold a key
            text = text.replace(self._shown, urlsplit(self._shown).hostname or "")
        return f"{type(error).__name__}{': ' if text else ''}{text[:300]}"


def as_wire(result: Any) -> Wire:
    """A result of the package as it was sent."""
    wire: Wire = result.model_dump(mode="json", by_alias=True, exclude_none=True)
    return wire


async def _ping(session: Any) -> None:
    try:
        await session.send_ping()
    except Exception as error:
        code = getattr(getattr(error, "error", None), "code", None)
        if code in (None, _CONNECTION_CLOSED, _SESSION_TERMINATED):
            raise  # any other answer is an answer
