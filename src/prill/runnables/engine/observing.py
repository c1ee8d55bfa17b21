"""A step while it is watched: told from outside, the body itself knows nothing of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, ClassVar, Protocol

from prill.callbacks.run import Run
from prill.errors import Cancelled
from prill.io import close, closing, make_lock
from prill.messages.usage import add_usage
from prill.runnables.engine.chunks import Accumulator, StreamRestart
from prill.runnables.engine.restarts import WAIT_FOR_INPUT, flow_of
from prill.runnables.engine.streams import (
    NOTHING,
    Elements,
    Marked,
    Single,
    Snapshots,
    bare,
    collect,
    like,
    replaces,
    sum_of,
)

_COUNTING = make_lock()
"""Branches of a blocking run end in threads of their own; this is held for an addition."""


class Step(Protocol):
    """What is told of a Runnable."""

    _kind: ClassVar[str]

    def get_name(self) -> str: ...
    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any: ...
    def _flow(self, inputs: AsyncIterator[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]: ...
    def _labels(self, kwargs: dict[str, Any]) -> tuple[list[str] | None, dict[str, Any] | None]: ...
    def _observed_input(self, input: Any) -> Any: ...
    def _in_one_piece(self, run: Run, kwargs: dict[str, Any]) -> bool: ...


async def observe_call(step: Step, input: Any, run: Run, kwargs: dict[str, Any]) -> Any:
    """Run ``step._work`` and tell the run's observers."""
    _begin(step, run, kwargs, given=input, streamed=False)
    try:
        await _tell(run, "on_start", run.input)
        output = await step._work(input, run, **kwargs)
    except BaseException as error:
        await _fail(run, error, None)
        raise
    _count(run, output)
    await _tell(run, "on_end", output)
    return output


def observe_flow(step: Step, inputs: AsyncIterator[Any], run: Run, kwargs: dict[str, Any]) -> AsyncIterator[Any]:
    """Run ``step._flow`` and tell the run's observers."""
    if step._in_one_piece(run, kwargs):
        return _observe_whole(step, inputs, run, kwargs)
    if isinstance(inputs, Single):
        body = step._flow(inputs, run, **kwargs)
    elif step._kind in WAIT_FOR_INPUT:
        so_far = Accumulator()
        return Marked(_observe_flow(step, inputs, None, so_far, run, kwargs), so_far)
    else:
        begun = _Begun(inputs)
        body = flow_of(step, like(inputs, begun), run, kwargs)
        inputs = begun
    so_far = sum_of(body) or so_far_of(body)
    return like(body, _observe_flow(step, inputs, body, so_far, run, kwargs), so_far)


async def _observe_whole(
    step: Step, inputs: AsyncIterator[Any], run: Run, kwargs: dict[str, Any]
) -> AsyncGenerator[Any, None]:
    value = await collect(inputs)
    if value is not NOTHING:
        yield await observe_call(step, value, run, kwargs)


async def _observe_flow(
    step: Step,
    inputs: AsyncIterator[Any],
    body: AsyncIterator[Any] | None,
    so_far: Accumulator,
    run: Run,
    kwargs: dict[str, Any],
) -> AsyncGenerator[Any, None]:
    if body is None:
        value = await collect(inputs)
        if value is NOTHING:
            return
        inputs = Single(value)
        body = step._flow(inputs, run, **kwargs)
    if isinstance(inputs, _Begun):
        await inputs.prefetch()
    _begin(step, run, kwargs, given=inputs.value if isinstance(inputs, Single) else None, streamed=True)
    observers = run.observers or ()
    try:
        await _tell(run, "on_start", run.input)
        tell_chunk = [tell for observer in observers if (tell := observer.chunk_callback(run)) is not None]
        tell_restart = [observer.on_restart for observer in observers]
        # What passes on another watched stream as it is has that one's sum.
        add = so_far.add if so_far is not sum_of(body) else None
        growing = isinstance(body, Snapshots)
        async for chunk in bare(body):
            if growing and replaces(body):
                if add is not None:
                    so_far.clear()
                run.state["replaces"] = True
            for tell in tell_chunk if type(chunk) is not StreamRestart else tell_restart:
                notice = tell(run, chunk)
                if notice is not None:
                    await notice
            if add is not None:
                add(chunk)
            yield chunk
    except BaseException as error:
        try:
            await close(body)
            await close(inputs)  # a body that was not begun closes nothing, and its input has begun
        finally:
            await _fail(run, error, so_far.value())
        raise
    if isinstance(inputs, _Begun):
        run.input = inputs.so_far.value()
    output = so_far.value()
    _count(run, output)
    await _tell(run, "on_end", output)


