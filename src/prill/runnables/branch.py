"""Selects a step by its input."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeVar, overload

from prill.callbacks.run import Run
from prill.errors import CompositionError, ConfigError, add_step
from prill.io import closing
from prill.runnables.base import Runnable, coerce_to_runnable
from prill.runnables.engine.overrides import PatchAware
from prill.runnables.engine.streams import EMPTY, IN_CHUNKS, NOWHERE, LateRule, SingleValueStream, Stream, collect
from prill.runnables.structure import Part, Streaming, Structure

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)
In = TypeVar("In")
Out = TypeVar("Out")


class ConditionalRunnable(Runnable[Input, Output], metaclass=PatchAware):
    """Runs one of several steps on the whole input; the output of that step is streamed."""

    async def _choose(self, input: Any, run: Run) -> tuple[Runnable[Any, Any], Any, str, str]:
        """Choose the step; return it with its input, the tag of its run, and its label in paths."""
        raise NotImplementedError

    _buffers_input = True

    def _describe_streaming(self) -> Streaming:
        return Streaming("buffers", False, "the whole input selects the step, which then streams as it can")

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        step, given, tag, label = await self._choose(input, run)
        try:
            return await step._step(given, run.child(tag), **kwargs)
        except Exception as error:
            self._add_step_to_path(error, step, label)
            raise

    def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> Stream[Any]:
        rule = LateRule()
        restarts = IN_CHUNKS if self._may_restart_stream() else NOWHERE
        return Stream(self._flow_chosen(inputs, run, rule, kwargs), rule, restarts)

    async def _flow_chosen(
        self, inputs: Stream[Any], run: Run, rule: LateRule, kwargs: dict[str, Any]
    ) -> AsyncGenerator[Any, None]:
        input = await collect(inputs)
        if input is EMPTY:
            return
        step, given, tag, label = await self._choose(input, run)
        stream = step._step_flow(SingleValueStream(given), run.child(tag), **kwargs)
        rule.follow(stream)
        async with closing(stream.source) as source:
            try:
                async for chunk in source:
                    yield chunk
            except Exception as error:
                self._add_step_to_path(error, step, label)
                raise

    def _add_step_to_path(self, error: Exception, step: Runnable[Any, Any], label: str) -> None:
        name = step.get_name()
        add_step(error, self.get_name(), f"{label} ({name})", inner=name)


class RunnableBranch(ConditionalRunnable[Input, Output]):
    """``RunnableBranch((condition, step), …, default)``: runs the step of the first condition that is true.

    Conditions and steps are anything that can be a step of a chain; a condition gets the input.
    """

    _equality_fields = ("branches", "default")

    @overload
    def __init__(
        self: RunnableBranch[In, Out],
        *branches: tuple[Callable[[In], Any] | Runnable[In, Any], Callable[[In], Out] | Runnable[In, Out]]
        | Callable[[In], Out]
        | Runnable[In, Out],
    ) -> None: ...
    @overload
    def __init__(self: RunnableBranch[Any, Any], *branches: Any) -> None: ...
    def __init__(self, *branches: Any) -> None:
        if len(branches) < 2:
            raise ConfigError("a RunnableBranch needs at least one (condition, step) pair, and a default at the end")
        *pairs, default = branches
        self.branches: list[tuple[Runnable[Any, Any], Runnable[Any, Any]]] = []
        for pair in pairs:
            if not isinstance(pair, tuple | list) or len(pair) != 2:
                raise CompositionError(f"a branch must be a pair (condition, step), not {pair!r:.80}")
            self.branches.append((coerce_to_runnable(pair[0]), coerce_to_runnable(pair[1])))
        if isinstance(default, tuple | list):
            raise CompositionError(
                "the last argument of a RunnableBranch must be the default, a step without a condition"
            )
        self.default = coerce_to_runnable(default)
        self.name = None

    def _may_restart_stream(self) -> bool:
        return self.default._may_restart_stream() or any(step._may_restart_stream() for _, step in self.branches)

    def _structure(self) -> Structure:
        parts = []
        for number, (condition, step) in enumerate(self.branches, 1):
            name = condition.get_name()
            when = f"condition {number}" if name == "RunnableLambda" else f"if {name}"
            parts.append(Part(step, f"branch {number}", when))
        return Structure("choice", [*parts, Part(self.default, "default", "else")])

    async def _choose(self, input: Any, run: Run) -> tuple[Runnable[Any, Any], Any, str, str]:
        for number, (condition, step) in enumerate(self.branches, 1):
            try:
                holds = await condition._step(input, run.child(f"condition:{number}"))
            except Exception as error:
                self._add_step_to_path(error, condition, f"condition {number}")
                raise
            if holds:
                return step, input, f"branch:{number}", f"branch {number}"
        return self.default, input, "branch:default", "default"

    def __repr__(self) -> str:
        pairs = ", ".join(f"({condition!r}, {step!r})" for condition, step in self.branches)
        return f"RunnableBranch({pairs}, {self.default!r})"
