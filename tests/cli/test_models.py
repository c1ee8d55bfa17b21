"""Which model a command finds."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from prill.anthropic import ChatAnthropic
from prill.cli.models import find_model, first_ollama_model
from prill.errors import ConfigError
from prill.google import ChatGoogleGenerativeAI
from prill.openai import ChatOpenAI

Serve = Callable[[str], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers that answer every GET with a body; they end with the test."""
    with ExitStack() as stack:

        def start(body: str) -> str:
            class Handler(BaseHTTPRequestHandler):
                def do_GET(self) -> None:
                    self.send_response(200)
                    self.end_headers()
                    self.wfile.write(body.encode())

                def log_message(self, *args: Any) -> None:
                    pass

            server = stack.enter_context(HTTPServer(("127.0.0.1", 0), Handler))
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}"

        yield start


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where nobody answers."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_a_named_model_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody")
    found = find_model("anthropic:claude-haiku-4-5")
    assert found is not None
    assert isinstance(found.model, ChatAnthropic)
    assert found.name == "anthropic:claude-haiku-4-5"


@pytest.mark.parametrize(
    ("variable", "kind"),
    [
        ("OPENAI_API_KEY", ChatOpenAI),
        ("ANTHROPIC_API_KEY", ChatAnthropic),
        ("GOOGLE_API_KEY", ChatGoogleGenerativeAI),
        ("GEMINI_API_KEY", ChatGoogleGenerativeAI),
    ],
)
def test_else_a_key_in_the_environment_names_the_provider(
    variable: str, kind: type, monkeypatch: pytest.MonkeyPatch, nobody: str
) -> None:
    monkeypatch.setenv(variable, "sk-of-somebody")
    found = find_model(None, ollama=nobody)
    assert found is not None
    assert isinstance(found.model, kind)
    assert variable in found.name
    assert "sk-of-somebody" not in found.name


def test_else_ollama_on_this_machine(serve: Serve) -> None:
    url = serve(json.dumps({"models": [{"name": "llama3.2:latest"}, {"name": "other"}]}))
    found = find_model(None, ollama=url)
    assert found is not None
    assert isinstance(found.model, ChatOpenAI)
    assert found.model.model == "llama3.2:latest"
    assert found.model.base_url == f"{url}/v1"


@pytest.mark.parametrize("body", ['{"models": []}', "{}", "<html>", "[1]", '{"models": null}'])
def test_a_server_that_is_no_ollama_or_has_no_model_is_passed_by(serve: Serve, body: str) -> None:
    assert first_ollama_model(serve(body)) is None


def test_else_there_is_none(nobody: str) -> None:
    assert find_model(None, ollama=nobody) is None


def test_base_url_leads_a_named_model_elsewhere() -> None:
    found = find_model("openai:gpt-4o", base_url="http://127.0.0.1:9/v1")
    assert found is not None
    assert isinstance(found.model, ChatOpenAI)
    assert found.model.base_url == "http://127.0.0.1:9/v1"


def test_an_unknown_provider_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="unknown provider 'nonsense'"):
        find_model("nonsense:model")


def test_an_address_without_a_model_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="add --model"):
        find_model(None, base_url="http://127.0.0.1:9/v1")
