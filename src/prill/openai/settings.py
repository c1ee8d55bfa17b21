"""The settings that OpenAI's models share, and the servers that speak its protocols."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr

from prill.errors import ConfigError
from prill.providers.servers import SERVERS, Server
from prill.providers.settings import ProviderSettings

# What the SDK's methods take beside the JSON of the request.
_BESIDE = ("timeout", "extra_headers", "extra_query")

# What requests may say that is no setting of a model.
_CALL_WORDS = (
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "functions",
    "function_call",
    "metadata",
    "prediction",
    "stream_options",
    "extra_body",
    "extra_headers",
    "extra_query",
    "previous_response_id",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "prompt_cache_key",
    "safety_identifier",
    "top_k",
    "min_p",
    "min_tokens",
    "reasoning_format",
    "repetition_penalty",
)


class OpenAISettings(ProviderSettings):
    """The address, the key and the patience of a model of OpenAI, or of a server that speaks its protocols.

    ``server`` names such a server (``"groq"``, ``"ollama"`` …), which stands for its address and its key's environment
    variable. Without it these are ``OPENAI_BASE_URL`` and ``OPENAI_API_KEY``.
    """

    base_url: str | None = Field(default=None, validation_alias=AliasChoices("base_url", "openai_api_base"))
    api_key: SecretStr | None = Field(
        default=None, repr=False, validation_alias=AliasChoices("api_key", "openai_api_key")
    )
    organization: str | None = Field(
        default=None, repr=False, validation_alias=AliasChoices("organization", "openai_organization")
    )
    server: str | None = None

    _provider: ClassVar[str] = "openai"
    _package: ClassVar[str] = "openai"
    _client_classes: ClassVar[tuple[str, str]] = ("OpenAI", "AsyncOpenAI")
    _key_variable: ClassVar[str] = "OPENAI_API_KEY"
    _url_variables: ClassVar[tuple[str, ...]] = ("OPENAI_BASE_URL", "OPENAI_API_BASE")
    _call_words: ClassVar[frozenset[str]] = frozenset(_CALL_WORDS)

    @classmethod
    def _check(cls, values: dict[str, Any]) -> None:
        super()._check(values)
        server = values.get("server")
        if server is not None and server not in SERVERS:
            raise ConfigError(f"unknown server {server!r}; known are {', '.join(SERVERS)}. Or give base_url=…")

    @property
    def provider(self) -> str:
        return self.server or self._provider

    @property
    def _known_server(self) -> Server | None:
        return SERVERS[self.server] if self.server is not None else None

    def _key_name(self) -> str:
        server = self._known_server
        return self._key_variable if server is None else server.key_variable or ""

    def _key(self) -> str:
        server = self._known_server
        if server is not None and server.key_variable is not None and self.base_url is None:
            # Its own address is known, but it wants a key all the same.
            return self._known_key() or self._no_key()
        return super()._key()

    def _url(self) -> str | None:
        server = self._known_server
        return super()._url() if server is None else self.base_url or server.base_url

    def _is_openai(self) -> bool:
        """Whether this is OpenAI itself (or Azure's), not a server that speaks like it."""
        url = self._url()
        host = (urlsplit(url).hostname or "") if url else "api.openai.com"
        return host.endswith((".openai.com", ".azure.com", ".azure.us"))

    def _arguments(self) -> dict[str, Any]:
        arguments = super()._arguments()
        if self.organization is not None:
            arguments["organization"] = self.organization
        return arguments


def posted(resource: str, request: dict[str, Any], *named: str) -> Callable[[Any], Any]:
    """How a client sends ``request`` to ``resource`` (``"chat.completions"``): the raw response.

    The SDK is told what it must know, ``named``; the rest goes around its models, which lag behind its servers.
    """
    arguments = {name: request[name] for name in named if name in request}
    arguments |= {name: request[name] for name in _BESIDE if request.get(name) is not None}
    body = {name: value for name, value in request.items() if name not in arguments and name not in _BESIDE}
    body |= body.pop("extra_body", None) or {}

    def send(client: Any) -> Any:
        for part in resource.split("."):
            client = getattr(client, part)
        return client.with_raw_response.create(**arguments, extra_body=body or None)

    return send
