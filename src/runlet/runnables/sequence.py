"""Steps one after another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import FrameType
from typing import Any, TypeVar

from runlet.callbacks.run import Run
from runlet.errors import CompositionError, add_step
from runlet.io import closing
from runlet.runnables.base import Runnable
from runlet.runnables.coerce import coerce_to_runnable
from runlet.runnables.origin import came_from, first_passed, frame_of
from runlet.runnables.parts import part
from runlet.runnables.streams import like

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)


@part("sequence")
class RunnableSequence(Runnable[Input, Output]):
    """A chain: each step is given the output of the one before. Usually written ``a | b | c``.

    It streams as far as its steps do: a step that works on pieces passes pieces on, one that must wait for its whole
    input (a prompt, a model, a plain function) waits, and streaming goes on after it.
    """

    steps: list[Runnable[Any, Any]]

    def __init__(self, *steps: Any, name: str | None = None, first: Any = None, middle: Any = (), last: Any = None):
        flat: list[Runnable[Any, Any]] = []
        begin = [] if first is None else [first]
        end = [] if last is None else [last]
        for thing in (*begin, *steps, *middle, *end):
            step = coerce_to_runnable(thing)
            # A named sequence stays one step, so that its name is seen.
            flat += step.steps if isinstance(step, RunnableSequence) and step.name is None else [step]
        if len(flat) < 2:
            raise CompositionError(f"a RunnableSequence has two steps or more, not {len(flat)}: {flat!r:.80}")
        self.steps = flat
        self.name = name
        self._tags = [f"seq:step:{index}" for index in range(1, len(flat) + 1)]

    @property
    def first(self) -> Runnable[Any, Any]:
        return self.steps[0]

    @property
    def middle(self) -> list[Runnable[Any, Any]]:
        return self.steps[1:-1]

    @property
    def last(self) -> Runnable[Any, Any]:
        return self.steps[-1]

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        index = 0
        try:
            if kwargs:
                input = await self.steps[0]._step(input, run.child(self._tags[0]), **kwargs)
                index = 1
            if run.observers is None:
                # The loop of an unwatched chain: children are the run itself.
                for step in self.steps[index:] if index else self.steps:
                    input = await step._step(input, run)
                    index += 1
            else:
                for step in self.steps[index:]:
                    input = await step._step(input, run.child(self._tags[index]))
                    index += 1
        except Exception as error:
            self._locate(error, index)
            raise
        return input

    def _restarts(self) -> bool:
        return any(step._restarts() for step in self.steps)

    def _flow(self, inputs: AsyncIterator[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        given = frame_of(inputs)
        frames = []
        stream = inputs
        for step, tag in zip(self.steps, self._tags, strict=True):
            stream = step._step_flow(stream, run.child(tag), **kwargs)
            frames.append(frame_of(stream))
            kwargs = {}
        made = self._guard(stream, frames, inputs, given)
        return like(stream, made)

    async def _guard(
        self,
        stream: AsyncIterator[Any],
        frames: list[FrameType | None],
        inputs: AsyncIterator[Any],
        given: FrameType | None,
    ) -> AsyncIterator[Any]:
        async with closing(stream):
            try:
                async for chunk in stream:
                    yield chunk
            except Exception as error:
                if not came_from(inputs, given, error):
                    index = first_passed(error, frames)
                    self._locate(error, len(frames) - 1 if index is None else index)
                if type(error) is RecursionError and _TOO_DEEP not in getattr(error, "__notes__", ()):
                    error.add_note(_TOO_DEEP)
                raise

    def _locate(self, error: Exception, index: int) -> None:
        name = self.steps[index].get_name()
        add_step(error, self.get_name(), f"step {index + 1} ({name})", inner=name)

    def __repr__(self) -> str:
        return " | ".join(_in_chain(step) for step in self.steps)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RunnableSequence):
            return NotImplemented
        return self.steps == other.steps and self.name == other.name

    __hash__ = object.__hash__


_TOO_DEEP = (
    "each step of a streamed chain is nested in the next: some 190 plain generators, or 500 other steps, reach "
    "Python's limit. Raise it with sys.setrecursionlimit, or write plain generators as async ones"
)


def _in_chain(step: Runnable[Any, Any]) -> str:
    text = repr(step)
    return f"({text})" if isinstance(step, RunnableSequence) else text
