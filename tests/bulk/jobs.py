"""Chains, rows and outputs of bulk runs."""

from __future__ import annotations

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
