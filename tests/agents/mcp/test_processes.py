"""Sessions and the processes behind them: held, closed whatever happens, and started again."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.helpers import eventually, requires

from forking import passes_in_child
from mcp_servers import asked, children, odd, odd_connection
from prill.agents.mcp import MCPClient, session
from prill.errors import Cancelled, MCPError
from prill.io import CancelToken

pytestmark = requires("mcp", "/proc")


def tool_named(client: MCPClient, name: str) -> Any:
    return {tool.tool: tool for tool in client.tools()}[name]


def started(before: set[int]) -> set[int]:
    return children() - before


def test_a_server_is_started_when_it_is_needed_and_ends_with_the_client(colour: Any) -> None:
    before = children()
    client = MCPClient({"odd": odd()})
    assert started(before) == set()
    tools = {tool.tool: tool for tool in colour.call(client.tools)}
    assert {int(colour.call(tools["pid"].invoke, {"user": "a"}))} == started(before)
    colour.call(client.close)
    assert started(before) == set()
    colour.call(client.close)


def test_a_server_ends_when_its_block_ends_by_an_error() -> None:
    before = children()

    async def main() -> None:
        async with MCPClient({"odd": odd()}) as client:
            await client.atools()
            raise KeyError("stop")

    def work() -> None:
        with MCPClient({"odd": odd()}) as client:
            client.tools()
            raise KeyError("stop")

    for call in (lambda: asyncio.run(main()), work):
        with pytest.raises(KeyError):
            call()
    assert started(before) == set()


def test_a_server_ends_when_its_task_is_cancelled() -> None:
    before = children()

    async def main() -> None:
        async def work() -> None:
            async with MCPClient({"odd": odd()}) as client:
                (tool,) = [tool for tool in await client.atools() if tool.tool == "hang"]
                ready.set()
                await tool.ainvoke({"user": "a"})

        ready = asyncio.Event()
        task = asyncio.create_task(work())
        await ready.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert started(before) == set()


def test_a_server_that_does_not_want_to_end_is_killed() -> None:
    before = children()
    with MCPClient({"odd": odd("--stays")}) as client:
        assert len(client.tools()) == 15
    assert started(before) == set()


def test_a_server_ends_when_its_client_is_forgotten() -> None:
    before = children()
    client = MCPClient({"odd": odd()})
    client.tools()
    assert started(before)
    del client
    gc.collect()
    assert eventually(lambda: not started(before))


PROGRAM = """
import sys, asyncio
from prill.agents.mcp import MCPClient
client = MCPClient({"odd": sys.argv[1]})
(tool,) = [tool for tool in client.tools() if tool.tool == "pid"]
print(tool.invoke({"user": "a"}), flush=True)
if sys.argv[2] == "error":
    raise SystemExit(3)
if sys.argv[2] == "wait":
    sys.stdin.readline()
