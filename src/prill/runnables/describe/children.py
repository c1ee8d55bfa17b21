"""What a Runnable is made of: the runnables inside it, one level down."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prill.runnables.base import Runnable
from prill.runnables.function import RunnableLambda

Child = tuple[str, Runnable[Any, Any]]


def children_of(step: Runnable[Any, Any]) -> list[Child]:
    """The runnables inside ``step``, each with what it is called there.

    They are found in the attributes of the object, in lists, tuples and dicts there, and, for a function, among the
    variables that it reads from around it.
    """
    if isinstance(step, RunnableLambda):
        return [child for function in (step.func, step.afunc) if function for child in used_by(function)]
    return [child for name, value in vars(step).items() for child in _inside(name, value)]


def _inside(name: str, value: Any) -> Iterator[Child]:
    if isinstance(value, Runnable):
        yield name, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _inside(str(key), inner)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value, 1):
            yield from _inside(f"{name} {index}", inner)


def used_by(function: Callable[..., Any]) -> list[Child]:
    """The runnables that a function reads from the code around it."""
    try:
        variables = inspect.getclosurevars(inspect.unwrap(function))
    except TypeError:  # a builtin, or a callable object
        return []
    around = {**variables.globals, **variables.nonlocals}
    return [(name, value) for name, value in around.items() if isinstance(value, Runnable)]


def walk(step: Runnable[Any, Any]) -> Iterator[Runnable[Any, Any]]:
    """``step`` and everything in it, outermost first, each object once."""
    seen: set[int] = set()
    ahead = [step]
    while ahead:
        found = ahead.pop(0)
        if id(found) not in seen:
            seen.add(id(found))
            yield found
            ahead += [child for _, child in children_of(found)]
