"""Messages as Anthropic's requests want them."""

from __future__ import annotations

from typing import Any

import pytest

from prill.anthropic.encode import encode_messages
from prill.errors import ModelInvalidRequestError
from prill.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    convert_to_messages,
)

CALL: Any = {"name": "f", "args": {"a": 1}, "id": "t1", "type": "tool_call"}
USE = {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}


def turns(*messages: Any) -> list[dict[str, Any]]:
    return encode_messages(convert_to_messages(messages))[1]


def content(*blocks: Any) -> Any:
    """The blocks of one user message, as they are sent."""
    return turns(HumanMessage(content=list(blocks)))[0]["content"]


# System


def test_a_system_message_is_the_systems_text() -> None:
    assert encode_messages(convert_to_messages([("system", "s"), ("human", "h")])) == (
        "s",
        [{"role": "user", "content": "h"}],
    )


def test_neighbouring_system_messages_become_blocks_of_one_system_prompt() -> None:
    system, _ = encode_messages(convert_to_messages([("system", "a"), ("system", "b"), ("human", "h")]))
    assert system == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]


def test_a_cache_mark_in_the_system_prompt_is_kept() -> None:
    block: Any = {"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}
    assert encode_messages([SystemMessage(content=[block]), HumanMessage(content="h")])[0] == [block]


def test_system_messages_in_two_places_are_refused() -> None:
    with pytest.raises(ModelInvalidRequestError, match="two places"):
        turns(("system", "a"), ("human", "h"), ("system", "b"))


# Order


def test_neighbours_of_one_role_become_one_turn() -> None:
    assert turns(("human", "a"), ("human", "b"), ("ai", "c")) == [
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": "c"},
    ]


def test_results_of_tools_and_what_the_user_says_then_are_one_turn_results_first() -> None:
    other = ToolMessage(content="two", tool_call_id="t2")
    calls = AIMessage(content="", tool_calls=[CALL, {**CALL, "id": "t2"}])
    said = turns("go", calls, ToolMessage(content="one", tool_call_id="t1"), HumanMessage(content="more"), other)
    assert said[2] == {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "t1", "content": "one"},
            {"type": "tool_result", "tool_use_id": "t2", "content": "two"},
            {"type": "text", "text": "more"},
        ],
    }


@pytest.mark.parametrize("messages", [[], [("system", "s")], [("ai", "hello")]])
def test_without_a_user_message_nothing_is_sent(messages: list[Any]) -> None:
    with pytest.raises(ModelInvalidRequestError, match="no user message"):
        encode_messages(convert_to_messages(messages))


def test_a_call_without_its_result_is_refused_by_its_id() -> None:
    with pytest.raises(ModelInvalidRequestError, match=r"'t1'.* have no result"):
        turns("go", AIMessage(content="", tool_calls=[CALL]), HumanMessage(content="well?"))


def test_a_result_without_its_call_is_refused_by_its_id() -> None:
    with pytest.raises(ModelInvalidRequestError, match=r"'t9'.* answer no tool call"):
        turns("go", AIMessage(content="x"), ToolMessage(content="r", tool_call_id="t9"))


@pytest.mark.parametrize("message", [ChatMessage(content="x", role="critic"), FunctionMessage(content="x", name="f")])
def test_a_message_of_a_role_that_anthropic_has_not_is_refused(message: BaseMessage) -> None:
    with pytest.raises(ModelInvalidRequestError, match=type(message).__name__):
        encode_messages([message])


def test_a_chat_message_may_speak_for_the_user_and_for_the_assistant() -> None:
    said = [ChatMessage(content="a", role="user"), ChatMessage(content="b", role="assistant")]
    assert [turn["role"] for turn in turns(*said)] == ["user", "assistant"]


def test_an_empty_answer_is_left_out() -> None:
    assert [turn["role"] for turn in turns(("human", "a"), ("ai", ""), ("human", "b"))] == ["user"]


def test_white_space_at_the_end_of_an_answer_to_be_continued_is_cut() -> None:
    assert turns(("human", "a"), ("ai", "It is \n"))[-1] == {"role": "assistant", "content": "It is"}


def test_an_answer_of_white_space_that_is_to_be_continued_is_left_out() -> None:
    assert turns(("human", "a"), ("ai", " \n")) == [{"role": "user", "content": "a"}]


def test_an_empty_user_message_is_refused() -> None:
    with pytest.raises(ModelInvalidRequestError, match="a user message is empty"):
        turns(("human", "a"), ("ai", "b"), ("human", ""))


# Tool calls and results


