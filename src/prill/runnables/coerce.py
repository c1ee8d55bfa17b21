"""What may stand in a chain: runnables, functions, generator functions, dicts of these."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from prill.errors import CompositionError
from prill.runnables.base import Runnable
from prill.runnables.parts import PARTS


def coerce_to_runnable(thing: Any) -> Runnable[Any, Any]:
    """Make a step of ``thing``.

    A Runnable is taken as it is, a generator function becomes a ``RunnableGenerator``, any other callable a
    ``RunnableLambda``, a dict of such things a ``RunnableParallel``. Raises ``CompositionError`` for anything else.
    """
    if isinstance(thing, Runnable):
        return thing
    if isinstance(thing, Mapping):
        return PARTS["parallel"](thing)  # type: ignore[no-any-return]  # PARTS is untyped
    if is_generator(thing):
        return PARTS["generator"](thing)  # type: ignore[no-any-return]  # PARTS is untyped
    if callable(thing) and not isinstance(thing, type):
        return PARTS["function"](thing)  # type: ignore[no-any-return]  # PARTS is untyped
    if isinstance(thing, type) and not issubclass(thing, Runnable):
        return PARTS["function"](thing)  # type: ignore[no-any-return]  # PARTS is untyped
    hint = " It is a class: did you mean an instance of it?" if isinstance(thing, type) else ""
    raise CompositionError(
        f"{thing!r:.80} ({type(thing).__name__}) cannot be a step of a chain. A step is a Runnable, a function, "
        f"a generator function, or a dict of these.{hint}"
    )


def is_generator(function: Any) -> bool:
    """Whether ``function``, or the ``__call__`` of an object, yields; in either colour."""
    call = getattr(function, "__call__", None)  # noqa: B004 - its code is looked at, not whether it is there
    return any(inspect.isgeneratorfunction(each) or inspect.isasyncgenfunction(each) for each in (function, call))


def is_async(function: Any) -> bool:
    """Whether calling ``function`` gives a coroutine or an async generator."""
    call = getattr(function, "__call__", None)  # noqa: B004 - as above
    return any(inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each) for each in (function, call))
