"""Everything that a config may set in a chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_type_hints

from pydantic import BaseModel, Field

from prill.callbacks.config import RunnableConfig
from prill.errors import ConfigError
from prill.runnables.base import Runnable
from prill.runnables.config_fields import ConfigurableFieldSpec, get_unique_config_specs
from prill.runnables.configurable import DynamicRunnable
from prill.runnables.describe.schemas import object_model


def collect_specs(step: Runnable[Any, Any]) -> list[ConfigurableFieldSpec]:
    """The specs of all parts of ``step``, each id once."""
    own = getattr(step, "_get_own_config_specs", None)
    if own is not None:
        return get_unique_config_specs(own())
    return get_unique_config_specs(spec for _, child in step._children() for spec in child.config_specs)


def make_config_model(step: Runnable[Any, Any], include: Sequence[str] | None) -> type[BaseModel]:
    """The model of a config for ``step``."""
    known = {**get_type_hints(RunnableConfig), "callbacks": Any}
    if unknown := set(include or ()) - set(known):
        raise ConfigError(f"a config has no {sorted(unknown)}; it has {sorted(known)}")
    fields: dict[str, Any] = {key: (known[key], None) for key in include or () if key != "configurable"}
    if specs := step.config_specs:
        settings = {spec.id: (spec.annotation, _make_model_field(spec)) for spec in specs}
        fields["configurable"] = (object_model("Configurable", settings), None)
    own = type(step).__name__ if isinstance(step, DynamicRunnable) else None
    return object_model(step.get_name("config", name=own), fields)


def _make_model_field(spec: ConfigurableFieldSpec) -> Any:
    return Field(spec.default, title=spec.name, description=spec.description)
