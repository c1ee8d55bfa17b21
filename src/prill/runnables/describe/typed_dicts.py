"""Typed dictionaries, and classes of ``pydantic.v1``, as pydantic takes them."""

from __future__ import annotations

import sys
import types
import typing
from functools import lru_cache
from typing import Any, Union, get_args, get_origin

from typing_extensions import TypedDict, is_typeddict

from prill.runnables.describe.pydantic_v1 import annotate_v1, is_pydantic_v1


def usable(hint: Any) -> Any:
    """A type in which every ``TypedDict`` and every class of ``pydantic.v1`` is one that pydantic takes.

    Most types are returned as they are.

    Before Python 3.12 it takes those of ``typing_extensions`` only. A key with a default, written as
    ``Annotated[type, default, "description"]``, need not be there.
    """
    return _make_usable_type(hint, frozenset())


def _make_usable_type(hint: Any, within: frozenset[Any]) -> Any:
    if typing.is_typeddict(hint) or is_typeddict(hint):
        # One that holds itself stays as it is there, and pydantic says what it thinks of it.
        return hint if hint in within else _make_usable_copy(hint, within)
    if is_pydantic_v1(hint):
        return annotate_v1(hint)
    args = get_args(hint)
    made = tuple(_make_usable_type(arg, within) for arg in args)
    if all(one is other for one, other in zip(args, made, strict=True)):
        return hint
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return Union[made]  # noqa: UP007 - there is no other way to write it of a tuple
    if origin is typing.Annotated:
        return origin[made]
    return hint.copy_with(made) if hasattr(hint, "copy_with") else origin[made]


@lru_cache(maxsize=256)
def _make_usable_copy(kind: Any, within: frozenset[Any]) -> Any:
    try:
        hints = typing.get_type_hints(kind, include_extras=True)
    except NameError:  # names that only a type checker knows
        return kind
    made = {name: _make_usable_type(hint, within | {kind}) for name, hint in hints.items()}
    needed = {name for name in kind.__required_keys__ if not _has_default(hints[name])}
    is_old = sys.version_info < (3, 12) and type(kind).__module__ == "typing"
    if not is_old and needed == kind.__required_keys__ and all(made[name] is hint for name, hint in hints.items()):
        return kind
    make: Any = TypedDict
    twin = make(kind.__name__, {name: _make_optional_key(hint, name not in needed) for name, hint in made.items()})
    twin.__doc__, twin.__module__ = kind.__doc__, kind.__module__
    if hasattr(kind, "__pydantic_config__"):
        twin.__pydantic_config__ = kind.__pydantic_config__
    return twin


def _make_optional_key(hint: Any, optional: bool) -> Any:
    # Annotations that are texts hide NotRequired from the class, but not from get_type_hints.
    says_itself = get_origin(hint) in (typing.NotRequired, typing.Required)
    return typing.NotRequired[hint] if optional and not says_itself else hint


def _has_default(hint: Any) -> bool:
    marks = get_args(hint)[1:] if get_origin(hint) is typing.Annotated else ()
    return len(marks) == 2 and marks[0] is not ... and (marks[1] is None or isinstance(marks[1], str))
