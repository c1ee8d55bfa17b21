"""A Runnable run on each item of a list."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, TypeVar

from prill.callbacks.config import Config
from prill.callbacks.run import Run
from prill.errors import CompositionError, add_step, carry_path
from prill.runnables.base import Runnable, coerce_to_runnable
from prill.runnables.engine.overrides import PatchAware
from prill.runnables.structure import Part, Streaming, Structure

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)


class RunnableEach(Runnable[Sequence[Any], list[Any]], metaclass=PatchAware):
    """Runs ``bound`` on all items of a list concurrently; made by ``map``. The outputs keep the order of the items."""

    _equality_fields = ("bound",)

    bound: Runnable[Any, Any]

    def __init__(self, bound: Any) -> None:
        self.__dict__["bound"] = coerce_to_runnable(bound)

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        return super().get_name(suffix, name=name or self.name or f"RunnableEach<{self.bound.get_name()}>")

    def _structure_for_graph(self, config: Config | None) -> Structure:
        return Structure("wrapper", [Part(self.bound)])

    def _input_or_output_type(self, side: Literal["input", "output"]) -> Any:
        item = self.bound.InputType if side == "input" else self.bound.OutputType
        return list[item]  # type: ignore[valid-type]  # a type made at run time

    def _describe_streaming(self) -> Streaming:
        return Streaming("buffers", False, "it runs on each item of the whole list, and returns all outputs at once")

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        if isinstance(input, str | bytes) or not hasattr(input, "__iter__"):
            raise CompositionError(
                f"{self.get_name()} runs on each item of a list; it was given {type(input).__name__} ({input!r:.80})"
            )
        thunks = [partial(self._run_item, index, item, run, kwargs) for index, item in enumerate(input)]
        try:
            return await run.io.gather(thunks, run.limit) if thunks else []
        except Exception as error:
            carry_path(error, self.get_name())
            raise

    async def _run_item(self, index: int, item: Any, run: Run, kwargs: dict[str, Any]) -> Any:
        try:
            return await self.bound._step(item, run.child(), **kwargs)
        except Exception as error:
            name = self.bound.get_name()
            add_step(error, self.get_name(), f"item {index} ({name})", inner=name)
            raise

    def __repr__(self) -> str:
        return f"{self.bound!r}.map()"


RunnableEachBase = RunnableEach
