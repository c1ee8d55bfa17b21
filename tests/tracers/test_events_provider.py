"""Watching a run on a provider: the requests are the same, and leaving the events closes the connection."""

import asyncio
from contextlib import aclosing, closing

import pytest

from prill.anthropic import ChatAnthropic
from prill.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from prill.openai import ChatOpenAI
from prill.output_parsers import StrOutputParser
from prill.prompts import ChatPromptTemplate
from prill.runnables import RunnableLambda


def openai(server, **settings):
    return ChatOpenAI(model="gpt-4o", base_url=server.openai_url, api_key="test", **settings)


def anthropic(server, **settings):
    return ChatAnthropic(model="claude-3-haiku-20240307", base_url=server.anthropic_url, api_key="test", **settings)


class Plain(BaseCallbackHandler):
    def on_llm_new_token(self, token, **kwargs):
        pass


class Later(AsyncCallbackHandler):
    async def on_llm_new_token(self, token, **kwargs):
        pass


PROMPT = ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "{x}")])


def consume(part, how):
    input = {"x": "hi"}

    async def events(version):
        async for _ in part.astream_events(input, version=version):
            pass

    async def chunks(config):
        async for _ in part.astream(input, config):
            pass

    ways = {
        "stream": lambda: list(part.stream(input)),
        "stream with handlers": lambda: list(part.stream(input, {"callbacks": [Plain(), Later()]})),
        "astream": lambda: asyncio.run(chunks(None)),
        "astream with handlers": lambda: asyncio.run(chunks({"callbacks": [Plain(), Later()]})),
        "astream_events": lambda: asyncio.run(events("v2")),
        "astream_events v1": lambda: asyncio.run(events("v1")),
        "stream_events": lambda: list(part.stream_events(input)),
        "invoke": lambda: part.invoke(input),
        "invoke with handlers": lambda: part.invoke(input, {"callbacks": [Plain(), Later()]}),
        "ainvoke with handlers": lambda: asyncio.run(part.ainvoke(input, {"callbacks": [Plain(), Later()]})),
    }
    ways[how]()


@pytest.mark.parametrize("make", [openai, anthropic])
@pytest.mark.parametrize(
    ("unwatched", "watched"),
    [
        ("stream", ["stream with handlers", "astream with handlers", "astream_events", "astream_events v1"]),
        ("stream", ["stream_events", "astream"]),
        ("invoke", ["invoke with handlers", "ainvoke with handlers"]),
    ],
)
def test_watching_does_not_change_the_request(server, make, unwatched, watched):
    part = PROMPT | make(server, temperature=0.5).bind(stop=["x"]) | StrOutputParser()
    for how in (unwatched, *watched):
        consume(part, how)
    first, *others = server.requests
    assert {request.body for request in others} == {first.body}
    assert first.streaming == (unwatched == "stream")


@pytest.mark.parametrize("make", [openai, anthropic])
def test_watching_does_not_make_an_invoke_inside_of_a_function_stream(server, make):
    model = make(server)

    async def ask(x):
        return (await model.ainvoke(x["x"])).content

    consume(RunnableLambda(ask), "astream_events")
    consume(RunnableLambda(lambda x: model.invoke(x["x"]).content), "stream_events")
    assert [request.streaming for request in server.requests] == [False, False]


@pytest.mark.parametrize("make", [openai, anthropic])
@pytest.mark.parametrize("shape", ["model", "chain", "branches", "in a function"])
def test_leaving_the_events_closes_the_connection(server, make, shape):
    model = make(server)

    async def ask(x):
        return [chunk async for chunk in model.astream("hi")]

    part = {
        "model": RunnableLambda(lambda x: "hi") | model,
        "chain": PROMPT | model | StrOutputParser(),
        "branches": PROMPT | {"a": model, "b": model},
        "in a function": RunnableLambda(ask),
    }[shape]
    server.pace = 0.02
    server.replies(lambda request: ["word "] * 500)

    async def main():
        async with aclosing(part.astream_events({"x": "hi"})) as events:
            tokens = 0
            async for event in events:
                tokens += event["event"] == "on_chat_model_stream"
                if tokens == 5:
                    break
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return await asyncio.to_thread(server.wait_closed)

    assert asyncio.run(main())
    assert server.closed_early == server.request_count > 0


@pytest.mark.parametrize("make", [openai, anthropic])
def test_leaving_blocking_events_closes_the_connection(server, make):
    server.pace = 0.02
    server.replies(lambda request: ["word "] * 500)
    with closing((PROMPT | make(server) | StrOutputParser()).stream_events({"x": "hi"})) as events:
        for event in events:
            if event["event"] == "on_chat_model_stream":
                break
    assert server.wait_closed()
    assert server.closed_early == 1
