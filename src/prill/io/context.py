"""Awaiting in another context."""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from contextvars import Context
from functools import partial
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class InContext(Generic[T]):
    """``await InContext(context, awaitable)`` runs ``awaitable`` in ``context``, in any task or thread that awaits it.

    A generator that several tasks advance then finds the context variables that it set itself, and can reset them.
    """

    __slots__ = ("_awaitable", "_context")

    def __init__(self, context: Context, awaitable: Awaitable[T]) -> None:
        self._context = context
        self._awaitable = awaitable

    def __await__(self) -> Generator[Any, Any, T]:
        steps: Any = self._awaitable.__await__()
        resume = partial(steps.send, None)
        while True:
            try:
                waited = self._context.run(resume)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]  # StopIteration.value has no type
            try:
                value = yield waited
            except BaseException as error:
                resume = partial(steps.throw, error)
            else:
                resume = partial(steps.send, value)
