"""``RemoteRunnable`` in both colours, against Prill's server and LangServe's."""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from tests.helpers import eventually, listed
from tests.serve.chains import ANSWER, ask, joke, model
from tests.serve.serving import Served, serving

from prill.documents import Document
from prill.errors import (
    ModelConnectionError,
    ModelRateLimitError,
    RemoteError,
    RequestError,
    StreamInterrupted,
)
from prill.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from prill.output_parsers import JsonOutputParser
from prill.runnables import RunnableGenerator, RunnableLambda
from prill.serve import App, RemoteRunnable
from prill.testing import check_runnable

LETTERS = list(ANSWER)

MESSAGES = [
    AIMessage(
        "a",
        id="1",
        tool_calls=[{"name": "f", "args": {"x": 1}, "id": "c"}],
        usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        response_metadata={"model_name": "m"},
    ),
    AIMessageChunk("b", id="2", tool_call_chunks=[{"name": "f", "args": '{"x":', "id": "c", "index": 0}]),
    HumanMessage([{"type": "text", "text": "t"}, {"type": "image_url", "image_url": {"url": "data:x"}}]),
    SystemMessage("s", name="n"),
    ToolMessage("r", tool_call_id="c", artifact={"a": 1}, status="error"),
    ChatMessage("c", role="critic"),
    FunctionMessage("f", name="n"),
]
LOOKS = {"type": "human", "content": "a user's dict"}


def fail(text: str) -> str:
    raise ValueError("secret")


def limit(text: str) -> str:
    raise ModelRateLimitError("slow down", retry_after=3.0)


def half(chunks: Iterator[str]) -> Iterator[str]:
    yield "one"
    yield "two"
    raise ModelRateLimitError("slow down", retry_after=3.0)


async def upper(chunks: Any) -> Any:
    # Not a plain generator: the threads of this process are counted.
    async for chunk in chunks:
        for letter in chunk:
            yield letter.upper()


def growing(chunks: Iterator[str]) -> Iterator[str]:
    yield from ['{"a": 1', ', "b": 2}']


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    app = App()
    app.add("/joke", joke())
    app.add("/model", model())
    app.add("/upper", RunnableGenerator(upper))
    app.add("/objects", RunnableLambda(lambda x: {"messages": MESSAGES, "document": Document("d"), "dict": LOOKS}))
    app.add("/kinds", RunnableLambda(lambda given: {key: type(item).__name__ for key, item in given.items()}))
    app.add("/fail", RunnableLambda(fail))
    app.add("/limit", RunnableLambda(lambda x: x) | RunnableLambda(limit))
    app.add("/half", RunnableGenerator(half))
    app.add("/json", RunnableGenerator(growing) | JsonOutputParser())
    app.add("/config", RunnableLambda(lambda x, config: config["tags"]), config_keys=("tags",))
    with serving(app) as served:
        yield served


def at(server: Served, path: str, **options: Any) -> Any:
    return RemoteRunnable(f"{server.url}/{path}", **options)


def test_it_keeps_the_promises_of_every_runnable(server: Served) -> None:
    check_runnable(at(server, "upper"), "hello", pieces=["hel", "lo"], expected="HELLO")


def test_messages_and_documents_arrive_as_they_were_and_dicts_stay_dicts(server: Served) -> None:
    output = at(server, "objects").invoke("x")
    assert output == {"messages": MESSAGES, "document": Document("d"), "dict": LOOKS}
    assert [type(each) for each in output["messages"]] == [type(each) for each in MESSAGES]
    assert list(at(server, "objects").stream("x")) == [output]


def test_inputs_arrive_as_they_were_where_no_schema_says_what_they_are(server: Served) -> None:
    remote = at(server, "kinds")
    given = {"m": MESSAGES[0], "d": Document("d"), "x": LOOKS, "n": 1}
    assert remote.invoke(given) == {"m": "AIMessage", "d": "Document", "x": "dict", "n": "int"}
    assert list(remote.stream(given)) == [remote.invoke(given)]


