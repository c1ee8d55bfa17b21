"""Chains, rows and outputs of bulk runs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from prill.openai import ChatOpenAI
from prill.output_parsers import StrOutputParser
from prill.prompts import ChatPromptTemplate
from prill.runnables import Runnable
from prill.testing import ReplayServer


def make_chain(url: str, **options: Any) -> Runnable[Any, Any]:
    prompt = ChatPromptTemplate.from_template("Label {text}")
    return prompt | ChatOpenAI(model="small", base_url=url, **options) | StrOutputParser()


def rows(count: int) -> list[dict[str, Any]]:
    return [{"id": f"r{number}", "text": f"text {number}"} for number in range(count)]


def read(path: str | Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text("utf8").splitlines()]


def by_key(path: str | Path, column: str = "id") -> dict[Any, dict[str, Any]]:
    """The rows of an output by their key; each key is there once."""
    lines = read(path)
    found = {line[column]: line for line in lines}
    assert len(found) == len(lines)
    return found


def question(request: Any) -> str:
    """What a request asks."""
    text: str = request.json["messages"][-1]["content"]
    return text


def asked(server: ReplayServer) -> dict[str, int]:
    """How often each question reached the server."""
    counts: dict[str, int] = {}
    for request in server.requests:
        counts[question(request)] = counts.get(question(request), 0) + 1
    return counts


INSIDE = {"now": 0, "most": 0}
"""How many rows are inside ``wait_for_others`` in this process, and were at most."""


async def wait_for_others(row: int) -> int:
    """Wait until 500 rows are in flight here, and return how many were at most."""
    INSIDE["now"] += 1
    INSIDE["most"] = max(INSIDE.values())
    while INSIDE["most"] < 500:  # noqa: ASYNC110 - an event would belong to one event loop, and there are several
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.01)  # the first ones do not leave before the last one came
    INSIDE["now"] -= 1
    return INSIDE["most"]
