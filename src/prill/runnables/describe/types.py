"""The types of the input and the output of a Runnable, from annotations and from the types of its parts."""

from __future__ import annotations

import collections.abc
import inspect
import typing
from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import Any, Literal, TypeVar, get_args, get_origin

from prill.runnables.base import Runnable

Side = Literal["input", "output"]

_ITERATOR_TYPES = (
    collections.abc.Iterator,
    collections.abc.Iterable,
    collections.abc.Generator,
    collections.abc.AsyncIterator,
    collections.abc.AsyncIterable,
    collections.abc.AsyncGenerator,
)


def get_type(step: Runnable[Any, Any], side: Side) -> Any:
    """The type of the input or the output of ``step``, from its parts or its annotations; ``Any`` if unknown."""
    if (declared := _get_declared_type(step, side)) is not Any:
        return declared
    structure = step._structure()
    steps = [part.step for part in structure.parts]
    match structure.kind:
        case "wrapper":
            return _get_public_type(steps[0], side)
        case "sequence":
            return _get_public_type(steps[0] if side == "input" else steps[-1], side)
        case "parallel" if side == "output":
            return dict[str, Any]
        case "parallel" | "choice" if side == "input":
            return next((found for found in (_get_public_type(each, side) for each in steps) if found is not Any), Any)
        case "choice":
            types = [_get_public_type(each, side) for each in steps]
            return Any if Any in types else reduce(or_, types)
    return _get_annotated_type(step, side)


def _get_declared_type(step: Runnable[Any, Any], side: Side) -> Any:
    """The type in ``RunnableBranch[int, str](…)``: Python keeps the type arguments of a class that is called."""
    arguments = get_args(vars(step).get("__orig_class__"))
    found = arguments[side == "output"] if len(arguments) == 2 else Any
    return Any if isinstance(found, TypeVar) else found


def _get_public_type(step: Runnable[Any, Any], side: Side) -> Any:
    """The public property, which a user's class may have defined."""
    return step.InputType if side == "input" else step.OutputType


def annotated(function: Callable[..., Any] | None, side: Side, *, yields: bool = False) -> Any:
    """The annotation of a function's first parameter, or of what it returns; of a stream, that of its items."""
    if function is None:
        return Any
    hints = _resolve_type_hints(function)
    if side == "output":
        return _get_stream_item_type(hints.get("return", Any), yields)
    try:
        names = [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]
    except (ValueError, TypeError):  # some builtins have no signature
        return Any
    # The input of a generator comes as an iterator; a function that yields is given the whole input.
    given = hints.get(names[0], Any) if names else Any
    return _get_stream_item_type(given, yields and get_origin(given) in _ITERATOR_TYPES)


def _resolve_type_hints(function: Callable[..., Any]) -> dict[str, Any]:
    if isinstance(function, type):
        return {**_get_type_hints(function.__init__), "return": function}  # type: ignore[misc]  # its own __init__ is meant
    if not hasattr(function, "__annotations__"):
        function = getattr(function, "func", None) or type(function).__call__
    return _get_type_hints(function)


def _get_type_hints(function: Any) -> dict[str, Any]:
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except (NameError, TypeError, AttributeError):  # a name that is there for the type checker alone
        hints = dict(getattr(function, "__annotations__", {}))
    return {name: Any if isinstance(hint, str | TypeVar) else hint for name, hint in hints.items()}


def _get_stream_item_type(hint: Any, stream: bool) -> Any:
    if hint is None or hint is type(None):
        return type(None)
    if stream and get_origin(hint) in _ITERATOR_TYPES:
        return get_args(hint)[0]
    if isinstance(hint, type) and issubclass(hint, Runnable):
        return Any  # what that puts out is known when it runs
    origin = get_origin(hint)
    return Any if isinstance(origin, type) and issubclass(origin, Runnable) else hint


def _get_annotated_type(step: Runnable[Any, Any], side: Side) -> Any:
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
