"""The parts that ``Runnable``'s own methods make, by name.

The files that define them import ``Runnable`` and enter themselves here, so ``Runnable`` need not import them.
``runlet.runnables`` imports them all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Make = TypeVar("Make", bound=Callable[..., Any])

PARTS: dict[str, Callable[..., Any]] = {}


def part(name: str) -> Callable[[Make], Make]:
    """Enter a class or a function as the part called ``name``."""

    def enter(make: Make) -> Make:
        PARTS[name] = make
        return make

    return enter
