"""The settings that Anthropic's models share, and the requests made with them."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import AliasChoices, Field, SecretStr

from prill.errors import ConfigError
from prill.providers.calls import Call, make_call
from prill.providers.settings import ProviderSettings

_SENT = (
    "model",
    "max_tokens",
    "temperature",
    "top_k",
    "top_p",
    "thinking",
    "service_tier",
    "container",
    "inference_geo",
    "context_management",
    "mcp_servers",
    "betas",
)

# What requests may say that is not a setting of a model.
_CALL_WORDS = (
    "tools",
    "tool_choice",
    "system",
    "metadata",
    "cache_control",
    "extra_body",
    "extra_headers",
    "extra_query",
    "speed",
)


class AnthropicSettings(ProviderSettings):
    """What Anthropic's models share."""

    base_url: str | None = Field(default=None, validation_alias=AliasChoices("base_url", "anthropic_api_url"))
    api_key: SecretStr | None = Field(
        default=None, repr=False, validation_alias=AliasChoices("api_key", "anthropic_api_key")
    )
    timeout: Any = Field(
        default=None, validation_alias=AliasChoices("timeout", "request_timeout", "default_request_timeout")
    )
    model: str = Field(validation_alias=AliasChoices("model", "model_name"))
    max_tokens: int = Field(default=1024, gt=0, validation_alias=AliasChoices("max_tokens", "max_tokens_to_sample"))
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    stop: list[str] | str | None = Field(default=None, validation_alias=AliasChoices("stop", "stop_sequences"))
    thinking: dict[str, Any] | None = None
    effort: str | None = Field(default=None, validation_alias=AliasChoices("effort", "reasoning_effort"))
    output_config: dict[str, Any] | None = None
    service_tier: str | None = None
    container: Any = None
    inference_geo: str | None = None
    context_management: dict[str, Any] | None = None
    betas: list[str] | None = None
    mcp_servers: list[dict[str, Any]] | None = Field(default=None, repr=False)  # they may hold tokens
    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    streaming: bool = Field(default=False, repr=False)
    stream_usage: bool = Field(default=True, repr=False)

    _provider: ClassVar[str] = "anthropic"
    _key_variable: ClassVar[str] = "ANTHROPIC_API_KEY"
    _url_variables: ClassVar[tuple[str, ...]] = ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_URL")
    _call_words: ClassVar[frozenset[str]] = frozenset(_CALL_WORDS)

    @property
    def _identifying_params(self) -> dict[str, Any]:
        # Addresses of MCP servers come with their tokens.
        return {name: value for name, value in self._settings().items() if name != "mcp_servers"}

    def _settings(self) -> dict[str, Any]:
        """What each request says, beside the messages."""
        said = {name: value for name in _SENT if (value := getattr(self, name)) is not None}
        if stop := stops(self.stop):
            said["stop_sequences"] = stop
        output = {**(self.output_config or {}), **({"effort": self.effort} if self.effort else {})}
        if output:
            said["output_config"] = output
        return {**said, **self.model_kwargs}

    def _default_url(self) -> str:
        return "https://api.anthropic.com"

    def _identify(self, key: str) -> dict[str, str | None]:
        return {"authorization": f"Bearer {key}", "anthropic-version": _VERSION}

    def _to_call(self, request: dict[str, Any]) -> Call:
        request = dict(request)
        if betas := request.pop("betas", None):
            request["extra_headers"] = {**(request.get("extra_headers") or {}), "anthropic-beta": ",".join(betas)}
        return make_call("/v1/messages", request)

    def _check_length(self, request: dict[str, Any]) -> None:
        """Refuse an answer in one piece that takes longer than a connection stays open without a byte.

        Raises:
            ConfigError: see https://docs.anthropic.com/en/api/errors#long-requests
        """
        if self.timeout is None and request.get("timeout") is None and request["max_tokens"] > _LONGEST_WHOLE:
            raise ConfigError(
                f"an answer of up to max_tokens={request['max_tokens']} tokens may take longer than ten minutes, which "
                "is too long for one piece. Stream it (stream, or streaming=True), or give a timeout."
            )


_VERSION = "2026-10-21"
_LONGEST_WHOLE = 128_000 // 6
"""The tokens that come in ten minutes, at 128,000 an hour."""


def stops(stop: list[str] | str | None) -> list[str] | None:
    """The stop sequences, as the list that the API wants."""
    return [stop] if isinstance(stop, str) else stop
