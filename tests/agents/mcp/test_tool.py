"""Tools of servers: what becomes of their answers, and what is not let through."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.helpers import requires

from mcp_servers import asked, odd, odd_connection
from prill.agents.mcp import MCPClient, MCPLimits
from prill.callbacks import BaseCallbackHandler
from prill.errors import ToolException
from prill.testing import check_runnable
from prill.tools import BaseTool

pytestmark = requires("mcp")


def ask(colour: Any, tool: Any, **args: Any) -> Any:
    return colour.call(tool.invoke, asked(tool, user="a", **args))


def test_a_tool_is_a_tool_of_prill(tools: dict[str, Any]) -> None:
    tool = tools["get/echo"]
    assert isinstance(tool, BaseTool)
    assert tool.name == "get_echo"
    assert tool.args == {"text": {"type": "string"}, "user": {"type": "string"}}
    assert (tool.server, tool.tool) == ("odd", "get/echo")


def test_a_tool_passes_the_checks_of_every_runnable(tools: dict[str, Any]) -> None:
    check_runnable(tools["get/echo"], {"user": "a"}, expected='{"user": "a"}')


def test_descriptions_are_bounded_and_show_all_that_a_model_reads(tools: dict[str, Any]) -> None:
    assert tools["get/echo"].description == "Gives the arguments back.[31m"
    assert len(tools["long"].description) == 4000
    assert tools["long"].description.endswith("…")


def test_what_a_server_says_of_itself_is_not_used(client: MCPClient, tools: dict[str, Any]) -> None:
    seen = [repr(tool.model_dump()) for tool in tools.values()] + [repr(client.__dict__)]
    assert not [text for text in seen if "Ignore all" in text]


def test_a_result_is_content_and_artifact(tools: dict[str, Any], colour: Any) -> None:
    answer = ask(colour, tools["structured"])
    assert (answer.content, answer.artifact) == ('{"a": 1}', {"structured_content": {"a": 1}})
    assert (answer.name, answer.tool_call_id, answer.status) == ("structured", "1", "success")
    assert colour.call(tools["structured"].invoke, {"user": "a"}) == '{"a": 1}'


def test_blocks_become_blocks_that_models_take(tools: dict[str, Any], colour: Any) -> None:
    answer = ask(colour, tools["blocks"])
    assert answer.content == [
        {"type": "text", "text": "one"},
        {"type": "image", "base64": "aGk=", "mime_type": "image/png"},
        {"type": "text", "text": "(a sound of the type audio/wav; it is in the artifact)"},
        {"type": "text", "text": "two"},
        {"type": "file", "base64": "aGk=", "mime_type": "application/pdf"},
        {"type": "image", "base64": "aGk=", "mime_type": "image/gif"},
        {"type": "text", "text": "resource: n, a://c, text/html"},
    ]
    assert answer.artifact == {"audio": [{"type": "audio", "data": "aGk=", "mimeType": "audio/wav"}]}


@pytest.mark.parametrize(
    ("tool", "said"),
    [("fail", "it is broken"), ("fail silently", "does not say why"), ("refuse", "no such tool"), ("nonsense", "odd")],
)
def test_a_failure_is_an_answer_with_the_status_error(tools: dict[str, Any], colour: Any, tool: str, said: str) -> None:
    answer = ask(colour, tools[tool])
    assert answer.status == "error"
    assert said in answer.content
    assert colour.stream(tools[tool], asked(tools[tool], user="a"))[-1] == answer


def test_a_failure_is_raised_if_that_is_asked_for(colour: Any) -> None:
    with MCPClient({"odd": odd()}, handle_tool_errors=False) as client:
        (tool,) = [tool for tool in client.tools() if tool.tool == "fail"]
        with pytest.raises(ToolException, match="it is broken"):
            ask(colour, tool)


def test_results_are_bounded_and_say_so(tools: dict[str, Any]) -> None:
    content = tools["big"].invoke({"user": "a"})
    assert content.startswith("x" * 100_000 + "\n… (cut off: 900000 more characters")
    assert len(content) < 100_200


def test_the_limit_is_for_all_parts_of_a_result() -> None:
    with MCPClient({"odd": odd()}, limits=MCPLimits(result_chars=4, media_chars=5)) as client:
        (tool,) = [tool for tool in client.tools() if tool.tool == "blocks"]
        content = tool.invoke({"user": "a"})
    assert content[0] == {"type": "text", "text": "one"}
    assert content[1]["type"] == "image"
    assert [block["type"] for block in content[2:]] == ["text"] * 5
    assert "more characters; the limit is 4" in content[3]["text"]


def test_an_attachment_that_is_too_large_is_named_in_its_place() -> None:
    with MCPClient({"odd": odd()}, limits=MCPLimits(media_chars=3)) as client:
        (tool,) = [tool for tool in client.tools() if tool.tool == "image"]
        assert tool.invoke({"user": "a"}) == (
            "(an attachment of the type image/png, 400000 characters of base64: too large)"
        )


def test_progress_is_streamed_and_then_the_answer(tools: dict[str, Any], colour: Any) -> None:
    *progress, end = colour.stream(tools["count"], asked(tools["count"], user="a"))
    assert progress == [
        {"type": "progress", "progress": number, "total": 3, "message": f"step {number}"} for number in range(3)
    ]
    assert end.content == "done"


def test_observers_see_the_progress_of_a_call_that_is_not_streamed(tools: dict[str, Any], colour: Any) -> None:
    seen: list[Any] = []

    class Watch(BaseCallbackHandler):
        def on_tool_end(self, output: Any, **kwargs: Any) -> None:
            seen.append(output.content)

    assert colour.call(tools["count"].invoke, asked(tools["count"], user="a"), {"callbacks": [Watch()]})
    assert seen == ["done"]
    events = list(tools["count"].stream_events(asked(tools["count"], user="a"), version="v2"))
    assert [event["event"] for event in events] == ["on_tool_start", *["on_tool_stream"] * 4, "on_tool_end"]


@pytest.fixture
def injecting() -> Iterator[Any]:
    with MCPClient({"odd": odd_connection(injected_args={"user": "7"})}) as it:
        yield {tool.tool: tool for tool in it.tools()}["get/echo"]


def test_arguments_that_the_program_gives_are_hidden_from_the_model(injecting: Any, colour: Any) -> None:
    assert set(injecting.args) == {"text"}
    assert "required" not in injecting.args_schema
    assert json.loads(colour.call(injecting.invoke, {"text": "x"})) == {"text": "x", "user": "7"}


def test_arguments_that_the_program_gives_are_refused_from_the_model(injecting: Any, colour: Any) -> None:
    answer = colour.call(injecting.invoke, asked(injecting, text="x", user="8"))
    assert answer.status == "error"
    assert "does not take user" in answer.content
    assert colour.stream(injecting, asked(injecting, text="x", user="8")) == [answer]


def test_arguments_that_the_program_gives_can_be_made_for_each_call() -> None:
    users = iter("12")
    with MCPClient(
        {
            "odd": {
                "command": odd().split()[0],
                "args": odd().split()[1:],
                "injected_args": {"user": lambda: next(users)},
            }
        }
    ) as client:
        (tool,) = [tool for tool in client.tools() if tool.tool == "get/echo"]
        assert [json.loads(tool.invoke({}))["user"] for _ in range(2)] == ["1", "2"]
