"""Messages as the Gemini API takes them."""

from __future__ import annotations

from typing import Any

import pytest

from gemini_answers import answer
from prill.errors import ModelInvalidRequestError
from prill.google.decode import GoogleDecoder
from prill.google.encode import NO_SIGNATURE, encode_messages
from prill.google.parts import encode_parts
from prill.messages import (
    AIMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    merge_chunks,
    message_chunk_to_message,
)

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def contents(*messages: Any, **settings: Any) -> list[Any]:
    return encode_messages(list(messages), **settings)[1]


def received(*parts: Any) -> AIMessage:
    """The message of an answer of Gemini."""
    chunks = GoogleDecoder().whole(answer(*parts, reason="STOP"))
    return message_chunk_to_message(merge_chunks(chunks))  # type: ignore[return-value]  # chunks of an answer


def calls(*ids: str, **more: Any) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": f"f{id}", "args": {"x": id}, "id": id} for id in ids], **more)


# Turns


def test_system_messages_are_the_system_instruction() -> None:
    system, turns = encode_messages([SystemMessage("Be kind."), SystemMessage("And short."), HumanMessage("Hi")])
    assert system == {"parts": [{"text": "Be kind."}, {"text": "And short."}]}
    assert turns == [{"role": "user", "parts": [{"text": "Hi"}]}]
    assert encode_messages([HumanMessage("Hi")])[0] is None


def test_neighbours_of_one_kind_are_one_turn() -> None:
    said = contents(HumanMessage("a"), HumanMessage("b"), AIMessage("c"), AIMessage("d"), HumanMessage("e"))
    assert [(turn["role"], [part["text"] for part in turn["parts"]]) for turn in said] == [
        ("user", ["a", "b"]),
        ("model", ["c", "d"]),
        ("user", ["e"]),
    ]


def test_roles_of_chat_messages_are_known_by_their_names() -> None:
    said = contents(ChatMessage("a", role="user"), ChatMessage("b", role="model"), ChatMessage("c", role="assistant"))
    assert [turn["role"] for turn in said] == ["user", "model"]
    with pytest.raises(ModelInvalidRequestError, match="ChatMessage"):
        contents(ChatMessage("a", role="critic"))


@pytest.mark.parametrize(
    ("messages", "why"),
    [
        ([], "no user message"),
        ([AIMessage("x")], "no user message"),
        ([HumanMessage("")], "empty"),
        ([SystemMessage("a"), HumanMessage("b"), SystemMessage("c")], "two places"),
        ([HumanMessage("a"), calls("1")], "have no result"),
        ([HumanMessage("a"), calls("1"), HumanMessage("b")], "have no result"),
        ([HumanMessage("a"), calls("1", "2"), ToolMessage("x", tool_call_id="1")], r"\['2'\] have no result"),
        ([HumanMessage("a"), ToolMessage("x", tool_call_id="1")], "answers no tool call"),
        ([HumanMessage("a"), calls("1"), *[ToolMessage("x", tool_call_id="1")] * 2], "two results"),
    ],
)
def test_an_order_that_would_be_refused_is_refused_before(messages: list[Any], why: str) -> None:
    with pytest.raises(ModelInvalidRequestError, match=why):
        encode_messages(messages)


def test_an_empty_answer_is_left_out() -> None:
    assert [turn["role"] for turn in contents(HumanMessage("a"), AIMessage(""), HumanMessage("b"))] == ["user"]


# Calls and results


def test_results_follow_in_the_order_of_their_calls_in_a_turn_of_their_own() -> None:
    said = contents(
        HumanMessage("a"),
        calls("1", "2"),
        ToolMessage("two", tool_call_id="2"),
        ToolMessage("one", tool_call_id="1"),
        HumanMessage("b"),
    )
    assert [turn["role"] for turn in said] == ["user", "model", "user", "user"]
    assert [part["functionCall"] for part in said[1]["parts"]] == [
        {"name": "f1", "args": {"x": "1"}},
        {"name": "f2", "args": {"x": "2"}},
    ]
    assert [part["functionResponse"] for part in said[2]["parts"]] == [
        {"name": "f1", "response": {"output": "one"}},
        {"name": "f2", "response": {"output": "two"}},
    ]


