"""A function's parameters: which there are, of what types, and how they are given."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Hashable, Mapping
from types import FunctionType, MethodType, SimpleNamespace
from typing import Any, NamedTuple, get_type_hints

from prill.errors import ConfigError

_PACKAGE = __name__.partition(".")[0]


class Own(NamedTuple):
    """A function as a cache key: bound methods are created at each access, so no cache would find them."""

    function: Callable[..., Any]
    is_bound: bool


def own(function: Any) -> Own:
    """The function in a bound method, or the function itself."""
    if type(function) is FunctionType:  # the checks below take as long as a short call
        return Own(function, False)
    if type(function) is MethodType:
        return Own(function.__func__, True)
    if not isinstance(function, Hashable):
        function = function.__call__
    inner = getattr(function, "__func__", None)
    return Own(function, False) if inner is None else Own(inner, True)


def unwrapped(function: Any) -> Any:
    """The function of which a ``functools.partial`` gives some of the arguments."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


@functools.lru_cache(maxsize=1024)
def get_parameters(whose: Own) -> dict[str, inspect.Parameter]:
    """The parameters by name, without the one for the object.

    Raises ``ConfigError`` for functions in C without a signature.
    """
    try:
        parameters = dict(inspect.signature(whose.function).parameters)
    except ValueError as error:
        raise ConfigError(
            f"the parameters of {whose.function!r:.80} cannot be read: wrap it in a function, or pass args_schema"
        ) from error
    first = next(iter(parameters.values()), None)
    if first is not None and (whose.is_bound or (first.name == "self" and first.kind is not first.POSITIONAL_ONLY)):
        del parameters[first.name]
    return parameters


def bind_call(function: Callable[..., Any], args: Mapping[str, Any]) -> functools.partial[Any]:
    """The function with arguments, each of which is given by its name, or by its place where it has to be."""
    places, others = _get_places(own(function))
    if not places and (others is None or others not in args):
        return functools.partial(function, **args)
    rest = {name: value for name, value in args.items() if name not in places and name != others}
    more = args.get(others, ()) if others is not None else ()
    return functools.partial(function, *(args[name] for name in places if name in args), *more, **rest)


def takes_places(function: Callable[..., Any]) -> str | None:
    """The name of a function's parameter ``*args``; ``None`` if it has none."""
    return _get_places(own(function))[1]


def takes_any_name(function: Callable[..., Any]) -> bool:
    """Whether a function has a parameter ``**kwargs``."""
    return _takes_any_name(own(function))


@functools.lru_cache(maxsize=1024)
def _takes_any_name(whose: Own) -> bool:
    return any(each.kind is each.VAR_KEYWORD for each in get_parameters(whose).values())


@functools.lru_cache(maxsize=1024)
def _get_places(whose: Own) -> tuple[tuple[str, ...], str | None]:
    """The parameters that are given by their place only, and that of all further places."""
    try:
        parameters = get_parameters(whose).values()
    except ConfigError:
        return (), None
    others = next((each.name for each in parameters if each.kind is each.VAR_POSITIONAL), None)
    return tuple(each.name for each in parameters if each.kind is each.POSITIONAL_ONLY), others


def get_hints(function: Callable[..., Any]) -> dict[str, Any]:
    """The types of the parameters. Those that only a type checker knows are not among them."""
    function = unwrapped(function)
    function = getattr(function, "__func__", function)
    if inspect.isclass(function):
        function = function.__init__
    elif not hasattr(function, "__annotations__"):
        function = type(function).__call__
    try:
        return get_type_hints(function, include_extras=True)
    except (NameError, TypeError, AttributeError):
        hints_by_name = getattr(function, "__annotations__", {})
        known = {**getattr(inspect.unwrap(function), "__globals__", {}), **_names_around()}
        one_by_one = {name: _hint(hint, known) for name, hint in hints_by_name.items()}
        return {name: hint for name, hint in one_by_one.items() if hint is not inspect.Parameter.empty}


def _hint(hint: Any, known: dict[str, Any]) -> Any:
    try:
        holder: Any = SimpleNamespace(__annotations__={"it": hint})
        return get_type_hints(holder, known, include_extras=True)["it"]
    except Exception:  # whatever happens when a text is evaluated that was meant for a type checker
        return inspect.Parameter.empty


def _names_around() -> dict[str, Any]:
    """The names where the tool is made: types may be defined in the function around."""
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        frame = frame.f_back
    return dict(frame.f_locals)
