"""Which model a command talks to: the one that is named, or the one that this machine can reach."""

from __future__ import annotations

import http.client
import json
import os
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from prill.chat_models import init_chat_model
from prill.errors import ConfigError
from prill.language_models import BaseChatModel
from prill.providers.settings import ProviderSettings

OLLAMA = "http://localhost:11434"
_BY_KEY = {
    "OPENAI_API_KEY": "openai:gpt-4o-mini",
    "ANTHROPIC_API_KEY": "anthropic:claude-haiku-4-5",
    "GOOGLE_API_KEY": "google_genai:gemini-2.5-flash",
    "GEMINI_API_KEY": "google_genai:gemini-2.5-flash",
}
_PROBE_SECONDS = 0.3


class Found(NamedTuple):
    """A model, and what to call it."""

    model: BaseChatModel
    name: str


def find_model(name: str | None, *, base_url: str | None = None, ollama: str = OLLAMA, **settings: Any) -> Found | None:
    """The model called ``name``; else one that a key in the environment opens; else one of Ollama; else ``None``.

    ``settings`` are arguments of the model, such as ``temperature``; those that are ``None`` are left out.

    Raises:
        ConfigError: the provider is not known, or an address was given without a model.
    """
    settings = {key: value for key, value in settings.items() if value is not None}
    if name is None and base_url is not None:
        raise ConfigError("--base-url is the address of a model that is named: add --model, such as openai:qwen3")
    if name is not None:
        more = {} if base_url is None else {"base_url": base_url}
        return Found(init_chat_model(name, **more, **settings), name)
    for variable, known in _BY_KEY.items():
        if os.environ.get(variable):
            return Found(init_chat_model(known, **settings), f"{known} ({variable})")
    local = first_ollama_model(ollama)
    if local is None:
        return None
    return Found(init_chat_model(f"ollama:{local}", base_url=f"{ollama}/v1", **settings), f"ollama:{local} ({ollama})")


def check_key(model: BaseChatModel) -> None:
    """Check that a provider's model has its key, before a conversation starts.

    Raises:
        ModelAuthenticationError: it has none; the error names the environment variable.
    """
    if isinstance(model, ProviderSettings):
        model.check_key()


def first_ollama_model(url: str) -> str | None:
    """The first model that an Ollama server at ``url`` has; ``None`` if there is no server, or no model."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=_PROBE_SECONDS)
    with suppress(OSError, ValueError, LookupError, TypeError, http.client.HTTPException):
        try:
            connection.request("GET", "/api/tags")
            return str(json.loads(connection.getresponse().read())["models"][0]["name"])
        finally:
            connection.close()
    return None
