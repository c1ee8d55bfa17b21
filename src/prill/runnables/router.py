"""Choosing a step by the name that its input gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from typing_extensions import TypedDict

from prill.callbacks.run import Run
from prill.errors import CompositionError
from prill.runnables.base import Runnable
from prill.runnables.branch import Choosing
from prill.runnables.coerce import coerce_to_runnable

Output = TypeVar("Output", covariant=True)


class RouterInput(TypedDict):
    """What a ``RouterRunnable`` is given: the key of the step, and the step's input."""

    key: str
    input: Any


class RouterRunnable(Choosing[Any, Output]):
    """``RouterRunnable({"add": a, "count": b})`` runs the step that its input names: ``{"key": "add", "input": x}``."""

    def __init__(self, runnables: Mapping[str, Any]) -> None:
        if not runnables:
            raise CompositionError("a RouterRunnable has one step or more: RouterRunnable({'add': step})")
        self.runnables = {key: coerce_to_runnable(step) for key, step in runnables.items()}
        self.name = None

    def _may_restart(self) -> bool:
        return any(step._may_restart() for step in self.runnables.values())

    async def _choose(self, input: Any, run: Run) -> tuple[Runnable[Any, Any], Any, str, str]:
        if not isinstance(input, Mapping) or "key" not in input or "input" not in input:
            raise CompositionError(f"a router is given {{'key': …, 'input': …}}, not {input!r:.80}")
        key = input["key"]
        if key not in self.runnables:
            raise CompositionError(f"the router has no step {key!r}; it has {', '.join(map(repr, self.runnables))}")
        return self.runnables[key], input["input"], f"route:{key}", repr(key)

    def __repr__(self) -> str:
        return f"RouterRunnable({self.runnables!r})"

    def __eq__(self, other: object) -> bool:
        return self.runnables == other.runnables if isinstance(other, RouterRunnable) else NotImplemented

    __hash__ = object.__hash__
