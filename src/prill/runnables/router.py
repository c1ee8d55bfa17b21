"""Selects a step by the key in its input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from typing_extensions import TypedDict

from prill.callbacks.run import Run
from prill.errors import CompositionError
from prill.runnables.base import Runnable, coerce_to_runnable
from prill.runnables.branch import ConditionalRunnable
from prill.runnables.structure import Part, Structure

Output = TypeVar("Output", covariant=True)


class RouterInput(TypedDict):
    """The input of a ``RouterRunnable``: the key of the step, and the step's input."""

    key: str
    input: Any


class RouterRunnable(ConditionalRunnable[Any, Output]):
    """``RouterRunnable({"add": a, "count": b})`` runs the step that its input names: ``{"key": "add", "input": x}``."""

    _equality_fields = ("runnables",)

    def __init__(self, runnables: Mapping[str, Any]) -> None:
        if not runnables:
            raise CompositionError("a RouterRunnable has one step or more: RouterRunnable({'add': step})")
        self.runnables = {key: coerce_to_runnable(step) for key, step in runnables.items()}
        self.name = None

    def _may_restart_stream(self) -> bool:
        return any(step._may_restart_stream() for step in self.runnables.values())

    def _structure(self) -> Structure:
        return Structure("choice", [Part(step, repr(key), key) for key, step in self.runnables.items()])

    def _input_or_output_type(self, side: Literal["input", "output"]) -> Any:
        return RouterInput if side == "input" else super()._input_or_output_type(side)

    async def _choose(self, input: Any, run: Run) -> tuple[Runnable[Any, Any], Any, str, str]:
        if not isinstance(input, Mapping) or "key" not in input or "input" not in input:
            raise CompositionError(f"the input of a router must be {{'key': …, 'input': …}}, not {input!r:.80}")
        key = input["key"]
        if key not in self.runnables:
            raise CompositionError(f"the router has no step {key!r}; it has {', '.join(map(repr, self.runnables))}")
        return self.runnables[key], input["input"], f"route:{key}", repr(key)

    def __repr__(self) -> str:
        return f"RouterRunnable({self.runnables!r})"
