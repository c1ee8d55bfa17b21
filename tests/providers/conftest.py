"""One server, and a chat model of each vendor that asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from prill.anthropic import ChatAnthropic
from prill.google import ChatGoogleGenerativeAI
from prill.openai import ChatOpenAI
from prill.testing import ReplayServer
from providers.clients import clients_for, close_clients

KEY = "sk-very-secret-key-0123456789"

Make = Callable[..., Any]


def openai(server: ReplayServer, **settings: Any) -> Any:
    given = {"model": "gpt-4o", "base_url": server.openai_url, "api_key": KEY, "max_retries": 0}
    return ChatOpenAI(**{**given, **settings})


def responses(server: ReplayServer, **settings: Any) -> Any:
    return openai(server, use_responses_api=True, **settings)


def anthropic(server: ReplayServer, **settings: Any) -> Any:
    given = {"model": "claude-test", "base_url": server.anthropic_url, "api_key": KEY, "max_retries": 0}
    return ChatAnthropic(**{**given, **settings})


def google(server: ReplayServer, **settings: Any) -> Any:
    given = {"model": "gemini-test", "base_url": server.google_url, "api_key": KEY, "max_retries": 0}
    return ChatGoogleGenerativeAI(**{**given, **settings})


@pytest.fixture
def way() -> str:
    """How the model of a test sends its requests: one of ``WAYS``; modules that try all of them say so."""
    return "own"


@pytest.fixture(params=[openai, anthropic, responses, google], ids=["openai", "anthropic", "responses", "google"])
def make(request: pytest.FixtureRequest, server: ReplayServer, way: str) -> Iterator[Make]:
    """Makes a model of one vendor; its ``provider`` says which."""
    made: list[Any] = []

    def make(**settings: Any) -> Any:
        model = request.param(server, **settings)
        if way != "own" and not {"client", "http_client"} & settings.keys():
            known = {"api_key": KEY, "base_url": model.base_url}
            clients = clients_for(way, type(model), known)
            model = request.param(server, **settings, **clients)
        made.append(model)
        return model

    yield make
    for model in made:
        model.close()
        close_clients(model)