def _begin(step: Step, run: Run, kwargs: dict[str, Any], *, given: Any, streamed: bool) -> None:
    run.start(step.get_name(), step._kind, *step._labels(kwargs))
    run.streamed = streamed
    run.raw_input = given
    run.kwargs, run.step = kwargs, step
    try:
        run.input = None if given is None else step._observed_input(given)
    except Exception:  # the step will say what is wrong with its input, when it has begun
        run.input = given


async def _fail(run: Run, error: BaseException, partial: Any) -> None:
    if partial is None:
        partial = getattr(error, "partial", None)
    _count(run, partial)
    # A run that is left, cancelled or interrupted did not fail.
    if isinstance(error, Exception) and not isinstance(error, Cancelled):
        run.state["partial"] = partial
        await _tell(run, "on_error", error)
    else:
        run.state["stopped"] = error
        await _tell(run, "on_cancel", partial)


def _count(run: Run, output: Any) -> None:
    """Add the tokens of a model's answer, whole or not, to those of its root, by model."""
    usage = getattr(output, "usage_metadata", None) if run.kind in ("chat_model", "llm") else None
    if usage:
        about = output.response_metadata
        model = about.get("model_name") or about.get("model") or run.metadata.get("ls_model_name") or run.name
        with _COUNTING:
            counted = run.root.state.setdefault("usage", {})
            counted[model] = add_usage(counted.get(model), usage)


async def _tell(run: Run, what: str, *facts: Any) -> None:
    """Tell all observers, also those after one that raises or is interrupted: each sees the whole course of a run."""
    raised: BaseException | None = None
    for observer in run.observers or ():
        try:
            notice = getattr(observer, what)(run, *facts)
            if notice is not None:
                await notice
        except BaseException as error:
            raised = raised or error
    if raised is not None:
        raise raised


class _Listed(Accumulator):
    """The elements of a list so far."""

    def __init__(self) -> None:
        super().__init__()
        self._elements: list[Any] = []

    def add(self, chunk: Any) -> None:
        self._elements.append(chunk)

    def value(self) -> Any:
        return self._elements


def so_far_of(stream: Any) -> Accumulator:
    """What puts the chunks of a stream together."""
    return _Listed() if isinstance(stream, Elements) else Accumulator()


class _Begun(Marked[Any]):
    """A step's input, of which the first chunk is waited for before the step is; with its sum, for the run's end."""

    __slots__ = ("_first", "_next", "_source")

    so_far: Accumulator

    def __init__(self, stream: AsyncIterator[Any]) -> None:
        so_far = sum_of(stream)
        source: Any = bare(stream) if so_far is not None else _recorded(stream, so_far := so_far_of(stream))
        super().__init__(stream, so_far)
        self._source = source
        self.aclose = self._source.aclose
        self._next = source.__anext__
        self._first: Single[Any] | None = None

    @property
    def ag_running(self) -> bool | None:
        return getattr(self._source, "ag_running", None)

    async def prefetch(self) -> None:
        """Wait for the first chunk: a step begins when its input does, and after the step before it."""
        try:
            self._first = Single(await self._next())
        except StopAsyncIteration:
            self._first = Single(None)
            await self._first.aclose()

    def __anext__(self) -> Any:
        if self._first is None:
            return self._next()
        first, self._first = self._first, None
        return first.__anext__()


async def _recorded(stream: AsyncIterator[Any], so_far: Accumulator) -> AsyncGenerator[Any, None]:
    growing = isinstance(stream, Snapshots)
    async with closing(stream):
        async for chunk in stream:
            if growing and replaces(stream):
                so_far.clear()
            so_far.add(chunk)
            yield chunk
