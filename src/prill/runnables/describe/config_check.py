"""Checks the ``configurable`` of a config against the settings that the parts of a chain have."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from prill.errors import ConfigError
from prill.runnables.base import Runnable
from prill.runnables.configurable import DynamicRunnable, check_option
from prill.runnables.describe.children import walk
from prill.runnables.function import RunnableLambda
from prill.runnables.generator import RunnableGenerator


def check_configurable(step: Runnable[Any, Any], given: Mapping[str, Any]) -> None:
    """Reject keys that no part of ``step`` has, if everything that reads them is known.

    A function that takes the config, and a user's class, may read any key; where nothing has settings, a key is not
    a typo.

    Raises:
        ConfigError: a key or an alternative is unknown.
    """
    parts = list(walk(step))
    if any(_reads_config(each) for each in parts) or not any(_has_settings(each) for each in parts):
        return
    specs = {spec.id: spec for spec in step.config_specs}
    for key, value in given.items():
        if key not in specs:
            known = f"it has {', '.join(specs)}" if specs else "it has none (see configurable_fields)"
            raise ConfigError(f"{step.get_name()} has no configurable field {key!r}; {known}")
        members = getattr(specs[key].annotation, "__members__", None)
        if members is not None:
            check_option(key, value, members)


def _has_settings(step: Runnable[Any, Any]) -> bool:
    """Whether a step has anything that could be configurable."""
    return isinstance(step, DynamicRunnable) or hasattr(type(step), "model_fields")


def _reads_config(step: Runnable[Any, Any]) -> bool:
    if isinstance(step, RunnableLambda | RunnableGenerator):
        return any(step._injected_names.values()) or _uses_outer_variables(step)
    return bool(step._overrides) or not type(step).__module__.startswith(__name__.partition(".")[0] + ".")


def _uses_outer_variables(step: RunnableLambda[Any, Any] | RunnableGenerator[Any, Any]) -> bool:
    """Whether a function uses variables around it: these may start runs, which inherit the config."""
    forms = [step.func, step.afunc] if isinstance(step, RunnableLambda) else [step._plain, step._async]
    try:
        around = [inspect.getclosurevars(inspect.unwrap(form)) for form in forms if form is not None]
    except TypeError:  # a builtin, such as itemgetter, reaches nothing; a callable object may
        return any(hasattr(type(form), "__dict__") and type(form).__module__ != "operator" for form in forms if form)
    return any(each.nonlocals or each.globals for each in around)