def test_tool_calls_follow_the_text() -> None:
    result = ToolMessage(content="r", tool_call_id="t1")
    assert turns("go", AIMessage(content="x", tool_calls=[CALL]), result)[1] == {
        "role": "assistant",
        "content": [{"type": "text", "text": "x"}, USE],
    }


def test_a_call_that_the_content_holds_too_is_sent_once_and_where_it_stands() -> None:
    blocks: list[Any] = [{**USE, "index": 0}, {"type": "text", "text": "x", "index": 1}]
    result = ToolMessage(content="r", tool_call_id="t1")
    sent = turns("go", AIMessage(content=blocks, tool_calls=[CALL]), result)[1]["content"]
    assert sent == [USE, {"type": "text", "text": "x"}]


def test_input_that_is_still_text_is_read() -> None:
    blocks: list[Any] = [{**USE, "input": {}, "partial_json": '{"a": 1}', "index": 0}]
    message = AIMessage(content=blocks, tool_calls=[CALL])
    assert turns("go", message, ToolMessage(content="r", tool_call_id="t1"))[1]["content"] == [USE]


def test_a_failed_result_says_so() -> None:
    result = ToolMessage(content="no", tool_call_id="t1", status="error")
    sent = turns("go", AIMessage(content="", tool_calls=[CALL]), result)[-1]["content"]
    assert sent == [{"type": "tool_result", "tool_use_id": "t1", "content": "no", "is_error": True}]


def test_a_result_may_hold_images() -> None:
    parts: list[Any] = [{"type": "text", "text": "see"}, {"type": "image", "base64": "AA", "mime_type": "image/png"}]
    result = ToolMessage(content=parts, tool_call_id="t1")
    sent = turns("go", AIMessage(content="", tool_calls=[CALL]), result)[-1]["content"][0]["content"]
    assert sent == [
        {"type": "text", "text": "see"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}},
    ]


def test_a_broken_call_that_was_answered_is_sent_with_its_text() -> None:
    broken: Any = {"name": "f", "args": '{"a', "id": "t1", "error": "cut", "type": "invalid_tool_call"}
    message = AIMessage(content="", invalid_tool_calls=[broken])
    sent = turns("go", message, ToolMessage(content="that was no JSON", tool_call_id="t1", status="error"))[1]
    assert sent["content"] == [{**USE, "input": {"INVALID_JSON": '{"a'}}]


def test_a_broken_call_that_nobody_answered_is_left_out() -> None:
    broken: Any = {"name": "f", "args": '{"a', "id": "t1", "error": "cut", "type": "invalid_tool_call"}
    said = turns("go", AIMessage(content="x", invalid_tool_calls=[broken]), HumanMessage(content="again"))
    assert said[1] == {"role": "assistant", "content": "x"}


def test_a_broken_call_in_the_content_is_left_out_too_unless_it_was_answered() -> None:
    broken: Any = {"name": "f", "args": '{"a', "id": "t1", "error": "cut", "type": "invalid_tool_call"}
    blocks: list[Any] = [{"type": "text", "text": "x"}, {**USE, "input": {}, "partial_json": '{"a'}]
    message = AIMessage(content=blocks, invalid_tool_calls=[broken])
    assert turns("go", message, "again")[1]["content"] == "x"
    sent = turns("go", message, ToolMessage(content="no", tool_call_id="t1"))[1]["content"]
    assert sent == [{"type": "text", "text": "x"}, {**USE, "input": {"INVALID_JSON": '{"a'}}]


# Blocks


@pytest.mark.parametrize(
    "block",
    [
        {"type": "thinking", "thinking": "hm", "signature": "abc"},
        {"type": "thinking", "thinking": "", "signature": "abc"},
        {"type": "redacted_thinking", "data": "xyz"},
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"type": "web_search_result", "url": "u"}]},
        {"type": "text", "text": "x", "citations": [{"type": "page_location", "cited_text": "c"}]},
        {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}},
        {"type": "mcp_tool_use", "id": "m1", "name": "f", "input": {}, "server_name": "s"},
        {"type": "compaction", "content": "so far"},
        {"type": "shiny_new_block", "some": "thing"},
    ],
)
def test_anthropics_own_blocks_go_back_as_they_came(block: Any) -> None:
    message = AIMessage(content=[{**block, "index": 0}, {"type": "text", "text": "end", "index": 1}])
    assert turns("go", message, "more")[1]["content"] == [block, {"type": "text", "text": "end"}]


PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}
LINK = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AA=="}}


