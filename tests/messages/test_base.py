"""What all messages have in common."""

import pytest
from pydantic import ValidationError

from prill.errors import ConfigError
from prill.messages import AIMessage, ChatMessage, HumanMessage, RemoveMessage, SystemMessage, ToolMessage


def test_text_is_an_attribute_that_may_be_called():
    message = HumanMessage(["a", {"type": "text", "text": "b"}, {"type": "image", "url": "u"}])
    assert message.text == message.text() == "ab"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (HumanMessage("hi"), "HumanMessage(content='hi', additional_kwargs={}, response_metadata={})"),
        (ToolMessage("x", tool_call_id="1"), "ToolMessage(content='x', tool_call_id='1')"),
        (AIMessage("x", foo=1), "AIMessage(content='x', additional_kwargs={}, response_metadata={}, foo=1)"),
    ],
)
def test_repr(message, shown):
    assert repr(message) == shown


def test_content_blocks_may_be_given_in_place_of_content():
    call = {"type": "tool_call", "name": "f", "args": {}, "id": "1"}
    message = AIMessage(content_blocks=[{"type": "text", "text": "x"}, call])
    assert message.tool_calls == [call]
    assert message.content == [{"type": "text", "text": "x"}, call]


@pytest.mark.parametrize(
    ("block", "standard"),
    [
        ({"type": "image_url", "image_url": {"url": "http://a"}}, {"type": "image", "url": "http://a"}),
        (
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
            {"type": "image", "base64": "AA", "mime_type": "image/png"},
        ),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}},
            {"type": "image", "base64": "AA", "mime_type": "image/png"},
        ),
        ({"type": "image", "source_type": "url", "url": "http://b"}, {"type": "image", "url": "http://b"}),
        ({"type": "document", "source": {"type": "url", "url": "u"}}, {"type": "file", "url": "u"}),
        (
            {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
            {"type": "audio", "base64": "AA", "mime_type": "audio/wav"},
        ),
        ({"type": "file", "file": {"file_id": "f"}}, {"type": "file", "file_id": "f"}),
        (
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "reasoning", "reasoning": "hm", "extras": {"signature": "s"}},
        ),
        (
            {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "one"}]},
            {"type": "reasoning", "id": "r", "reasoning": "one"},
        ),
        (
            {"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1}, "index": 2},
            {"type": "tool_call", "id": "1", "name": "f", "args": {"a": 1}, "index": 2},
        ),
        (
            {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
            {"type": "tool_call", "id": "1", "name": "f", "args": {}},
        ),
        ({"type": "weird", "x": 1}, {"type": "non_standard", "value": {"type": "weird", "x": 1}}),
        ("plain", {"type": "text", "text": "plain"}),
    ],
    ids=str,
)
def test_blocks_of_every_provider_become_standard_ones(block, standard):
    assert HumanMessage([block]).content_blocks == [standard]


def test_a_call_that_is_in_the_content_is_not_listed_twice():
    block = {"type": "tool_use", "id": "1", "name": "f", "input": {}}
    message = AIMessage([block], tool_calls=[{"name": "f", "args": {}, "id": "1"}])
    assert [found["type"] for found in message.content_blocks] == ["tool_call"]


@pytest.mark.parametrize(
    ("message", "title"), [(SystemMessage("x"), " System Message "), (ChatMessage("x", role="bob"), " Bob Message ")]
)
def test_pretty_print_heads_the_text_with_a_title(message, title, capsys):
    message.pretty_print()
    head, empty, text = capsys.readouterr().out.splitlines()
    assert (len(head), head.strip("="), empty, text) == (80, title, "", "x")
    assert f"\033[1m{title}\033[0m" in message.pretty_repr(html=True)


@pytest.mark.parametrize("content", [None, 5])
def test_a_message_needs_content(content):
    with pytest.raises(ValidationError):
        HumanMessage(content)


def test_ids_become_text():
    assert HumanMessage("x", id=5).id == "5"


@pytest.mark.parametrize(
    ("given", "content"),
    [({"a": 1}, "{'a': 1}"), ((1, "x"), ["1", "x"]), (None, "None"), ([{"type": "text"}], [{"type": "text"}])],
)
def test_what_a_tool_gives_back_becomes_text(given, content):
    assert ToolMessage(given, tool_call_id=5).content == content


def test_a_tool_message_needs_content():
    with pytest.raises(ValidationError):
        ToolMessage(tool_call_id="1")


def test_a_removal_has_an_id_and_no_content():
    assert RemoveMessage(id="1").content == ""
    with pytest.raises(ConfigError, match="no content"):
        RemoveMessage(id="1", content="x")
