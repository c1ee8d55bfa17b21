"""Runnables that a config changes: their settings, or which of several they are."""

from __future__ import annotations

import functools
import inspect
from abc import abstractmethod
from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar

from prill.callbacks.config import Config, merge_configs
from prill.callbacks.run import Run
from prill.errors import ConfigError
from prill.runnables.base import Runnable, coerce_to_runnable
from prill.runnables.config_fields import (
    AnyConfigurableField,
    ConfigurableField,
    ConfigurableFieldMultiOption,
    ConfigurableFieldSingleOption,
    ConfigurableFieldSpec,
    StrEnum,
    make_options_spec,
    prefix_config_spec,
)
from prill.runnables.engine.overrides import PatchAware
from prill.runnables.engine.streams import Stream
from prill.runnables.structure import Part, Structure

__all__ = [
    "DynamicRunnable",
    "RunnableConfigurableAlternatives",
    "RunnableConfigurableFields",
    "StrEnum",
    "make_options_spec",
    "prefix_config_spec",
]

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)


class DynamicRunnable(Runnable[Input, Output], metaclass=PatchAware):
    """Runs the Runnable that the config selects. Observers see only that one; it streams as that one streams.

    Other methods, such as a model's ``get_num_tokens``, run on ``default``, or on the Runnable that is selected by
    the config of ``with_config`` or of the call; a Runnable that they return is selected by the config when it is run.
    """

    default: Runnable[Any, Any]
    config: Config | None = None

    @abstractmethod
    def _select_runnable(self, config: Config) -> Runnable[Any, Any]:
        """The Runnable that ``config`` selects."""

    def _inner_config(self, config: Config) -> Config:
        """The config to run the selected Runnable with."""
        return config

    def _get_own_config_specs(self) -> list[ConfigurableFieldSpec]:
        return self.default.config_specs

    def prepare(self, config: Config | None = None) -> tuple[Runnable[Any, Any], Config]:
        """Resolve to the concrete Runnable for ``config``; also return the config to run it with."""
        step: Runnable[Any, Any] = self
        given = config or {}
        while isinstance(step, DynamicRunnable):
            given, step = step._inner_config(given), step._select_runnable(given)
        return step, given

    def _structure(self) -> Structure:
        return Structure("wrapper", [Part(self.default)])

    def _structure_for_graph(self, config: Config | None) -> Structure:
        return Structure("wrapper", [Part(self._select_runnable(config or {}))])

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        return self.default.get_name(suffix, name=name or self.name)

    def _invoke_body(self, input: Any, run: Run, **kwargs: Any) -> Awaitable[Any]:
        return self._select_runnable(run.config)._step(input, self._get_configured_run(run), **kwargs)

    def _stream_body(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> Stream[Any]:
        return self._select_runnable(run.config)._step_flow(inputs, self._get_configured_run(run), **kwargs)

    def _get_configured_run(self, run: Run) -> Run:
        inner = self._inner_config(run.config)
        return run if inner is run.config else run.configured({"configurable": inner["configurable"]})

    def configurable_fields(self, **kwargs: AnyConfigurableField) -> RunnableConfigurableFields[Input, Output]:
        """Let a config change settings of ``default``."""
        return RunnableConfigurableFields(self, kwargs)

    def configurable_alternatives(
        self, which: ConfigurableField, *, default_key: str = "default", prefix_keys: bool = False, **kwargs: Any
    ) -> RunnableConfigurableAlternatives[Input, Output]:
        """Let a config put something else in this one's place."""
        return RunnableConfigurableAlternatives(self, which, kwargs, default_key, prefix_keys)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or "default" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return self._read_attribute(name, {})

    def _read_attribute(self, name: str, config: Config) -> Any:
        if hasattr(type(self), name) or name in self.__dict__:
            return getattr(self, name)
        found = getattr(self._select_or_default(config), name)
        return functools.partial(_call_on_selected, self, name, config) if callable(found) else found

    def _select_or_default(self, config: Config) -> Any:
        """The Runnable whose attributes are read: ``default`` where a config selects nothing."""
        return self.prepare(config)[0] if config.get("configurable") else self.default


def _call_on_selected(
    step: DynamicRunnable[Any, Any], method: str, config: Config, /, *args: Any, **kwargs: Any
) -> Any:
    found = getattr(step._select_or_default(config), method)
    if (given := _find_config(found, args, kwargs)) is not None:
        found = getattr(step._select_or_default(merge_configs(config, given)), method)
    made = found(*args, **kwargs)
    return DeferredMethod(step, method, args, kwargs, made) if isinstance(made, Runnable) else made


def _find_config(method: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Config | None:
    """The config among the arguments of a call, if the method has a parameter ``config``."""
    try:
        config = inspect.signature(method).bind_partial(*args, **kwargs).arguments.get("config")
    except (TypeError, ValueError):
        return None
    return config if isinstance(config, Mapping) else None


class DeferredMethod(DynamicRunnable[Input, Output]):
    """A method call that is deferred until the config selects the Runnable."""

    _equality_fields = ("source", "method", "args", "kwargs")

    def __init__(
        self, source: DynamicRunnable[Any, Any], method: str, args: Any, kwargs: Any, made: Runnable[Any, Any]
    ) -> None:
        self.source, self.method, self.args, self.kwargs, self.default = source, method, args, kwargs, made

    def _select_runnable(self, config: Config) -> Runnable[Any, Any]:
        made: Runnable[Any, Any] = getattr(self.source._select_runnable(config), self.method)(*self.args, **self.kwargs)
        return made

    def _inner_config(self, config: Config) -> Config:
        return self.source._inner_config(config)

    def _get_own_config_specs(self) -> list[ConfigurableFieldSpec]:
        return self.source.config_specs

    def __repr__(self) -> str:
        given = [*map(repr, self.args), *(f"{key}={value!r}" for key, value in self.kwargs.items())]
        return f"{self.source!r}.{self.method}({', '.join(given)})"


class RunnableConfigurableFields(DynamicRunnable[Input, Output]):
    """``default`` with settings that a config may change; made by ``configurable_fields``."""

    _equality_fields = ("default", "fields", "name")

    def __init__(self, default: Any, fields: Mapping[str, AnyConfigurableField]) -> None:
        self.default = default
        self.fields = dict(fields)
        self.name = None
        known = _get_settings(default)
        if unknown := [name for name in fields if name not in known]:
            raise ConfigError(
                f"{default.get_name()} has no setting {', '.join(unknown)}; it has {', '.join(sorted(known))}"
            )

    def _get_own_config_specs(self) -> list[ConfigurableFieldSpec]:
        return [
            *(self._make_config_spec(name, field) for name, field in self.fields.items()),
            *self.default.config_specs,
        ]

    def _make_config_spec(self, name: str, field: AnyConfigurableField) -> ConfigurableFieldSpec:
        info = _get_settings(self.default)[name]
        if not isinstance(field, ConfigurableField):
            return make_options_spec(field, info.description)
        return ConfigurableFieldSpec(
            id=field.id,
            name=field.name,
            description=field.description or info.description,
            annotation=field.annotation or info.annotation,
            default=getattr(self.default, name, None),
            is_shared=field.is_shared,
        )

    def _select_runnable(self, config: Config) -> Runnable[Any, Any]:
        given = config.get("configurable") or {}
        changed = {name: _get_configured_value(field, given) for name, field in self.fields.items()}
        changed = {name: value for name, value in changed.items() if value is not _UNSET}
        if not changed:
            return self.default
        inner = self.default
        if isinstance(inner, DynamicRunnable):
            return RunnableConfigurableFields(inner._select_runnable(config), self.fields)._select_runnable(config)
        return _copy_with_settings(inner, changed)

    def __repr__(self) -> str:
        return f"{self.default!r}.configurable_fields({', '.join(self.fields)})"


_UNSET: Any = object()


def _get_settings(step: Any) -> Any:
    while isinstance(step, DynamicRunnable):
        step = step.default
    return getattr(type(step), "model_fields", {})


def _get_configured_value(field: AnyConfigurableField, given: Mapping[str, Any]) -> Any:
    if field.id in given:
        said = given[field.id]
    elif isinstance(field, ConfigurableField):
        return _UNSET
    else:
        said = field.default
    if isinstance(field, ConfigurableFieldSingleOption):
        return field.options[check_option(field.id, said, field.options)]
    if isinstance(field, ConfigurableFieldMultiOption):
        if isinstance(said, str):
            raise ConfigError(
                f"configurable field {field.id!r} must be a list of {', '.join(field.options)}, not {said!r}"
            )
        return [field.options[check_option(field.id, each, field.options)] for each in said]
    return said


def check_option(id: str, said: Any, options: Mapping[str, Any]) -> str:
    said = getattr(said, "value", said)
    if said not in options:
        raise ConfigError(f"configurable field {id!r} must be one of {', '.join(sorted(options))}, not {said!r}")
    return said  # type: ignore[no-any-return]  # it is a key of the options


def _copy_with_settings(step: Any, changed: dict[str, Any]) -> Runnable[Any, Any]:
    """A copy of ``step`` with some settings changed, validated like those of a new one."""
    kept = {name: getattr(step, name) for name in step.model_fields_set if name not in changed}
    made: Runnable[Any, Any] = type(step)(**kept, **changed)
    return made


class RunnableConfigurableAlternatives(DynamicRunnable[Input, Output]):
    """``default``, or the one of ``alternatives`` that a config names; made by ``configurable_alternatives``."""

    _equality_fields = ("default", "which", "alternatives", "default_key", "prefix_keys", "name")

    def __init__(
        self,
        default: Any,
        which: ConfigurableField,
        alternatives: Mapping[str, Any],
        default_key: str = "default",
        prefix_keys: bool = False,
    ) -> None:
        self.default = default
        self.which = which
        self.alternatives = {
            key: each if _is_factory(each) else coerce_to_runnable(each) for key, each in alternatives.items()
        }
        self.default_key = default_key
        self.prefix_keys = prefix_keys
        self.name = None
        if default_key in alternatives:
            raise ConfigError(
                f"{default_key!r} is the key of the default and of an alternative: pass another default_key"
            )

    @property
    def keys(self) -> list[str]:
        """The keys that a config may select."""
        return [self.default_key, *self.alternatives]

    def chosen(self, key: str) -> Runnable[Any, Any]:
        """The alternative with that key; one given as a function is made now."""
        if key == self.default_key:
            return self.default
        found: Any = self.alternatives[key]
        return found if isinstance(found, Runnable) else coerce_to_runnable(found())

    def _get_selected_alternative(self, config: Config) -> str:
        return check_option(
            self.which.id,
            (config.get("configurable") or {}).get(self.which.id, self.default_key),
            dict.fromkeys(self.keys),
        )

    def _select_runnable(self, config: Config) -> Runnable[Any, Any]:
        return self.chosen(self._get_selected_alternative(config))

    def _structure_for_graph(self, config: Config | None) -> Structure:
        if config:
            return super()._structure_for_graph(config)
        return Structure("choice", [Part(self.chosen(key), key, key) for key in self.keys])

    def _inner_config(self, config: Config) -> Config:
        if not self.prefix_keys:
            return config
        given = config.get("configurable") or {}
        prefix = f"{self.which.id}=={self._get_selected_alternative(config)}/"
        own = {key.removeprefix(prefix): value for key, value in given.items() if key.startswith(prefix)}
        return {**config, "configurable": {**given, **own}} if own else config

    def _get_own_config_specs(self) -> list[ConfigurableFieldSpec]:
        which = self.which
        keys = {key: key for key in sorted(self.keys)}
        names: Any = StrEnum(which.name or which.id, keys)  # type: ignore[call-overload]  # made at run time
        specs = [
            ConfigurableFieldSpec(
                which.id, which.annotation or names, which.name, which.description, self.default_key, which.is_shared
            )
        ]
        for key in self.keys:
            if key == self.default_key or isinstance(self.alternatives[key], Runnable):
                inner = self.chosen(key).config_specs
                prefix = f"{which.id}=={key}"
                specs += [prefix_config_spec(spec, prefix) for spec in inner] if self.prefix_keys else inner
        return specs

    def __repr__(self) -> str:
        others = "".join(f", {key}={each!r}" for key, each in self.alternatives.items())
        return (
            f"{self.default!r}.configurable_alternatives({self.which.id!r}, default_key={self.default_key!r}{others})"
        )


def _is_factory(alternative: Any) -> bool:
    """Whether an alternative can be called without arguments: it then makes the Runnable when it is chosen."""
    if isinstance(alternative, Runnable) or not callable(alternative):
        return False
    try:
        inspect.signature(alternative).bind()
    except (TypeError, ValueError):
        return False
    return True
