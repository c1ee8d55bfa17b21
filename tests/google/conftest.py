"""What the tests of Google's models share: models that ask the server, and answers that it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gemini_answers import as_events
from prill.google import ChatGoogleGenerativeAI
from prill.testing import Recording, ReplayServer

KEY = "AIza-very-secret-key"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def make(server: ReplayServer) -> Iterator[Callable[..., ChatGoogleGenerativeAI]]:
    made: list[ChatGoogleGenerativeAI] = []

    def make(**settings: Any) -> ChatGoogleGenerativeAI:
        given = {"model": "gemini-test", "base_url": server.google_url, "api_key": KEY, "max_retries": 0, **settings}
        made.append(ChatGoogleGenerativeAI(**given))
        return made[-1]

    yield make
    for model in made:
        model.close()


@pytest.fixture
def model(make: Callable[..., ChatGoogleGenerativeAI]) -> ChatGoogleGenerativeAI:
    return make()


@pytest.fixture
def send(server: ReplayServer) -> Callable[..., None]:
    """Puts an answer into the server's queue: bytes, or payloads that are sent as one event each."""

    def send(*payloads: Any, status: int = 200, kind: str | None = None) -> None:
        raw = payloads[0] if isinstance(payloads[0], bytes) else as_events(*payloads)
        kind = kind or ("text/event-stream" if raw.startswith(b"data:") else "application/json; charset=UTF-8")
        server.recording(Recording("gemini", status, {"content-type": kind}, raw))

    return send
