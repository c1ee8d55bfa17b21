"""LangServe's own ``RemoteRunnable`` against Prill's server."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from tests.helpers import listed
from tests.serve.chains import ANSWER, joke, model
from tests.serve.serving import Served, serving

from prill.messages import AIMessage, ToolMessage
from prill.runnables import RunnableLambda
from prill.serve import App

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from langchain_core.messages import AIMessage as PeerAI
    from langchain_core.messages import HumanMessage as PeerHuman
    from langserve import RemoteRunnable

LETTERS = list(ANSWER)


def with_call(messages: Any) -> Any:
    call = {"name": "weather", "args": {"city": "Bern"}, "id": "c1"}
    return [AIMessage("", tool_calls=[call]), ToolMessage("sunny", tool_call_id="c1")]


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    app = App()
    app.add("/joke", joke(), show="steps")
    app.add("/model", model())
    app.add("/tools", RunnableLambda(with_call))
    with serving(app) as served:
        yield served


@pytest.fixture
def remote(server: Served) -> Iterator[Any]:
    remote = RemoteRunnable(f"{server.url}/joke")
    yield remote
    remote.sync_client.close()


def asynchronously(server: Served, use: Callable[[Any], Awaitable[Any]]) -> Any:
    """Use a client in a loop of its own; it does not close its connections by itself."""

    async def main() -> Any:
        remote = RemoteRunnable(f"{server.url}/joke")
        try:
            return await use(remote)
        finally:
            await remote.async_client.aclose()

    return asyncio.run(main())


def test_invoke_and_batch_give_the_outputs(remote: Any) -> None:
    assert remote.invoke({"topic": "owls"}) == ANSWER
    assert remote.batch([{"topic": "owls"}, {"topic": "bees"}]) == [ANSWER, ANSWER]
    assert remote.batch([]) == []


def test_ainvoke_and_abatch_give_the_outputs(server: Served) -> None:
    async def use(remote: Any) -> Any:
        return await remote.ainvoke({"topic": "owls"}), await remote.abatch([{"topic": "owls"}])

    assert asynchronously(server, use) == (ANSWER, [ANSWER])


def test_stream_and_astream_give_the_chunks(server: Served, remote: Any) -> None:
    assert list(remote.stream({"topic": "owls"})) == LETTERS
    assert asynchronously(server, lambda remote: listed(remote.astream({"topic": "owls"}))) == LETTERS


def test_astream_events_gives_the_events_of_all_steps(server: Served) -> None:
    events = asynchronously(server, lambda remote: listed(remote.astream_events({"topic": "owls"}, version="v2")))
    chunks = [event["data"]["chunk"].content for event in events if event["event"] == "on_chat_model_stream"]
    assert chunks == LETTERS
    assert events[0]["event"] == "on_chain_start"
    assert events[-1]["data"]["output"] == ANSWER


def test_astream_log_adds_up_to_the_output(server: Served) -> None:
    async def log(remote: Any) -> Any:
        total: Any = None
        async for patch in remote.astream_log({"topic": "owls"}):
            total = patch if total is None else total + patch
        return total

    assert asynchronously(server, log).state["final_output"] == ANSWER


@pytest.fixture
def remote_at(server: Served) -> Iterator[Callable[[str], Any]]:
    remotes: list[Any] = []

    def make(path: str) -> Any:
        remotes.append(RemoteRunnable(f"{server.url}{path}"))
        return remotes[-1]

    yield make
    for remote in remotes:
        remote.sync_client.close()


def test_messages_arrive_as_messages(remote_at: Callable[[str], Any]) -> None:
    remote = remote_at("/model")
    answer = remote.invoke([PeerHuman("hi")])
    assert isinstance(answer, PeerAI)
    assert answer.content == ANSWER
    assert [chunk.content for chunk in remote.stream([PeerHuman("hi")])] == LETTERS


def test_tool_calls_and_their_results_arrive(remote_at: Callable[[str], Any]) -> None:
    asked, result = remote_at("/tools").invoke([PeerHuman("hi")])
    assert asked.tool_calls[0]["args"] == {"city": "Bern"}
    assert (result.content, result.tool_call_id) == ("sunny", "c1")


def test_it_is_a_step_of_a_chain(remote: Any) -> None:
    assert (remote | (lambda text: text.upper())).invoke({"topic": "owls"}) == ANSWER.upper()
