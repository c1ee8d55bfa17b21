"""Whole chains over HTTP, against the official SDKs' own iteration and langchain's models.

The server is in another process; what is counted is the processor time of this one, the request included.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator
from importlib.util import find_spec
from typing import Any

from bench.kernel import library
from bench.measure import SHOWN, Effort, Goal, Row, Sample, at_most, cpu, in_loop, versus
from bench.server import running

QUESTION = {"question": "Why?"}
MESSAGES = [{"role": "user", "content": "Why?"}]
SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}}
OPENAI_TOOLS = [{"type": "function", "function": {"name": "write", "parameters": SCHEMA}}]
ANTHROPIC_TOOLS = [{"name": "write", "input_schema": SCHEMA}]
ROUNDS = 3

Start = Callable[[], Any]
"""Begins a stream: an iterator, an async one, or what is awaited for one."""

AsyncStart = tuple[Start, Callable[[], Awaitable[None]]]
"""The same, and what closes its client."""


def _plain(start: Start, tokens: int) -> Sample:
    def work() -> None:
        for _ in range(ROUNDS):
            count = sum(1 for _ in start())
            assert count >= tokens

    return lambda: cpu(work, ROUNDS * tokens)


def _asyncio(make: Callable[[], AsyncStart], tokens: int) -> Sample:
    """``make`` is called anew in each loop, because a client's connections belong to one; the client is not counted."""
    made: AsyncStart

    async def work(rounds: int = ROUNDS) -> None:
        for _ in range(rounds):
            stream = made[0]()
            count = 0
            async for _ in await stream if hasattr(stream, "__await__") else stream:
                count += 1
            assert count >= tokens

    async def before() -> None:
        nonlocal made
        made = make()
        await work(1)

    return lambda: in_loop(work, ROUNDS * tokens, before=before, after=lambda: made[1]())


async def _nothing() -> None:
    """For what closes itself."""


class Vendor:
    """The ways to one vendor's stream: the bare SDK, our model, langchain's model."""

    name: str
    sdk: str
    tools: list[dict[str, Any]]

    def bare(self, url: str, tools: bool) -> Start:
        raise NotImplementedError

    def abare(self, url: str, tools: bool) -> AsyncStart:
        raise NotImplementedError

    def model(self, url: str) -> Any:
        raise NotImplementedError

    def peer(self, url: str) -> Any:
        raise NotImplementedError


class OpenAI(Vendor):
    name, sdk, tools = "ChatOpenAI", "openai", OPENAI_TOOLS

    def _request(self, tools: bool) -> dict[str, Any]:
        request = {
            "model": "gpt-4o",
            "messages": MESSAGES,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        return {**request, "tools": self.tools} if tools else request

    def bare(self, url: str, tools: bool) -> Start:
        import openai

        client = openai.OpenAI(base_url=f"{url}/v1", api_key="test")
        return lambda: client.chat.completions.create(**self._request(tools))

    def abare(self, url: str, tools: bool) -> AsyncStart:
        import openai

        client = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="test")
        return lambda: client.chat.completions.create(**self._request(tools)), client.close

    def model(self, url: str) -> Any:
        from prill.openai import ChatOpenAI

        return ChatOpenAI(model="gpt-4o", base_url=f"{url}/v1", api_key="test")

    def peer(self, url: str) -> Any:
        from langchain_openai import ChatOpenAI

        import openai

        # By default it would share one client between event loops, and fail in the second.
        own = {"http_async_client": openai.DefaultAsyncHttpxClient()}
        return ChatOpenAI(model="gpt-4o", base_url=f"{url}/v1", api_key="test", stream_usage=True, **own)


