"""Observing a step: its run is reported from outside, the body itself knows nothing of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from types import FrameType
from typing import Any, ClassVar, Protocol

from prill.callbacks.run import Run, get_model_name, get_usage
from prill.errors import Cancelled
from prill.io import close, closing
from prill.runnables.engine.accumulator import Accumulator
from prill.runnables.engine.chunks import StreamRestart
from prill.runnables.engine.step_streams import open_stream
from prill.runnables.engine.streams import (
    ADD,
    AS_INPUT,
    EMPTY,
    NOWHERE,
    REPLACE,
    Combine,
    LateRule,
    Rule,
    SingleValueStream,
    Stream,
    collect,
    new_accumulator,
)


class Step(Protocol):
    """The parts of a Runnable that are needed to observe it."""

    _kind: ClassVar[str]

    @property
    def _combine(self) -> Combine: ...

    def get_name(self) -> str: ...
    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any: ...
    def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]: ...
    def _get_tags_and_metadata(self, kwargs: dict[str, Any]) -> tuple[list[str] | None, dict[str, Any] | None]: ...
    def _get_reported_input(self, input: Any) -> Any: ...
    def _streams_output(self, run: Run, kwargs: dict[str, Any]) -> bool: ...


async def observe_call(step: Step, input: Any, run: Run, kwargs: dict[str, Any]) -> Any:
    """Run ``step._work`` and report it to the observers of the run."""
    _report_start(step, run, kwargs, input=input, streamed=False)
    try:
        await _notify(run, "on_start", run.input)
        output = await step._work(input, run, **kwargs)
    except BaseException as error:
        await _report_failure(run, error, None)
        raise
    _count_usage(run, output)
    await _notify(run, "on_end", output)
    return output


def observe_flow(step: Step, inputs: Stream[Any], run: Run, kwargs: dict[str, Any]) -> Stream[Any]:
    """The stream of ``step``, reported to the observers of the run."""
    if not step._streams_output(run, kwargs):
        return Stream(_observe_whole(step, inputs, run, kwargs))
    if isinstance(inputs, SingleValueStream):
        body = open_stream(step, inputs, run, kwargs)
    elif step._kind in _START_WITH_FIRST_CHUNK:
        inputs = _prefetch_first_chunk(inputs)
        body = open_stream(step, inputs, run, kwargs)
    else:
        rule = LateRule() if step._combine is AS_INPUT else step._combine
        accumulated = new_accumulator(rule)
        observed = _observe_flow(step, inputs, rule, accumulated, run, kwargs)
        return Stream(observed, rule, NOWHERE, accumulated)
    accumulated = body.accumulated or body.new_accumulator()
    observed = _observe_flow(step, inputs, body, accumulated, run, kwargs)
    return Stream(observed, body.rule, body.restarts, accumulated)


_START_WITH_FIRST_CHUNK = frozenset({"chain", "parser"})
"""Kinds of steps whose start is reported with the first chunk of their input, not with the whole of it."""


async def _observe_whole(
    step: Step, inputs: Stream[Any], run: Run, kwargs: dict[str, Any]
) -> AsyncGenerator[Any, None]:
    value = await collect(inputs)
    if value is not EMPTY:
        yield await observe_call(step, value, run, kwargs)


async def _observe_flow(
    step: Step,
    inputs: Stream[Any],
    body: Stream[Any] | Rule,
    accumulated: Accumulator,
    run: Run,
    kwargs: dict[str, Any],
) -> AsyncGenerator[Any, None]:
    if not isinstance(body, Stream):  # it is opened when the whole input is there
        value = await collect(inputs)
        if value is EMPTY:
            return
        inputs, rule = SingleValueStream(value), body
        body = open_stream(step, inputs, run, kwargs)
        if isinstance(rule, LateRule):
            rule.follow(body)
    if isinstance(inputs.source, _PrefetchedStream):
        await inputs.source.prefetch()
    _report_start(
        step, run, kwargs, input=inputs.value if isinstance(inputs, SingleValueStream) else None, streamed=True
    )
    observers = run.observers or ()
    try:
        await _notify(run, "on_start", run.input)
        callbacks = [call for observer in observers if (call := observer.chunk_callback(run)) is not None]
        restart_callbacks = [observer.on_restart for observer in observers]
        # A body that hands on a stream which is observed itself shares its sum.
        add = accumulated.add if accumulated is not body.accumulated else None
        may_replace = body.rule is not ADD
        async for chunk in body.source:
            if may_replace and body.combine is REPLACE:
                run.state["replaces"] = True
            for callback in callbacks if type(chunk) is not StreamRestart else restart_callbacks:
                notice = callback(run, chunk)
                if notice is not None:
                    await notice
            if add is not None:
                add(chunk)
            yield chunk
    except BaseException as error:
        try:
            await close(body)
            await close(inputs)  # a body that has not started closes nothing, and its input has started
        finally:
            await _report_failure(run, error, accumulated.value())
        raise
    if inputs.accumulated is not None:
        run.input = inputs.accumulated.value()
    output = accumulated.value()
    _count_usage(run, output)
    await _notify(run, "on_end", output)


def _report_start(step: Step, run: Run, kwargs: dict[str, Any], *, input: Any, streamed: bool) -> None:
    run.start(step.get_name(), step._kind, *step._get_tags_and_metadata(kwargs))
    run.streamed = streamed
    run.raw_input = input
    run.kwargs, run.step = kwargs, step
    try:
        run.input = None if input is None else step._get_reported_input(input)
    except Exception:  # the step raises its own error about its input once it has started
        run.input = input


async def _report_failure(run: Run, error: BaseException, partial: Any) -> None:
    if partial is None:
        partial = getattr(error, "partial", None)
    _count_usage(run, partial)
    # A run that was left, cancelled or interrupted did not fail.
    if isinstance(error, Exception) and not isinstance(error, Cancelled):
        run.state["partial"] = partial
        await _notify(run, "on_error", error)
    else:
        run.state["stopped"] = error
        await _notify(run, "on_cancel", partial)


def _count_usage(run: Run, output: Any) -> None:
    """Add the tokens of a model's answer, whole or partial, to the counter of the run."""
    if run.kind in ("chat_model", "llm") and run.usage is not None and (usage := get_usage(output)):
        run.usage.add(get_model_name(output) or run.metadata.get("ls_model_name") or run.name, usage)


