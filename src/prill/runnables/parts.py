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


_HOMES = {
    "structured_output": "prill.providers.structured",
    "as_tool": "prill.runnables.describe.as_tool",
    "children.walk": "prill.runnables.describe.children",
    "config_specs": "prill.runnables.describe.config_specs",
    "config_specs.model": "prill.runnables.describe.config_specs",
    "explain": "prill.runnables.describe.streaming_report",
    "graph_of": "prill.runnables.drawing.build",
    "pictures.notebook": "prill.runnables.drawing.notebook",
    "pictures.rich": "prill.runnables.drawing.notebook",
    "schemas": "prill.runnables.describe.schemas",
    "schemas.object": "prill.runnables.describe.schemas",
    "types": "prill.runnables.describe.types",
    "types.annotated": "prill.runnables.describe.types",
    "views.events": "prill.runnables.engine.views",
    "views.log": "prill.runnables.engine.views",
    "views.log_selection": "prill.runnables.engine.views",
    "views.selection": "prill.runnables.engine.views",
}
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