def test_only_data_can_be_made_of_what_a_client_sends(server: Served) -> None:
    model = {"lc": 1, "type": "constructor", "id": ["langchain", "chat_models", "openai", "ChatOpenAI"], "kwargs": {}}
    for bad in (model, {"lc": 1, "type": "secret", "id": ["PATH"]}):
        answer = ask(server.port, "/kinds/invoke", {"input": {}, "input_objects": {"m": bad}})
        assert answer.status == 422 or answer.json["output"] == {"m": "NoneType"}


def test_a_model_behind_a_server_is_used_like_a_model(server: Served) -> None:
    remote = at(server, "model")
    assert remote.invoke([HumanMessage("hi")]).content == ANSWER
    chunks = list(remote.stream([HumanMessage("hi")]))
    assert [chunk.content for chunk in chunks if chunk.content] == LETTERS
    assert (remote | (lambda message: message.content)).invoke("hi") == ANSWER


def test_a_growing_value_is_combined_as_the_caller_says(server: Served) -> None:
    remote = at(server, "json", combine="replace")
    assert remote.invoke("x") == {"a": 1, "b": 2}
    assert list(remote.stream("x"))[-1] == {"a": 1, "b": 2}
    assert (remote | RunnableLambda(lambda value: value["b"])).invoke("x") == 2
    assert list((remote | RunnableLambda(lambda value: value["b"])).stream("x")) == [2]


def test_a_config_is_sent_as_far_as_it_is_data(server: Served) -> None:
    assert at(server, "config").invoke("x", {"tags": ["a"], "callbacks": []}) == ["a"]


@pytest.mark.parametrize("colour", ["blocking", "asyncio"])
def test_errors_are_prills_own(server: Served, colour: str) -> None:
    def invoke(path: str, input: Any = "x") -> Any:
        remote = at(server, path)
        return remote.invoke(input) if colour == "blocking" else asyncio.run(remote.ainvoke(input))

    with pytest.raises(ModelRateLimitError) as limited:
        invoke("limit")
    assert (limited.value.status, limited.value.retry_after, limited.value.retryable) == (429, 3.0, True)
    assert limited.value.path == ("RunnableSequence", "step 2 (limit)")
    with pytest.raises(RemoteError) as bug:
        invoke("fail")
    assert (bug.value.status, bug.value.kind) == (500, "InternalError")
    assert bug.value.run_id
    with pytest.raises(RequestError) as wrong:
        invoke("joke", {})
    assert wrong.value.status == 422
    assert wrong.value.detail[0]["loc"] == ["input", "topic"]
    with pytest.raises(RequestError) as unknown:
        invoke("nothing")
    assert unknown.value.status == 404


@pytest.mark.parametrize("colour", ["blocking", "asyncio"])
def test_an_error_in_a_stream_carries_what_had_come(server: Served, colour: str) -> None:
    remote = at(server, "half")
    with pytest.raises(ModelRateLimitError) as limited:
        list(remote.stream("x")) if colour == "blocking" else asyncio.run(listed(remote.astream("x")))
    assert limited.value.partial == "onetwo"


def test_a_server_that_is_not_there_is_a_connection_error() -> None:
    with pytest.raises(ModelConnectionError, match="could not be reached"):
        RemoteRunnable("http://127.0.0.1:9/x").invoke("x")


def test_the_path_of_an_error_leads_through_the_remote_step(server: Served) -> None:
    chain = RunnableLambda(lambda x: x) | at(server, "limit")
    with pytest.raises(ModelRateLimitError) as limited:
        chain.invoke("x")
    assert "RemoteRunnable" in str(limited.value)
    assert limited.value.path[-1] == "step 2 (limit)"


async def cut(scope: Any, receive: Any, send: Any) -> None:
    """A server that ends its body in order, but not the stream."""
    if scope["type"] == "lifespan":
        for answer in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{answer}.complete"})
        return
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'event: data\r\ndata: "one"\r\n\r\n'})