async def _notify(run: Run, method: str, *facts: Any) -> None:
    """Notify all observers, also those after one that raises or is interrupted: each sees every event of a run."""
    raised: BaseException | None = None
    for observer in run.observers or ():
        try:
            notice = getattr(observer, method)(run, *facts)
            if notice is not None:
                await notice
        except BaseException as error:
            raised = raised or error
    if raised is not None:
        raise raised


def _prefetch_first_chunk(stream: Stream[Any]) -> Stream[Any]:
    """``stream`` as the input of an observed step, whose sum is kept for the report of the step's end."""
    if stream.accumulated is not None:
        return stream.through(_PrefetchedStream(stream.source, stream.source))
    accumulated = stream.new_accumulator()
    source = _PrefetchedStream(stream.source, _accumulate_while_streaming(stream.source, accumulated))
    return Stream(source, stream.rule, stream.restarts, accumulated)


class _PrefetchedStream:
    """A step's input, whose first chunk is awaited before the step starts: after the step before it."""

    __slots__ = ("_first", "_given", "_next", "_source", "aclose")

    def __init__(self, given: AsyncIterator[Any], source: AsyncIterator[Any]) -> None:
        self._given = given
        self._source = source
        self.aclose: Any = getattr(source, "aclose", None)
        self._next = source.__anext__
        self._first: SingleValueStream[Any] | None = None

    @property
    def ag_frame(self) -> FrameType | None:
        return getattr(self._given, "ag_frame", None)

    @property
    def ag_running(self) -> bool | None:
        return getattr(self._source, "ag_running", None)

    @property
    def error(self) -> BaseException | None:
        return getattr(self._given, "error", None)

    async def prefetch(self) -> None:
        """Wait for the first chunk."""
        try:
            self._first = SingleValueStream(await self._next())
        except StopAsyncIteration:
            self._first = SingleValueStream(None)
            await self._first.aclose()

    def __aiter__(self) -> _PrefetchedStream:
        return self

    def __anext__(self) -> Any:
        if self._first is None:
            return self._next()
        first, self._first = self._first, None
        return first.__anext__()


async def _accumulate_while_streaming(
    source: AsyncIterator[Any], accumulated: Accumulator
) -> AsyncGenerator[Any, None]:
    async with closing(source):
        async for chunk in source:
            accumulated.add(chunk)
            yield chunk
