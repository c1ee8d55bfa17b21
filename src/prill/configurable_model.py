"""A chat model whose provider, name and settings the config of a run chooses; made by ``init_chat_model``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from prill.callbacks.config import Config
from prill.errors import ConfigError
from prill.language_models import BaseChatModel
from prill.runnables.config_fields import ConfigurableFieldSpec
from prill.runnables.configurable import DynamicRunnable

Fields = Literal["any"] | Sequence[str]

_CHOICE = ("model", "model_provider")
_NOT_CONFIGURABLE = frozenset({"name", "cache", "callbacks", "tags", "metadata", "verbose", "rate_limiter"})
_OF_ONE_PROVIDER = frozenset(
    (
        *("api_key", "openai_api_key", "anthropic_api_key", "default_headers", "default_query", "extra_body"),
        *("base_url", "openai_api_base", "anthropic_api_url", "server", "organization", "openai_organization"),
        *("client", "async_client", "http_client", "http_async_client", "model_kwargs"),
    )
)
"""Settings that are not handed to another provider: its server must not be shown a key that is not for it."""


class ConfigurableModel(DynamicRunnable[Any, Any]):
    """A chat model that the config of a run chooses, or changes, under ``{"configurable": {"model": "claude-…"}}``.

    It has the methods of a model: ``bind_tools`` and ``with_structured_output`` are called on the one that is chosen.

    Args:
        make: makes a model of ``model``, ``model_provider`` and settings, as ``init_chat_model`` does.
        find_provider: the provider of a model's name; raises ``ConfigError`` where the name does not show it.
        settings: what ``make`` is given where the config says nothing; without a ``model`` the config must name one.
        fields: the settings that the config may change, or ``"any"``.
        prefix: what the keys of the config start with, before ``_`` and the name of a setting.
    """

    _equality_fields = ("settings", "fields", "prefix")

    def __init__(
        self,
        make: Callable[..., BaseChatModel],
        find_provider: Callable[[str, str | None], str],
        settings: Mapping[str, Any],
        fields: Fields,
        prefix: str | None,
    ) -> None:
        self.name = None
        self.default: Any
        self.settings = dict(settings)
        self.prefix = f"{prefix.removesuffix('_')}_" if prefix else ""
        self._make, self._find_provider = make, find_provider
        self._has_model = bool(settings.get("model"))
        provider = settings.get("model_provider") or "openai"
        # Where no model is named yet, one that is never asked stands for its kind.
        self.default = make(**settings) if self._has_model else make(model="not-chosen", model_provider=provider)
        self.fields = self._find_fields(fields)

    def _find_fields(self, fields: Fields) -> tuple[str, ...]:
        settings = [name for name in type(self.default).model_fields if name not in {*_CHOICE, *_NOT_CONFIGURABLE}]
        known = (*_CHOICE, *settings)
        if fields == "any":
            return known
        names = [fields] if isinstance(fields, str) else list(fields)
        if self._has_model and (unknown := [name for name in names if name not in known]):
            raise ConfigError(
                f"configurable_fields has {', '.join(map(repr, unknown))}, which a {type(self.default).__name__} does "
                f"not have; it has {', '.join(known)}"
            )
        return tuple(names)

    def _get_own_config_specs(self) -> list[ConfigurableFieldSpec]:
        return [self._spec(name) for name in self.fields]

    def _spec(self, name: str) -> ConfigurableFieldSpec:
        info = type(self.default).model_fields.get(name)
        if info is None or name in _CHOICE:
            return ConfigurableFieldSpec(self.prefix + name, str if name in _CHOICE else Any, name)
        default = self.settings.get(name, getattr(self.default, name, None))
        return ConfigurableFieldSpec(self.prefix + name, info.annotation, name, info.description, default)

    def _select_runnable(self, config: Config) -> Any:
        given = config.get("configurable") or {}
        changed = {name: given[key] for name in self.fields if (key := self.prefix + name) in given}
        if not changed and self._has_model:
            return self.default
        if not (self._has_model or changed.get("model")):
            raise ConfigError(
                "no model is chosen: name one to init_chat_model, or in the config of the run: "
                f'{{"configurable": {{"{self.prefix}model": "openai:gpt-4o-mini"}}}}'
            )
        return self._make(**self._merge(changed))

    def _merge(self, changed: Mapping[str, Any]) -> dict[str, Any]:
        """The settings with those of a config; what is for another provider is left out."""
        settings = {**self.settings, **changed}
        if not (self._has_model and changed.keys() & set(_CHOICE)):
            return settings
        before = self._find_provider(self.settings["model"], self.settings.get("model_provider"))
        try:
            after = self._find_provider(settings["model"], settings.get("model_provider"))
        except ConfigError:  # the name does not show a provider: it is another model of the same one
            return {**settings, "model_provider": before}
        if after == before:
            return settings
        return {name: value for name, value in settings.items() if name in changed or name not in _OF_ONE_PROVIDER}

    def __repr__(self) -> str:
        chosen = self.settings.get("model")
        return f"init_chat_model({chosen!r}, configurable_fields={list(self.fields)!r})"
