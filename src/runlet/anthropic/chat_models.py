"""Anthropic's models, through the messages API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import httpx2
from pydantic import AliasChoices, Field, SecretStr
from pydantic_core import from_json

from runlet.anthropic.decode import AnthropicDecoder, events_of, wants_blocks
from runlet.anthropic.encode import encode_messages
from runlet.errors import ConfigError
from runlet.messages import BaseMessage, merge_chunks, message_chunk_to_message
from runlet.outputs import ChatGeneration, ChatResult
from runlet.providers.chat import ProviderChatModel


class ChatAnthropic(ProviderChatModel):
    """Anthropic's models.

        model = ChatAnthropic(model="claude-sonnet-4-5")
        for chunk in model.stream("Write a verse about goldfish on the moon"):
            print(chunk.content, end="", flush=True)

    The key is ``api_key`` or the environment variable ``ANTHROPIC_API_KEY``, the address ``base_url`` or
    ``ANTHROPIC_BASE_URL`` (without ``/v1``, which the SDK adds).

    An answer's content is text; it is a list of Anthropic's blocks where thinking, tools that the provider runs, or
    citations are asked for or come. Sent back, such a message is what it was, signatures included.

    ``thinking``, ``service_tier``, ``mcp_servers``, ``context_management`` and what is in ``model_kwargs`` go into the
    request as they are; ``effort`` goes into its ``output_config``, ``betas`` into the header ``anthropic-beta``.
    ``metadata`` is for observers; the API's own is given as ``model_kwargs={"metadata": {"user_id": …}}``.
    """

    base_url: str | None = Field(default=None, validation_alias=AliasChoices("base_url", "anthropic_api_url"))
    api_key: SecretStr | None = Field(
        default=None, repr=False, validation_alias=AliasChoices("api_key", "anthropic_api_key")
    )
    max_tokens: int = Field(
        default=1024, gt=0, validation_alias=AliasChoices("max_tokens", "max_tokens_to_sample")
    )
    top_k: int | None = None
    top_p: float | None = None
    thinking: dict[str, Any] | None = None
    effort: str | None = None
    service_tier: str | None = None
    betas: list[str] | None = None
    mcp_servers: list[dict[str, Any]] | None = Field(default=None, repr=False)
    context_management: dict[str, Any] | None = None
    model_kwargs: dict[str, Any] = Field(default_factory=dict)

    _provider: ClassVar[str] = "anthropic"
    _package: ClassVar[str] = "anthropic"
    _client_classes: ClassVar[tuple[str, str]] = ("Anthropic", "AsyncAnthropic")
    _key_variable: ClassVar[str] = "ANTHROPIC_API_KEY"
    _url_variables: ClassVar[tuple[str, ...]] = ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_URL")

    @property
    def _llm_type(self) -> str:
        return "anthropic-chat"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model, "max_tokens": self.max_tokens, **self._settings()}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        params = {
            "ls_provider": self._provider,
            "ls_model_name": kwargs.get("model", self.model),
            "ls_model_type": "chat",
            "ls_temperature": kwargs.get("temperature", self.temperature),
            "ls_max_tokens": kwargs.get("max_tokens", self.max_tokens),
        }
        stop = stop or _stops(self.stop)
        return {**params, "ls_stop": stop} if stop else params

    def _settings(self) -> dict[str, Any]:
        """The constructor's part of each request."""
        settings = {
            "temperature": self.temperature,
            "top_k": self.top_k,
            "top_p": self.top_p,
            "stop_sequences": _stops(self.stop),
            "thinking": self.thinking,
            "output_config": {"effort": self.effort} if self.effort else None,
            "service_tier": self.service_tier,
            "mcp_servers": self.mcp_servers,
            "context_management": self.context_management,
            "betas": self.betas,
        }
        return {**{name: value for name, value in settings.items() if value is not None}, **self.model_kwargs}

    def _request(self, messages: list[BaseMessage], streaming: bool, kwargs: dict[str, Any]) -> dict[str, Any]:
        system, turns = encode_messages(messages)
        request = {"model": self.model, "max_tokens": self.max_tokens, "messages": turns, "stream": streaming}
        if system is not None:
            request["system"] = system
        request |= self._settings()
        said = dict(kwargs)
        stop = _stops(said.pop("stop", None))
        if stop:
            request["stop_sequences"] = stop
        request |= {name: value for name, value in said.items() if value is not None}
        return request

    def _post(self, request: dict[str, Any]) -> Callable[[Any], Any]:
        body = dict(request)
        named = {name: body.pop(name) for name in _NAMED if name in body}
        headers = dict(named.pop("extra_headers", None) or {})
        if betas := body.pop("betas", None):
            headers["anthropic-beta"] = ",".join(betas)
        # The rest goes by: the SDK would refuse what it is too old to know.
        body |= named.pop("extra_body", None) or {}
        return lambda client: client.messages.with_raw_response.create(**named, extra_headers=headers, extra_body=body)

    def _failure(self, error: Exception) -> Exception:
        if type(error) is ValueError and "10 minutes" in str(error):
            return ConfigError(
                f"an answer of up to max_tokens={self.max_tokens} tokens may take longer than the ten minutes that "
                "Anthropic's SDK allows in one piece. Stream it (stream, or streaming=True), or give a timeout."
            )
        return super()._failure(error)

    def _decoder(self, response: httpx2.Response) -> AnthropicDecoder:
        blocks = wants_blocks(from_json(response.request.content))
        return AnthropicDecoder(blocks=blocks, count_tokens=self.stream_usage)

    def _result(self, payload: Any, response: httpx2.Response) -> ChatResult:
        if not isinstance(payload, dict) or not isinstance(payload.get("content"), list):
            raise self._not_in_protocol(response.text[:200], response)
        decoder = AnthropicDecoder(blocks=wants_blocks(from_json(response.request.content)))
        chunks = [chunk for event in events_of(payload) for chunk in decoder.read(event)]
        message = message_chunk_to_message(merge_chunks(chunks))
        output = {"token_usage": message.usage_metadata, "model_name": payload.get("model")}
        return ChatResult(generations=[ChatGeneration(message=message)], llm_output=output)


_NAMED = ("model", "max_tokens", "messages", "stream", "extra_headers", "extra_query", "extra_body", "timeout")


def _stops(stop: list[str] | str | None) -> list[str] | None:
    return [stop] if isinstance(stop, str) else stop
