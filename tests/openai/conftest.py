"""A server, models that ask it, both colours, and a small separate reader of recordings to compare with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from prill.callbacks.run import UNWATCHED
from prill.io import drive_stream
from prill.messages import AIMessageChunk, merge_chunks
from prill.openai import ChatOpenAI
from prill.testing import ReplayServer
from providers.answered import Answered
from providers.clients import Clients

KEY = "sk-very-secret-key"


@pytest.fixture
def make(server: ReplayServer, clients: Clients) -> Iterator[Callable[..., ChatOpenAI]]:
    made: list[ChatOpenAI] = []

    def make(**settings: Any) -> ChatOpenAI:
        given = {"model": "gpt-4o", "base_url": server.openai_url, "api_key": KEY, "max_retries": 0, **settings}
        made.append(ChatOpenAI(**given, **clients(ChatOpenAI, given)))
        return made[-1]

    yield make
    for model in made:
        model.close()


@pytest.fixture
def model(make: Callable[..., ChatOpenAI]) -> ChatOpenAI:
    return make()


@pytest.fixture
def decode() -> Callable[..., AIMessageChunk]:
    """Decode a body in the given pieces, by a model's own loop over bytes."""
    model = ChatOpenAI(model="gpt-4o", api_key=KEY)

    def decode(*pieces: bytes) -> Any:
        async def opening() -> Any:
            return Answered(*pieces)

        return merge_chunks(list(drive_stream(model._read_stream(UNWATCHED, opening, model._decoder))))

    return decode


def events_in(body: bytes) -> list[Any]:
    """The JSON of a body's events, read line by line: no event in the recordings has two lines of data."""
    lines = body.decode().replace("\r\n", "\n").split("\n")
    return [json.loads(line[5:]) for line in lines if line.startswith("data:") and line[5:].strip() != "[DONE]"]


@pytest.fixture(scope="session")
def read_chat() -> Callable[[bytes], dict[str, Any]]:
    """What a recorded chat completion says, read the simple way."""

    def read(body: bytes) -> dict[str, Any]:
        payloads = events_in(body) if b"data:" in body[:4000] else [json.loads(body)]
        said: dict[str, Any] = {"text": "", "reasoning": "", "refusal": "", "calls": {}, "usage": None, "finish": None}
        for payload in payloads:
            said["usage"] = payload.get("usage") or (payload.get("x_groq") or {}).get("usage") or said["usage"]
            said["model"] = payload.get("model") or said.get("model")
            said["error"] = payload.get("error") or said.get("error")
            for choice in payload.get("choices") or ():
                if choice.get("index"):
                    continue
                delta = choice.get("delta") or choice.get("message") or {}
                said["finish"] = choice.get("finish_reason") or said["finish"]
                for part in _parts(delta.get("content")):
                    if part["type"] == "text":
                        said["text"] += part["text"]
                    else:
                        said["reasoning"] += "".join(inner["text"] for inner in part["thinking"])
                details = "".join(part.get("text", "") for part in delta.get("reasoning_details") or ())
                said["reasoning"] += delta.get("reasoning_content") or delta.get("reasoning") or details
                said["refusal"] += delta.get("refusal") or ""
                _add_calls(said["calls"], delta.get("tool_calls") or ())
        return said

    return read


def _parts(content: Any) -> list[dict[str, Any]]:
    if content is None:
        return []
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _add_calls(calls: dict[Any, Any], deltas: Any) -> None:
    for place, delta in enumerate(deltas):
        key = delta.get("index", f"{len(calls)}-{place}")
        call = calls.setdefault(key, {"name": "", "args": "", "id": ""})
        call["name"] = call["name"] or delta["function"].get("name") or ""
        call["id"] = call["id"] or delta.get("id") or ""
        call["args"] += delta["function"].get("arguments") or ""
