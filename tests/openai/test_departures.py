"""Answers of servers that speak OpenAI's protocol in their own way: what is read all the same, and what is an error."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from prill.caches import InMemoryCache
from prill.errors import MalformedResponseError, ModelError
from prill.load import dumps, loads
from prill.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage, merge_chunks
from prill.openai import ChatOpenAI
from providers.http.raw_server import RawServer, Received, saying, with_length

Json = dict[str, Any]
DONE = "data: [DONE]\n\n"


def event(delta: Any, finish: Any = None, **choice: Any) -> Json:
    return {"id": "c1", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish, **choice}]}


def sse(*events: Any, done: bool = True) -> bytes:
    texts = [each if isinstance(each, str) else f"data: {json.dumps(each)}" for each in events]
    return ("\n\n".join([*texts, ""]) + (DONE if done else "")).encode()


def calls(*pieces: Json, finish: str = "tool_calls") -> bytes:
    return sse(*(event({"tool_calls": [piece]}) for piece in pieces), event({}, finish))


def whole(message: Any, finish: Any = "stop", **more: Any) -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return json.dumps({"id": "c1", "model": "m", "choices": [choice], **more}).encode()


def ask(body: bytes, *, stream: bool = False, **settings: Any) -> AIMessage:
    with RawServer(saying(with_length(body, "content-type: application/json"))) as server:
        model = ChatOpenAI(model="m", base_url=server.url, api_key="key", max_retries=0, **settings)
        try:
            return merge_chunks(list(model.stream("Hi"))) if stream else model.invoke("Hi")
        finally:
            model.close()


A = event({"content": "ab"})
END = event({}, "stop")

# --- what is not an end ---------------------------------------------------------------------------------------------

FAILED = {
    "an error": {"error": {"message": "boom"}},
    "an error of text": {"error": "boom"},
    "an object": {"object": "error", "message": "boom"},
    "a message": {"message": "boom"},
    "a detail": {"detail": "boom"},
    "details": {"detail": [{"msg": "boom"}]},
    "a type": {"type": "error", "error": {"message": "boom"}},
    "an error with choices": {**event({}), "error": {"message": "boom"}},
    "an error in the choice": event({}, error={"message": "boom"}),
    "a reason with words": event({}, "error", message="boom"),
    "an event of that name": 'event: error\ndata: {"message": "boom"}',
    "a text in such an event": "event: error\ndata: boom",
}


@pytest.mark.parametrize("rest", [(), (END,)], ids=["at the end", "before an end"])
@pytest.mark.parametrize("failed", FAILED.values(), ids=FAILED.keys())
def test_a_failure_in_a_stream_is_an_error_with_the_words_and_what_had_come(
    failed: Any, rest: tuple[Any, ...], decode: Callable[..., AIMessageChunk]
) -> None:
    with pytest.raises(ModelError, match="boom") as caught:
        decode(sse(A, failed, *rest))
    assert caught.value.partial.content == "ab"


@pytest.mark.parametrize("reason", ["something_new", None])
def test_an_empty_answer_is_whole_only_with_a_known_finish_reason(
    reason: str | None, decode: Callable[..., AIMessageChunk]
) -> None:
    with pytest.raises(ModelError, match="the answer is empty"):
        decode(sse(event({"content": ""}), event({}, reason)))
    answer = decode(sse(event({"content": "Hi"}), event({}, "something_new")))
    assert (answer.content, answer.response_metadata["finish_reason"]) == ("Hi", "something_new")
    for usual in ("stop", "length", "eos_token", "COMPLETE"):
        assert decode(sse(event({"content": ""}), event({}, usual))).content == ""


@pytest.mark.parametrize("reason", ["error", "ERROR", "failed", "cancelled", "network_error", "timeout"])
def test_a_finish_reason_that_is_a_failure_is_an_error(reason: str, decode: Callable[..., AIMessageChunk]) -> None:
    with pytest.raises(ModelError, match=reason):
        decode(sse(A, event({}, reason)))
    with pytest.raises(ModelError, match=reason):
        ask(whole({"content": "ab"}, reason))


def test_the_reason_of_the_provider_behind_a_gateway_is_kept(decode: Callable[..., AIMessageChunk]) -> None:
    answer = decode(sse(event({"content": ""}), event({}, "stop", native_finish_reason="network_error")))
    assert answer.response_metadata["native_finish_reason"] == "network_error"


@pytest.mark.parametrize(
    "body",
    [
        b'{"id": "x", "choices": null}',
        b'{"id": "x", "choices": []}',
        b'{"choices": [{}]}',
        b'{"choices": [{"message": null}]}',
        b'{"choices": [null]}',
        b'{"choices": {}}',
        b"[]",
        b"null",
        b"5",
    ],
)
def test_an_answer_without_a_message_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedResponseError):
        ask(body)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "body",
    [
        {"id": "x", "choices": None, "error": {"message": "boom"}},
        {"error": "boom"},
        {"code": "InvalidParameter", "message": "boom"},
        {"code": 1113, "msg": "boom", "success": False},
    ],
)
def test_an_error_in_place_of_an_answer_has_the_words(body: Json, stream: bool) -> None:
    with pytest.raises(ModelError, match="boom"):
        ask(json.dumps(body).encode(), stream=stream)


def test_an_answer_that_failed_is_not_remembered() -> None:
    with RawServer(saying(with_length(sse(A, event({}, "error"))))) as server:
        model = ChatOpenAI(model="m", base_url=server.url, api_key="key", max_retries=0, cache=InMemoryCache())
        for _ in range(2):
            with pytest.raises(ModelError):
                list(model.stream("Hi"))
        model.close()
    assert len(server.requests) == 2


def test_words_of_any_length_are_bounded() -> None:
    with pytest.raises(ModelError, match="xxx") as caught:
        ask(json.dumps({"error": {"message": "x" * 100_000}}).encode())
    assert len(str(caught.value)) < 5000


# --- what says nothing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sign",
    [
        "data:",
        "data:   ",
        "data:\ndata:",
        ": ping",
        "event: ping",
        "retry: 3000",
        "id: 7",
        "data: : PROCESSING",
        "event: ping\ndata: {}",
        'data: {"type": "ping"}',
        "event: keepalive\ndata: ok",
        'data: {"id": "c1", "choices": []}',
        'data: {"id": "c1", "choices": [{"index": 0, "finish_reason": null, "content_filter_results": {}}]}',
        'data: {"id": "c1", "choices": [{"index": 0, "delta": null, "finish_reason": ""}]}',
    ],
)
def test_a_sign_of_life_is_no_part_of_the_answer(sign: str, decode: Callable[..., AIMessageChunk]) -> None:
    answer = decode(sse(sign, event({"content": "o"}), sign, event({"content": "k"}), sign, END, sign))
    assert (answer.content, answer.response_metadata["finish_reason"]) == ("ok", "stop")


def test_nothing_after_done_changes_the_answer(decode: Callable[..., AIMessageChunk]) -> None:
    assert decode(sse(A, END), sse({"error": {"message": "late"}})).content == "ab"


@pytest.mark.parametrize("line", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_lines_may_end_in_every_way(line: str, mark: str, decode: Callable[..., AIMessageChunk]) -> None:
    text = mark + sse(event({"content": "a"}), event({"content": "b"}, "stop")).decode().replace("\n", line)
    assert decode(text.encode()).content == "ab"


# --- a stream where none was asked for, and the other way round -----------------------------------------------------


@pytest.mark.parametrize("type_", ["application/json", "text/plain", "application/octet-stream"])
def test_a_stream_is_read_whatever_type_its_headers_name(type_: str) -> None:
    with RawServer(saying(with_length(sse(A, END), f"content-type: {type_}"))) as server:
        model = ChatOpenAI(model="m", base_url=server.url, api_key="key", max_retries=0)
        assert "".join(chunk.text for chunk in model.stream("Hi")) == "ab"
        model.close()


def test_one_answer_in_place_of_a_stream_is_its_only_chunk() -> None:
    assert ask(whole({"content": "whole"}), stream=True).content == "whole"


def test_an_answer_in_one_piece_is_asked_for_in_words() -> None:
    def handle(received: Received, connection: Any) -> bool:
        streamed = json.loads(received.body).get("stream") is not False
        connection.sendall(with_length(sse(A, END) if streamed else whole({"content": "ab"})))
        return False

    with RawServer(handle) as server:
        model = ChatOpenAI(model="m", base_url=server.url, api_key="key", max_retries=0)
        assert model.invoke("Hi").content == "ab"
        model.close()


# --- values of other types ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", [None, 0, True, "x", [], {}, [None], {"a": 1}], ids=repr)
@pytest.mark.parametrize(
    "place",
    [
        "id",
        "model",
        "choices",
        "usage",
        "delta",
        "content",
        "reasoning_content",
        "tool_calls",
        "function",
        "name",
        "arguments",
    ],
)
def test_a_value_of_another_type_is_read_or_a_typed_error(
    place: str, odd: Any, decode: Callable[..., AIMessageChunk]
) -> None:
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
    given = {"usage": {"prompt_tokens": 1}, **event({"content": "a", "reasoning_content": "b", "tool_calls": [call]})}
    targets = [given, given["choices"][0], given["choices"][0]["delta"], call, call["function"]]
    next(target for target in targets if place in target)[place] = odd
    try:
        answer = decode(sse(given, END))
    except ModelError:
        return
    answer.model_dump_json()
    assert isinstance(answer.content, str)
    assert all(isinstance(call["name"], str) and isinstance(call["args"], dict) for call in answer.tool_calls)


def test_ids_that_are_numbers_are_text(decode: Callable[..., AIMessageChunk]) -> None:
    assert decode(sse({**A, "id": 17}, {**END, "id": 18})).id == "17"


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": None, "completion_tokens": None},
        {"completion_tokens": 3},
        {"prompt_tokens": 4.0, "completion_tokens": "2"},
        [],
        {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 8, "text_tokens": None},
        },
    ],
)
def test_odd_usage_is_no_reason_to_lose_an_answer(usage: Any) -> None:
    assert ask(whole({"content": "ab"}, usage=usage)).content == "ab"


def test_details_of_usage_that_are_null_are_left_out() -> None:
    details = {"text_tokens": None, "cached_tokens": 8}
    usage = ask(whole({"content": "a"}, usage={"prompt_tokens": 10, "prompt_tokens_details": details})).usage_metadata
    assert usage is not None
    assert usage["input_token_details"] == {"cache_read": 8}


@pytest.mark.parametrize("args", ["", None, "null", "{}", " ", {}])
def test_a_call_without_arguments_has_none(args: Any, decode: Callable[..., AIMessageChunk]) -> None:
    call = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": args}}
    for answer in (decode(calls(call)), ask(whole({"content": None, "tool_calls": [call]}, "tool_calls"))):
        assert [call["args"] for call in answer.tool_calls] == [{}]


@pytest.mark.parametrize("stream", [False, True])
def test_half_a_character_is_replaced(stream: bool) -> None:
    body = sse(event({"content": "a\ud83d"}), END) if stream else whole({"content": "a\ud83d"})
    assert ask(body, stream=stream).content == "a\ufffd"


def test_half_characters_in_a_request_are_replaced() -> None:
    talk = [
        HumanMessage("a\ud83d"),
        AIMessage("", tool_calls=[{"name": "f", "args": {"x": "\ud83d"}, "id": "1"}]),
        ToolMessage("\ude00", tool_call_id="1"),
    ]
    with RawServer(saying(with_length(whole({"content": "ok"})))) as server:
        model = ChatOpenAI(model="m", base_url=server.url, api_key="key", max_retries=0)
        model.invoke(talk)
        model.close()
    user, said, result = json.loads(server.requests[0].body)["messages"]
    assert (user["content"], result["content"]) == ("a\ufffd", "\ufffd")
    assert json.loads(said["tool_calls"][0]["function"]["arguments"]) == {"x": "\ufffd"}


# --- what only the provider knows goes back to it -------------------------------------------------------------------

SIGNED = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
SIGNATURE = {"google": {"thought_signature": "SIG"}}


@pytest.mark.parametrize(
    "pieces",
    [
        [{**SIGNED, "extra_content": SIGNATURE}],
        [SIGNED, {"index": 0, "extra_content": SIGNATURE}],
        [{**SIGNED, "extra_content": SIGNATURE}, {**SIGNED, "index": 1, "id": "b"}],
    ],
    ids=["at once", "later", "of the first of two"],
)
@pytest.mark.parametrize("stored", [False, True])
def test_a_signature_of_a_call_is_sent_back_with_it(pieces: list[Json], stored: bool) -> None:
    with RawServer(saying(with_length(calls(*pieces)), with_length(whole({"content": "ok"})))) as server:
        model = ChatOpenAI(model="m", base_url=server.url, api_key="key", max_retries=0)
        answer: Any = merge_chunks(list(model.stream("Hi")))
        answer = loads(dumps(answer)) if stored else answer
        model.invoke([HumanMessage("Hi"), answer, *(ToolMessage("r", tool_call_id=c["id"]) for c in answer.tool_calls)])
        model.close()
    sent = json.loads(server.requests[1].body)["messages"][1]["tool_calls"]
    assert [call.get("extra_content") for call in sent] == [SIGNATURE, *[None] * (len(sent) - 1)]


def test_reasoning_is_sent_back_with_the_call_that_followed_it() -> None:
    body = sse(event({"reasoning_content": "hm"}), event({"tool_calls": [SIGNED]}), event({}, "tool_calls"))
    with RawServer(saying(with_length(body), with_length(whole({"content": "ok"})))) as server:
        model = ChatOpenAI(model="m", base_url=server.url, api_key="key", max_retries=0)
        answer: Any = merge_chunks(list(model.stream("Hi")))
        model.invoke([HumanMessage("Hi"), answer, ToolMessage("r", tool_call_id="a")])
        model.close()
    assert json.loads(server.requests[1].body)["messages"][1]["reasoning_content"] == "hm"


def test_reasoning_under_both_names_is_read_once(decode: Callable[..., AIMessageChunk]) -> None:
    events = [event({"reasoning": text, "reasoning_content": text}) for text in ("a", "b")]
    assert decode(sse(*events, END)).additional_kwargs["reasoning_content"] == "ab"
