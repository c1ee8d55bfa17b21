"""Steps one after another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import cache
from types import FrameType
from typing import Any, TypeVar

from prill.callbacks.run import Run
from prill.errors import CompositionError, add_step
from prill.io import ExecutionMode, close
from prill.runnables.base import Runnable, coerce_to_runnable
from prill.runnables.engine.overrides import PatchAware
from prill.runnables.engine.stack import (
    STEPS_BETWEEN_GUARDS,
    on_shallow_stack,
    with_stack_guard,
)
from prill.runnables.engine.streams import SingleValueStream, Stream, find_step, get_frame, passed_through
from prill.runnables.structure import Part, Structure

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)


class RunnableSequence(Runnable[Input, Output], metaclass=PatchAware):
    """A chain: each step gets the output of the step before. Usually written ``a | b | c``.

    It streams as far as its steps do: a step that works on chunks passes chunks on, a step that needs its whole input
    (a prompt, a model, a plain function) waits for it, and streaming continues after it.
    """

    _equality_fields = ("steps", "name")

    steps: list[Runnable[Any, Any]]
    _nesting: int
    """How many levels of chains are nested here, including this one."""

    def __init__(self, *steps: Any, name: str | None = None, first: Any = None, middle: Any = (), last: Any = None):
        if first is not None or middle or last is not None:
            steps = (*_flatten_step(first), *steps, *middle, *_flatten_step(last))
        flat: list[Runnable[Any, Any]] = []
        nesting = 1
        for thing in steps:
            step = thing if isinstance(thing, Runnable) else coerce_to_runnable(thing)
            if not isinstance(step, RunnableSequence):
                flat.append(step)
            # A named sequence stays one step, so that its name is seen; one with verbs of its own, so that they are.
            elif step.name is None and not step._overrides:
                flat += step.steps
                nesting = max(nesting, step._nesting)
            else:
                flat.append(step)
                nesting = max(nesting, step._nesting + 1)
        if len(flat) < 2:
            raise CompositionError(f"a RunnableSequence needs at least two steps, not {len(flat)}: {flat!r:.80}")
        own = self.__dict__  # see Runnable.__setattr__
        own["steps"] = flat
        own["name"] = name
        own["_nesting"] = nesting

    @property
    def first(self) -> Runnable[Any, Any]:
        return self.steps[0]

    @property
    def middle(self) -> list[Runnable[Any, Any]]:
        return self.steps[1:-1]

    @property
    def last(self) -> Runnable[Any, Any]:
        return self.steps[-1]

    def _structure(self) -> Structure:
        return Structure("sequence", [Part(step, f"step {number}") for number, step in enumerate(self.steps, 1)])

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        index = 0
        try:
            if kwargs:
                input = await self.steps[0]._step(input, run.child(_make_step_tag(0)), **kwargs)
                index = 1
            if run.observers is None:
                # The loop of a chain that nobody observes: its children share the run.
                for step in self.steps[index:] if index else self.steps:
                    input = await step._step(input, run)
                    index += 1
            else:
                for step in self.steps[index:]:
                    input = await step._step(input, run.child(_make_step_tag(index)))
                    index += 1
        except Exception as error:
            self._add_step_to_path(error, index)
            raise
        return input

    def _may_restart_stream(self) -> bool:
        return any(step._may_restart_stream() for step in self.steps)

    def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> Stream[Any]:
        if self._nesting % STEPS_BETWEEN_GUARDS == 0 and not isinstance(inputs, SingleValueStream):
            inputs = with_stack_guard(inputs, run.io)
        frames = [get_frame(inputs)]
        stream = inputs
        child = run
        try:
            for index, step in enumerate(self.steps):
                if run.observers is not None:
                    child = run.child(_make_step_tag(index))
                stream = step._step_flow(stream, child, **kwargs)
                frames.append(getattr(stream.source, "ag_frame", None))  # not get_frame: this runs for every step
                kwargs = {}
                if index % STEPS_BETWEEN_GUARDS == STEPS_BETWEEN_GUARDS - 1:
                    stream = with_stack_guard(stream, run.io)
        except RecursionError as error:
            _add_streaming_hint(error)
            raise
        return stream.through(self._add_error_path(stream.source, run.io, inputs, frames))

    async def _add_error_path(
        self, source: AsyncIterator[Any], io: ExecutionMode, inputs: Stream[Any], frames: list[FrameType | None]
    ) -> AsyncIterator[Any]:
        """The chunks of the last step, and the path of an error; ``frames`` are those of the input and the steps."""
        if self._nesting > 1:
            source = on_shallow_stack(source, io)
        try:
            async for chunk in source:
                yield chunk
        except Exception as error:
            if not passed_through(inputs, frames[0], error):
                self._add_step_to_path(error, find_step(error, frames[1:]))
            raise
        finally:
            await close(source)

    def _add_step_to_path(self, error: Exception, index: int) -> None:
        _add_streaming_hint(error)
        name = self.steps[index].get_name()
        add_step(error, self.get_name(), f"step {index + 1} ({name})", inner=name)

    def __repr__(self) -> str:
        return " | ".join(_format_step(step) for step in self.steps)


def _flatten_step(step: Any) -> tuple[Any, ...]:
    return () if step is None else (step,)


@cache
def _make_step_tag(index: int) -> str:
    """The tag of the run of one step."""
    return f"seq:step:{index + 1}"


_TOO_DEEP_MESSAGE = (
    "chains are nested more than about 200 levels deep, which exceeds Python's recursion limit. Nest them less deeply "
    "(a single chain may have any number of steps), or raise the limit with sys.setrecursionlimit"
)


def _add_streaming_hint(error: Exception) -> None:
    if type(error) is RecursionError and _TOO_DEEP_MESSAGE not in getattr(error, "__notes__", ()):
        error.add_note(_TOO_DEEP_MESSAGE)


def _format_step(step: Runnable[Any, Any]) -> str:
    text = repr(step)
    return f"({text})" if isinstance(step, RunnableSequence) else text