"""


@pytest.mark.parametrize("ending", ["end", "error", "wait"])
def test_a_server_ends_with_the_program(ending: str) -> None:
    command = [sys.executable, "-W", "error", "-c", PROGRAM, odd(), ending]
    program = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    assert program.stderr is not None
    server = Path(f"/proc/{int(program.stdout.readline())}")
    if ending == "wait":
        program.send_signal(signal.SIGKILL)
    _, errors = program.communicate()
    assert errors == ""
    assert program.returncode == {"end": 0, "error": 3, "wait": -signal.SIGKILL}[ending]
    assert eventually(lambda: not server.exists())


def test_the_death_of_a_server_during_a_call_is_an_answer_and_the_next_call_starts_it_again(colour: Any) -> None:
    with MCPClient({"odd": odd()}) as client:
        tools = {tool.tool: tool for tool in client.tools()}
        first = colour.call(tools["pid"].invoke, {"user": "a"})
        answer = colour.call(tools["die"].invoke, asked(tools["die"], user="a"))
        assert answer.status == "error"
        assert "'odd' ended, or could not be reached, when it was asked to run the tool 'die'" in answer.content
        assert colour.call(tools["pid"].invoke, {"user": "a"}) != first
        *_, answer = colour.stream(tools["die"], asked(tools["die"], user="a"))
        assert answer.status == "error"
        assert colour.stream(tools["get/echo"], {"user": "a"}) == ['{"user": "a"}']


def test_a_server_that_has_ended_between_two_calls_is_started_again(colour: Any) -> None:
    with MCPClient({"odd": odd()}) as client:
        pid = tool_named(client, "pid")
        first = int(colour.call(pid.invoke, {"user": "a"}))
        os.kill(first, signal.SIGKILL)
        assert eventually(lambda: first not in children())
        # The end of its output may be noticed a moment later than the end of the process.
        answers = [colour.call(pid.invoke, asked(pid, user="a")) for _ in range(2)]
        assert answers[-1].status == "success"
        assert int(answers[-1].content) != first


@requires("mcp-server-everything")
def test_the_death_of_a_server_that_is_reached_by_http_is_noticed(
    http_server: Any, colour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "PROBE_SECONDS", 0.3)
    with MCPClient({"all": http_server.url}) as client:
        tools = {tool.tool: tool for tool in client.tools()}
        slow = tools["trigger-long-running-operation"]
        call = asked(slow, duration=600, steps=600)
        answers: list[Any] = []
        caller = threading.Thread(target=lambda: answers.append(colour.call(slow.invoke, call)), daemon=True)
        caller.start()
        echoed = colour.call(tools["echo"].invoke, {"message": "beside"})
        assert echoed == "Echo: beside"
        http_server.kill()
        caller.join()
        assert answers[0].status == "error"
        assert "'all' ended, or could not be reached" in answers[0].content
        assert http_server.url not in answers[0].content
        http_server.start()
        assert colour.call(tools["echo"].invoke, {"message": "again"}) == "Echo: again"


def test_a_call_that_is_cancelled_leaves_the_session_usable(client: MCPClient) -> None:
    before = children()
    pid = tool_named(client, "pid")
    first = pid.invoke({"user": "a"})
    slow = tool_named(client, "count")

    async def main() -> None:
        async for _ in slow.astream({"user": "a"}):
            break  # leaves the stream
        task = asyncio.create_task(pid.ainvoke({"user": "a"}))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await pid.ainvoke({"user": "a"}) == first

    asyncio.run(main())
    for _ in slow.stream({"user": "a"}):
        break
    assert pid.invoke({"user": "a"}) == first
    assert started(before) == {int(first)} or started(before) == set()


def test_a_token_ends_a_blocking_call() -> None:
    before = children()
    with MCPClient({"odd": odd()}) as client:
        tool, token = tool_named(client, "hang"), CancelToken()
        errors: list[BaseException] = []

        def work() -> None:
            try:
                tool.invoke({"user": "a"}, {"cancel": token})
            except BaseException as error:
                errors.append(error)

        caller = threading.Thread(target=work, daemon=True)
        caller.start()
        assert eventually(lambda: started(before))
        token.cancel()
        caller.join(60)
        assert isinstance(errors[0], Cancelled)
    assert started(before) == set()


@pytest.mark.parametrize("option", ["--exits", "--silent"])
def test_a_server_that_does_not_start_is_an_error_and_leaves_no_process(
    option: str, colour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "OPEN_SECONDS", 0.5)
    before = children()
    with (
        MCPClient({"odd": odd(option)}) as client,
        pytest.raises(MCPError, match="no session with the MCP server 'odd'"),
    ):
        colour.call(client.tools)
    assert started(before) == set()


def test_a_command_that_does_not_exist_is_an_error() -> None:
    with MCPClient({"odd": "/no/such/program"}) as client, pytest.raises(MCPError, match="FileNotFoundError"):
        client.tools()


def test_an_address_where_nothing_answers_is_an_error_without_what_is_secret_in_it() -> None:
    with MCPClient({"all": "http://127.0.0.1:9/mcp?key=hush"}) as client:
        with pytest.raises(MCPError, match="no session with the MCP server 'all'") as raised:
            client.tools()
    assert "hush" not in str(raised.value)


def test_the_environment_is_not_inherited_beyond_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "hush")
    with MCPClient({"odd": odd_connection(env={"GIVEN": "1"})}) as client:
        seen = tool_named(client, "env").invoke({"user": "a"})
    assert "hush" not in seen
    assert '"GIVEN": "1"' in seen
    assert '"PATH"' in seen


@requires("fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_has_a_session_of_its_own(client: MCPClient) -> None:
    pid = tool_named(client, "pid")
    first = pid.invoke({"user": "a"})

    def work() -> None:
        assert pid.invoke({"user": "a"}) != first
        client.close()

    assert passes_in_child(work)
    assert pid.invoke({"user": "a"}) == first
