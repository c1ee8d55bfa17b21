"""A function's parameters as the arguments of a tool."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model

from runlet.callbacks.config import RunnableConfig

_EMPTY = inspect.Parameter.empty


def injected_parameters(function: Callable[..., Any]) -> dict[str, str]:
    """The parameters that the run fills, not a model: ``{name: "callbacks" | "run_manager" | "config"}``.

    Those are ``callbacks``, ``run_manager``, and any that is annotated with ``RunnableConfig``; a ``config`` without
    an annotation too.
    """
    return {name: what for name, what in _sorted_out(_plain(function)).items() if what is not None}


def args_model(name: str, function: Callable[..., Any]) -> type[BaseModel]:
    """A pydantic model of the parameters that a model fills."""
    return _model(name, _plain(function))


def _plain(function: Any) -> Any:
    # Bound methods are made anew at each access, and would never be found in a cache.
    return getattr(function, "__func__", function)


@functools.lru_cache(maxsize=1024)
def _sorted_out(function: Callable[..., Any]) -> dict[str, str | None]:
    hints = _hints(function)
    return {name: _what(name, hints.get(name, _EMPTY)) for name in _parameters(function)}


def _parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    parameters = dict(inspect.signature(function).parameters)
    first = next(iter(parameters), None)
    if first == "self":
        del parameters[first]
    return parameters


def _what(name: str, annotation: Any) -> str | None:
    if name in ("callbacks", "run_manager"):
        return name
    if annotation is RunnableConfig or RunnableConfig in get_args(annotation):
        return "config"
    return "config" if name == "config" and annotation is _EMPTY else None


@functools.lru_cache(maxsize=1024)
def _model(name: str, function: Callable[..., Any]) -> type[BaseModel]:
    hints = _hints(function)
    fields: dict[str, Any] = {}
    for each in _parameters(function).values():
        if each.kind in (each.VAR_KEYWORD, each.VAR_POSITIONAL) or _what(each.name, hints.get(each.name, _EMPTY)):
            continue
        fields[each.name] = (hints.get(each.name, Any), ... if each.default is _EMPTY else each.default)
    return create_model(name, __config__=ConfigDict(arbitrary_types_allowed=True), **fields)


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except (NameError, TypeError):  # names that only a type checker knows: what is written there counts as unknown
        return {name: hint for name, hint in getattr(function, "__annotations__", {}).items() if type(hint) is not str}
