"""A step while it is watched: told from outside, the body itself knows nothing of it."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, AsyncIterator
from types import FrameType
from typing import Any, ClassVar, Protocol

from runlet.callbacks.run import Run
from runlet.errors import Cancelled
from runlet.io import close
from runlet.messages.usage import add_usage
from runlet.runnables.chunks import SoFar, StreamRestart
from runlet.runnables.origin import frame_of
from runlet.runnables.restart import WAIT_FOR_INPUT, flow_of
from runlet.runnables.streams import NOTHING, Elements, Single, Snapshots, collect, like, replaces

_END: Any = object()

_COUNTING = threading.Lock()
"""Branches of a blocking run end in threads of their own; this is held for an addition."""


class Step(Protocol):
    """What is told of a Runnable."""

    _kind: ClassVar[str]

    def get_name(self) -> str: ...
    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any: ...
    def _flow(self, inputs: AsyncIterator[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]: ...
    def _labels(self, kwargs: dict[str, Any]) -> tuple[list[str] | None, dict[str, Any] | None]: ...
    def _told(self, input: Any) -> Any: ...
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
        return like(body, _observe_flow(step, inputs, body, run, kwargs))
    if step._kind in WAIT_FOR_INPUT:
        return _observe_flow(step, inputs, None, run, kwargs)
    recorded = _Recorded(inputs)
    body = flow_of(step, like(inputs, recorded), run, kwargs)
    return like(body, _observe_flow(step, recorded, body, run, kwargs))


async def _observe_whole(
    step: Step, inputs: AsyncIterator[Any], run: Run, kwargs: dict[str, Any]
) -> AsyncGenerator[Any, None]:
    value = await collect(inputs)
    if value is not NOTHING:
        yield await observe_call(step, value, run, kwargs)


async def _observe_flow(
    step: Step, inputs: AsyncIterator[Any], body: AsyncIterator[Any] | None, run: Run, kwargs: dict[str, Any]
) -> AsyncGenerator[Any, None]:
    if body is None:
        value = await collect(inputs)
        if value is NOTHING:
            return
        inputs = Single(value)
        body = step._flow(inputs, run, **kwargs)
    if isinstance(inputs, _Recorded):
        await inputs.prefetch()
    _begin(step, run, kwargs, given=inputs.value if isinstance(inputs, Single) else None, streamed=True)
    observers = run.observers or ()
    so_far = so_far_of(body)
    tell_chunk = [observer.on_chunk for observer in observers]
    tell_restart = [observer.on_restart for observer in observers]
    try:
        await _tell(run, "on_start", run.input)
        add = so_far.add
        growing = isinstance(body, Snapshots)
        async for chunk in body:
            if growing and replaces(body):
                so_far.clear()
                run.state["replaces"] = True
            for tell in tell_chunk if type(chunk) is not StreamRestart else tell_restart:
                notice = tell(run, chunk)
                if notice is not None:
                    await notice
            add(chunk)
            yield chunk
    except BaseException as error:
        try:
            await close(body)
            await close(inputs)  # a body that was not begun closes nothing, and its input has begun
        finally:
            await _fail(run, error, so_far.value())
        raise
    if isinstance(inputs, _Recorded):
        run.input = inputs.whole()
    output = so_far.value()
    _count(run, output)
    await _tell(run, "on_end", output)


def _begin(step: Step, run: Run, kwargs: dict[str, Any], *, given: Any, streamed: bool) -> None:
    run.start(step.get_name(), step._kind, *step._labels(kwargs))
    run.streamed = streamed
    run.given = given
    run.kwargs = kwargs
    try:
        run.input = None if given is None else step._told(given)
    except Exception:  # the step will say what is wrong with its input, when it has begun
        run.input = given


async def _fail(run: Run, error: BaseException, partial: Any) -> None:
    if partial is None:
        partial = getattr(error, "partial", None)
    _count(run, partial)
    # A run that is left, cancelled or interrupted did not fail.
    if isinstance(error, Exception) and not isinstance(error, Cancelled):
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


class _Listed(SoFar):
    """The elements of a list so far."""

    def __init__(self) -> None:
        super().__init__()
        self._elements: list[Any] = []

    def add(self, chunk: Any) -> None:
        self._elements.append(chunk)

    def value(self) -> Any:
        return self._elements


def so_far_of(stream: Any) -> SoFar:
    """What puts the chunks of a stream together."""
    return _Listed() if isinstance(stream, Elements) else SoFar()


class _Recorded:
    """A stream that remembers its chunks, for the end of a run to tell its input."""

    def __init__(self, stream: AsyncIterator[Any]) -> None:
        self._stream = stream
        self._so_far = so_far_of(stream)
        self._first: Any = None
        self._growing = isinstance(stream, Snapshots)
        self._add = self._so_far.add
        self._next = stream.__anext__

    @property
    def ag_frame(self) -> FrameType | None:
        return frame_of(self._stream)

    @property
    def error(self) -> Exception | None:
        return getattr(self._stream, "error", None)

    def __aiter__(self) -> _Recorded:
        return self

    async def prefetch(self) -> None:
        """Wait for the first chunk: a step begins when its input does, and after the step before it."""
        self._first = [await anext(self._stream, _END)]

    async def __anext__(self) -> Any:
        if self._first is not None:
            (chunk,), self._first = self._first, None
            if chunk is _END:
                raise StopAsyncIteration
        else:
            chunk = await self._next()
        if self._growing and replaces(self._stream):
            self._so_far.clear()
        self._add(chunk)
        return chunk

    async def aclose(self) -> None:
        await close(self._stream)

    def whole(self) -> Any:
        return self._so_far.value()
