"""What a provider would refuse, or ignore without a word, is refused before anything is sent."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from prill.errors import ConfigError, ModelInvalidRequestError
from prill.messages import AIMessage, HumanMessage, ToolMessage
from prill.providers.images import check_image, check_image_url
from prill.providers.tools import check_tool
from prill.testing import ReplayServer

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(80)).decode()
JPEG = base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(80)).decode()
PAGE = base64.b64encode(b"<!DOCTYPE html><title>404</title>" + bytes(80)).decode()


def question(data: str, kind: str = "image/png") -> list[HumanMessage]:
    image = {"type": "image", "base64": data, "mime_type": kind}
    return [HumanMessage([{"type": "text", "text": "What is it?"}, image])]


# Images


@pytest.mark.parametrize("data", [PAGE, "AA", "", "no base64!", "äöü", JPEG], ids=str)
def test_an_image_that_is_no_image_is_not_sent(data: str, server: ReplayServer, make: Any, colour: Any) -> None:
    for verb in (colour.invoke, colour.stream):
        with pytest.raises((ModelInvalidRequestError, ConfigError), match=r"image|base64"):
            verb(make(), question(data))
    assert server.request_count == 0


@pytest.mark.parametrize(("data", "kind"), [(PNG, "image/png"), (JPEG, "image/jpeg"), (JPEG, "image/jpg")])
def test_an_image_is_sent(data: str, kind: str, server: ReplayServer, make: Any, colour: Any) -> None:
    colour.invoke(make(), question(data, kind))
    assert data in server.requests[0].body.decode()


def test_a_file_name_is_not_an_image_url(server: ReplayServer, make: Any) -> None:
    image = {"type": "image_url", "image_url": {"url": "cat.png"}}
    with pytest.raises(ModelInvalidRequestError, match=r"'cat.png' is not an image URL.*base64"):
        make().invoke([HumanMessage([image])])
    assert server.request_count == 0


@pytest.mark.parametrize(
    "start", [b"GIF89a", b"RIFF\0\0\0\0WEBPVP8 ", b"BM", b"II*\0", b"MM\0*", b"\0\0\1\0", b"\0\0\0\x18ftypheic"]
)
def test_every_usual_kind_of_image_is_known(start: bytes) -> None:
    data = base64.b64encode(start + bytes(40)).decode()
    with pytest.raises(ModelInvalidRequestError, match="but its data is image/"):
        check_image("image/png", data, "p")


def test_a_drawing_in_text_is_an_image() -> None:
    check_image("image/svg+xml", base64.b64encode(b'<svg xmlns="x"></svg>').decode(), "p")
    check_image_url(f"data:image/png;base64,{PNG}", "p")
    check_image_url("https://example.com/cat", "p")


@pytest.mark.parametrize("url", ["data:image/png,abc", "data:text/plain;base64,AAAA", None, "", 5])
def test_a_url_that_holds_no_image_is_refused(url: Any) -> None:
    with pytest.raises(ModelInvalidRequestError, match="cannot be sent to p"):
        check_image_url(url, "p")


# Tools

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@pytest.mark.parametrize(
    ("tool", "why"),
    [
        ({"name": "the weather", "parameters": SCHEMA}, "'the weather' cannot be a tool's name"),
        ({"name": "wetter_für", "parameters": SCHEMA}, "cannot be a tool's name"),
        ({"name": "", "parameters": SCHEMA}, "cannot be a tool's name"),
        ({"name": "w" * 129, "parameters": SCHEMA}, "129 characters"),
        ({"name": "weather", "parameters": {"type": "string"}}, "'type': 'object', not 'string'"),
        ({"name": "weather", "parameters": {"type": "array", "items": {}}}, "'type': 'object'"),
        ({"name": "weather", "parameters": {**SCHEMA, "required": ["town"]}}, r"requires \['town'\]"),
        ({"name": "weather", "parameters": {"type": "object", "properties": []}}, "no dictionary"),
        ({"name": "weather", "input_schema": {"type": "string"}}, "'type': 'object'"),
    ],
)
def test_a_tool_that_no_provider_accepts_is_refused(tool: Any, why: str, server: ReplayServer, make: Any) -> None:
    with pytest.raises(ConfigError, match=why):
        make().bind_tools([tool])
    with pytest.raises(ConfigError, match=why):
        make().invoke("Hi", tools=[tool])
    assert server.request_count == 0


def test_two_tools_of_one_name_are_refused(make: Any) -> None:
    tool = {"name": "weather", "parameters": SCHEMA}
    with pytest.raises(ConfigError, match="several tools are named weather"):
        make().bind_tools([tool, tool])


def test_a_tool_without_arguments_needs_no_schema(make: Any, server: ReplayServer) -> None:
    make().bind_tools([{"name": "clock", "description": "The time."}]).invoke("Hi")
    assert server.requests[0].json["tools"]
    check_tool("clock", None, 64)
    check_tool("clock", {}, 64)


def weather(city: str) -> str:
    """The weather in a city."""
    return city


def test_a_function_is_a_tool_of_a_call_too(make: Any, server: ReplayServer) -> None:
    make().invoke("Hi", tools=[weather])
    assert "The weather in a city." in server.requests[0].body.decode()


# Messages

CALL: Any = {"name": "weather", "args": {}, "id": "c1", "type": "tool_call"}
ASK, CALLING, RESULT = HumanMessage("?"), AIMessage("", tool_calls=[CALL]), ToolMessage("sunny", tool_call_id="c1")


@pytest.mark.parametrize(
    ("messages", "why"),
    [
        ([ASK, CALLING], "c1.* have no result"),
        ([ASK, CALLING, HumanMessage("and?")], "c1.* have no result"),
        ([ASK, RESULT], "c1.* no tool call"),
        ([], "none|no user message"),
    ],
)
def test_messages_in_an_order_that_is_refused_are_not_sent(
    messages: Any, why: str, server: ReplayServer, make: Any, colour: Any
) -> None:
    for verb in (colour.invoke, colour.stream):
        with pytest.raises(ModelInvalidRequestError, match=why) as caught:
            verb(make(), messages)
        assert not caught.value.retryable
    assert server.request_count == 0


def test_messages_in_order_are_sent(server: ReplayServer, make: Any) -> None:
    make().invoke([ASK, CALLING, RESULT, HumanMessage("and?")])
    assert server.request_count == 1


def test_a_broken_call_that_nobody_answered_is_left_out(server: ReplayServer, make: Any) -> None:
    broken: Any = {"name": "weather", "args": '{"ci', "id": "c2", "error": "cut", "type": "invalid_tool_call"}
    half = AIMessage("Let me see", invalid_tool_calls=[broken])
    make().invoke([ASK, half, HumanMessage("go on")])
    assert "c2" not in server.requests[0].body.decode()


# Arguments


@pytest.mark.parametrize(
    ("slip", "meant"),
    [("temprature", "temperature"), ("max_token", "max_tokens"), ("stop_sequence", "stop_sequences"), ("tolls", None)],
)
def test_a_slip_in_the_arguments_of_a_call_is_named(
    slip: str, meant: str | None, server: ReplayServer, make: Any
) -> None:
    if meant is None:
        make().invoke("Hi", **{slip: 1})  # not like enough to be sure: a provider may know it
        assert server.requests[0].json[slip] == 1
        return
    for asked in (make().bind(**{slip: 1}), make()):
        given = {} if asked.__class__.__name__ == "RunnableBinding" else {slip: 1}
        with pytest.raises(ConfigError, match=f"was given '{slip}'. Did you mean {meant}"):
            asked.invoke("Hi", **given)
    assert server.request_count == 0


def test_what_a_provider_really_calls_so_can_be_sent(server: ReplayServer, make: Any) -> None:
    make().invoke("Hi", extra_body={"temprature": 1}, top_k=5)
    assert server.requests[0].json["temprature"] == 1
    sent = server.requests[0].json
    assert sent["generationConfig"] == {"topK": 5} if "contents" in sent else sent["top_k"] == 5
    assert "extra_body" not in server.requests[0].json


def test_an_unknown_argument_of_the_constructor_is_named(make: Any) -> None:
    with pytest.raises(ConfigError, match=r"no argument 'temprature'.*Did you mean temperature"):
        make(temprature=0)
