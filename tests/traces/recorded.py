"""What was recorded, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prill.output_parsers import StrOutputParser
from prill.prompts import ChatPromptTemplate
from prill.testing import ReplayServer
from prill.traces.file import TraceFile

KEY = "sk-this-is-the-secret-key"


def model(server: ReplayServer, **settings: Any) -> Any:
    from prill.openai import ChatOpenAI

    return ChatOpenAI(**{"model": "gpt-4o-mini", "base_url": server.openai_url, "api_key": KEY, **settings})


def joke(server: ReplayServer) -> Any:
    prompt = ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "A joke about {topic}")])
    return prompt | model(server) | StrOutputParser()


def read_all(path: Path) -> list[dict[str, Any]]:
    """Every run with its values, trees one after another."""
    file = TraceFile(path)
    try:
        roots = reversed(file.list_roots({}, 10_000))
        return [run for root in roots for each in file.read_tree(root["id"]) if (run := file.read_run(each["id"]))]
    finally:
        file.close()
