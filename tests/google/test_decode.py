"""Answers of the Gemini API, read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_answers import answer, as_array, as_events
from prill.errors import ContentFilterError
from prill.google.decode import GoogleDecoder
from prill.messages import AIMessage, AIMessageChunk, merge_chunks, message_chunk_to_message
from prill.providers.reading import ProviderError, Reading
from prill.transducers.json_stream import JSONArrayDecoder

FRAMINGS = [pytest.param(as_events, None, id="events"), pytest.param(as_array, JSONArrayDecoder, id="array")]


def read(body: bytes, framing: Any = None, *, sizes: Any = (), **settings: Any) -> tuple[list[AIMessageChunk], bool]:
    """The chunks of a stream, and whether it is whole; ``sizes`` are those of the pieces that it comes in."""
    reading: Reading[AIMessageChunk] = Reading(GoogleDecoder(framing=framing, **settings))
    pieces, start = [], 0
    for size in sizes:
        pieces.append(body[start : start + size])
        start += size
    chunks = [chunk for piece in [*pieces, body[start:]] for batch, _ in reading.feed(piece) for chunk in batch]
    chunks += [chunk for batch, _ in reading.finish() for chunk in batch]
    return chunks, reading.decoder.ended


def message_of(*payloads: Any, **settings: Any) -> AIMessage:
    chunks, whole = read(as_events(*payloads), **settings)
    assert whole
    return message_chunk_to_message(merge_chunks(chunks))  # type: ignore[return-value]  # chunks of an answer


def call(name: str, args: Any = None, signature: str | None = None, **more: Any) -> dict[str, Any]:
    part: dict[str, Any] = {"functionCall": {"name": name, "args": args or {}, **more}}
    return {**part, "thoughtSignature": signature} if signature else part


USAGE = {
    "promptTokenCount": 10,
    "candidatesTokenCount": 5,
    "thoughtsTokenCount": 7,
    "cachedContentTokenCount": 4,
    "toolUsePromptTokenCount": 3,
    "totalTokenCount": 25,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 8}, {"modality": "AUDIO", "tokenCount": 2}],
}

LONG = (
    answer({"text": "Let me think. ", "thought": True}, usageMetadata={"promptTokenCount": 10, "totalTokenCount": 10}),
    answer({"text": "Zwölf 🎈", "thought": True}),
    answer({"text": "It is "}, {"text": 'sunny 天气 \\ "ja"'}),
    answer(call("weather", {"city": "Zürich", "days": [1, {"x": "}"}]}, "c2ln")),
    answer(call("weather", {"city": "Oslo"}), call("time")),
    answer({"text": ""}, reason="STOP", usageMetadata=USAGE),
)


# Texts


def test_pieces_of_text_are_one_text() -> None:
    message = message_of(answer({"text": "Hel"}), answer({"text": "lo"}), answer(reason="STOP", usageMetadata=USAGE))
    assert message.content == "Hello"
    assert message.id == "r1"
    facts = {"finish_reason": "STOP", "id": "r1", "model_name": "gemini-test", "model_provider": "google_genai"}
    assert message.response_metadata == {**facts, "token_usage": USAGE}


def test_an_answer_in_one_piece_is_the_same_message() -> None:
    whole = answer({"text": "Hello"}, reason="STOP", usageMetadata=USAGE)
    assert message_chunk_to_message(merge_chunks(GoogleDecoder().whole(whole))) == message_of(whole)


def test_usage_counts_thoughts_as_output_and_comes_once() -> None:
    chunks, _ = read(as_events(*LONG))
    assert [chunk.usage_metadata for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1].usage_metadata == {
        "input_tokens": 13,
        "output_tokens": 12,
        "total_tokens": 25,
        "input_token_details": {"audio": 2, "cache_read": 4},
        "output_token_details": {"reasoning": 7},
    }


def test_facts_about_the_answer_are_kept() -> None:
    ratings = [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}]
    end = answer({"text": "x"}, reason="STOP", promptFeedback={"safetyRatings": ratings})
    end["candidates"][0] |= {
        "safetyRatings": ratings,
        "groundingMetadata": {"webSearchQueries": ["x"]},
        "avgLogprobs": -1,
    }
    facts = message_of(end).response_metadata
    assert facts["safety_ratings"] == ratings
    assert facts["grounding_metadata"] == {"webSearchQueries": ["x"]}
    assert facts["avg_logprobs"] == -1
    assert facts["prompt_feedback"] == {"safetyRatings": ratings}


def test_of_several_candidates_the_first_is_read() -> None:
    both = answer({"text": "first"}, reason="STOP")
    both["candidates"].append({**answer({"text": "second"})["candidates"][0], "index": 1})
    assert message_of(both).content == "first"


def test_half_a_character_waits_for_the_other_half() -> None:
    halves = [json.dumps(answer({"text": text})) for text in ("so \ud83d", "\ude00!")]
    body = b"".join(f"data: {half}\n\n".encode() for half in halves) + as_events(answer(reason="STOP"))
    assert merge_chunks(read(body)[0]).content == "so 😀!"
    alone = f"data: {halves[0]}\n\n".encode() + as_events(answer(reason="STOP"))
    assert merge_chunks(read(alone)[0]).content == "so \ufffd"


# Thoughts, signatures and other parts


def test_thoughts_are_blocks_of_reasoning_beside_the_text() -> None:
    message = message_of(*LONG)
    assert message.content == [
        {"type": "reasoning", "reasoning": "Let me think. Zwölf 🎈", "index": 0},
        {"type": "text", "text": 'It is sunny 天气 \\ "ja"', "index": 1},
    ]
    kinds = [block["type"] for block in message.content_blocks]
    assert kinds == ["reasoning", "text", "tool_call", "tool_call", "tool_call"]
    assert message.text == 'It is sunny 天气 \\ "ja"'


def test_a_signature_of_a_text_leaves_the_content_a_text() -> None:
    message = message_of(answer({"text": "Hi"}), answer({"text": "", "thoughtSignature": "c2ln"}, reason="STOP"))
    assert message.content == "Hi"
    assert message.additional_kwargs == {"thought_signature": "c2ln"}


def test_a_signature_in_a_list_of_blocks_stays_with_its_block() -> None:
    message = message_of(
        answer({"text": "hm", "thought": True}),
        answer({"text": "one"}, {"text": "", "thoughtSignature": "c2ln"}, {"text": "two"}),
        answer(reason="STOP"),
    )
    assert message.content[1:] == [
        {"type": "text", "text": "one", "index": 1, "extras": {"signature": "c2ln"}},
        {"type": "text", "text": "two", "index": 2},
    ]


def test_images_sounds_and_files_are_blocks_with_their_data() -> None:
    message = message_of(
        answer({"text": "Here:"}),
        answer({"inlineData": {"mimeType": "image/png", "data": "aW1n"}, "thoughtSignature": "c2ln"}),
        answer({"inlineData": {"mimeType": "audio/wav", "data": "c25k"}}, {"text": "and"}),
        answer({"fileData": {"mimeType": "application/pdf", "fileUri": "gs://x"}}, reason="STOP"),
    )
    image = {"type": "image", "base64": "aW1n", "mime_type": "image/png"}
    assert message.content == [
        "Here:",
        {**image, "index": 0, "extras": {"signature": "c2ln"}},
        {"type": "audio", "base64": "c25k", "mime_type": "audio/wav", "index": 1},
        {"type": "text", "text": "and", "index": 2},
        {"type": "file", "url": "gs://x", "mime_type": "application/pdf", "index": 3},
    ]


def test_code_that_google_ran_is_a_call_of_its_own_tool_and_its_result() -> None:
    message = message_of(
        answer({"executableCode": {"language": "PYTHON", "code": "print(1)"}}),
        answer({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}}, reason="STOP"),
    )
    made, result = message.content_blocks
    assert (made["type"], made["name"]) == ("server_tool_call", "code_execution")  # type: ignore[typeddict-item]  # it is one
    assert made["args"] == {"language": "PYTHON", "code": "print(1)"}  # type: ignore[typeddict-item]  # it is one
    assert (result["status"], result["output"]) == ("success", "1\n")  # type: ignore[typeddict-item]  # it is one
    assert result["tool_call_id"] == made["id"]  # type: ignore[typeddict-item]  # it is one


def test_a_part_of_an_unknown_kind_is_kept() -> None:
    message = message_of(answer({"newThing": {"x": 1}}, reason="STOP"))
    assert message.content == [{"type": "non_standard", "value": {"newThing": {"x": 1}}, "index": 0}]


# Calls


def test_parallel_calls_without_ids_get_ids_that_are_the_same_each_time() -> None:
    message = message_of(*LONG)
    assert [(one["name"], one["args"]) for one in message.tool_calls] == [
        ("weather", {"city": "Zürich", "days": [1, {"x": "}"}]}),
        ("weather", {"city": "Oslo"}),
        ("time", {}),
    ]
    ids = [one["id"] for one in message.tool_calls]
    assert len(set(ids)) == 3
    assert ids == [one["id"] for one in message_of(*LONG).tool_calls]
    without = message_of({**answer(call("f"), call("f"), reason="STOP"), "responseId": None})
    assert len({one["id"] for one in without.tool_calls}) == 2


def test_a_call_keeps_its_id_and_its_signature() -> None:
    (made,) = message_of(answer(call("f", {"x": 1}, "c2ln", id="own"), reason="STOP")).tool_calls
    assert made["id"] == "own"
    assert made["extras"] == {"extra_content": {"google": {"thought_signature": "c2ln"}}}


def test_text_beside_calls_stays_text() -> None:
    message = message_of(answer({"text": "I look."}), answer(call("f")), answer(reason="STOP"))
    assert (message.content, len(message.tool_calls)) == ("I look.", 1)


@pytest.mark.parametrize("args", ["text", ["list"], 3])
def test_arguments_that_are_not_an_object_are_not_a_call(args: Any) -> None:
    message = message_of(answer({"functionCall": {"name": "f", "args": args}}, reason="STOP"))
    assert message.tool_calls == []
    assert [bad["name"] for bad in message.invalid_tool_calls] == ["f"]


def test_a_call_at_the_token_limit_is_whole_all_the_same_or_invalid() -> None:
    message = message_of(answer(call("f", {"x": 1}), reason="MAX_TOKENS"))
    assert [made["args"] for made in message.tool_calls] == [{"x": 1}]


# Ends


@pytest.mark.parametrize("reason", ["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY"])
def test_an_answer_that_a_filter_withheld_is_an_error_and_one_that_it_cut_says_so(reason: str) -> None:
    with pytest.raises(ContentFilterError, match=reason) as caught:
        read(as_events({"candidates": [{"finishReason": reason, "index": 0}]}))
    assert caught.value.code == reason
    cut = message_of(answer({"text": "Once "}), answer(reason=reason))
    assert (cut.content, cut.response_metadata["finish_reason"]) == ("Once ", reason)


def test_a_blocked_prompt_is_an_error_with_the_providers_words() -> None:
    ratings = [{"category": "HARM_CATEGORY_HATE_SPEECH", "probability": "HIGH", "blocked": True}]
    feedback = {"blockReason": "SAFETY", "blockReasonMessage": "It is rude.", "safetyRatings": ratings}
    for ask in (lambda body: read(as_events(body)), GoogleDecoder().whole):
        with pytest.raises(ContentFilterError, match=r"blocked the prompt: SAFETY \(It is rude.\) \[HARM_.*HIGH\]"):
            ask({"promptFeedback": feedback, "usageMetadata": {"promptTokenCount": 4}})


@pytest.mark.parametrize(
    "reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MISSING_THOUGHT_SIGNATURE", "OTHER", "LANGUAGE"]
)
def test_an_end_that_is_not_one_is_a_failure_after_what_had_come(reason: str) -> None:
    end = answer(reason=reason)
    end["candidates"][0]["finishMessage"] = "Malformed function call: print("
    decoder = GoogleDecoder()
    assert [chunk.content for chunk in decoder.read(answer({"text": "Hi"}))] == ["Hi"]
    with pytest.raises(ProviderError) as caught:
        list(decoder.read(end))
    assert "Malformed function call" in caught.value.payload["error"]["message"]


@pytest.mark.parametrize("reason", ["NO_IMAGE", "FINISH_REASON_UNSPECIFIED", "SOMETHING_NEW"])
def test_an_end_without_anything_is_a_failure_unless_it_is_one_of_order(reason: str) -> None:
    with pytest.raises(ProviderError):
        read(as_events(answer(reason=reason)))
    assert message_of(answer({"text": "Hi"}, reason=reason)).content == "Hi"
    for usual in ("STOP", "MAX_TOKENS"):
        assert message_of(answer(reason=usual)).content == ""


@pytest.mark.parametrize(
    "payload", [[], "text", {"choices": []}, {"candidates": [{"content": {"parts": [{"functionCall": {}}]}}]}]
)
def test_what_is_not_an_answer_is_refused(payload: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        list(GoogleDecoder().read(payload))


def test_an_error_inside_the_stream_is_the_providers() -> None:
    error = {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}
    for payload in (error, [error]):
        with pytest.raises(ProviderError) as caught:
            list(GoogleDecoder().read(payload))
        assert caught.value.payload == error


def test_a_gateways_end_of_openai_says_nothing() -> None:
    body = as_events(answer({"text": "Hi"}, reason="STOP")) + b"data: [DONE]\n\n"
    chunks, whole = read(body)
    assert whole
    assert merge_chunks(chunks).content == "Hi"


# Both framings, cut anywhere


@pytest.mark.parametrize(("write", "framing"), FRAMINGS)
def test_both_framings_are_read_alike(write: Any, framing: Any) -> None:
    chunks, whole = read(write(*LONG), framing)
    assert whole
    assert message_chunk_to_message(merge_chunks(chunks)) == message_of(*LONG)


def test_an_array_that_is_labelled_as_events_is_read_at_its_end() -> None:
    chunks, whole = read(as_array(*LONG))
    assert whole
    assert message_chunk_to_message(merge_chunks(chunks)) == message_of(*LONG)


@pytest.mark.parametrize(("write", "framing"), FRAMINGS)
def test_an_event_is_passed_on_before_the_next_one_has_come(write: Any, framing: Any) -> None:
    reading: Reading[AIMessageChunk] = Reading(GoogleDecoder(framing=framing))
    body = write(answer({"text": "one"}), answer({"text": "two"}, reason="STOP"))
    first = body[: body.index(b"responseId") + len(b'responseId": "r1"')] + (
        b"}\r\n\r\n" if framing is None else b"\n}"
    )
    assert [chunk.content for batch, _ in reading.feed(first) for chunk in batch] == ["one"]


@pytest.mark.parametrize(("write", "framing"), FRAMINGS)
def test_a_stream_that_is_cut_at_any_byte_is_no_whole_one_and_gives_no_half_call(write: Any, framing: Any) -> None:
    body, all_of_it = write(*LONG), message_of(*LONG)
    ends = body.rindex(b"STOP")
    for at in range(len(body)):
        chunks, whole = read(body[:at], framing)
        assert not (whole and at < ends)
        if not chunks:
            continue
        message = message_chunk_to_message(merge_chunks(chunks))
        assert isinstance(message, AIMessage)
        assert all(made in all_of_it.tool_calls for made in message.tool_calls)
        assert all_of_it.text.startswith(str(message.text))
        if whole:
            assert message == all_of_it


@pytest.mark.parametrize(("write", "framing"), FRAMINGS)
@given(sizes=st.lists(st.integers(1, 90), max_size=40))
def test_where_the_bytes_are_cut_does_not_matter(write: Any, framing: Any, sizes: list[int]) -> None:
    chunks, whole = read(write(*LONG), framing, sizes=sizes)
    assert whole
    assert message_chunk_to_message(merge_chunks(chunks)) == message_of(*LONG)


TEXTS = st.lists(st.text(min_size=1, max_size=6), max_size=6)


@given(
    thoughts=TEXTS, texts=TEXTS, calls=st.lists(st.dictionaries(st.text(max_size=3), st.text(max_size=3)), max_size=3)
)
def test_any_answer_is_read_as_it_was_written(thoughts: list[str], texts: list[str], calls: list[Any]) -> None:
    parts = [{"text": one, "thought": True} for one in thoughts] + [{"text": one} for one in texts]
    parts += [call("f", args) for args in calls]
    message = message_of(*map(answer, parts), answer(reason="STOP"))
    reasoning = [block for block in message.content_blocks if block["type"] == "reasoning"]
    assert "".join(block["reasoning"] for block in reasoning) == "".join(thoughts)
    assert str(message.text) == "".join(texts)
    assert [made["args"] for made in message.tool_calls] == calls
