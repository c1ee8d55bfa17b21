"""``init_chat_model``: makes a chat model from the name of a provider and of a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from prill.errors import ConfigError
from prill.providers.servers import SERVERS
from prill.runnables import ConfigurableField

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


_CLASSES: dict[str, Callable[[], Callable[..., BaseChatModel]]] = {
    "openai": _load_openai,
    "azure_openai": _load_azure,
    "anthropic": _load_anthropic,
    "google_genai": _load_google,
}
"""Loads the class of each provider that has its own."""

_OTHER_NAMES = {
    "azure": "azure_openai",
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
        configurable_fields: fields of the model that the config of a run may set, under
            ``{"configurable": {"temperature": 0}}``; ``"any"`` means all of them. The provider stays the same; for
            another one use ``configurable_alternatives``.
        config_prefix: ``"first"`` makes that key ``first_temperature``.

    Raises:
        ConfigError: the provider is unknown, or missing where the name alone does not show it.
    """
    provider, name = _provider_and_name(model or kwargs.pop("model_name", None), model_provider)
    if provider not in _CLASSES:
        made = _load_openai()(model=name, **{"server": provider, **kwargs})
    else:
        made = _CLASSES[provider]()(model=name, **kwargs)
    return made if configurable_fields is None else _configurable(made, configurable_fields, config_prefix)


def _configurable(model: BaseChatModel, fields: Literal["any"] | Sequence[str], prefix: str | None) -> Any:
    known = [name for name in type(model).model_fields if name not in _NOT_CONFIGURABLE]
    names = known if fields == "any" else [fields] if isinstance(fields, str) else list(fields)
    if unknown := [name for name in names if name not in known]:
        raise ConfigError(
            f"configurable_fields has {', '.join(map(repr, unknown))}, which a {type(model).__name__} does not have; "
            f"it has {', '.join(known)}. To switch providers use configurable_alternatives."
        )
    start = f"{prefix.removesuffix('_')}_" if prefix else ""
    return model.configurable_fields(**{name: ConfigurableField(id=start + name) for name in names})


_NOT_CONFIGURABLE = frozenset({"name", "cache", "callbacks", "tags", "metadata", "verbose", "rate_limiter"})


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
