"""The parts that ``Runnable``'s own methods make, by name.

The files that define them import ``Runnable`` and enter themselves here, so ``Runnable`` need not import them; they are
imported when a method first asks for them.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

Make = TypeVar("Make", bound=Callable[..., Any])


class _Parts(dict[str, Callable[..., Any]]):
    def __missing__(self, name: str) -> Callable[..., Any]:
        import_module(_HOMES.get(name) or f"prill.runnables.{name.partition('.')[0]}")
        return self[name] if name in self else self._unknown(name)

    def _unknown(self, name: str) -> Callable[..., Any]:
        raise LookupError(f"prill.runnables.{name} enters no part of that name")


_HOMES = {"structured_output": "prill.providers.structured"}
"""Where parts come from that rooms above this one make."""

PARTS: dict[str, Callable[..., Any]] = _Parts()


def part(name: str) -> Callable[[Make], Make]:
    """Enter a class or a function as the part called ``name``; where it is not always there, its file's name.

    A file that enters several names them after itself: ``"pictures.notebook"``.
    """

    def enter(make: Make) -> Make:
        PARTS[name] = make
        return make

    return enter
