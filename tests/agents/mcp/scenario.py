"""What a client has to do with any version of the package ``mcp``; run by itself, in the environment of that version.

Its arguments are the address of a real server that is reached by HTTP, and the command of one that is a program; each
may be empty. It needs nothing but Prill, and ends with an error where something is wrong.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import signal
import sys
from pathlib import Path
from typing import Any

from prill.agents.mcp import Callbacks, MCPClient
from prill.errors import MCPError

ODD = f"{sys.executable} {Path(__file__).with_name('server.py')}"


def call(tool: Any, **args: Any) -> Any:
    """The answers to a call in blocking code and in asyncio, which are the same."""
    asked = {"type": "tool_call", "name": tool.name, "args": args, "id": "1"}
    answer = tool.invoke(asked)
    assert asyncio.run(tool.ainvoke(asked)) == answer
    return answer


def use_odd_server() -> None:
    logged: list[Any] = []

    async def on_log(params: Any, context: Any) -> None:
        logged.append((params.data, context.server_name))

    with MCPClient({"odd": ODD}, callbacks=Callbacks(on_logging_message=on_log)) as client:
        tools = {tool.tool: tool for tool in client.tools()}
        assert len(tools) == 15
        assert call(tools["get/echo"], user="a").content == '{"user": "a"}'
        assert call(tools["fail"], user="a").status == "error"
        assert "no such tool" in call(tools["refuse"], user="a").content
        assert call(tools["structured"], user="a").artifact == {"structured_content": {"a": 1}}
        assert [block["type"] for block in call(tools["blocks"], user="a").content].count("image") == 2
        *progress, end = tools["count"].stream({"user": "a"})
        assert ([each["progress"] for each in progress], end) == ([0, 1, 2], "done")
        assert ("counted", "odd") in logged
        assert [blob.as_bytes() for blob in client.resources("odd")] == [b"hi", b"hi"]
        assert client.prompts("odd")[0]["name"] == "p"
        assert [message.type for message in client.prompt("odd", "p", arguments={"who": "Ann"})] == ["human", "ai"]
        first = int(tools["pid"].invoke({"user": "a"}))
        assert "'odd' ended" in call(tools["die"], user="a").content
        second = int(tools["pid"].invoke({"user": "a"}))
        assert second != first
        os.kill(second, signal.SIGKILL)
        asked = {"type": "tool_call", "name": "pid", "args": {"user": "a"}, "id": "1"}
        answers = [tools["pid"].invoke(asked) for _ in range(2)]  # the first may come before its end was noticed
        last = int(answers[-1].content)
    assert not Path(f"/proc/{last}").exists()


def use_real_server(connection: Any) -> None:
    with MCPClient({"all": connection}) as client:
        tools = {tool.tool: tool for tool in client.tools()}
        assert call(tools["echo"], message="Hi").content == "Echo: Hi"
        assert [block["type"] for block in call(tools["get-tiny-image"]).content] == ["text", "image", "text"]
        assert call(tools["get-structured-content"], location="Chicago").artifact["structured_content"]
        *progress, _ = tools["trigger-long-running-operation"].stream({"duration": 0.2, "steps": 2})
        assert [each["progress"] for each in progress] == [1, 2]
        assert client.prompt("all", "simple-prompt")
        uri = "demo://resource/static/document/architecture.md"
        assert client.resources("all", uris=uri)[0].metadata == {"uri": uri}


def failure(connection: str) -> str:
    """Why the tools of a server cannot be listed."""
    try:
        MCPClient({"none": connection}).tools()
    except MCPError as error:
        return str(error)
    return ""


def main(address: str, command: str) -> None:
    use_odd_server()
    if address:
        use_real_server({"transport": "streamable_http", "url": address, "headers": {"x-a": "b"}})
    if command:
        use_real_server(command)
    assert "no session with the MCP server 'none'" in failure("/no/such/program")
    print("mcp", importlib.metadata.version("mcp"))


if __name__ == "__main__":
    main(*sys.argv[1:])
