"""Tools, resources and prompts of servers of the [Model Context Protocol](https://modelcontextprotocol.io).

They need the package ``mcp``: ``pip install 'prill[mcp]'``. Names are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.agents.mcp.callbacks import CallbackContext as CallbackContext, Callbacks as Callbacks
    from prill.agents.mcp.client import (
        MCPClient as MCPClient,
        MultiServerMCPClient as MultiServerMCPClient,
        load_mcp_tools as load_mcp_tools,
    )
    from prill.agents.mcp.connections import (
        Connection as Connection,
        StdioConnection as StdioConnection,
        StreamableHttpConnection as StreamableHttpConnection,
    )
    from prill.agents.mcp.content import MCPLimits as MCPLimits
    from prill.agents.mcp.session import MCPSession as MCPSession
    from prill.agents.mcp.tool import MCPTool as MCPTool, MCPToolCallRequest as MCPToolCallRequest

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "callbacks": "CallbackContext Callbacks",
        "client": "MCPClient MultiServerMCPClient load_mcp_tools",
        "connections": "Connection StdioConnection StreamableHttpConnection",
        "content": "MCPLimits",
        "session": "MCPSession",
        "tool": "MCPTool MCPToolCallRequest",
    },
)