@pytest.mark.parametrize(
    ("content", "output"),
    [("plain", "plain"), ("007", "007"), ('{"a": [1]}', {"a": [1]}), ("[1, 2]", [1, 2]), ("{broken", "{broken")],
)
def test_a_result_in_json_is_sent_as_json(content: str, output: Any) -> None:
    said = contents(HumanMessage("a"), calls("1"), ToolMessage(content, tool_call_id="1"))
    assert said[2]["parts"][0]["functionResponse"]["response"] == {"output": output}


def test_a_failed_call_is_an_error() -> None:
    said = contents(HumanMessage("a"), calls("1"), ToolMessage('{"why": 1}', tool_call_id="1", status="error"))
    assert said[2]["parts"][0]["functionResponse"]["response"] == {"error": '{"why": 1}'}


def test_a_result_may_hold_images() -> None:
    blocks: list[Any] = [{"type": "text", "text": "see"}, {"type": "image", "base64": PNG, "mime_type": "image/png"}]
    said = contents(HumanMessage("a"), calls("1"), ToolMessage(blocks, tool_call_id="1"))
    assert said[2]["parts"][0]["functionResponse"] == {
        "name": "f1",
        "response": {"output": "see"},
        "parts": [{"inlineData": {"mimeType": "image/png", "data": PNG}}],
    }


def test_a_broken_call_is_sent_only_if_it_was_answered() -> None:
    bad: Any = {"name": "f", "args": '{"x', "id": "1", "error": "cut", "type": "invalid_tool_call"}
    message = AIMessage("hm", invalid_tool_calls=[bad])
    assert contents(HumanMessage("a"), message)[1]["parts"] == [{"text": "hm"}]
    said = contents(HumanMessage("a"), message, ToolMessage("no", tool_call_id="1", status="error"))
    assert said[1]["parts"][1] == {"functionCall": {"name": "f", "args": {"INVALID_JSON": '{"x'}}}


# What Gemini itself had sent


