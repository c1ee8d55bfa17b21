"""``ChatBedrockConverse`` over HTTP, in both colours, and its streams cut anywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from prill.bedrock import ChatBedrockConverse
from prill.bedrock.decode import ConverseDecoder
from prill.bedrock.encode import encode_blocks, encode_messages
from prill.errors import (
    ConfigError,
    ContentFilterError,
    MalformedResponseError,
    ModelAPIError,
    ModelError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelOverloadedError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
    ModelServerError,
    StreamErrorEvent,
    StreamInterrupted,
)
from prill.messages import (
    AIMessage,
    AIMessageChunk,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    merge_chunks,
    message_chunk_to_message,
)
from prill.providers.reading import Reading
from prill.testing import Faults, ReplayServer, Reply
from prill.testing.bedrock_wire import ConverseWire, encode_message

Make = Callable[..., ChatBedrockConverse]
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
CALLS = [{"name": "weather", "args": {"city": "Oslo"}}, {"name": "weather", "args": {"city": "Rome"}}]


def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


class Person(BaseModel):
    """A person."""

    name: str


# Answers


def test_it_answers_whole_and_streamed(model: ChatBedrockConverse, server: ReplayServer, colour: Any) -> None:
    server.reply("Hello", " there", usage=(3, 2))
    whole = colour.invoke(model)
    server.reply("Hello", " there", usage=(3, 2))
    chunks = colour.stream(model)
    assert [chunk.content for chunk in chunks] == ["Hello", " there", ""]
    for message in (whole, merge_chunks(chunks)):
        assert message.content == "Hello there"
        assert message.usage_metadata == {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
        facts = message.response_metadata
        assert (facts["stopReason"], facts["model_name"]) == ("end_turn", "vendor.model-v1:0")
        assert facts["metrics"] == {"latencyMs": 7}


def test_reasoning_and_calls_go_around_the_loop(model: ChatBedrockConverse, server: ReplayServer, colour: Any) -> None:
    bound = model.bind_tools([weather], tool_choice="any")
    for ask in (colour.invoke, lambda given: merge_chunks(colour.stream(given))):
        server.reply("I look.", thinking=["The user ", "asks"], tool_calls=CALLS)
        message = ask(bound)
        signed = {"signature": "cmVwbGF5LXNpZ25hdHVyZQ=="}
        assert message.content == [
            {"type": "reasoning", "reasoning": "The user asks", "index": 0, "extras": signed},
            {"type": "text", "text": "I look.", "index": 1},
        ]
        results = [ToolMessage(weather(**call["args"]), tool_call_id=call["id"]) for call in message.tool_calls]
        server.reply("Sunny.")
        assert colour.invoke(bound, [HumanMessage("Hi"), message, *results]).text == "Sunny."
        sent = server.requests[-1].json
        assert sent["toolConfig"]["toolChoice"] == {"any": {}}
        reasoning, text, *calls = sent["messages"][1]["content"]
        assert reasoning == {"reasoningContent": {"reasoningText": {"text": "The user asks", **signed}}}
        assert text == {"text": "I look."}
        assert [call["toolUse"]["input"] for call in calls] == [{"city": "Oslo"}, {"city": "Rome"}]
        answers = [block["toolResult"]["content"] for block in sent["messages"][2]["content"]]
        assert answers == [[{"text": "sunny in Oslo"}], [{"text": "sunny in Rome"}]]


def test_structured_answers(model: ChatBedrockConverse, server: ReplayServer, colour: Any) -> None:
    structured = model.with_structured_output(Person)
    server.reply(tool_calls=[{"name": "Person", "args": {"name": "Ada"}}])
    assert colour.invoke(structured) == Person(name="Ada")
    assert server.requests[-1].json["toolConfig"]["toolChoice"] == {"tool": {"name": "Person"}}
    with pytest.raises(ConfigError, match="function_calling"):
        model.with_structured_output(Person, method="json_schema")


def test_settings_and_arguments_are_sent(make: Make, server: ReplayServer) -> None:
    model = make(temperature=0, max_tokens=9, top_p=0.5, stop="x", guardrails={"guardrailIdentifier": "g"})
    model.invoke([SystemMessage("Be kind."), HumanMessage("Hi")], max_tokens=5, newThing={"x": 1})
    assert server.requests[-1].json == {
        "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
        "system": [{"text": "Be kind."}],
        "inferenceConfig": {"maxTokens": 5, "temperature": 0, "topP": 0.5, "stopSequences": ["x"]},
        "guardrailConfig": {"guardrailIdentifier": "g"},
        "newThing": {"x": 1},
    }


def test_a_filter_is_a_typed_error_or_the_reason_of_the_end(
    model: ChatBedrockConverse, server: ReplayServer, colour: Any
) -> None:
    for ask in (colour.invoke, colour.stream):
        server.reply(finish_reason="guardrail_intervened")
        with pytest.raises(ContentFilterError, match="guardrail_intervened"):
            ask(model)
    server.reply("Once ", finish_reason="content_filter")
    assert colour.invoke(model).response_metadata["stopReason"] == "content_filtered"


# Errors


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, ModelInvalidRequestError, False),
        (403, ModelPermissionDeniedError, False),
        (404, ModelNotFoundError, False),
        (429, ModelRateLimitError, True),
        (500, ModelServerError, True),
        (503, ModelOverloadedError, True),
    ],
)
def test_an_error_status_is_typed(
    status: int, kind: type[ModelError], retryable: bool, server: ReplayServer, make: Make, colour: Any
) -> None:
    model = make()
    for ask in (colour.invoke, colour.stream):
        server.fail(status)
        with pytest.raises(kind) as caught:
            ask(model)
        assert (caught.value.status, caught.value.retryable) == (status, retryable)
        assert caught.value.request_id


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("throttlingException", ModelRateLimitError),
        ("validationException", ModelInvalidRequestError),
        ("serviceUnavailableException", ModelOverloadedError),
        ("internalServerException", ModelServerError),
        ("modelStreamErrorException", ModelServerError),
        ("somethingNewException", ModelAPIError),
    ],
)
def test_an_exception_inside_a_stream_is_raised_with_what_had_arrived(
    name: str, kind: type[ModelError], model: ChatBedrockConverse, server: ReplayServer, colour: Any
) -> None:
    server.reply("one", " two", faults=Faults(error_event=3, error_type=name, error_message="It failed."))
    with pytest.raises(kind, match="It failed") as caught:
        colour.stream(model)
    assert isinstance(caught.value, StreamErrorEvent)
    assert caught.value.partial.content == "one two"


def test_damaged_and_broken_streams_are_told_apart(
    model: ChatBedrockConverse, server: ReplayServer, colour: Any
) -> None:
    server.reply("one", " two", faults=Faults(garbage_line=2))
    with pytest.raises(MalformedResponseError) as damaged:
        colour.stream(model)
    assert damaged.value.partial.content == "one"
    server.reply("one", " two", faults=Faults(cut_after_events=2))
    with pytest.raises(StreamInterrupted) as cut:
        colour.stream(model)
    assert cut.value.partial.content == "one"
    server.queue(Reply(["x"], faults=Faults(html_200=True)))
    with pytest.raises(MalformedResponseError):
        colour.stream(model)


# Streams, cut anywhere

LONG = Reply(["It is ", 'sunny 天气 "'], thinking=["hm ", "🎈"], tool_calls=CALLS, usage=(3, 9))


def read(body: bytes, sizes: Any = ()) -> tuple[list[AIMessageChunk], bool]:
    reading: Reading[AIMessageChunk] = Reading(ConverseDecoder("r1", "m"))
    pieces, start = [], 0
    for size in sizes:
        pieces.append(body[start : start + size])
        start += size
    chunks = [chunk for piece in [*pieces, body[start:]] for batch, _ in reading.feed(piece) for chunk in batch]
    chunks += [chunk for batch, _ in reading.finish() for chunk in batch]
    return chunks, reading.decoder.ended


BODY = b"".join(ConverseWire().events(LONG, {}))


def message_of(chunks: list[AIMessageChunk]) -> AIMessage:
    return message_chunk_to_message(merge_chunks(chunks))  # type: ignore[return-value]  # chunks of an answer


def test_a_stream_that_is_cut_at_any_byte_is_no_whole_one_and_gives_no_half_call() -> None:
    chunks, whole = read(BODY)
    assert whole
    all_of_it, ends = message_of(chunks), BODY.index(b"messageStop")
    assert len(all_of_it.tool_calls) == 2
    for at in range(len(BODY)):
        chunks, whole = read(BODY[:at])
        assert not (whole and at < ends)
        if chunks:
            message = message_of(chunks)
            assert all(call in all_of_it.tool_calls for call in message.tool_calls)
            assert str(all_of_it.text).startswith(str(message.text))


@given(sizes=st.lists(st.integers(1, 90), max_size=40))
def test_where_the_bytes_are_cut_does_not_matter(sizes: list[int]) -> None:
    chunks, whole = read(BODY, sizes)
    assert whole
    assert message_of(chunks) == message_of(read(BODY)[0])


@pytest.mark.parametrize("given", [{"a": 1}, '{"a": 1}', '"{\\"a\\": 1}"'])
def test_input_may_come_with_the_start_of_a_call_or_parsed(given: Any) -> None:
    use = {"name": "f", "toolUseId": "t"}
    ways = [
        [({**use, "input": given}, [])],
        [(use, [given])],
    ]
    for ((start, deltas),) in ways:
        decoder = ConverseDecoder()
        chunks = list(decoder.read("contentBlockStart", {"start": {"toolUse": start}}))
        for delta in deltas:
            chunks += decoder.read("contentBlockDelta", {"delta": {"toolUse": {"input": delta}}})
        chunks += decoder.read("messageStop", {"stopReason": "tool_use"})
        message = message_of([*chunks, *decoder.finish()])
        assert [call["args"] for call in message.tool_calls] == [{"a": 1}]


def test_kinds_of_events_that_are_new_say_nothing() -> None:
    new = encode_message(b'{"x": 1}', message_type="event", event_type="somethingNew")
    assert message_of(read(new + BODY)[0]) == message_of(read(BODY)[0])


# Messages


@pytest.mark.parametrize(
    ("messages", "why"),
    [
        ([], "no user message"),
        ([HumanMessage("")], "empty"),
        ([HumanMessage("a"), AIMessage("", tool_calls=[{"name": "f", "args": {}, "id": "1"}])], "no result"),
        ([HumanMessage("a"), ToolMessage("x", tool_call_id="1")], "answer no tool call"),
    ],
)
def test_an_order_that_would_be_refused_is_refused_before(messages: list[Any], why: str) -> None:
    with pytest.raises(ModelInvalidRequestError, match=why):
        encode_messages(messages)


@pytest.mark.parametrize(
    ("block", "sent"),
    [
        ({"type": "text", "text": "a"}, {"text": "a"}),
        (
            {"type": "image", "base64": PNG, "mime_type": "image/png"},
            {"image": {"format": "png", "source": {"bytes": PNG}}},
        ),
        (
            {"type": "file", "base64": "cGRm", "mime_type": "application/pdf", "extras": {"filename": "a/b.pdf"}},
            {"document": {"format": "pdf", "source": {"bytes": "cGRm"}, "name": "a-b-pdf"}},
        ),
        (
            {"type": "video", "url": "s3://bucket/x", "mime_type": "video/mp4"},
            {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://bucket/x"}}}},
        ),
        ({"cachePoint": {"type": "default"}}, {"cachePoint": {"type": "default"}}),
    ],
    ids=["text", "image", "file", "video", "own"],
)
def test_blocks_are_sent_in_the_apis_form(block: Any, sent: Any) -> None:
    assert encode_blocks([block]) == [sent]


def test_a_block_that_cannot_be_sent_is_refused() -> None:
    for block in ({"type": "hologram"}, {"type": "image", "url": "https://x/a.png"}):
        with pytest.raises(ModelInvalidRequestError):
            encode_blocks([block])


def test_reasoning_of_another_provider_is_left_out() -> None:
    thought: Any = {"type": "reasoning", "reasoning": "hm", "extras": {"signature": "of-another"}}
    message = AIMessage([thought, {"type": "text", "text": "Hi"}], response_metadata={"model_provider": "anthropic"})
    assert encode_messages([HumanMessage("a"), message])[1][1]["content"] == [{"text": "Hi"}]
