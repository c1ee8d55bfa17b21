"""What the tests of Anthropic's models share: a server, models that speak to it, and the verbs of both colours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from prill.anthropic import ChatAnthropic
from prill.testing import ReplayServer
from providers.clients import Clients

KEY = "sk-ant-very-secret"


@pytest.fixture
def make(server: ReplayServer, clients: Clients) -> Iterator[Callable[..., ChatAnthropic]]:
    made: list[ChatAnthropic] = []

    def make(**settings: Any) -> ChatAnthropic:
        settings = {
            "model": "claude-test",
            "base_url": server.anthropic_url,
            "api_key": KEY,
            "max_retries": 0,
        } | settings
        made.append(ChatAnthropic(**settings, **clients(ChatAnthropic, settings)))
        return made[-1]

    yield make
    for model in made:
        model.close()


@pytest.fixture
def model(make: Callable[..., ChatAnthropic]) -> ChatAnthropic:
    return make()


@pytest.fixture
def verbs(colour: Any) -> Any:
    """The verbs of one colour, so that each behaviour is tested in both."""
    return colour
