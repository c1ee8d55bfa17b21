"""Making messages out of texts, pairs and dictionaries."""

import pytest

from prill.errors import ConfigError
from prill.load import dumpd
from prill.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
    convert_to_messages,
    messages_from_dict,
    messages_to_dict,
)
from prill.messages.kinds import message_of_type

ONE_OF_EACH = [
    SystemMessage("s"),
    HumanMessage([{"type": "text", "text": "h"}], name="n", id="1"),
    AIMessage("a", tool_calls=[{"name": "f", "args": {"x": 1}, "id": "1"}], response_metadata={"m": 1}),
    ToolMessage("t", tool_call_id="1", artifact={"k": 1}, status="error"),
    ChatMessage("c", role="bob"),
    FunctionMessage("fn", name="f"),
    RemoveMessage(id="1"),
    AIMessageChunk("", tool_call_chunks=[{"name": "f", "args": "{", "id": "1", "index": 0}]),
]


@pytest.mark.parametrize("message", ONE_OF_EACH, ids=lambda message: message.type)
def test_what_a_message_was_written_as_makes_it_again(message):
    assert messages_from_dict(messages_to_dict([message])) == [message]
    assert convert_to_messages(messages_to_dict([message])) == [message]
    assert convert_to_messages([message.model_dump()]) == [message]


def test_messages_stay_the_same_objects():
    messages = [HumanMessage("a")]
    assert convert_to_messages(messages)[0] is messages[0]


def test_a_text_alone_is_one_message():
    assert convert_to_messages("hi") == [HumanMessage("hi")]


def test_a_prompt_value_gives_its_messages():
    class Prompt:
        def to_messages(self):
            return [HumanMessage("x")]

    assert convert_to_messages(Prompt()) == [HumanMessage("x")]


def test_half_a_tool_call_in_a_dictionary_is_invalid_and_not_an_error():
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a":'}}
    [message] = convert_to_messages([{"role": "assistant", "content": "", "tool_calls": [call]}])
    assert message.tool_calls == []
    assert message.invalid_tool_calls[0]["args"] == '{"a":'


def test_known_fields_are_not_put_among_the_additional_ones():
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    [message] = convert_to_messages([{"role": "assistant", "content": "x", "usage_metadata": usage}])
    assert message.usage_metadata == usage
    assert message.additional_kwargs == {}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("bob", "x"), "message 1: unknown role 'bob'; the roles are: 'human'"),
        ({"content": "x"}, "needs 'role' and 'content', this one has 'content'"),
        ({"role": "user", "secret": "hunter2"}, "this one has 'role', 'secret'"),
        ({}, "no keys"),
        (5, "a int cannot be converted to a message"),
        (None, "a NoneType cannot be converted to a message"),
        (("a", "b", "c"), "a sequence of 3 cannot be converted to a message"),
        (("tool", "x"), "tool_call_id: Field required in a message of type 'tool'"),
        (("function", "x"), "name: Field required"),
        ({"role": "user", "content": 5}, "content"),
    ],
    ids=str,
)
def test_what_cannot_be_a_message_is_refused_with_its_place(wrong, said):
    with pytest.raises(ConfigError) as caught:
        convert_to_messages(["fine", wrong])
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("stored", [{"type": "zz", "data": {}}, {"type": "human", "content": "x"}], ids=str)
def test_a_dictionary_that_stores_no_message_is_refused(stored):
    with pytest.raises(ConfigError):
        messages_from_dict([stored])


def test_an_unknown_type_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"unknown message type 'x'.*human, ai"):
        message_of_type({"type": "x"})


@pytest.mark.parametrize(
    "message",
    [
        HumanMessage("hi", id="1"),
        AIMessage("", tool_calls=[{"name": "f", "args": {"a": 1}, "id": "1"}]),
        ToolMessage("x", tool_call_id="1", status="error", artifact={"lc": 1, "mine": [1]}),
        RemoveMessage(id="1"),
    ],
    ids=lambda message: message.type,
)
def test_a_stored_message_is_converted(message):
    assert convert_to_messages([dumpd(message)]) == [message]


def test_a_stored_chunk_becomes_a_whole_message():
    pieces = [{"name": "f", "args": '{"a": 1}', "id": "1", "index": 0}]
    (message,) = convert_to_messages([dumpd(AIMessageChunk("", tool_call_chunks=pieces))])
    assert type(message) is AIMessage
    assert message.tool_calls == [{"name": "f", "args": {"a": 1}, "id": "1", "type": "tool_call"}]


@pytest.mark.parametrize("id", [["langchain", "schema", "document", "Document"], [], None])
def test_another_stored_object_is_not_a_message(id):
    with pytest.raises(ConfigError, match=r"message 0: a stored object .* is not a message; read it with prill.load"):
        convert_to_messages([{"lc": 1, "type": "constructor", "id": id, "kwargs": {"page_content": "x"}}])
