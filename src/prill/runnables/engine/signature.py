"""What a user's function wants to be given beside its input, and what it is called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

from prill.callbacks.run import Run
from prill.runnables.engine.runs import config_for_child

_INJECTED_KINDS = ("config", "run_manager", "callbacks")

# A function's own code is read in a microsecond, its signature in fifteen.
_VARIADIC_KINDS = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
_GENERATOR_FLAGS = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
_ASYNC_FLAGS = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def wanted_extras(function: Callable[..., Any]) -> tuple[str, ...]:
    """Which of ``config``, ``run_manager`` and ``callbacks`` the function has as parameters."""
    # The first parameter is the input, whatever its name.
    return tuple(name for name in _parameter_names(function)[1:] if name in _INJECTED_KINDS)


def accepts(function: Callable[..., Any], name: str) -> bool:
    """Whether the function has a parameter called ``name``."""
    return name in _parameter_names(function)


def _parameter_names(function: Callable[..., Any]) -> Sequence[str]:
    """The names of the parameters; none for a builtin that has no signature."""
    if type(function) is FunctionType and not function.__dict__:  # nothing such as ``__wrapped__``
        code = function.__code__
        if not code.co_flags & _VARIADIC_KINDS:
            return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    try:
        return list(inspect.signature(function).parameters)
    except (ValueError, TypeError):
        return ()


def extras_for(wanted: tuple[str, ...], run: Run, kwargs: dict[str, Any], *, plain: bool) -> dict[str, Any]:
    """The values of what the function, a plain or an ``async`` one, wants; what the caller gave goes first."""
    config = config_for_child(run, plain=plain)
    manager = (run.plain_manager if plain else run.manager) if "run_manager" in wanted else None
    values = {"config": config, "callbacks": config.get("callbacks"), "run_manager": manager}
    return {**{name: values[name] for name in wanted}, **kwargs}


def get_function_name(function: Any) -> str | None:
    """The name a function shows in events: its own; ``None`` for a lambda, which has none."""
    name = getattr(function, "__name__", None)
    if name is None and not isinstance(function, type):
        name = type(function).__name__
    return None if name == "<lambda>" else name


def is_generator(function: Any) -> bool:
    """Whether ``function``, or the ``__call__`` of an object, yields; in either colour."""
    if type(function) is FunctionType:
        return bool(function.__code__.co_flags & _GENERATOR_FLAGS)
    call = getattr(function, "__call__", None)  # noqa: B004 - its code is looked at, not whether it is there
    return any(inspect.isgeneratorfunction(each) or inspect.isasyncgenfunction(each) for each in (function, call))


def is_async(function: Any) -> bool:
    """Whether calling ``function`` returns a coroutine or an async generator."""
    if type(function) is FunctionType and not function.__dict__:  # ``inspect.markcoroutinefunction`` leaves a mark
        return bool(function.__code__.co_flags & _ASYNC_FLAGS)
    call = getattr(function, "__call__", None)  # noqa: B004 - as above
    return any(inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each) for each in (function, call))
