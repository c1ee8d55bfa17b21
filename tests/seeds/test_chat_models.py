"""How to stream chat model responses: the examples of the documentation, with what they print."""

import asyncio
import uuid
from contextlib import aclosing

import pytest

from prill.anthropic import ChatAnthropic
from prill.messages import AIMessageChunk

ASK = "Write me a 1 verse song about goldfish on the moon"

PRINTED = (
    "Here| is| a| |1| |verse| song| about| gol|dfish| on| the| moon|:|\n\n"
    "Floating| up| in| the| star|ry| night|,|\nFins| a|-|gl|im|mer| in| the| pale| moon|light|.|"
)

METADATA = {
    "ls_provider": "anthropic",
    "ls_model_name": "claude-3-haiku-20240307",
    "ls_model_type": "chat",
    "ls_temperature": None,
    "ls_max_tokens": 1024,
}


@pytest.fixture
def chat(server):
    return ChatAnthropic(model="claude-3-haiku-20240307", base_url=server.anthropic_url, api_key="test")


def spoken(chunks):
    """What the examples print; the first and the last chunk of a stream may be without text."""
    return "|".join(chunk.content for chunk in chunks if chunk.content) + "|"


def test_stream_prints_each_token(server, chat):
    server.reply(*PRINTED.removesuffix("|").split("|"))
    assert spoken(chat.stream(ASK)) == PRINTED


def test_astream_prints_each_token(server, chat, run):
    server.reply(*PRINTED.removesuffix("|").split("|"))

    async def main():
        return [chunk async for chunk in chat.astream(ASK)]

    assert spoken(run(main())) == PRINTED


def test_the_first_events_are_those_that_are_printed(server, chat, run):
    server.reply("Here's", " a short one-verse song", " about goldfish", usage=(21, 9))

    async def main():
        async with aclosing(chat.astream_events(ASK)) as events:
            return [await anext(events) for _ in range(4)]

    start, *streams = run(main())
    run_id = start["run_id"]
    uuid.UUID(run_id)
    assert start == {
        "event": "on_chat_model_start",
        "data": {"input": ASK},
        "name": "ChatAnthropic",
        "tags": [],
        "run_id": run_id,
        "metadata": METADATA,
        "parent_ids": [],
    }
    chunks = [event["data"].pop("chunk") for event in streams]
    for event in streams:
        assert event == {
            "event": "on_chat_model_stream",
            "run_id": run_id,
            "name": "ChatAnthropic",
            "tags": [],
            "metadata": METADATA,
            "data": {},
            "parent_ids": [],
        }
    assert {type(chunk) for chunk in chunks} == {AIMessageChunk}
    # One id for all pieces of a message: here that which the provider gave it.
    assert len({chunk.id for chunk in chunks}) == 1
    assert [chunk.content for chunk in chunks] == ["", "Here's", " a short one-verse song"]
    assert chunks[0].usage_metadata["input_tokens"] == 21
    assert set(chunks[0].usage_metadata["input_token_details"]) == {"cache_creation", "cache_read"}
    assert chunks[1].usage_metadata is None


def test_leaving_the_events_closes_the_provider_s_stream(server, chat, run):
    server.pace = 0.05
    server.reply(*["word "] * 200)

    async def main():
        events = chat.astream_events(ASK)
        for _ in range(5):
            await anext(events)
        await events.aclose()
        # In the loop of the run, as a server of ours would wait.
        return await asyncio.to_thread(server.wait_closed)

    assert run(main())
    assert server.closed_early == 1
