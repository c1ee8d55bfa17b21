"""What goes into a Runnable and what comes out, as types: told by annotations and by what it is made of."""

from __future__ import annotations

import collections.abc
import inspect
import typing
from collections.abc import Callable, Iterable
from functools import reduce
from operator import or_
from typing import Any, Literal, TypeVar, get_args, get_origin

from prill.runnables.base import Runnable
from prill.runnables.binding import RunnableBinding
from prill.runnables.branch import RunnableBranch
from prill.runnables.each import RunnableEach
from prill.runnables.fallbacks import RunnableWithFallbacks
from prill.runnables.function import RunnableLambda
from prill.runnables.generator import RunnableGenerator
from prill.runnables.parallel import RunnableParallel
from prill.runnables.passthrough import RunnableAssign, RunnablePassthrough, RunnablePick
from prill.runnables.router import RouterInput, RouterRunnable
from prill.runnables.sequence import RunnableSequence

Side = Literal["input", "output"]

_STREAMS = (
    collections.abc.Iterator,
    collections.abc.Iterable,
    collections.abc.Generator,
    collections.abc.AsyncIterator,
    collections.abc.AsyncIterable,
    collections.abc.AsyncGenerator,
)


def get_type(step: Runnable[Any, Any], side: Side) -> Any:
    """The type of the input or the output of ``step``; ``Any`` where nothing tells it."""
    wrapped = inner_of(step)
    if wrapped is not None:
        own = getattr(step, f"custom_{side}_type", None)
        return own if own is not None else _asked(wrapped, side)
    match step:
        case RunnableLambda():
            return annotated(step.afunc or step.func, side, yields=bool(step._yields))
        case RunnableGenerator():
            return annotated(step._plain or step._async, side, yields=True)
        case RunnableSequence():
            return _asked(step.first if side == "input" else step.last, side)
        case RunnableEach():
            return list[_asked(step.bound, side)]  # type: ignore[misc]  # a type made at run time
        case RunnableParallel() if side == "input":
            return _first_known(_asked(branch, side) for branch in step.steps__.values())
        case RunnableParallel() | RunnableAssign():
            return dict[str, Any]
        case RunnablePick():
            return dict[str, Any] if side == "input" else Any
        case RunnablePassthrough():
            return Any
        case RouterRunnable():
            return RouterInput if side == "input" else _either(step.runnables.values())
        case RunnableBranch():
            steps = [*(each for _, each in step.branches), step.default]
            return _first_known(_asked(each, side) for each in steps) if side == "input" else _either(steps)
    return _own_type(step, side)


def inner_of(step: Runnable[Any, Any]) -> Runnable[Any, Any] | None:
    """The Runnable whose input and output ``step`` has: of a binding, a retry, a timeout, fallbacks …"""
    if isinstance(step, RunnableWithFallbacks):
        return step.runnable
    inner = vars(step).get("bound", vars(step).get("default"))
    if isinstance(step, RunnableEach | RunnableBranch) or not isinstance(inner, Runnable):
        return None
    # Ours wrap what they call ``bound``; a user's own class may mean anything by it.
    return inner if isinstance(step, RunnableBinding) or _ours(step) else None


def _ours(step: Runnable[Any, Any]) -> bool:
    return type(step).__module__.startswith(__name__.partition(".")[0] + ".")


def _asked(step: Runnable[Any, Any], side: Side) -> Any:
    """The public property, which a user's class may have defined."""
    return step.InputType if side == "input" else step.OutputType


def _first_known(types: Iterable[Any]) -> Any:
    return next((each for each in types if each is not Any), Any)


def _either(steps: Iterable[Runnable[Any, Any]]) -> Any:
    types = [_asked(step, "output") for step in steps]
    return Any if Any in types else reduce(or_, types)


def annotated(function: Callable[..., Any] | None, side: Side, *, yields: bool = False) -> Any:
    """The annotation of a function's first parameter, or of what it returns; of a stream, that of its items."""
    if function is None:
        return Any
    hints = _hints(function)
    if side == "output":
        return _item(hints.get("return", Any), yields)
    try:
        names = [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]
    except (ValueError, TypeError):  # some builtins have no signature
        return Any
    # The input of a generator comes as an iterator; a function that yields is given the whole input.
    given = hints.get(names[0], Any) if names else Any
    return _item(given, yields and get_origin(given) in _STREAMS)


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    if isinstance(function, type):
        return {**_hints_of(function.__init__), "return": function}  # type: ignore[misc]  # its own __init__ is meant
    if not hasattr(function, "__annotations__"):
        function = getattr(function, "func", None) or type(function).__call__
    return _hints_of(function)


def _hints_of(function: Any) -> dict[str, Any]:
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except (NameError, TypeError, AttributeError):  # a name that is there for the type checker alone
        hints = dict(getattr(function, "__annotations__", {}))
    return {name: Any if isinstance(hint, str | TypeVar) else hint for name, hint in hints.items()}


def _item(hint: Any, stream: bool) -> Any:
    if hint is None or hint is type(None):
        return type(None)
    if stream and get_origin(hint) in _STREAMS:
        return get_args(hint)[0]
    if isinstance(hint, type) and issubclass(hint, Runnable):
        return Any  # what that puts out is known when it runs
    origin = get_origin(hint)
    return Any if isinstance(origin, type) and issubclass(origin, Runnable) else hint


def _own_type(step: Runnable[Any, Any], side: Side) -> Any:
    """Of a user's class: ``class Shout(Runnable[str, str])``, or the annotations of its ``invoke``."""
    for kind in type(step).__mro__:
        for base in getattr(kind, "__orig_bases__", ()):
            arguments = get_args(base)
            origin = get_origin(base)
            if isinstance(origin, type) and issubclass(origin, Runnable) and len(arguments) == 2:
                found = arguments[side == "output"]
                if not isinstance(found, TypeVar):
                    return found
    for verb in ("invoke", "ainvoke"):
        if verb in step._overrides:
            return annotated(getattr(step, verb), side)
    return Any
