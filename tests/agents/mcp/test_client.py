"""Clients of servers of the Model Context Protocol, in blocking code and in asyncio."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest
from tests.helpers import MCP_SERVER, require, requires, run_apart

from mcp_servers import asked, odd, odd_connection
from prill.agents.mcp import Callbacks, MCPClient, MCPLimits, MultiServerMCPClient, load_mcp_tools
from prill.errors import AsyncRequiredError, ConfigError, MCPError, MissingDependencyError
from prill.messages import AIMessage, HumanMessage

pytestmark = requires("mcp")


def test_a_real_server_of_tools_works(colour: Any) -> None:
    require("mcp-server-time")
    with MCPClient({"time": f"{sys.executable} -m mcp_server_time --local-timezone UTC"}) as client:
        tools = {tool.name: tool for tool in colour.call(client.tools)}
        assert set(tools) == {"get_current_time", "convert_time"}
        assert '"timezone": "UTC"' in colour.call(tools["get_current_time"].invoke, {"timezone": "UTC"})
        answer = colour.call(tools["get_current_time"].invoke, asked(tools["get_current_time"], timezone="Nowhere"))
        assert answer.status == "error"
        assert "Invalid timezone" in answer.content


@requires("mcp-server-everything")
def test_a_real_server_with_everything_works(colour: Any) -> None:
    with MCPClient({"all": f"{MCP_SERVER} stdio"}) as client:
        tools = {tool.name: tool for tool in colour.call(client.tools, "all")}
        assert colour.call(tools["echo"].invoke, {"message": "Hi"}) == "Echo: Hi"
        image = colour.call(tools["get-tiny-image"].invoke, asked(tools["get-tiny-image"]))
        assert [block["type"] for block in image.content] == ["text", "image", "text"]
        weather = tools["get-structured-content"]
        answer = colour.call(weather.invoke, asked(weather, location="Chicago"))
        assert answer.artifact["structured_content"]["temperature"] == 36
        slow = tools["trigger-long-running-operation"]
        *progress, end = colour.stream(slow, {"duration": 0.3, "steps": 3})
        assert [each["progress"] for each in progress] == [1, 2, 3]
        assert "completed" in end
        assert colour.call(client.resources, "all")[0].metadata["uri"].startswith("demo://")
        assert "simple-prompt" in {prompt["name"] for prompt in colour.call(client.prompts, "all")}
        assert isinstance(colour.call(client.prompt, "all", "simple-prompt")[0], HumanMessage)


def test_a_real_server_over_http_works(colour: Any, http_server: Any) -> None:
    with MCPClient(
        {"all": {"transport": "streamable_http", "url": http_server.url, "headers": {"x-a": "b"}}}
    ) as client:
        tools = {tool.name: tool for tool in colour.call(client.tools)}
        assert colour.call(tools["echo"].invoke, {"message": "Hi"}) == "Echo: Hi"
        *progress, _ = colour.stream(tools["trigger-long-running-operation"], {"duration": 0.3, "steps": 3})
        assert [each["progress"] for each in progress] == [1, 2, 3]


def test_a_server_has_one_session_for_both_kinds_of_code_and_all_loops(client: MCPClient) -> None:
    (tool,) = [tool for tool in client.tools() if tool.tool == "pid"]
    first = tool.invoke({"user": "a"})

    async def many() -> list[str]:
        return await asyncio.gather(*[tool.ainvoke({"user": "a"}) for _ in range(3)])

    assert asyncio.run(many()) == [first] * 3
    assert asyncio.run(tool.ainvoke({"user": "a"})) == first
    assert tool.batch([{"user": "a"}] * 3) == [first] * 3


def test_resources_are_read(client: MCPClient, colour: Any) -> None:
    text, data = colour.call(client.resources, "odd")
    assert (text.data, text.mimetype, text.metadata) == ("hi", "text/plain", {"uri": "a://text"})
    assert data.data == b"hi"
    assert [blob.data for blob in colour.call(client.resources, uris="a://bytes")] == [b"hi"]


def test_prompts_are_read(client: MCPClient, colour: Any) -> None:
    assert [prompt["name"] for prompt in colour.call(client.prompts, "odd")] == ["p"]
    assert colour.call(client.prompt, "odd", "p", arguments={"who": "Ann"}) == [
        HumanMessage("one"),
        AIMessage("Hi Ann"),
    ]


def test_all_pages_of_a_list_are_read(tools: dict[str, Any]) -> None:
    assert len(tools) == 15


def test_a_list_without_an_end_is_refused() -> None:
    with MCPClient({"odd": odd("--endless")}, limits=MCPLimits(tools=20)) as client:
        with pytest.raises(MCPError, match="'odd' lists more than 20 tools"):
            client.tools()


def test_a_schema_that_is_too_long_is_refused() -> None:
    with MCPClient({"odd": odd("--schema")}) as client, pytest.raises(MCPError, match="schema_chars"):
        client.tools()


def test_tools_of_one_name_get_the_name_of_their_server_before_it() -> None:
    with MCPClient({"one": odd(), "two": odd()}) as client:
        assert {tool.name for tool in client.tools() if tool.tool == "env"} == {"one_env", "two_env"}
        assert {tool.name for tool in client.tools("one") if tool.tool == "env"} == {"env"}
    with MCPClient({"one": odd()}, tool_name_prefix=True) as client:
        assert all(tool.name.startswith("one_") for tool in client.tools())


def test_tools_of_one_server_whose_names_become_one_are_refused() -> None:
    with MCPClient({"odd": odd("--clash")}) as client, pytest.raises(ConfigError, match=r"'a/b'.*'a_b'"):
        client.tools()


def test_an_unknown_server_is_named_with_the_nearest(client: MCPClient) -> None:
    with pytest.raises(ConfigError, match="'ode'; did you mean 'odd'"):
        client.tools("ode")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"comand": "a"}, "unknown key 'comand'; did you mean 'command'"),
        ({"transport": "sse", "url": "http://a"}, "'streamable_http'"),
        ({"transport": "stdio"}, "needs 'command'"),
        ({"transport": "http"}, "needs 'url'"),
        ({"url": "http://a", "args": []}, "unknown key 'args'"),
        ("", "is empty"),
        ("a 'b", "not a command"),
    ],
)
def test_a_connection_is_checked_when_the_client_is_made(given: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        MCPClient({"odd": given})


def test_without_its_package_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(MissingDependencyError, match=r"prill\[mcp\]"):
        MCPClient({"odd": odd()})


def test_callbacks_are_called_with_their_context() -> None:
    seen: list[Any] = []

    async def on_progress(progress: float, total: float | None, message: str | None, context: Any) -> None:
        seen.append((progress, total, message, context.server_name, context.tool_name))

    async def on_log(params: Any, context: Any) -> None:
        seen.append((params.data, context.server_name))

    callbacks = Callbacks(on_progress=on_progress, on_logging_message=on_log)
    with MCPClient({"odd": odd()}, callbacks=callbacks) as client:
        (tool,) = [tool for tool in client.tools() if tool.tool == "count"]
        assert tool.invoke({"user": "a"}) == "done"
        assert tool.invoke({"user": "a"}) == "done"
    assert (2, 3, "step 2", "odd", "count") in seen
    assert ("counted", "odd") in seen


def test_interceptors_are_around_each_call(colour: Any) -> None:
    order: list[str] = []

    async def outer(request: Any, handler: Any) -> Any:
        order.append(f"outer {request.server_name} {request.name}")
        return await handler(request)

    async def inner(request: Any, handler: Any) -> Any:
        order.append("inner")
        if request.args.get("text") == "none":
            return "nothing was asked"
        result = await handler(request.override(args={**request.args, "text": "changed"}))
        return {**result, "structuredContent": {"seen": True}}

    with MCPClient({"odd": odd()}, tool_interceptors=[outer, inner]) as client:
        (tool,) = [tool for tool in colour.call(client.tools) if tool.tool == "get/echo"]
        answer = colour.call(tool.invoke, asked(tool, user="a", text="x"))
        assert answer.content == '{"user": "a", "text": "changed"}'
        assert answer.artifact == {"structured_content": {"seen": True}}
        assert order == ["outer odd get/echo", "inner"]
        assert colour.call(tool.invoke, {"user": "a", "text": "none"}) == "nothing was asked"
        assert colour.stream(tool, {"user": "a", "text": "x"}) == ['{"user": "a", "text": "changed"}']


def test_the_methods_of_the_adapters_work() -> None:
    async def main() -> None:
        async with MultiServerMCPClient({"odd": odd_connection()}) as it:
            tools = {tool.tool: tool for tool in await it.get_tools(server_name="odd")}
            held = await tools["pid"].ainvoke({"user": "a"})
            assert [blob.data for blob in await it.get_resources("odd")] == ["hi", b"hi"]
            assert len(await it.get_prompt("odd", "p", arguments={"who": "Ann"})) == 2
            async with it.session("odd") as session:
                (own,) = [tool for tool in await load_mcp_tools(session) if tool.tool == "pid"]
                assert await own.ainvoke({"user": "a"}) != held

    asyncio.run(main())


def test_tools_of_a_session_that_the_program_has_opened_work_in_asyncio() -> None:
    from mcp import ClientSession, StdioServerParameters, stdio_client

    async def main() -> None:
        async with stdio_client(StdioServerParameters(**odd_connection())) as (read, write):
            async with ClientSession(read, write) as session:
                await session.initialize()
                tools = {tool.tool: tool for tool in await load_mcp_tools(session, server_name="mine")}
                assert await tools["get/echo"].ainvoke({"user": "a"}) == '{"user": "a"}'
                progress = [chunk async for chunk in tools["count"].astream({"user": "a"})]
                assert [each["progress"] for each in progress[:-1]] == [0, 1, 2]
                assert (await tools["fail"].ainvoke(asked(tools["fail"], user="a"))).status == "error"
                with pytest.raises(AsyncRequiredError, match="MultiServerMCPClient"):
                    tools["get/echo"].invoke({"user": "a"})
                prefixed = await load_mcp_tools(session, server_name="mine", tool_name_prefix=True)
                assert prefixed[0].name == "mine_get_echo"

    asyncio.run(main())


def test_tools_can_be_loaded_from_a_connection() -> None:
    async def main() -> None:
        tools = {tool.tool: tool for tool in await load_mcp_tools(None, connection=odd())}
        assert await tools["get/echo"].ainvoke({"user": "a"}) == '{"user": "a"}'
        with pytest.raises(ConfigError, match="a session or a connection"):
            await load_mcp_tools(None)

    asyncio.run(main())


def test_the_package_is_imported_only_when_it_is_used() -> None:
    code = "import sys, prill.agents, prill.agents.mcp; print(*{'mcp', 'asyncio', 'anyio'} & set(sys.modules))"
    assert run_apart({"mcp": code}) == {"mcp": ""}
