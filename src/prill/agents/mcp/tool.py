"""A tool of a server of the Model Context Protocol, as a tool of Prill."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from pydantic import Field, PrivateAttr

from prill.agents.mcp.content import MCPLimits, clean_text, read_result, text_of
from prill.agents.mcp.session import MCPSession, Wire
from prill.callbacks.run import Run
from prill.errors import ConfigError, MCPError, ToolException
from prill.io import ExecutionMode, closing, get_asyncio_mode
from prill.tools import BaseTool
from prill.tools.progress import Progress


@dataclass(frozen=True)
class MCPToolCallRequest:
    """A call of a tool on its way to the server, for interceptors.

    Attributes:
        name: the name of the tool on the server.
        args: the arguments.
        server_name: the name of the server.
    """

    name: str
    args: dict[str, Any]
    server_name: str

    def override(self, **changes: Any) -> MCPToolCallRequest:
        """A copy with other values."""
        return replace(self, **changes)


Handler = Callable[[MCPToolCallRequest], Awaitable[Any]]
Interceptor = Callable[[MCPToolCallRequest, Handler], Awaitable[Any]]
"""An async function around each call: it may change the request, call the handler or not, and change the result, a dict
in the form of the protocol (``content``, ``isError``, ``structuredContent``)."""


class MCPTool(BaseTool):
    """A tool of a server of the Model Context Protocol.

    It works in blocking code and in asyncio. While it runs, the progress that the server reports is streamed, as
    ``{"type": "progress", "progress": 2.0, "total": 5.0, "message": None}``. The answer of a tool that has failed has
    ``status="error"``; so does that of a server that has ended, which is started again by the next call.

    Attributes:
        server: the name of the server.
        tool: the name of the tool there; ``name`` has only letters that all models take.
        structured_schema: the JSON schema of the structured content, if there is one.
        annotations: what the server says of the tool, such as ``readOnlyHint``. It may not be true.
    """

    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"
    server: str
    tool: str
    structured_schema: dict[str, Any] | None = Field(default=None, repr=False)
    annotations: dict[str, Any] = Field(default_factory=dict, repr=False)

    _session: MCPSession = PrivateAttr()
    _injected: Mapping[str, Any] = PrivateAttr(default_factory=dict)
    _own: frozenset[str] = PrivateAttr(default=frozenset())
    _interceptors: Sequence[Interceptor] = PrivateAttr(default=())
    _limits: MCPLimits = PrivateAttr(default_factory=MCPLimits)

    def _functions(self) -> tuple[Callable[..., Any] | None, Callable[..., Any] | None]:
        return None, self._call_on_loop

    async def _call_on_loop(self, **args: Any) -> Any:
        return await self._call(args, get_asyncio_mode())

    def _yields(self, run: Run) -> bool:
        return True

    def _progress(self, args: dict[str, Any], run: Run) -> Progress:
        return _Call(self, args, run)

    async def _apply(self, args: dict[str, Any], run: Run) -> Any:
        if run.observers and not self._interceptors:
            return await self._watch_progress(self._progress(args, run), run)
        return await self._call(args, run.io)

    async def _call(self, args: dict[str, Any], io: ExecutionMode) -> Any:
        """Run the tool without its progress."""
        request = self._request(args)
        if self._interceptors:
            return self._answer(await io.await_on_loop(self._intercepted(request)))
        return self._answer(await self._send(io, request))

    async def _intercepted(self, request: MCPToolCallRequest) -> Any:
        handler: Handler = partial(self._send, get_asyncio_mode())
        for interceptor in reversed(self._interceptors):
            handler = partial(_intercept, interceptor, handler)
        return await handler(request)

    async def _send(self, io: ExecutionMode, request: MCPToolCallRequest) -> Wire:
        try:
            return await self._session.call(io, request.name, request.args)
        except MCPError as error:
            raise ToolException(error.message) from error

    async def _send_with_progress(self, io: ExecutionMode, request: MCPToolCallRequest) -> AsyncGenerator[Wire, None]:
        async with closing(self._session.call_with_progress(io, request.name, request.args)) as items:
            try:
                async for item in items:
                    yield item
            except MCPError as error:
                raise ToolException(error.message) from error

    def _request(self, args: dict[str, Any]) -> MCPToolCallRequest:
        """The request, with the arguments that the program gives and the model must not."""
        refused = [name for name in args if name in self._injected]
        if refused:
            raise ToolException(f"the tool {self.name} does not take {', '.join(refused)}: call it without")
        own = {name: value for name, value in self._injected.items() if name in self._own}
        own = {name: value() if callable(value) else value for name, value in own.items()}
        return MCPToolCallRequest(self.tool, {**args, **own}, self.server)

    def _answer(self, result: Any) -> Any:
        if not isinstance(result, dict):
            return result, None  # an interceptor's own answer
        content, artifact = read_result(result, self._limits)
        if result.get("isError"):
            raise ToolException(text_of(content) or f"the tool {self.name} failed and does not say why")
        return content, artifact


class _Call(Progress):
    """A run of the tool."""

    def __init__(self, tool: MCPTool, args: dict[str, Any], run: Run) -> None:
        self._tool = tool
        self._args = args
        self._run = run
        self.result: Any = None

    async def chunks(self) -> AsyncGenerator[Any, None]:
        tool, io = self._tool, self._run.io
        if tool._interceptors:
            self.result = await tool._call(self._args, io)
            return
        async with closing(tool._send_with_progress(io, tool._request(self._args))) as items:
            async for item in items:
                if item.get("type") == "progress":
                    yield item
                else:
                    self.result = tool._answer(item)


async def _intercept(interceptor: Interceptor, handler: Handler, request: MCPToolCallRequest) -> Any:
    return await interceptor(request, handler)


_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")


def safe_name(name: str) -> str:
    """A name that all models take as that of a tool."""
    return _NOT_IN_NAMES.sub("_", name)[:64]


def make_tool(
    session: MCPSession,
    described: Wire,
    *,
    injected: Mapping[str, Any] | None = None,
    interceptors: Sequence[Interceptor] = (),
    handle_errors: bool = True,
    limits: MCPLimits | None = None,
) -> MCPTool:
    """The tool that a server describes in its list.

    Raises ``MCPError`` for a schema that is too large.
    """
    limits = limits or MCPLimits()
    name = str(described.get("name"))
    schema = described.get("inputSchema") or {"type": "object", "properties": {}}
    if len(json.dumps(schema)) > limits.schema_chars or not isinstance(schema.get("properties", {}), dict):
        raise MCPError(
            f"the tool {name!r:.80} of the MCP server {session.name!r} has arguments whose schema is not valid, or is "
            f"longer than {limits.schema_chars} characters (schema_chars)"
        )
    description = described.get("description") or described.get("title") or name
    made = MCPTool(
        name=safe_name(name),
        description=clean_text(description, limits.description_chars),
        args_schema=_without(schema, injected or {}),
        handle_tool_error=handle_errors,
        server=session.name,
        tool=name,
        structured_schema=described.get("outputSchema"),
        annotations=described.get("annotations") or {},
    )
    made._session, made._interceptors, made._limits = session, tuple(interceptors), limits
    made._injected, made._own = injected or {}, frozenset(schema.get("properties", {}))
    return made


def _without(schema: dict[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without arguments that the program gives."""
    properties = {name: part for name, part in schema.get("properties", {}).items() if name not in names}
    required = [name for name in schema.get("required", ()) if name not in names]
    rest = {key: value for key, value in schema.items() if key not in ("properties", "required", "$schema")}
    return {"type": "object", **rest, "properties": properties, **({"required": required} if required else {})}


def check_names(tools: Sequence[MCPTool]) -> None:
    """Raise ``ConfigError`` if two tools have one name."""
    seen: dict[str, MCPTool] = {}
    for tool in tools:
        other = seen.setdefault(tool.name, tool)
        if other is not tool:
            raise ConfigError(
                f"two tools have the name {tool.name}: {other.tool!r} of the MCP server {other.server!r} and "
                f"{tool.tool!r} of {tool.server!r}. Give the servers other names, or load the tools of one of them"
            )