@pytest.mark.parametrize(
    ("block", "sent"),
    [
        (PNG, PNG),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}, PNG),
        ({"type": "image_url", "image_url": "data:image/png;base64,AA=="}, PNG),
        ({"type": "image", "base64": "AA==", "mime_type": "image/png"}, PNG),
        ({"type": "image", "source_type": "base64", "data": "AA==", "mime_type": "image/png"}, PNG),
        ({"type": "image", "url": "data:image/png;base64,AA=="}, PNG),
        ({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}, LINK),
        ({"type": "image", "url": "https://example.com/a.png"}, LINK),
        ({"type": "image", "source_type": "url", "url": "https://example.com/a.png"}, LINK),
        ({"type": "image", "file_id": "f1"}, {"type": "image", "source": {"type": "file", "file_id": "f1"}}),
        (
            {"type": "image", "source_type": "id", "id": "f1"},
            {"type": "image", "source": {"type": "file", "file_id": "f1"}},
        ),
        ({**PNG, "cache_control": {"type": "ephemeral"}}, {**PNG, "cache_control": {"type": "ephemeral"}}),
        (
            {"type": "image", "base64": "AA==", "mime_type": "image/png", "cache_control": {"type": "ephemeral"}},
            {**PNG, "cache_control": {"type": "ephemeral"}},
        ),
        ({"type": "file", "base64": "AA==", "mime_type": "application/pdf"}, PDF),
        ({"type": "file", "file": {"file_data": "data:application/pdf;base64,AA==", "filename": "a.pdf"}}, PDF),
        (
            {"type": "file", "file": {"file_id": "f1"}},
            {"type": "document", "source": {"type": "file", "file_id": "f1"}},
        ),
        (
            {"type": "file", "url": "https://e.com/a"},
            {"type": "document", "source": {"type": "url", "url": "https://e.com/a"}},
        ),
        (
            {"type": "text-plain", "text": "hello", "mime_type": "text/plain", "title": "T"},
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "hello"},
                "title": "T",
            },
        ),
        ({**PDF, "citations": {"enabled": True}}, {**PDF, "citations": {"enabled": True}}),
        (
            {"type": "non_standard", "value": {"type": "search_result", "source": "s"}},
            {"type": "search_result", "source": "s"},
        ),
    ],
)
def test_every_form_of_images_and_files_is_understood(block: Any, sent: Any) -> None:
    assert content(block) == [sent]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "audio", "base64": "AA==", "mime_type": "audio/wav"},
        {"type": "input_audio", "input_audio": {"data": "AA=="}},
        {"type": "video", "url": "https://example.com/a.mp4"},
        {"type": "image"},
        {"type": "image", "url": "data:image/png,raw"},
    ],
)
def test_what_anthropic_does_not_take_is_refused_before_it_is_sent(block: Any) -> None:
    with pytest.raises(ModelInvalidRequestError, match="cannot be sent"):
        content(block)


def test_reasoning_is_sent_only_where_anthropic_has_signed_it() -> None:
    signed: Any = {"type": "reasoning", "reasoning": "hm", "extras": {"signature": "abc"}}
    other: Any = {"type": "reasoning", "reasoning": "of another vendor"}
    sent = turns("go", AIMessage(content=[signed, other, {"type": "text", "text": "x"}]), "more")[1]["content"]
    assert sent == [{"type": "thinking", "thinking": "hm", "signature": "abc"}, {"type": "text", "text": "x"}]


def test_standard_blocks_mean_what_anthropics_own_mean() -> None:
    own: list[Any] = [
        {"type": "thinking", "thinking": "hm", "signature": "abc"},
        {"type": "text", "text": "x"},
        USE,
    ]
    message = AIMessage(content=own, tool_calls=[CALL])
    standard = AIMessage(content=list(message.content_blocks), tool_calls=[CALL])
    result = ToolMessage(content="r", tool_call_id="t1")
    assert turns("go", standard, result)[1]["content"] == own


def test_a_chunk_is_an_answer_too() -> None:
    assert turns("go", AIMessageChunk(content="x"), "more")[1] == {"role": "assistant", "content": "x"}


def test_messages_are_not_changed_by_being_sent() -> None:
    blocks: list[Any] = [{"type": "text", "text": "x", "index": 0, "cache_control": {"type": "ephemeral"}}]
    messages = [
        HumanMessage(content="go"),
        AIMessage(content=blocks),
        HumanMessage(content=[{"type": "text", "text": "y"}]),
    ]
    before = [message.model_copy(deep=True) for message in messages]
    encode_messages(messages)
    assert messages == before
