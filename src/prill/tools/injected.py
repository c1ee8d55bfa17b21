"""Arguments of tools that the program fills in, not the model."""

from __future__ import annotations

from typing import Annotated, Any, get_args, get_origin


class InjectedToolArg:
    """Marks an argument that the program supplies; models do not see it.

    ``def buy(item: str, user: Annotated[str, InjectedToolArg])``: the program adds ``user`` to the arguments of a
    call before it invokes the tool.
    """


class InjectedToolCallId(InjectedToolArg):
    """Marks the argument that is given the id of the model's tool call."""


def is_injected(marks: Any, kind: type[InjectedToolArg] = InjectedToolArg) -> bool:
    """Whether one of ``marks`` (what stands in an ``Annotated``, or a field's metadata) is ``kind``."""
    return any(isinstance(mark, kind) or (isinstance(mark, type) and issubclass(mark, kind)) for mark in marks)


def marks_of(hint: Any) -> tuple[Any, ...]:
    """The metadata of an ``Annotated`` type."""
    return tuple(get_args(hint)[1:]) if get_origin(hint) is Annotated else ()
