"""What an answer says does not depend on how it is asked for, nor on the vendor."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from prill.anthropic import ChatAnthropic
from prill.google import ChatGoogleGenerativeAI
from prill.messages import AIMessage, HumanMessage, merge_chunks, message_chunk_to_message
from prill.openai import AzureChatOpenAI, ChatOpenAI
from prill.testing import Faults, ReplayServer, Reply

CALL: Any = {"name": "weather", "args": {"city": "Tromsø", "days": 3}, "id": "call_a"}
OTHER: Any = {"name": "clock", "args": {}, "id": "call_b"}

REPLIES = {
    "text": Reply(["Hello", " 世界", " 🙂"], usage=(12, 3)),
    "one call": Reply(tool_calls=[CALL], usage=(12, 3)),
    "text and calls": Reply(["Let me ", "see"], tool_calls=[CALL, OTHER], usage=(12, 3)),
    "thinking": Reply(["42"], thinking=["6 by ", "7"], usage=(12, 3)),
    "thinking and call": Reply(thinking=["6 by ", "7"], tool_calls=[CALL], usage=(12, 3)),
    "refusal": Reply(refusal="No.", usage=(12, 3)),
    "length": Reply(["Once upon"], finish_reason="length", usage=(12, 3)),
}


def plain(message: AIMessage) -> AIMessage:
    """Without what the server makes anew for each answer."""
    kept = {name: value for name, value in message.response_metadata.items() if name not in ("id", "created_at")}
    content = message.content
    if isinstance(content, list):
        content = [{name: value for name, value in block.items() if name != "id"} for block in content]  # type: ignore[union-attr]  # blocks only
    return message.model_copy(update={"id": None, "response_metadata": kept, "content": content})


@pytest.mark.parametrize("name", REPLIES)
def test_a_streamed_answer_is_the_same_message_as_one_in_one_piece(
    name: str, server: ReplayServer, make: Any, colour: Any
) -> None:
    model = make()
    server.queue(REPLIES[name], REPLIES[name])
    whole = colour.invoke(model)
    streamed = message_chunk_to_message(merge_chunks(colour.stream(model)))
    assert plain(streamed) == plain(whole)
    assert whole.usage_metadata["total_tokens"] == 15


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_usage_is_the_same_by_every_verb_and_in_events(reply: Reply, server: ReplayServer, make: Any) -> None:
    model = make()
    server.replies(lambda seen: reply)
    usage = model.invoke("Hi").usage_metadata
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (12, 3, 15)

    async def by_asyncio() -> list[Any]:
        events = [event async for event in model.astream_events("Hi", version="v2")]
        streamed = merge_chunks([chunk async for chunk in model.astream("Hi")])
        result = await model.agenerate([[HumanMessage("Hi")]])
        ends = [event["data"]["output"].usage_metadata for event in events if event["event"] == "on_chat_model_end"]
        told = merge_chunks([e["data"]["chunk"] for e in events if e["event"] == "on_chat_model_stream"])
        return [
            *ends,
            told.usage_metadata,
            (await model.ainvoke("Hi")).usage_metadata,
            streamed.usage_metadata,
            result.generations[0][0].message.usage_metadata,
        ]

    others = asyncio.run(by_asyncio())
    others.append(merge_chunks(list(model.stream("Hi"))).usage_metadata)
    others.append(model.generate([[HumanMessage("Hi")]]).generations[0][0].message.usage_metadata)
    assert len(others) == 7
    assert others == [usage] * 7


def test_the_end_of_a_chain_tells_the_usage_too(server: ReplayServer, make: Any) -> None:
    from prill.runnables import RunnableLambda

    chain = RunnableLambda(lambda text: text) | make()
    server.replies(lambda seen: REPLIES["text"])

    async def last() -> Any:
        return [event async for event in chain.astream_events("Hi", version="v2")][-1]

    event = asyncio.run(last())
    assert event["parent_ids"] == []
    assert event["data"]["output"].usage_metadata["total_tokens"] == 15


def test_observers_are_told_the_settings_of_the_model(server: ReplayServer, make: Any) -> None:
    model = make(temperature=0.5, max_tokens=7, stop=["own"])

    async def first(**kwargs: Any) -> Any:
        events = [event async for event in model.astream_events("Hi", version="v2", **kwargs)]
        return events[0]["metadata"]

    told = asyncio.run(first(stop=["END"]))
    expected = {
        "ls_provider": model.provider,
        "ls_model_name": model.model,
        "ls_model_type": "chat",
        "ls_temperature": 0.5,
        "ls_max_tokens": 7,
    }
    assert {name: told[name] for name in expected} == expected
    assert told["ls_stop"] == ["END"]
    assert asyncio.run(first())["ls_stop"] == ["own"]


SHARED = {
    *("model", "temperature", "max_tokens", "stop", "timeout", "max_retries", "base_url", "api_key", "streaming"),
    *("stream_usage", "callbacks", "metadata", "tags", "default_headers", "http_client", "http_async_client"),
    *("first_chunk_timeout", "stream_idle_timeout"),
}


@pytest.mark.parametrize("kind", [AzureChatOpenAI, ChatOpenAI, ChatAnthropic, ChatGoogleGenerativeAI])
def test_the_arguments_have_the_same_names_at_all_vendors(kind: Any) -> None:
    assert kind.model_fields.keys() >= SHARED


def test_five_hundred_streams_at_once_keep_their_order_and_content(server: ReplayServer, make: Any) -> None:
    """Each stream says other words, several events long, while the others run."""
    model = make(max_retries=2)
    server.replies(lambda seen: [f"{said(seen)}.{place} " for place in range(8)])

    async def one(number: int) -> bool:
        text = "".join([str(chunk.text) async for chunk in model.astream(f"n{number}")])
        return text == "".join(f"n{number}.{place} " for place in range(8))

    async def main() -> list[bool]:
        return await asyncio.gather(*[one(number) for number in range(500)])

    assert all(asyncio.run(main()))
    assert server.request_count == 500


def said(seen: Any) -> str:
    if "contents" in seen.json:
        return str(seen.json["contents"][-1]["parts"][0]["text"])
    messages = seen.json.get("messages") or seen.json["input"]
    return str(messages[-1]["content"])


def test_a_call_that_the_token_limit_cut_is_no_call(server: ReplayServer, make: Any, colour: Any) -> None:
    server.queue(Reply(tool_calls=[CALL, {**CALL, "id": "b", "args": '{"city": "Tro'}], finish_reason="length"))
    message = message_chunk_to_message(merge_chunks(colour.stream(make())))
    assert [call["id"] for call in message.tool_calls] == ["call_a"]
    assert [call["id"] for call in message.invalid_tool_calls] == ["b"]
    assert message.invalid_tool_calls[0]["args"] == '{"city": "Tro'


def test_an_answer_written_in_single_bytes_is_the_same(server: ReplayServer, make: Any, colour: Any) -> None:
    pieces = ["一二", "三 ", "🙂👩‍👩‍👧", " ä"]
    server.queue(Reply(pieces, faults=Faults(split=1)))
    assert "".join(str(chunk.text) for chunk in colour.stream(make())) == "".join(pieces)
