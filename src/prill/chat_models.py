"""``init_chat_model``: makes a chat model from the name of a provider and of a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from prill.errors import ConfigError
from prill.providers.servers import SERVERS

if TYPE_CHECKING:
    from prill.language_models import BaseChatModel


def _load_openai() -> Callable[..., BaseChatModel]:
    from prill.openai import ChatOpenAI  # noqa: PLC0415 - a vendor's package is loaded when it is asked for

    return ChatOpenAI


def _load_azure() -> Callable[..., BaseChatModel]:
    from prill.openai import AzureChatOpenAI  # noqa: PLC0415 - as above

    return AzureChatOpenAI


def _load_anthropic() -> Callable[..., BaseChatModel]:
    from prill.anthropic import ChatAnthropic  # noqa: PLC0415 - as above

    return ChatAnthropic


def _load_google() -> Callable[..., BaseChatModel]:
    from prill.google import ChatGoogleGenerativeAI  # noqa: PLC0415 - as above

    return ChatGoogleGenerativeAI


def _load_bedrock() -> Callable[..., BaseChatModel]:
    from prill.bedrock import ChatBedrockConverse  # noqa: PLC0415 - as above

    return ChatBedrockConverse


_CLASSES: dict[str, Callable[[], Callable[..., BaseChatModel]]] = {
    "openai": _load_openai,
    "azure_openai": _load_azure,
    "anthropic": _load_anthropic,
    "bedrock_converse": _load_bedrock,
    "google_genai": _load_google,
}
"""Loads the class of each provider that has its own."""

_OTHER_NAMES = {
    "azure": "azure_openai",
    "bedrock": "bedrock_converse",
    "hf": "huggingface",
    "mistral_ai": "mistral",
    "mistralai": "mistral",
    "qwen": "dashscope",
}
_BY_START = {
    "gpt-": "openai",
    "chatgpt": "openai",
    "o1": "openai",
    "o3": "openai",
    "o4": "openai",
    "text-davinci": "openai",
    "claude": "anthropic",
    "deepseek": "deepseek",
    "mistral": "mistral",
    "mixtral": "mistral",
    "codestral": "mistral",
    "magistral": "mistral",
    "ministral": "mistral",
    "grok": "xai",
    "sonar": "perplexity",
    "qwen": "dashscope",
    "glm-": "zai",
    "gemini": "google_genai",
    "kimi": "moonshot",
}


def init_chat_model(
    model: str | None = None,
    *,
    model_provider: str | None = None,
    configurable_fields: Literal["any"] | Sequence[str] | None = None,
    config_prefix: str | None = None,
    **kwargs: Any,
) -> BaseChatModel:
    """Make a chat model from ``"provider:model"``, or from a model's name alone if it shows the provider.

        >>> model = init_chat_model("openai:gpt-4o-mini", temperature=0)
        >>> local = init_chat_model("ollama:llama3.2")
        >>> init_chat_model("claude-sonnet-4-5")  # doctest: +SKIP

    Args:
        model: the model, with its provider or without.
        model_provider: the provider.
        kwargs: arguments of the provider's class. For servers that speak OpenAI's protocol (``ollama``, ``vllm``,
            ``groq``, ``deepseek``, ``openrouter`` …) the address and the environment variable of the key are known;
            ``base_url`` and ``api_key`` override them.
        configurable_fields: what the config of a run may set, under ``{"configurable": {"temperature": 0}}``:
            ``"model"`` and ``"model_provider"``, which choose another model, and the fields of the model; ``"any"``
            means all of them, the address and the key too: not for configs that a stranger writes. Without a model it
            is ``("model", "model_provider")``, and the config must name the model.
        config_prefix: ``"first"`` makes that key ``first_temperature``.

    Raises:
        ConfigError: the provider is unknown, or missing where the name alone does not show it.
    """
    if model is None and "model_name" in kwargs:
        model = kwargs.pop("model_name")
    if configurable_fields is None and model is not None:
        return _make(model, model_provider, **kwargs)
    from prill.configurable_model import ConfigurableModel  # noqa: PLC0415 - for programs that change their model

    chosen = {"model": model, "model_provider": model_provider}
    settings = {**{name: value for name, value in chosen.items() if value}, **kwargs}
    fields = ("model", "model_provider") if configurable_fields is None else configurable_fields
    found: Any = ConfigurableModel(_make, _find_class, settings, fields, config_prefix)
    return found  # type: ignore[no-any-return]  # it has what a model has


def _make(model: str | None = None, model_provider: str | None = None, **kwargs: Any) -> BaseChatModel:
    provider, name = _provider_and_name(model, model_provider)
    if provider not in _CLASSES:
        return _load_openai()(model=name, **{"server": provider, **kwargs})
    return _CLASSES[provider]()(model=name, **kwargs)


def _find_class(model: str, model_provider: str | None) -> str:
    return _provider_and_name(model, model_provider)[0]


def _provider_and_name(model: str | None, provider: str | None) -> tuple[str, str]:
    if not model:
        raise ConfigError("init_chat_model needs a model: init_chat_model('openai:gpt-4o-mini')")
    name = model
    if provider is None:
        first, colon, rest = model.partition(":")
        if colon and _known(first):
            provider, name = first, rest
        else:
            provider = _find_provider(model, unknown=first if colon else None)
    known = _known(provider)
    if known is None:
        raise _unknown(provider)
    return known, name


def _known(provider: str) -> str | None:
    provider = provider.lower().replace("-", "_")
    provider = _OTHER_NAMES.get(provider, provider)
    return provider if provider in _CLASSES or provider in SERVERS else None


def _find_provider(model: str, unknown: str | None) -> str:
    lower = model.lower()
    for start, provider in _BY_START.items():
        if lower.startswith(start):
            return provider
    if unknown is not None:
        raise _unknown(unknown)
    raise ConfigError(
        f"the provider of model {model!r} is unknown: write 'provider:{model}'. Known providers: {_providers()}."
    )


def _unknown(provider: str) -> ConfigError:
    return ConfigError(
        f"unknown provider {provider!r}. Known providers: {_providers()}. For another server that speaks OpenAI's "
        "protocol write init_chat_model('openai:model', base_url=…)."
    )


def _providers() -> str:
    return ", ".join(sorted({*_CLASSES, *SERVERS}))