def test_a_stream_without_its_end_is_interrupted() -> None:
    with serving(cut) as server:
        with pytest.raises(StreamInterrupted) as broken:
            list(RemoteRunnable(f"{server.url}/x").stream("x"))
    assert broken.value.partial == "one"


class Cutting:
    """Passes on to an application, and breaks each answer behind some writes."""

    def __init__(self, app: Any, writes: int) -> None:
        self.app = app
        self.writes = writes
        self.cuts = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        left = self.writes

        async def send_some(message: Any) -> None:
            nonlocal left
            if message["type"] == "http.response.body" and message.get("more_body"):
                left -= 1
                if left < 0:
                    self.cuts += 1
                    raise ConnectionError("cut")
            await send(message)

        try:
            await self.app(scope, receive, send_some)
        except ConnectionError:
            return


@pytest.mark.parametrize("colour", ["blocking", "asyncio"])
def test_a_stream_goes_on_over_a_new_connection(colour: str) -> None:
    def count(chunks: Iterator[str]) -> Iterator[str]:
        for number in range(60):
            yield f"{number} "

    app = App()
    app.add("/count", RunnableGenerator(count))
    cutting = Cutting(app, 20)
    with serving(cutting) as server:
        remote = at(server, "count", resume=True)
        given = list(remote.stream("")) if colour == "blocking" else asyncio.run(listed(remote.astream("")))
    assert given == [f"{number} " for number in range(60)]
    assert cutting.cuts > 1


def test_leaving_a_stream_that_could_go_on_stops_its_run() -> None:
    closed = threading.Event()

    def endless(chunks: Iterator[str]) -> Iterator[str]:
        try:
            while True:
                yield "x"
                threading.Event().wait(0.001)
        finally:
            closed.set()

    app = App()
    app.add("/endless", RunnableGenerator(endless))
    with serving(app) as server:
        stream = at(server, "endless", resume=True).stream("")
        assert next(stream) == "x"
        stream.close()
        assert eventually(closed.is_set)


# Against LangServe itself


@pytest.fixture(scope="module")
def peer() -> Iterator[Served]:
    from fastapi import FastAPI

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from langchain_core.language_models import FakeListChatModel
        from langchain_core.output_parsers import StrOutputParser
        from langchain_core.prompts import ChatPromptTemplate
        from langchain_core.runnables import RunnableLambda as PeerLambda
        from langserve import add_routes

        fake = FakeListChatModel(responses=[ANSWER])
        app = FastAPI()
        add_routes(app, ChatPromptTemplate.from_template("{topic}") | fake | StrOutputParser(), path="/joke")
        add_routes(app, fake, path="/model")
        add_routes(app, PeerLambda(fail), path="/fail")
        with serving(app) as served:
            yield served


@pytest.mark.filterwarnings("ignore")
def test_it_runs_against_langserve_itself(peer: Served) -> None:
    remote = at(peer, "joke")
    assert remote.invoke({"topic": "x"}) == ANSWER
    assert remote.batch([{"topic": "x"}] * 2) == [ANSWER] * 2
    assert list(remote.stream({"topic": "x"})) == LETTERS
    assert asyncio.run(listed(remote.astream({"topic": "x"}))) == LETTERS
    answer = at(peer, "model").invoke([HumanMessage("hi")])
    assert isinstance(answer, AIMessage)
    assert answer.content == ANSWER


@pytest.mark.filterwarnings("ignore")
def test_errors_of_langserve_are_typed_too(peer: Served) -> None:
    with pytest.raises(RemoteError) as bug:
        at(peer, "fail").invoke("x")
    assert bug.value.status == 500
    with pytest.raises(RemoteError):
        list(at(peer, "fail").stream("x"))
    with pytest.raises(RequestError) as wrong:
        at(peer, "joke").invoke({})
    assert wrong.value.status == 422