class Anthropic(Vendor):
    name, sdk, tools = "ChatAnthropic", "anthropic", ANTHROPIC_TOOLS

    def _request(self, tools: bool) -> dict[str, Any]:
        request = {"model": "claude-sonnet-4-5", "messages": MESSAGES, "max_tokens": 1024, "stream": True}
        return {**request, "tools": self.tools} if tools else request

    def bare(self, url: str, tools: bool) -> Start:
        import anthropic

        client = anthropic.Anthropic(base_url=url, api_key="test")
        return lambda: client.messages.create(**self._request(tools))

    def abare(self, url: str, tools: bool) -> AsyncStart:
        import anthropic

        client = anthropic.AsyncAnthropic(base_url=url, api_key="test")
        return lambda: client.messages.create(**self._request(tools)), client.close

    def model(self, url: str) -> Any:
        from prill.anthropic import ChatAnthropic

        return ChatAnthropic(model="claude-sonnet-4-5", base_url=url, api_key="test")

    def peer(self, url: str) -> Any:
        from langchain_anthropic import ChatAnthropic

        return ChatAnthropic(model="claude-sonnet-4-5", base_url=url, api_key="test", max_tokens=1024)


def _chain(model: Any, root: str = "prill") -> Any:
    lib = library(root)
    return lib.ChatPromptTemplate.from_template("{question}") | model | lib.StrOutputParser()


def _rows(vendor: Vendor, effort: Effort) -> Iterator[Row]:
    os.environ.pop("OPENAI_PROXY", None)
    tokens = effort.of(3000)
    few = Effort(min(effort.repeats, 5))
    full = f"`prompt | {vendor.name} | StrOutputParser`"
    with running(tokens) as url:
        chain, model = _chain(vendor.model(url)), vendor.model(url)
        bare, bare_tools = vendor.bare(url, False), vendor.bare(url, True)

        def row(what: str, ours: Sample, peer: Sample, goal: Goal) -> Row:
            return versus(what, ours, peer, goal, few, unit="chunk", name=f"{vendor.sdk} SDK")

        def apart(asked: Callable[[Any], Any], new: Callable[[str], Any], chained: bool, root: str = "prill") -> Sample:
            def make() -> AsyncStart:
                model = new(url)
                asked_of = _chain(model, root) if chained else model
                client = getattr(model, "http_async_client", None)
                return lambda: asked(asked_of), client.aclose if client is not None else _nothing

            return _asyncio(make, tokens)

        abare = _asyncio(lambda: vendor.abare(url, False), tokens)
        plain = _plain(lambda: chain.stream(QUESTION), tokens)
        alone = _plain(lambda: model.stream("Why?"), tokens)
        called = _plain(lambda: model.stream("Why?", tools=vendor.tools), tokens)
        achain = apart(lambda made: made.astream(QUESTION), vendor.model, True)
        yield row(f"{full}, stream", plain, _plain(bare, tokens), at_most(0.25))
        yield row(f"{full}, astream", achain, abare, at_most(0.25))
        yield row(f"{vendor.name} alone, stream", alone, _plain(bare, tokens), at_most(0.15))
        yield row(
            f"{vendor.name} alone, astream",
            apart(lambda made: made.astream("Why?"), vendor.model, False),
            abare,
            at_most(0.15),
        )
        yield row(f"{vendor.name} alone, tool call, stream", called, _plain(bare_tools, tokens), at_most(0.15))
        yield row(
            f"{vendor.name} alone, tool call, astream",
            apart(lambda made: made.astream("Why?", tools=vendor.tools), vendor.model, False),
            _asyncio(lambda: vendor.abare(url, True), tokens),
            at_most(0.15),
        )
        package = f"langchain-{vendor.sdk}"
        if find_spec(package.replace("-", "_")) is None:
            return
        theirs = _chain(vendor.peer(url), "langchain_core")
        shown = Effort(min(effort.repeats, 3))
        their_plain = _plain(lambda: theirs.stream(QUESTION), tokens)
        yield versus(f"{full}, stream, against {package}", plain, their_plain, SHOWN, shown, unit="chunk", name=package)
        their_asyncio = apart(lambda made: made.astream(QUESTION), vendor.peer, True, "langchain_core")
        yield versus(
            f"{full}, astream, against {package}", achain, their_asyncio, SHOWN, shown, unit="chunk", name=package
        )


def openai(effort: Effort) -> Iterator[Row]:
    return _rows(OpenAI(), effort)


def anthropic(effort: Effort) -> Iterator[Row]:
    return _rows(Anthropic(), effort)


ROWS = [openai, anthropic]