def test_an_answer_goes_back_as_it_came() -> None:
    parts = [
        {"text": "hm", "thought": True, "thoughtSignature": "c2ln"},
        {"text": "Look:", "thoughtSignature": "c2lnMg=="},
        {"inlineData": {"mimeType": "image/png", "data": PNG}},
        {"executableCode": {"language": "PYTHON", "code": "1"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
        {"newThing": {"x": 1}},
        {"functionCall": {"name": "f", "args": {"x": 1}, "id": "own"}, "thoughtSignature": "c2lnMw=="},
        {"functionCall": {"name": "g", "args": {}, "id": "other"}},
    ]
    results = [ToolMessage("1", tool_call_id="own"), ToolMessage("2", tool_call_id="other")]
    said = contents(HumanMessage("a"), received(*parts), *results)
    assert said[1] == {"role": "model", "parts": parts}
    assert [part["functionResponse"]["id"] for part in said[2]["parts"]] == ["own", "other"]


def test_ids_that_gemini_did_not_give_are_not_sent_to_it() -> None:
    message = received({"functionCall": {"name": "f", "args": {}}})
    said = contents(HumanMessage("a"), message, ToolMessage("1", tool_call_id=message.tool_calls[0]["id"]))
    assert said[1]["parts"] == [{"functionCall": {"name": "f", "args": {}}}]
    assert said[2]["parts"] == [{"functionResponse": {"name": "f", "response": {"output": "1"}}}]


def test_a_signature_of_a_text_goes_back_with_the_text() -> None:
    signed = received({"text": "Hi", "thoughtSignature": "c2ln"})
    assert contents(HumanMessage("a"), signed)[1]["parts"] == [{"text": "Hi", "thoughtSignature": "c2ln"}]
    only = received({"text": "", "thoughtSignature": "c2ln"}, {"functionCall": {"name": "f", "args": {}, "id": "1"}})
    said = contents(HumanMessage("a"), only, ToolMessage("1", tool_call_id="1"))
    assert said[1]["parts"][0] == {"text": "", "thoughtSignature": "c2ln"}


def test_thoughts_without_a_signature_are_not_sent() -> None:
    message = received({"text": "hm", "thought": True}, {"text": "Hi"})
    assert contents(HumanMessage("a"), message)[1]["parts"] == [{"text": "Hi"}]


def test_calls_of_another_model_are_marked_for_models_that_want_signatures() -> None:
    results = [ToolMessage("x", tool_call_id=id) for id in ("1", "2")]
    foreign = calls("1", "2", response_metadata={"model_provider": "openai"})
    signatures = [
        part.get("thoughtSignature") for part in contents(HumanMessage("a"), foreign, *results, sign=True)[1]["parts"]
    ]
    assert signatures == [NO_SIGNATURE, None]
    assert "thoughtSignature" not in contents(HumanMessage("a"), foreign, *results)[1]["parts"][0]
    own = calls("1", "2", response_metadata={"model_provider": "google_genai"})
    assert "thoughtSignature" not in contents(HumanMessage("a"), own, *results, sign=True)[1]["parts"][0]


def test_what_only_another_provider_understands_is_left_out() -> None:
    claude = AIMessage(
        [
            {"type": "thinking", "thinking": "hm", "signature": "of-claude"},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "text", "text": "Hi"},
            {"type": "tool_use", "id": "1", "name": "f1", "input": {"x": "1"}},
        ],
        tool_calls=[{"name": "f1", "args": {"x": "1"}, "id": "1"}],
        response_metadata={"model_provider": "anthropic"},
    )
    said = contents(HumanMessage("a"), claude, ToolMessage("x", tool_call_id="1"))
    assert said[1]["parts"] == [{"text": "Hi"}, {"functionCall": {"name": "f1", "args": {"x": "1"}}}]


# Blocks


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"type": "text", "text": "a"}, {"text": "a"}),
        ({"text": "a"}, {"text": "a"}),
        (
            {"type": "image", "base64": PNG, "mime_type": "image/png"},
            {"inlineData": {"mimeType": "image/png", "data": PNG}},
        ),
        (
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
            {"inlineData": {"mimeType": "image/png", "data": PNG}},
        ),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            {"inlineData": {"mimeType": "image/png", "data": PNG}},
        ),
        (
            {"type": "image_url", "image_url": "https://x/a.png?s=1"},
            {"fileData": {"fileUri": "https://x/a.png?s=1", "mimeType": "image/png"}},
        ),
        (
            {"type": "file", "url": "https://x/a.pdf"},
            {"fileData": {"fileUri": "https://x/a.pdf", "mimeType": "application/pdf"}},
        ),
        (
            {"type": "file", "file_id": "files/1", "mime_type": "video/mp4"},
            {"fileData": {"fileUri": "files/1", "mimeType": "video/mp4"}},
        ),
        ({"type": "video", "url": "https://youtu.be/x"}, {"fileData": {"fileUri": "https://youtu.be/x"}}),
        (
            {"type": "audio", "base64": "c25k", "mime_type": "audio/mp3"},
            {"inlineData": {"mimeType": "audio/mp3", "data": "c25k"}},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "c25k", "format": "wav"}},
            {"inlineData": {"mimeType": "audio/wav", "data": "c25k"}},
        ),
        (
            {"type": "media", "mime_type": "application/pdf", "data": "cGRm"},
            {"inlineData": {"mimeType": "application/pdf", "data": "cGRm"}},
        ),
        (
            {"type": "media", "file_uri": "gs://x", "mime_type": "video/mp4"},
            {"fileData": {"fileUri": "gs://x", "mimeType": "video/mp4"}},
        ),
        ({"type": "text-plain", "text": "a", "mime_type": "text/plain"}, {"text": "a"}),
        (
            {"fileData": {"fileUri": "gs://x"}, "videoMetadata": {"fps": 1}},
            {"fileData": {"fileUri": "gs://x"}, "videoMetadata": {"fps": 1}},
        ),
    ],
    ids=lambda value: value.get("type", "own") if isinstance(value, dict) else None,
)
def test_blocks_of_all_forms_are_parts(block: Any, part: Any) -> None:
    assert encode_parts([block]) == [part]


@pytest.mark.parametrize(
    ("block", "why"),
    [
        ({"type": "hologram"}, "hologram"),
        ({"type": "file"}, "says neither"),
        ({"type": "audio", "base64": "c25k"}, "needs its mime_type"),
        ({"type": "media"}, "needs file_uri"),
        ({"type": "image", "base64": "bm90", "mime_type": "image/png"}, "image"),
    ],
)
def test_a_block_that_cannot_be_sent_is_refused(block: Any, why: str) -> None:
    with pytest.raises(ModelInvalidRequestError, match=why):
        encode_parts([block])


def test_empty_texts_are_left_out() -> None:
    assert encode_parts("") == encode_parts(["", {"type": "text", "text": ""}]) == []
