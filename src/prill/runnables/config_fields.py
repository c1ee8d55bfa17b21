"""Descriptions of settings that a config may change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from prill.errors import ConfigError


class ConfigurableField(NamedTuple):
    """A setting that a config may change: ``id`` is its key in ``configurable``."""

    id: str
    name: str | None = None
    description: str | None = None
    annotation: Any = None
    is_shared: bool = False


class ConfigurableFieldSingleOption(NamedTuple):
    """A setting for which a config names one of ``options``."""

    id: str
    options: Mapping[str, Any]
    default: str
    name: str | None = None
    description: str | None = None
    is_shared: bool = False


class ConfigurableFieldMultiOption(NamedTuple):
    """A setting for which a config names several of ``options``; the setting is the list of their values."""

    id: str
    options: Mapping[str, Any]
    default: Sequence[str]
    name: str | None = None
    description: str | None = None
    is_shared: bool = False


AnyConfigurableField = ConfigurableField | ConfigurableFieldSingleOption | ConfigurableFieldMultiOption


class ConfigurableFieldSpec(NamedTuple):
    """A key that a config's ``configurable`` may have: its type, its default, what it is for."""

    id: str
    annotation: Any
    name: str | None = None
    description: str | None = None
    default: Any = None
    is_shared: bool = False
    dependencies: list[str] | None = None


class StrEnum(str, Enum):  # noqa: UP042 - the name is public, and its text form that of an Enum
    """An enumeration of texts."""


def make_options_spec(
    spec: ConfigurableFieldSingleOption | ConfigurableFieldMultiOption, description: str | None
) -> ConfigurableFieldSpec:
    """The spec of a setting with options: its type is an enumeration of their names."""
    names: Any = StrEnum(spec.name or spec.id, {name: name for name in spec.options})  # type: ignore[call-overload]  # made at run time
    single = isinstance(spec, ConfigurableFieldSingleOption)
    return ConfigurableFieldSpec(
        id=spec.id,
        name=spec.name,
        description=spec.description or description,
        annotation=names if single else Sequence[names],
        default=spec.default if single else list(spec.default),
        is_shared=spec.is_shared,
    )


def prefix_config_spec(spec: ConfigurableFieldSpec, prefix: str) -> ConfigurableFieldSpec:
    """``spec`` with a prefix on its id; a shared one keeps its own."""
    return spec if spec.is_shared else spec._replace(id=f"{prefix}/{spec.id}")


def get_unique_config_specs(specs: Iterable[ConfigurableFieldSpec]) -> list[ConfigurableFieldSpec]:
    """Each id once, in the order of the ids. Raises ``ConfigError`` where two with one id are not the same."""
    unique: dict[str, ConfigurableFieldSpec] = {}
    for spec in specs:
        known = unique.setdefault(spec.id, spec)
        if _make_comparable_key(known) != _make_comparable_key(spec):
            raise ConfigError(
                f"two configurable fields have the id {spec.id!r} and are not the same: {known} and {spec}. "
                "Give one of them another id, or use prefix_keys=True."
            )
    return [unique[id] for id in sorted(unique)]


def _make_comparable_key(spec: ConfigurableFieldSpec) -> Any:
    # An enumeration is made again for each spec: two are the same if their names are.
    return spec._replace(annotation=repr(getattr(spec.annotation, "__members__", spec.annotation)))
