"""The settings that OpenAI's models share, and the servers that speak its protocols."""

from __future__ import annotations

import os
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr

from prill.errors import ConfigError
from prill.providers.servers import SERVERS, Server
from prill.providers.settings import ProviderSettings

# What requests may say that is not a setting of a model.
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
    "top_k",
    "min_p",
    "min_tokens",
    "reasoning_format",
    "repetition_penalty",
)


class OpenAISettings(ProviderSettings):
    """The address, the key and the patience of a model of OpenAI, or of a server that speaks its protocols.

    ``server`` names such a server (``"groq"``, ``"ollama"`` …), which stands for its address and its key's environment
    variable. Without it these are ``OPENAI_BASE_URL`` and ``OPENAI_API_KEY``. ``proxy`` is ``OPENAI_PROXY`` where that
    is set.

    ``tiktoken_model_name`` is taken as programs give it, and changes nothing: ``custom_get_token_ids`` counts tokens.
    """

    base_url: str | None = Field(default=None, validation_alias=AliasChoices("base_url", "openai_api_base"))
    api_key: SecretStr | None = Field(
        default=None, repr=False, validation_alias=AliasChoices("api_key", "openai_api_key")
    )
    organization: str | None = Field(
        default=None, repr=False, validation_alias=AliasChoices("organization", "openai_organization")
    )
    server: str | None = None
    proxy: SecretStr | None = Field(
        default=None, exclude=True, repr=False, validation_alias=AliasChoices("proxy", "openai_proxy")
    )
    tiktoken_model_name: str | None = Field(default=None, exclude=True, repr=False)

    _provider: ClassVar[str] = "openai"
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

    def _known_proxy(self) -> str | None:
        return super()._known_proxy() or os.environ.get("OPENAI_PROXY") or None

    def _url(self) -> str | None:
        server = self._known_server
        return super()._url() if server is None else self.base_url or server.base_url

    def _is_openai(self) -> bool:
        """Whether this is OpenAI itself (or Azure's), not a server that speaks like it."""
        url = self._url()
        host = (urlsplit(url).hostname or "") if url else "api.openai.com"
        return host.endswith((".openai.com", ".azure.com", ".azure.us"))

    def _default_url(self) -> str:
        return "https://api.openai.com/v1"

    def _identify(self, key: str) -> dict[str, str | None]:
        return {
            "authorization": f"Bearer {key}",
            "openai-organization": self.organization or os.environ.get("OPENAI_ORG_ID") or None,
            "openai-project": os.environ.get("OPENAI_PROJECT_ID") or None,
        }
