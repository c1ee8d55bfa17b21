"""Clients of servers of the Model Context Protocol."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from difflib import get_close_matches
from functools import partial
from operator import methodcaller
from typing import Any, Self

from prill.agents.mcp.callbacks import Callbacks
from prill.agents.mcp.connections import Connection, read_connection
from prill.agents.mcp.content import MCPLimits, read_prompt, read_resource
from prill.agents.mcp.session import GivenLink, MCPSession, Wire
from prill.agents.mcp.tool import Interceptor, MCPTool, check_names, make_tool, safe_name
from prill.documents import Blob
from prill.errors import ConfigError
from prill.io import BLOCKING, ExecutionMode, drive, get_asyncio_mode
from prill.messages import AIMessage, HumanMessage

Messages = list[HumanMessage | AIMessage]


class MCPClient:
    """The tools, resources and prompts of servers of the Model Context Protocol, for blocking code and for asyncio.

    Each server has one session, which is opened when it is first needed and held until the client is closed: with
    ``close``, at the end of a ``with`` block, or at the end of the program. A server that has ended is started again
    by the next request. A process that was forked has sessions of its own.

    Args:
        connections: for each name of a server a command (``"uvx mcp-server-time"``), an address
            (``"https://…/mcp"``), or a ``StdioConnection`` or ``StreamableHttpConnection``. The arguments of tools in
            its ``injected_args`` (values, or functions without parameters) are given by the program: a model does not
            see them, and a call that has them is refused.
        callbacks: functions for log messages, progress and questions of servers.
        tool_interceptors: async functions around each call of a tool, the first one outermost. The progress of tools is
            then not streamed.
        tool_name_prefix: put the name of the server before the names of all tools. Without it, that is done only to
            tools of several servers that have one name.
        handle_tool_errors: whether the failure of a tool is its answer, with ``status="error"``; if not, it is raised
            as ``ToolException``.
        limits: how much of what servers send is taken.

    Raises:
        MissingDependencyError: the package ``mcp`` is not installed.
        ConfigError: a connection has unknown or missing keys.

    Example::

        with MCPClient({"time": f"{sys.executable} -m mcp_server_time --local-timezone UTC"}) as client:
            tools = client.tools()
            agent = create_agent("anthropic:claude-haiku-4-5", tools=tools)
            print(agent.invoke({"messages": "What time is it in Tokyo?"})["messages"][-1].text)

    Descriptions and results come from the servers and are not trusted. They are shown to the model as descriptions and
    results of tools, never as instructions; what a server says of itself (``instructions``) is not used.
    """

    def __init__(
        self,
        connections: Mapping[str, Connection | Mapping[str, Any] | str] | None = None,
        *,
        callbacks: Callbacks | None = None,
        tool_interceptors: Sequence[Interceptor] | None = None,
        tool_name_prefix: bool = False,
        handle_tool_errors: bool = True,
        limits: MCPLimits | None = None,
    ) -> None:
        self.connections = {name: read_connection(name, given) for name, given in (connections or {}).items()}
        self.callbacks = callbacks
        self.tool_interceptors = tuple(tool_interceptors or ())
        self.tool_name_prefix = tool_name_prefix
        self.handle_tool_errors = handle_tool_errors
        self._limits = limits or MCPLimits()
        self._sessions = {
            name: MCPSession.connect(name, connection, callbacks) for name, connection in self.connections.items()
        }

    # The bodies, for both kinds of code

    async def _tools(self, io: ExecutionMode, server: str | None) -> list[MCPTool]:
        found = await io.gather([partial(self._tools_of, io, session) for session in self._chosen(server)])
        tools = [tool for each in found for tool in each]
        count = Counter(tool.name for tool in tools)
        for tool in tools:
            if self.tool_name_prefix or count[tool.name] > 1:
                tool.name = safe_name(f"{tool.server}_{tool.name}")
        check_names(tools)
        return tools

    async def _tools_of(self, io: ExecutionMode, session: MCPSession) -> list[MCPTool]:
        injected = self.connections[session.name].get("injected_args")
        return await _load_tools(
            io,
            session,
            injected=injected,
            interceptors=self.tool_interceptors,
            handle_errors=self.handle_tool_errors,
            limits=self._limits,
        )

    async def _resources(self, io: ExecutionMode, server: str | None, uris: str | Sequence[str] | None) -> list[Blob]:
        uris = [uris] if isinstance(uris, str) else uris
        blobs: list[Blob] = []
        for session in self._chosen(server):
            listed = uris if uris is not None else [each["uri"] for each in await self._list(io, session, "resources")]
            for uri in listed:
                what = f"read the resource {uri[:200]!r}"
                read = await session.ask(io, what, methodcaller("read_resource", uri))
                blobs += read_resource(read, self._limits)
        return blobs

    async def _prompt(self, io: ExecutionMode, server: str, name: str, arguments: dict[str, str] | None) -> Messages:
        (session,) = self._chosen(server)
        what = f"give the prompt {name!r}"
        prompt = await session.ask(io, what, methodcaller("get_prompt", name, arguments))
        return read_prompt(prompt, self._limits)

    async def _list(self, io: ExecutionMode, session: MCPSession, kind: str) -> list[Wire]:
        return await session.ask_all(io, kind, self._limits.tools)

    async def _close(self, io: ExecutionMode) -> None:
        await io.gather([partial(session.close, io) for session in self._sessions.values()])

    def _chosen(self, server: str | None) -> list[MCPSession]:
        if server is None:
            return list(self._sessions.values())
        if server not in self._sessions:
            near = get_close_matches(server, self._sessions, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"the servers are {', '.join(self._sessions) or '(none)'}"
            raise ConfigError(f"unknown MCP server {server!r:.80}; {hint}")
        return [self._sessions[server]]

    # Blocking code

    def tools(self, server: str | None = None) -> list[MCPTool]:
        """The tools of a server, or of all of them."""
        return drive(self._tools(BLOCKING, server))

    def resources(self, server: str | None = None, *, uris: str | Sequence[str] | None = None) -> list[Blob]:
        """The contents of the resources with these addresses, or of all that the servers list."""
        return drive(self._resources(BLOCKING, server, uris))

    def prompt(self, server: str, name: str, *, arguments: dict[str, str] | None = None) -> Messages:
        """The messages of a prompt."""
        return drive(self._prompt(BLOCKING, server, name, arguments))

    def prompts(self, server: str) -> list[Wire]:
        """The prompts that a server lists: ``name``, ``description``, ``arguments``."""
        return drive(self._list(BLOCKING, self._chosen(server)[0], "prompts"))

    def close(self) -> None:
        """End all sessions, and the servers that are programs."""
        drive(self._close(BLOCKING))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # asyncio

    async def atools(self, server: str | None = None) -> list[MCPTool]:
        """The asyncio form of ``tools``."""
        return await self._tools(get_asyncio_mode(), server)

    async def aresources(self, server: str | None = None, *, uris: str | Sequence[str] | None = None) -> list[Blob]:
        """The asyncio form of ``resources``."""
        return await self._resources(get_asyncio_mode(), server, uris)

    async def aprompt(self, server: str, name: str, *, arguments: dict[str, str] | None = None) -> Messages:
        """The asyncio form of ``prompt``."""
        return await self._prompt(get_asyncio_mode(), server, name, arguments)

    async def aprompts(self, server: str) -> list[Wire]:
        """The asyncio form of ``prompts``."""
        return await self._list(get_asyncio_mode(), self._chosen(server)[0], "prompts")

    async def aclose(self) -> None:
        """The asyncio form of ``close``."""
        await self._close(get_asyncio_mode())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()


class MultiServerMCPClient(MCPClient):
    """``MCPClient`` with the methods of ``langchain-mcp-adapters``. The tools use one held session for each server."""

    async def get_tools(self, *, server_name: str | None = None) -> list[MCPTool]:
        """The tools of a server, or of all of them."""
        return await self.atools(server_name)

    async def get_prompt(
        self, server_name: str, prompt_name: str, *, arguments: dict[str, str] | None = None
    ) -> Messages:
        """The messages of a prompt."""
        return await self.aprompt(server_name, prompt_name, arguments=arguments)

    async def get_resources(
        self, server_name: str | None = None, *, uris: str | Sequence[str] | None = None
    ) -> list[Blob]:
        """The contents of the resources with these addresses, or of all that the servers list."""
        return await self.aresources(server_name, uris=uris)

    @asynccontextmanager
    async def session(self, server_name: str, *, auto_initialize: bool = True) -> AsyncGenerator[MCPSession, None]:
        """A session of its own with a server, for ``load_mcp_tools``; it ends with the block."""
        self._chosen(server_name)
        session = MCPSession.connect(server_name, self.connections[server_name], self.callbacks)
        try:
            yield session
        finally:
            await session.close(get_asyncio_mode())


async def load_mcp_tools(
    session: Any,
    *,
    connection: Connection | Mapping[str, Any] | str | None = None,
    callbacks: Callbacks | None = None,
    tool_interceptors: Sequence[Interceptor] | None = None,
    server_name: str | None = None,
    tool_name_prefix: bool = False,
    handle_tool_errors: bool = True,
    limits: MCPLimits | None = None,
) -> list[MCPTool]:
    """The tools of one server.

    Args:
        session: one of ``MultiServerMCPClient.session``; or an ``mcp.ClientSession`` that the program has opened on
            this event loop, whose tools then need the asyncio verbs; or ``None`` with a ``connection``.
        connection: how to reach the server; the session lives as long as its tools.
        callbacks: functions for progress and, with a ``connection``, for log messages and questions.
        tool_interceptors: async functions around each call of a tool.
        server_name: the name of the server, in errors and before the names of tools.
        tool_name_prefix: put ``server_name`` before the names of the tools.
        handle_tool_errors: whether the failure of a tool is its answer; see ``MCPClient``.
        limits: how much of what the server sends is taken.
    """
    name = server_name or getattr(session, "name", None) or "mcp"
    given = read_connection(name, connection) if connection is not None else {}
    if session is None:
        if not given:
            raise ConfigError("load_mcp_tools needs a session or a connection")
        session = MCPSession.connect(name, given, callbacks)
    elif not isinstance(session, MCPSession):
        session = MCPSession(name, GivenLink(session), callbacks=callbacks)
    tools = await _load_tools(
        get_asyncio_mode(),
        session,
        injected=given.get("injected_args"),
        interceptors=tool_interceptors or (),
        handle_errors=handle_tool_errors,
        limits=limits or MCPLimits(),
    )
    for tool in tools if tool_name_prefix and server_name else ():
        tool.name = safe_name(f"{server_name}_{tool.name}")
    return tools


async def _load_tools(io: ExecutionMode, session: MCPSession, *, limits: MCPLimits, **options: Any) -> list[MCPTool]:
    listed = await session.ask_all(io, "tools", limits.tools)
    tools = [make_tool(session, each, limits=limits, **options) for each in listed]
    check_names(tools)
    return tools
