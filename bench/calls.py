"""Short calls, not streamed, many at once: a model against its vendor's SDK and against a bare HTTP client.

The server is in another process; the processor time of this one is counted, the request included.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from statistics import median
from typing import Any

from bench.measure import SHOWN_SHARE, Effort, Row, Sample, at_most, cpu, duration, in_loop, in_turn, versus
from bench.server import running

TOKENS = 45
THREADS = 8
QUESTION = "Why is the sky blue?"
REQUEST: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": QUESTION}], "stream": False}

Ask = Callable[[], Awaitable[object]]
Client = tuple[Ask, Callable[[], Awaitable[object]]]
"""What makes one call, and what closes its client."""


def _model(url: str) -> Client:
    from prill.openai import ChatOpenAI

    model = ChatOpenAI(model="gpt-4o", base_url=f"{url}/v1", api_key="test")  # type: ignore[arg-type]  # as users do
    return lambda: model.ainvoke(QUESTION), model.aclose


def _sdk(url: str) -> Client:
    import openai

    client = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="test")
    return lambda: client.chat.completions.create(**REQUEST), client.close


def _aiohttp(url: str) -> Client:
    import aiohttp

    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1000))

    async def ask() -> object:
        headers = {"authorization": "Bearer test"}
        async with session.post(f"{url}/v1/chat/completions", json=REQUEST, headers=headers) as answer:
            return await answer.json()

    return ask, session.close


def _at_once(make: Callable[[str], Client], url: str, width: int, calls: int) -> Sample:
    """``calls`` calls, ``width`` of them under way at any time; connections are made before."""
    made: Client

    async def ask(count: int) -> None:
        left = iter(range(count))

        async def worker() -> None:
            for _ in left:
                await made[0]()

        await asyncio.gather(*[worker() for _ in range(width)])

    async def before() -> None:
        nonlocal made
        made = make(url)
        await ask(width)

    return lambda: in_loop(lambda: ask(calls), calls, before=before, after=lambda: made[1]())


def _in_threads(ask: Callable[[], object], calls: int) -> Sample:
    def sample() -> float:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda _: ask(), range(THREADS * 2)))
            return cpu(lambda: list(pool.map(lambda _: ask(), range(calls))), calls)

    return sample


def asyncio_calls(effort: Effort) -> Iterator[Row]:
    few = Effort(min(effort.repeats, 5))
    calls, width = effort.of(600), effort.of(100)
    with running(TOKENS) as url:
        ours = _at_once(_model, url, width, calls)
        what = f"a short call, ainvoke, {width} at once"
        yield versus(what, ours, _at_once(_sdk, url, width, calls), at_most(0.3), few, unit="call", name="openai SDK")
        if find_spec("aiohttp") is not None:
            bare = _at_once(_aiohttp, url, width, calls)
            yield versus(
                f"{what}, against a bare client", ours, bare, SHOWN_SHARE, few, unit="call", name="bare aiohttp"
            )
        wide = effort.of(1000)
        many = _at_once(_model, url, wide, max(calls, wide))
        yield versus(
            f"a short call, ainvoke, {wide:,} at once",
            many,
            ours,
            at_most(1.3),
            few,
            unit="call",
            name=f"{width} at once",
        )


def blocking_calls(effort: Effort) -> Iterator[Row]:
    import openai
    from prill.openai import ChatOpenAI

    few, calls = Effort(min(effort.repeats, 5)), effort.of(600)
    with running(TOKENS) as url:
        model = ChatOpenAI(model="gpt-4o", base_url=f"{url}/v1", api_key="test")  # type: ignore[arg-type]  # as above
        with openai.OpenAI(base_url=f"{url}/v1", api_key="test") as client:
            ours = _in_threads(lambda: model.invoke(QUESTION), calls)
            bare = _in_threads(lambda: client.chat.completions.create(**REQUEST), calls)
            what = f"a short call, invoke, in {THREADS} threads"
            yield versus(what, ours, bare, at_most(0.5), few, unit="call", name="openai SDK")
        model.close()


_FRESH = """
import {also}time
from {root}.messages import HumanMessage
start = time.process_time()
from {module} import ChatOpenAI
model = ChatOpenAI(model="gpt-4o", base_url={url!r}, api_key="test")
{ask}
"""

_BLOCKING = """
next(iter(model.stream("Hi")))
print(time.process_time() - start)
"""

_ASYNCIO = """
async def ask():
    async for chunk in model.astream("Hi"):
        return

asyncio.run(ask())
print(time.process_time() - start)
"""

_LAG = """
async def tick():
    global longest
    last = time.process_time()
    while True:
        await asyncio.sleep(0)
        now = time.process_time()  # of all threads; by the clock, other processes would be measured
        longest, last = max(longest, now - last), now

async def ask():
    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0)
    async for chunk in model.astream("Hi"):
        break
    ticking.cancel()

longest = 0.0
asyncio.run(ask())
print(longest)
"""

_PEER = "langchain-openai"


class _FreshProcesses:
    """What a program measures of itself that asks a model once, in fresh processes, from compiled files."""

    def __init__(self, url: str, cache: str, effort: Effort) -> None:
        self._url = f"{url}/v1"
        self._repeats = min(effort.repeats, 5)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self._environment = {**environment, "PYTHONPYCACHEPREFIX": cache}

    def measure(self, what: str, ask: str, limit: float) -> Row:
        def fresh(root: str, module: str) -> float:
            also = "asyncio, " if "asyncio" in ask else ""
            script = _FRESH.format(also=also, root=root, module=module, url=self._url, ask=ask)
            command = [sys.executable, "-W", "ignore", "-c", script]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=self._environment)
            return float(done.stdout)

        samples: list[Sample] = [lambda: fresh("prill", "prill.openai")]
        if find_spec("langchain_openai") is not None:
            samples.append(lambda: fresh("langchain_core", "langchain_openai"))
        own, *other = in_turn(samples, self._repeats)
        peer = f"{duration(median(other[0]))} ({_PEER})" if other else "–"
        note = "the ratio column shows ours in seconds"
        return Row(what, duration(median(own)), peer, tuple(own), at_most(limit), note)


def first_answer(effort: Effort) -> Iterator[Row]:
    with running(TOKENS) as url, tempfile.TemporaryDirectory() as cache:
        fresh = _FreshProcesses(url, cache, effort)
        whole = "a fresh process, from the import of messages to the first chunk of a stream"
        yield fresh.measure(whole, _BLOCKING, 0.35)
        yield fresh.measure(f"{whole}, with asyncio", _ASYNCIO, 0.35)
        yield fresh.measure(
            "the longest wait of an event loop, in processor time, in the first call of a fresh process", _LAG, 0.02
        )


ROWS = [asyncio_calls, blocking_calls, first_answer]
